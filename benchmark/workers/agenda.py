"""What a call has to do: which runs can begin, which wait, and how the others ended."""

import os
import time
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from ..errors import BenchError
from ..runs.claims import Observer
from ..runs.host import host_name
from .ready import ReadyRuns

# Time between two looks at a run that another process trains.
ELSEWHERE_SECONDS = 2.0
# Such looks at once, and the time between: a network file system must bear all calls' looks.
LOOKS = 16
LOOKS_SECONDS = 0.5


@dataclass
class Summary:
    """How a call ended.

    Attributes
    ----------
    statuses : dict of RunSpec to str
        "done", "failed", "interrupted", "blocked" (its parent failed), "elsewhere" (left to
        another process) or "missing".
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

    Plans have thousands of runs, so what happens to one of them must not touch the others.

    Parameters
    ----------
    plan : list of RunSpec
        Parents before children.
    store : Store
    retry_failed : bool
    key : callable, optional
        ``key(spec)``: runs of equal keys can be trained together; by default none can.

    Attributes
    ----------
    summary : Summary

    Raises
    ------
    BenchError
        If a run of another configuration lies in the way.
    """

    def __init__(self, plan, store, retry_failed, key=None):
        self.plan = plan
        self.store = store
        self.summary = Summary()
        self._retry_failed = retry_failed
        self._observer = Observer()
        self._ready = ReadyRuns(plan, key)
        self._children = defaultdict(list)
        # Not settled, and trained by nobody of this call.
        self._open = {}
        # Runs of other processes with the time of the last look, the longest ago first.
        self._elsewhere = {}
        # What was found to be ended when its turn came, to be told.
        self._ended = []
        self._is_shared = False
        self._alive = set()
        self._last_looks = 0.0
        states = store.survey(plan, self._observer)
        for spec in plan:
            if spec.parent is not None:
                self._children[spec.parent].append(spec)
            status, reason = states[spec]
            if status == "done" or (status == "failed" and not retry_failed):
                self.summary.settle(spec, status, reason)
            else:
                self._open[spec] = None
        for spec in plan:
            status = self.summary.statuses.get(spec)
            if status in ("failed", "blocked"):
                self._block_children(spec)
            elif spec in self._open:
                self._make_ready(spec)

    @property
    def pending(self):
        """Runs that nobody of this call trains and that are not settled: list of RunSpec."""
        return list(self._open)

    @property
    def unfinished(self):
        """Whether any run is pending, or has an ending that `check_elsewhere` has not told."""
        return bool(self._open or self._ended)

    @property
    def ready(self):
        """Number of runs that can begin, as far as is known without looking for other owners."""
        return len(self._ready)

    @property
    def others_have_the_rest(self):
        """Whether live processes of others train all that is left, or parents of it.

        Only a process that was seen to be alive counts: what a dead one on another machine has
        claimed can be told after some minutes, and is then this call's to train.
        """
        return not self._ready and len(self._alive) == len(self._elsewhere)

    def find_ready(self, on_elsewhere):
        """Whether a run can begin that no other process has.

        Parameters
        ----------
        on_elsewhere : callable
            Called with each run that turns out to be trained by another process.
        """
        first = self._pop_free(on_elsewhere)
        if first is not None:
            self._ready.add(first[0])
        return first is not None

    def take(self, on_elsewhere, limit=None):
        """Take out the first run that can begin, and others to train together with it.

        Parameters
        ----------
        on_elsewhere : callable
            As of `find_ready`.
        limit : callable, optional
            ``limit(spec)``, the number of runs to take if `spec` is the first; by default 1.

        Returns
        -------
        dict of RunSpec to (str or None)
            The token of a dead owner's claim on each; empty if no run can begin.
        """
        first = self._pop_free(on_elsewhere)
        if first is None:
            return {}
        taken = dict([first])
        wanted = 1 if limit is None else limit(first[0])
        while len(taken) < wanted:
            further = self._pop_free(on_elsewhere, like=first[0])
            if further is None:
                break
            taken.update([further])
        for spec in taken:
            del self._open[spec]
        return taken

    def put_back(self, specs):
        """Take runs in again that could not be handed to a worker."""
        for spec in specs:
            self._open[spec] = None
            self._ready.add(spec)

    def give_back(self, spec):
        """Another process owns the run, or has ended it: see again later."""
        self._open[spec] = None
        self._leave_to_others(spec)

    def end(self, spec, status, reason):
        """Settle a run; its children can begin, or cannot be trained any more."""
        self.summary.settle(spec, status, reason)
        if status in ("failed", "blocked"):
            self._block_children(spec)
        elif status == "done":
            for child in self._children[spec]:
                if child in self._open and child not in self._elsewhere:
                    self._ready.add(child)

    def check_elsewhere(self):
        """See what became of the runs that other processes train; few at a time.

        Yields
        ------
        RunSpec, str
            A run that another process has ended, and its status.
        """
        while self._ended:
            yield self._ended.pop()
        now = time.monotonic()
        if now - self._last_looks < LOOKS_SECONDS:
            return
        self._last_looks = now
        due = []
        for spec, since in self._elsewhere.items():
            if now - since < ELSEWHERE_SECONDS or len(due) == LOOKS:
                break
            due.append(spec)
        for spec in due:
            folder = self.store.folder(spec)
            try:
                status, reason = folder.status(self._observer)
            except BenchError as error:
                # The worker says so of the run, and the others go on.
                status, reason = "unreadable", str(error)
            del self._elsewhere[spec]
            if status == "running":
                self._elsewhere[spec] = now
                if self._observer.knows_alive(folder.path):
                    self._alive.add(spec)
                continue
            self._alive.discard(spec)
            if status in ("done", "failed"):
                del self._open[spec]
                self.end(spec, status, reason)
                yield spec, status
            else:
                self._make_ready(spec)

    def leave(self):
        """Settle what is left as other processes' business."""
        for spec in self._open:
            whose = "it" if spec in self._elsewhere else "its parent"
            self.summary.settle(spec, "elsewhere", f"another process trains {whose}")
        self._open.clear()

    def close(self):
        """Settle what was not reached."""
        for spec in self._open:
            self.summary.statuses.setdefault(spec, "missing")

    def _make_ready(self, spec):
        """Let an open run begin, if its parent has ended well."""
        if spec.parent is None or self.summary.statuses.get(spec.parent) == "done":
            self._ready.add(spec)

    def _pop_free(self, on_elsewhere, like=None):
        """The first ready run that no other process has, and the token of a dead claim on it."""
        while (spec := self._ready.pop(like)) is not None:
            folder = self.store.folder(spec)
            try:
                claimed, dead = self._observer.observe(folder.path)
            except OSError:
                # A file system in trouble: see again later.
                claimed = True
            if claimed:
                self._leave_to_others(spec)
                on_elsewhere(spec)
            elif not self._settle_ended(spec, folder):
                return spec, dead
        return None

    def _settle_ended(self, spec, folder):
        """Settle a run that another process has ended since the plan was compared with the store.

        Its claim need not be taken to see that, so processes that share a plan of thousands do not
        take one for every run of each other.
        """
        try:
            status, reason = folder.status()
        except BenchError:
            return False  # The worker says of the run what is wrong.
        if status != "done" and (status != "failed" or self._retry_failed):
            return False
        del self._open[spec]
        self._ended.append((spec, status))
        self.end(spec, status, reason)
        return True

    def _leave_to_others(self, spec):
        """See later what became of a run; from now on the plan is known to be shared.

        Many processes that walk it in one order meet at every run, so each goes on at a place of
        its own. A process that is alone keeps the plan's order.
        """
        self._elsewhere[spec] = time.monotonic()
        if not self._is_shared:
            self._is_shared = True
            own = zlib.crc32(f"{host_name()} {os.getpid()}".encode())
            self._ready.begin_at(own % len(self.plan))

    def _block_children(self, spec):
        """Runs whose parent failed cannot be trained."""
        for child in self._children[spec]:
            if child in self._open:
                del self._open[child]
                self._ready.discard(child)
                self._elsewhere.pop(child, None)
                self._alive.discard(child)
                self.end(child, "blocked", f"its parent {spec.path} failed")
