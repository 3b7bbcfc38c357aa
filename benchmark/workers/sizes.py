"""How many runs a worker trains together."""

from .stacks import stacking_key


class StackSizes:
    """The number of members of a stack, by what kind of runs they are.

    Parameters
    ----------
    stack : int
        What the user asked for.
    """

    def __init__(self, stack):
        self._stack = stack
        self._refused = set()

    def key(self, spec):
        """Runs of equal keys can be trained together; None for one that is trained alone."""
        # Without stacks, nothing heavy is imported to find this out.
        return None if self._stack == 1 else stacking_key(spec)

    def find(self, spec):
        """The largest number of runs to train together with `spec`, itself included."""
        key = self.key(spec)
        if key is None or key in self._refused or self._stack == "auto":
            return 1
        return self._stack

    def refuse(self, spec):
        """From now on, train runs of this kind one by one."""
        self._refused.add(stacking_key(spec))
