"""What a call has to do: which runs can begin, which wait, and how the others ended."""

import time
from collections import Counter
from dataclasses import dataclass, field

from ..runs.claims import Observer

# Time between two looks at a run that another process trains.
ELSEWHERE_SECONDS = 2.0


@dataclass
class Summary:
    """How a call ended.

    Attributes
    ----------
    statuses : dict of RunSpec to str
        "done", "failed", "interrupted", "blocked" (its parent failed) or "missing".
    reasons : dict of RunSpec to str
    trained : int
        Runs that this call finished.
    stopped_by : int or None
        The signal that stopped it.
    """

    statuses: dict = field(default_factory=dict)
    reasons: dict = field(default_factory=dict)
    trained: int = 0
    stopped_by: int | None = None

    def settle(self, spec, status, reason=""):
        """Note how a run ended."""
        self.statuses[spec] = status
        self.reasons[spec] = reason

    def counts(self):
        """Number of runs of each status."""
        return Counter(self.statuses.values())

    @property
    def exit_code(self):
        """0, 1 if a run failed or was blocked, 128 + signal if stopped."""
        if self.stopped_by is not None:
            return 128 + self.stopped_by
        return int(any(s in ("failed", "blocked") for s in self.statuses.values()))


class Agenda:
    """The runs of a plan that are not settled, in the plan's order.

    Parameters
    ----------
    plan : list of RunSpec
        Parents before children.
    store : Store
    retry_failed : bool

    Attributes
    ----------
    pending : list of RunSpec
        Runs that nobody of this call trains.
    summary : Summary

    Raises
    ------
    BenchError
        If a run of another configuration lies in the way.
    """

    def __init__(self, plan, store, retry_failed):
        self.plan = plan
        self.store = store
        self.pending = []
        self.summary = Summary()
        self._observer = Observer()
        self._elsewhere = {}
        states = store.survey(plan, self._observer)
        for spec in plan:
            status, reason = states[spec]
            if status == "done" or (status == "failed" and not retry_failed):
                self.summary.settle(spec, status, reason)
            else:
                self.pending.append(spec)
        self._block_children()

    def next_ready(self, on_elsewhere):
        """Find the first run that can begin.

        Parameters
        ----------
        on_elsewhere : callable
            Called with each run that turns out to be trained by another process.

        Returns
        -------
        spec : RunSpec or None
        dead : str or None
            Token of a dead owner's claim on it.
        """
        for spec in self.pending:
            if spec in self._elsewhere:
                continue
            if spec.parent is not None and self._parent_status(spec) != "done":
                continue
            try:
                claimed, dead = self._observer.observe(self.store.folder(spec).path)
            except OSError:
                # A file system in trouble: see again later.
                claimed = True
            if not claimed:
                return spec, dead
            self._elsewhere[spec] = time.monotonic()
            on_elsewhere(spec)
        return None, None

    def take(self, spec):
        """Take a run out, to train it."""
        self.pending.remove(spec)

    def give_back(self, spec):
        """Another process owns the run, or has ended it: see again later."""
        self.pending.insert(0, spec)
        self._elsewhere[spec] = time.monotonic()

    def end(self, spec, status, reason):
        """Settle a run, and with it the children that cannot be trained any more."""
        self.summary.settle(spec, status, reason)
        self._block_children()

    def check_elsewhere(self):
        """See what became of the runs that other processes train.

        Yields
        ------
        RunSpec, str
            A run that another process has ended, and its status.
        """
        now = time.monotonic()
        for spec, since in list(self._elsewhere.items()):
            if now - since < ELSEWHERE_SECONDS:
                continue
            self._elsewhere[spec] = now
            status, reason = self.store.folder(spec).status(self._observer)
            if status == "running":
                continue
            del self._elsewhere[spec]
            if status in ("done", "failed"):
                self.pending.remove(spec)
                self.end(spec, status, reason)
                yield spec, status

    def close(self):
        """Settle what was not reached."""
        for spec in self.pending:
            self.summary.statuses.setdefault(spec, "missing")

    def _parent_status(self, spec):
        return self.summary.statuses.get(spec.parent, "missing")

    def _block_children(self):
        """Runs whose parent failed cannot be trained."""
        for spec in list(self.pending):
            if spec.parent is not None and self._parent_status(spec) in ("failed", "blocked"):
                self.pending.remove(spec)
                self._elsewhere.pop(spec, None)
                self.summary.settle(spec, "blocked", f"its parent {spec.parent.path} failed")
