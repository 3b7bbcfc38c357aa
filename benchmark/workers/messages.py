"""The messages between the runner and its workers.

A worker names the run that it speaks of by its path, so that it may carry out several.
"""

from dataclasses import dataclass, field

from ..protocol.plan import RunSpec
from ..runs.outcome import Outcome


@dataclass(frozen=True)
class Train:
    """To a worker: carry runs out, together where that can be.

    Attributes
    ----------
    specs : tuple of RunSpec
    dead : dict of str to str
        Tokens of claims whose owners are dead, by the paths of the runs that they are on.
    members : int
        Train at most so many of them in lock-step.
    """

    specs: tuple[RunSpec, ...]
    dead: dict = field(default_factory=dict)
    members: int = 1


@dataclass(frozen=True)
class Measure:
    """To a worker: measure how fast it trains runs, one by one and in stacks.

    Attributes
    ----------
    specs : tuple of RunSpec
        As `benchmark.workers.measuring.measure` takes them.
    sizes : tuple of int
    seconds : float
    workers : int
        Number of workers that measure on the same device at the same time.
    """

    specs: tuple[RunSpec, ...]
    sizes: tuple[int, ...]
    seconds: float
    workers: int = 1


@dataclass(frozen=True)
class Stop:
    """To a worker: save what is being trained and end it."""


@dataclass(frozen=True)
class Ready:
    """From a worker: it has started, on a device of this model."""

    model: str = ""


@dataclass(frozen=True)
class Progress:
    """From a worker: a run has done a number of its own steps; `row` is the last of its log."""

    path: str
    steps: int
    row: tuple


@dataclass(frozen=True)
class Ended:
    """From a worker: a run has ended.

    Attributes
    ----------
    path : str
    outcome : Outcome
    worker_ends : bool
        The worker ends too, because its device may be in a bad state.
    """

    path: str
    outcome: Outcome
    worker_ends: bool = False


@dataclass(frozen=True)
class Declined:
    """From a worker: it does not train a run to its end.

    Attributes
    ----------
    path : str
    elsewhere : bool
        Because another process owns the run, or has ended it; otherwise because the worker ends, or
        cannot train it together with the others that it has.
    """

    path: str
    elsewhere: bool = True


@dataclass(frozen=True)
class Unstacked:
    """From a worker: runs that it was to train together can only be trained one by one.

    Attributes
    ----------
    path : str
        Of one of them; the others have the same stacking key.
    text : str
        Why, in one line.
    """

    path: str
    text: str


@dataclass(frozen=True)
class Note:
    """From a worker: a line for the user, of which equal ones are shown once."""

    text: str


@dataclass(frozen=True)
class Measured:
    """From a worker: what it measured, a tuple of `benchmark.workers.measuring.Measurement`."""

    measurements: tuple
