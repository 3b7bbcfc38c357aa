"""The messages between the runner and its workers.

A worker names the run that it speaks of by its path, so that it may carry out several.
"""

from dataclasses import dataclass

from ..protocol.plan import RunSpec
from ..runs.outcome import Outcome


@dataclass(frozen=True)
class Train:
    """To a worker: carry a run out.

    Attributes
    ----------
    spec : RunSpec
    dead : str or None
        Token of a claim on the run whose owner is dead.
    """

    spec: RunSpec
    dead: str | None = None


@dataclass(frozen=True)
class Stop:
    """To a worker: save what is being trained and end it."""


@dataclass(frozen=True)
class Ready:
    """From a worker: it has started."""


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
    """From a worker: another process owns the run, or has ended it."""

    path: str
