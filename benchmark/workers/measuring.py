"""How fast a device trains runs of one kind: one by one, and in stacks of several."""

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import torch

from ...models.training import graph
from ...models.training.images import Images
from ...models.training.loop import Stopped
from ...models.training.stacking import StackedTrainer
from ..runs.building import build_trainer, close_streams
from ..runs.record import explain_failure
from .memory import free_memory, memory_in_use, release_memory

# A stack and the single run take turns so many times, in bursts of about this length.
ROUNDS, FEWEST_ROUNDS = 7, 3
BURST_SECONDS = 0.1
# Steps of a burst before those that are timed: the first fetches what others have replaced in the
# processor's caches; on CUDA every burst begins with trying out a graph of the step.
LEAD = {"cuda": graph.WARM_UP + 2 * graph.TIMED + 3}
LEAD_ELSEWHERE = 1
# Larger stacks are not tried after so many in a row that were not faster than the fastest.
MISSES = 2
# No checkpoint and no new phase falls within a measurement.
ENDLESS = 10**9
# Weights must not grow, whatever the loss and whatever the images show.
LEARNING_RATE = 1e-12


@dataclass(frozen=True)
class Measurement:
    """What it costs to train so many runs at once on a device.

    Attributes
    ----------
    members : int
        Runs trained together; 1 is the ordinary training of a run alone.
    seconds_per_run_step : float
        Time of one step divided by the members; infinite after an error.
    memory_bytes : int
        On CUDA the peak of what PyTorch allocated, elsewhere how much the resident memory of the
        process grew; without the images, which all runs share.
    graph : bool
        Whether the step was a CUDA graph.
    error : str
        One line if it could not be measured, else "".
    """

    members: int
    seconds_per_run_step: float
    memory_bytes: int
    graph: bool = False
    error: str = ""

    @property
    def run_steps_per_second(self):
        """Steps per second summed over the members."""
        return 1 / self.seconds_per_run_step


def list_sizes(count):
    """Sizes of stacks worth measuring for so many runs: powers of two.

    Examples
    --------
    >>> list_sizes(13)
    (1, 2, 4, 8)
    """
    return tuple(2**power for power in range(max(1, count).bit_length()))


def measure(
    specs,
    images,
    grid_sizes,
    device,
    sizes,
    seconds,
    compiled=False,
    workers=1,
    should_stop=None,
):
    """Measure the training of one run, and of stacks of several, from weights as at the start.

    Each stack takes turns with the single run in short bursts, so that whatever else the machine
    does falls on both, and its speed is the single run's times the median ratio. Nothing stays
    behind: neither memory nor another state of the random generators.

    Parameters
    ----------
    specs : sequence of RunSpec
        Runs that could be one stack, in the order in which they would be trained; a stack larger
        than this begins again with the first.
    images : models.training.images.Images
        On the device. What they show does not matter.
    grid_sizes : tuple of int or None
        Of the images, for a model that trains on pairs.
    device : torch.device
    sizes : iterable of int
        Numbers of members. The single run is measured in any case. No larger stack is tried after
        `MISSES` in a row that were not faster than the fastest, or after one that failed.
    seconds : float
        Time to use: a stack that would not fit is not begun.
    compiled : bool, default False
    workers : int, default 1
        Processes that measure on this device at the same time and share its memory.
    should_stop : callable, optional
        Asked after every step; True ends the measurement early.

    Returns
    -------
    tuple of Measurement
        By growing size. What failed has an `error`; nothing is raised.
    """
    device = torch.device(device)
    place = _Place(device, images, grid_sizes, compiled, should_stop or (lambda: False))
    specs = [_without_end(spec) for spec in specs]
    found = []
    with contextlib.suppress(_StopAsked), _errors_kept(found, 1):
        _measure_sizes(place, specs, sorted({*sizes} - {1}), seconds, workers, found)
    release_memory(device)
    return tuple(found)


def _measure_sizes(place, specs, sizes, seconds, workers, found):
    """Add the single run's measurement, then one for each larger size while it is worth it."""
    ends = time.perf_counter() + seconds
    with place.build(specs[:1]):
        # The memory of libraries that the first step loads is not the next run's.
        pass
    with place.build(specs[:1]) as single:
        times = [single.burst() for _ in _rounds(ends - 3 * seconds / 4)]
        found.append(Measurement(1, median(times), single.memory, single.graphed))
        fastest, misses = found[0], 0
        for members in sizes:
            step = members * found[0].seconds_per_run_step
            shortest = (1 + FEWEST_ROUNDS) * (place.lead + 1) * step
            needed = workers * members * found[-1].memory_bytes / found[-1].members
            if (
                misses == MISSES
                or time.perf_counter() + shortest > ends
                or needed > free_memory(place.device)
            ):
                return
            chosen = [specs[position % len(specs)] for position in range(members)]
            with _errors_kept(found, members):
                ratio, *rest = _compare(place, chosen, single, ends)
                found.append(Measurement(members, found[0].seconds_per_run_step / ratio, *rest))
            if found[-1].error:
                return
            faster = found[-1].seconds_per_run_step < fastest.seconds_per_run_step
            fastest, misses = (found[-1], 0) if faster else (fastest, misses + 1)


def _compare(place, specs, single, ends):
    """How many times as fast a stack is as the single run, its memory, and whether it was graphed.

    A function of its own, because what its variables name must be free before the next size.
    """
    with place.build(specs) as stack:
        ratios = [single.burst() / stack.burst() for _ in _rounds(ends)]
        return len(specs) * median(ratios), stack.memory, stack.graphed


def _rounds(ends):
    """Count rounds until the time is up; some are needed in any case."""
    for number in range(ROUNDS):
        if number >= FEWEST_ROUNDS and time.perf_counter() > ends:
            return
        yield number


class _StopAsked(Exception):
    """The measurement shall end early."""


@contextlib.contextmanager
def _errors_kept(found, members):
    """Let an exception within the block become a measurement that says what went wrong."""
    try:
        yield
    except _StopAsked:
        raise
    except (Exception, SystemExit) as error:  # a model may call sys.exit
        found.append(Measurement(members, math.inf, 0, error=explain_failure(error).reason))


@dataclass(frozen=True, eq=False)
class _Place:
    """Where runs are measured, on what images, and when it shall end."""

    device: torch.device
    images: Images
    grid_sizes: tuple | None
    compiled: bool
    should_stop: Callable

    @property
    def lead(self):
        """Steps of a burst that are not timed."""
        return LEAD.get(self.device.type, LEAD_ELSEWHERE)

    @contextlib.contextmanager
    def build(self, specs):
        """The runs of some specifications, as a `_Group` that is warmed up."""
        release_memory(self.device)
        before, trainers = memory_in_use(self.device), []
        try:
            for spec in specs:
                trainers.append(
                    build_trainer(spec, self.images, self.grid_sizes, self.device, self.compiled)
                )
            yield _Group(trainers, self, before)
        finally:
            for trainer in trainers:
                close_streams(trainer)


class _Group:
    """One run, or a stack of several, that trains in bursts.

    Attributes
    ----------
    memory : int
        Bytes.
    graphed : bool
        Whether its steps are replayed from a CUDA graph.
    """

    def __init__(self, trainers, place, memory_before):
        self._trainers = trainers
        self._place = place
        self._stack = StackedTrainer(trainers) if len(trainers) > 1 else None
        self._steps = max(1, round(BURST_SECONDS / self._time(1)))
        self.memory = max(0, memory_in_use(place.device, peak=True) - memory_before)
        self.graphed = trainers[0].graphed

    def burst(self):
        """Train for a moment; the seconds of a step."""
        return self._time(self._steps)

    def _time(self, steps):
        """Seconds of a step, over so many after the first ones, which are not counted."""
        device, lead = self._place.device, self._place.lead
        marks, done = [], 0

        def should_stop():
            nonlocal done
            done += 1
            # Waiting for the device after every step would keep it from working ahead.
            if done in (lead, lead + steps):
                _wait_for(device)
                marks.append(time.perf_counter())
            return done >= lead + steps or self._place.should_stop()

        self._train(should_stop)
        if len(marks) < 2:
            raise _StopAsked
        return (marks[1] - marks[0]) / steps

    def _train(self, should_stop):
        failures = []
        with contextlib.suppress(Stopped):
            if self._stack is None:
                self._trainers[0].run(_save_nothing, None, should_stop)
            else:
                self._stack.run(
                    _save_nothing, None, should_stop, lambda _, error: failures.append(error)
                )
        if failures:
            raise failures[0]


def _without_end(spec):
    """A run like this one that starts at its first step and never ends."""
    config = replace(spec.config, learning_rate=LEARNING_RATE, checkpoint_every=ENDLESS)
    return replace(spec, config=config, phases=(ENDLESS,), parent=None)


def _save_nothing(trainer):
    """Take the place of writing a checkpoint."""


def _wait_for(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
