"""How many runs a worker trains together: as asked for, or as a calibration has chosen."""

from .stacks import measuring_key, stacking_key


class StackSizes:
    """The number of members of a stack, by what kind of runs they are.

    Parameters
    ----------
    stack : int or "auto"
        What the user asked for.
    **ways
        ``compiled``, ``deterministic`` and ``graphs``, as `measuring_key` takes them.

    Attributes
    ----------
    chosen : dict
        With "auto", the number for each measuring key; 1 for others.
    """

    def __init__(self, stack, **ways):
        self.chosen = {}
        self._stack = stack
        self._ways = ways
        self._refused = set()
        self._shapes = {}

    def set_image_shapes(self, shapes):
        """Say how large images are: dict of data set to (H, W, C)."""
        self._shapes = shapes

    def key(self, spec):
        """Runs of equal keys can be trained together; None for one that is trained alone."""
        # Without stacks, nothing heavy is imported to find this out.
        return None if self._stack == 1 else stacking_key(spec)

    def kind(self, spec):
        """Runs of equal kind take as long, step by step."""
        return measuring_key(spec, self._shapes[spec.dataset], **self._ways)

    def find(self, spec):
        """The largest number of runs to train together with `spec`, itself included."""
        key = self.key(spec)
        if key is None or key in self._refused:
            return 1
        return self.chosen.get(self.kind(spec), 1) if self._stack == "auto" else self._stack

    def refuse(self, spec):
        """From now on, train runs like this one by one."""
        self._refused.add(stacking_key(spec))
