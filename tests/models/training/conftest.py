"""What stands for a CUDA graph on a machine without a GPU."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class RerunCapture:
    """Repeats a step by calling it again, and insists that its tensors are where they were.

    Attributes
    ----------
    captures, replays : int
        How often it captured, and repeated what it captured.
    seconds : dict of str to float
        What steps take by its clock, which moves only when it is read.
    """

    def __init__(self, ordinary=2.0, replayed=1.0):
        self.captures = self.replays = 0
        self.seconds = {False: ordinary, True: replayed}
        self._replaying = False
        self._now = 0.0

    def run(self, function, inputs):
        """Carry a step out."""
        self._replaying = False
        function(*inputs)

    def rehearse(self, function, inputs):
        """The same."""
        self.run(function, inputs)

    def capture(self, function, watched):
        """Remember the step, and the addresses of what it uses."""
        self.captures += 1
        again = self.remember(function, watched)
        there = addresses(watched())

        def replay():
            now = addresses(watched())
            moved = [name for name in now if now[name] != there.get(name)]
            assert not moved, f"moved since the capture: {', '.join(moved)}"
            self._replaying = True
            self.replays += 1
            again()

        return replay

    def remember(self, function, watched):
        """What a replay does."""
        return function

    def now(self):
        """Seconds by a clock of its own."""
        self._now += self.seconds[self._replaying]
        return self._now


class TapeCapture(RerunCapture):
    """Repeats the operators of a step on the tensors that they had, as a CUDA graph does.

    No Python of the step runs again, so that what the host computed stays what it was; and as a
    capture only writes down, the step that was captured changes nothing.
    """

    def remember(self, function, watched):
        """Write the operators of one step down."""
        saved = [(t, t.detach().clone()) for part in watched().values() for t in part]
        with Tape() as tape:
            function()
        with torch.no_grad():
            for tensor, value in saved:
                tensor.copy_(value)
        return tape.play


class Tape(TorchDispatchMode):
    """The operators that were called, with their arguments and results."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        if operator is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing\nand more")
        result = operator(*args, **(kwargs or {}))
        self.calls.append((operator, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def play(self):
        """Call them again; each result goes where the first one lies."""
        for operator, args, kwargs, result in self.calls:
            again = operator(*args, **kwargs)
            for there, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                if isinstance(there, torch.Tensor) and there.data_ptr() != new.data_ptr():
                    there.copy_(new)


def addresses(tensors):
    """Where tensors lie, by name."""
    return {name: [tensor.data_ptr() for tensor in part] for name, part in tensors.items()}


@pytest.fixture
def rerun():
    """A capture that calls the step again, on the same tensors."""
    return RerunCapture()


@pytest.fixture(params=[RerunCapture, TapeCapture])
def capture(request):
    """Each way in turn in which a captured step can be repeated on a CPU."""
    return request.param()


@pytest.fixture
def tape():
    """A capture that repeats operators alone."""
    return TapeCapture()
