"""One update as a CUDA graph: captured once, replayed on tensors that stay where they are.

A small model leaves a GPU waiting for the host, which starts some hundred kernels a step. A graph
starts them all at once. What is captured is fixed: addresses, shapes, and every number that the
host computed. So everything that changes from step to step comes in tensors, which are filled
before a replay.
"""

from itertools import chain
from weakref import WeakMethod

import torch

from .streams import global_states

# Ordinary steps before anything is measured: optimisers make their state in the first, and cuDNN
# and `torch.compile` try out what is fastest.
WARM_UP = 3
# Steps that are timed, of either kind.
TIMED = 5
# How far a replayed step may be from an ordinary one, as a part of what the step changes. Measured
# with the networks of `quick` and `paper`: sums in another order reach 0.0002 of the weights'
# change, an error of 0.001 in the noise 0.002, and the noise or the images of another step 0.07.
TOLERANCE = 0.02
# What float32 rounds away, as a part of a number.
ROUNDING = 1e-6


class GraphedStep:
    """A step that is carried out as ever, until a graph of it has proved the same and faster.

    Every call is one step of the training, also those that are measured. After some ordinary
    steps one is captured and compared with an ordinary one from the same state. Replays follow,
    are timed, and compared once more, so that a step which reads anything but its inputs is found.
    Where one of these fails, ordinary steps go on, and `note` says why, in one line.

    Parameters
    ----------
    function : callable
        ``function(*inputs)``, one whole update and what is recorded of it, on the device alone.
        It returns nothing.
    tensors : callable
        ``tensors() -> dict of str to list of Tensor``: all that a step changes or reads beside its
        inputs, by what messages call it. Each call names the tensors that are in use by then.
    capture : object or None
        `models.training.capture.CudaCapture`, or another with its methods; None for ordinary
        steps alone.
    device : torch.device
    note : callable, optional
        ``note(text)``, called at most once.

    Attributes
    ----------
    adopted : bool
        Whether replays have taken the place of ordinary steps.
    used : bool
        Whether they ever had, before or after a `restart`.
    refused : str
        Why they will not, also after a `restart`; empty unless that was decided.
    """

    def __init__(self, function, tensors, capture, device, note=None):
        self._function = function
        self._tensors = tensors
        self._capture = capture
        self._device = device
        self._note = note
        self.used = False
        self.refused = "" if capture else "nobody asked for one"
        self.restart()

    def restart(self):
        """Begin with ordinary steps: the tensors are others now, or a graph is not needed more.

        The memory of a graph that there was is free after this.
        """
        self._done = 0
        self._seconds = {"ordinary": [], "replayed": []}
        self._form = self._buffers = self._replay = None
        self.adopted = False

    def __enter__(self):
        """Begin with ordinary steps."""
        self.restart()
        return self

    def __exit__(self, *_):
        """Free the memory of a graph for whoever trains next."""
        self.restart()

    def __call__(self, *inputs):
        """Carry out a step.

        Parameters
        ----------
        *inputs : Tensor, dict, tuple, NamedTuple or None
            Tensors, and whatever of these holds them. A step whose tensors are others in number
            or shape than the captured one's is carried out as ever.
        """
        if self.refused:
            self._function(*inputs)
        elif self.adopted:
            self._repeat(inputs)
        else:
            self._try_out(inputs)

    def _try_out(self, inputs):
        number, self._done = self._done, self._done + 1
        if number < WARM_UP - 1:
            self._capture.run(self._function, inputs)
        elif number == WARM_UP - 1:
            self._look_for_obstacles(inputs)
        elif number < WARM_UP + TIMED:
            self._time("ordinary", lambda: self._capture.run(self._function, inputs))
        elif number == WARM_UP + TIMED:
            self._form = _map(_describe, inputs)
            self._buffers = _map(torch.clone, inputs)
            self._compare(inputs)
        elif number <= WARM_UP + 2 * TIMED:
            self._time("replayed", lambda: self._repeat(inputs))
        else:
            self._decide(inputs)

    def _look_for_obstacles(self, inputs):
        """An ordinary step, after which two things are known that no graph can repeat."""
        addresses, states = self._addresses(), global_states(self._device)
        self._capture.run(self._function, inputs)
        if any(not torch.equal(states[k], v) for k, v in global_states(self._device).items()):
            self._refuse("the model draws random numbers of its own")
        elif replaced := [k for k, v in self._addresses().items() if v != addresses.get(k)]:
            self._refuse(f"every step makes new tensors for its {', '.join(replaced)}")

    def _decide(self, inputs):
        """Compare once more, and adopt the graph if it is faster."""
        ordinary, replayed = (_median(self._seconds[kind]) for kind in ("ordinary", "replayed"))
        if not self._compare(inputs):
            return
        if replayed < ordinary:
            self.adopted = self.used = True
        else:
            times = f"{1e3 * replayed:.2f} ms a step against {1e3 * ordinary:.2f} ms"
            self._refuse(f"it is not faster ({times})")

    def _compare(self, inputs):
        """One step, ordinary and replayed from the same state; whether the two agree.

        The state that stays is that of the replayed step if they do, else of the ordinary one.
        """
        if _map(_describe, inputs) != self._form:
            self._refuse("its steps are not all of one shape")
            self._function(*inputs)
            return False
        self._fill(inputs)
        before = self._copy_state()
        try:
            self._capture.rehearse(self._function, self._buffers)
        except RuntimeError as error:
            self._refuse(f"a step waits for the device ({_first_line(error)})", before)
            # If something else was wrong, it is again.
            self._function(*inputs)
            return False
        after = self._copy_state()
        self._restore(before)
        try:
            if self._replay is None:
                self._replay = self._capture.capture(
                    lambda: self._function(*self._buffers), self._watched
                )
            self._replay()
        except RuntimeError as error:
            self._refuse(f"capturing a step failed ({_first_line(error)})", after)
            return False
        if differing := self._differing(before, after):
            self._refuse(f"a replayed step differs in its {', '.join(differing)}", after)
            return False
        return True

    def _repeat(self, inputs):
        if _map(_describe, inputs) == self._form:
            self._fill(inputs)
            self._replay()
        else:
            self._function(*inputs)

    def _fill(self, inputs):
        for buffer, given in zip(_leaves(self._buffers), _leaves(inputs), strict=True):
            buffer.copy_(given)

    def _time(self, kind, step):
        began = self._capture.now()
        step()
        self._seconds[kind].append(self._capture.now() - began)

    def _refuse(self, reason, state=None):
        """Go on with ordinary steps, from a state if one is given."""
        self.restart()
        self.refused = reason
        if state is not None:
            self._restore(state)
        for tensor in chain(*self._tensors().values()):
            # A step that broke off may have left a part of its gradients.
            tensor.grad = None
        if self._note is not None:
            self._note(f"training without a CUDA graph: {reason}")

    def _watched(self):
        """All tensors that a graph must find where they were, by name."""
        return {**self._tensors(), "inputs": list(_leaves(self._buffers))}

    def _addresses(self):
        return {k: [tensor.data_ptr() for tensor in v] for k, v in self._tensors().items()}

    def _copy_state(self):
        return {k: [tensor.detach().clone() for tensor in v] for k, v in self._tensors().items()}

    @torch.no_grad()
    def _restore(self, state):
        for name, tensors in self._tensors().items():
            for tensor, saved in zip(tensors, state[name], strict=True):
                tensor.copy_(saved)

    def _differing(self, before, ordinary):
        """Names of the tensors that are not what an ordinary step made of them."""
        distances = {}
        for name, tensors in self._tensors().items():
            off = _norm(one - other for one, other in _pairs(tensors, ordinary[name]))
            moved = _norm(one - other for one, other in _pairs(ordinary[name], before[name]))
            size = _norm(tensor.detach().double() for tensor in ordinary[name])
            # An optimiser may count its steps on the host.
            distances[name] = (TOLERANCE * moved + ROUNDING * size - off).to(self._device)
        # One copy to the host. What is not a number is no agreement.
        margins = torch.stack(list(distances.values())).tolist()
        return [k for k, margin in zip(distances, margins, strict=True) if not margin >= 0]


def call_weakly(method):
    """Call a method without keeping its object alive.

    An object that owns a `GraphedStep` of its own methods would refer to itself, and the memory of
    its weights and of its images would not be free as soon as the object is gone.
    """
    reference = WeakMethod(method)
    return lambda *inputs: reference()(*inputs)


def describe_optimiser(optimiser):
    """The tensors of an optimiser's state, by name, as `GraphedStep` takes them."""
    state = {}
    for entry in optimiser.state.values():
        for name, value in entry.items():
            if isinstance(value, torch.Tensor):
                state.setdefault(name, []).append(value)
    return state


def _map(function, value):
    """The same dicts and tuples, with every tensor replaced."""
    if value is None or isinstance(value, torch.Tensor):
        return None if value is None else function(value)
    if isinstance(value, dict):
        return {key: _map(function, part) for key, part in value.items()}
    parts = [_map(function, part) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def _leaves(value):
    """The tensors in dicts and tuples, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif value is not None:
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)


def _describe(tensor):
    return tensor.shape, tensor.dtype


def _pairs(one, other):
    for left, right in zip(one, other, strict=True):
        yield left.detach().double(), right.double()


def _norm(tensors):
    return torch.stack([tensor.square().sum() for tensor in tensors]).sum().sqrt()


def _median(values):
    return sorted(values)[len(values) // 2]


def _first_line(error):
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:200]
