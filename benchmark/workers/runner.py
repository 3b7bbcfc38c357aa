"""Carries a plan out: worker processes, devices, other processes' claims, statuses."""

import multiprocessing
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from ..errors import BenchError
from ..runs.claims import Observer
from ..runs.outcome import Outcome
from .processes import Signals, start_worker
from .worker import WorkerSettings

POLL_SECONDS = 0.25
# How often runs that another process trains are looked at again.
ELSEWHERE_SECONDS = 2.0


@dataclass
class Summary:
    """How a call of the runner ended.

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

    def counts(self):
        """Number of runs of each status."""
        return Counter(self.statuses.values())

    @property
    def exit_code(self):
        """0, 1 if a run failed or was blocked, 128 + signal if stopped."""
        if self.stopped_by is not None:
            return 128 + self.stopped_by
        return int(any(s in ("failed", "blocked") for s in self.statuses.values()))


class Runner:
    """Trains the runs of a plan that are not done.

    Parameters
    ----------
    plan : list of RunSpec
        Parents before children.
    store : Store
    load_dataset : callable
        ``load_dataset(name) -> Dataset``; called for data sets with something to train.
    devices : list of str
        Dealt to the workers in turn.
    jobs : int
        Number of worker processes.
    threads : int
        Threads of each worker.
    reporter : benchmark.workers.progress.PlainReporter or RichReporter
    provenance : dict
    compiled, retry_failed : bool
    """

    def __init__(
        self,
        plan,
        store,
        load_dataset,
        devices,
        jobs,
        threads,
        reporter,
        provenance,
        compiled=False,
        retry_failed=False,
    ):
        self.plan = plan
        self.store = store
        self.load_dataset = load_dataset
        self.devices = devices
        self.jobs = jobs
        self.threads = threads
        self.reporter = reporter
        self.provenance = provenance
        self.compiled = compiled
        self.retry_failed = retry_failed
        self.observer = Observer()
        self.summary = Summary()
        self._context = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()
        self._workers = []
        self._pending = []
        self._elsewhere = {}

    def run(self):
        """Train what is not done.

        Returns
        -------
        Summary

        Raises
        ------
        BenchError
            If a run of another configuration lies in the way, data are missing, or the results
            folder cannot be written; nothing has been trained then.
        """
        self.store.check_writable()
        self.store.refuse_conflicts(self.plan)
        for spec in self.plan:
            status, reason = self.store.folder(spec).status(self.observer)
            settled = status == "done" or (status == "failed" and not self.retry_failed)
            if settled:
                self._settle(spec, status, reason)
            else:
                self._pending.append(spec)
        self._block_children()
        if not self._pending:
            return self.summary
        names = dict.fromkeys(spec.dataset for spec in self._pending)
        datasets = {name: self.load_dataset(name) for name in names}
        with Signals(self._on_signal), self.reporter:
            self.reporter.begin(self.plan, self._pending)
            self._shared = (datasets, self.provenance)
            try:
                self._loop()
            finally:
                self._end_workers()
        for spec in self._pending:
            self.summary.statuses.setdefault(spec, "missing")
        return self.summary

    def _loop(self):
        while self._pending or any(worker.spec for worker in self._workers):
            if self.summary.stopped_by is None:
                self._look_elsewhere()
                self._assign()
            elif not any(worker.spec for worker in self._workers):
                return
            busy = [w.connection for w in self._workers]
            if busy:
                for connection in wait(busy, timeout=POLL_SECONDS):
                    worker = next(w for w in self._workers if w.connection is connection)
                    self._receive(worker)
            else:
                time.sleep(POLL_SECONDS)

    def _assign(self):
        """Give every idle worker the first run that is ready; start workers as they are needed."""
        while True:
            worker = next((w for w in self._workers if w.spec is None and w.ready), None)
            starting = any(not w.ready for w in self._workers)
            if worker is None and (starting or len(self._workers) >= self.jobs):
                return
            spec, dead = self._next_ready()
            if spec is None:
                return
            if worker is None:
                self._workers.append(self._start_worker())
                continue
            self._pending.remove(spec)
            worker.spec = spec
            self.reporter.run_started(worker.slot, spec, worker.device)
            self._send(worker, (spec, dead))

    def _next_ready(self):
        """The first run that can begin, and the token of a dead owner's claim on it."""
        for spec in self._pending:
            if spec in self._elsewhere:
                continue
            if spec.parent is not None and self._parent_status(spec) != "done":
                continue
            claimed, dead = self.observer.observe(self.store.folder(spec).path)
            if not claimed:
                return spec, dead
            self._wait_for(spec)
        return None, None

    def _parent_status(self, spec):
        return self.summary.statuses.get(spec.parent, "missing")

    def _wait_for(self, spec):
        self._elsewhere[spec] = time.monotonic()
        self.reporter.run_elsewhere(spec)

    def _look_elsewhere(self):
        """See what became of the runs that other processes train."""
        now = time.monotonic()
        for spec, since in list(self._elsewhere.items()):
            if now - since < ELSEWHERE_SECONDS:
                continue
            self._elsewhere[spec] = now
            status, reason = self.store.folder(spec).status(self.observer)
            if status == "running":
                continue
            del self._elsewhere[spec]
            if status in ("done", "failed"):
                self._pending.remove(spec)
                self._settle(spec, status, reason)
                self.reporter.run_settled_elsewhere(spec, status)
                self._block_children()

    def _receive(self, worker):
        try:
            kind, *content = worker.connection.recv()
        except (EOFError, ConnectionError):
            self._lost(worker)
            return
        if kind == "ready":
            worker.ready = True
        elif kind == "progress":
            self.reporter.progress(worker.slot, worker.spec, *content)
        elif kind in ("busy", "already") or content[0].status == "lost":
            self._give_back(worker)
        else:
            self._finish(worker, content[0])

    def _give_back(self, worker):
        """Another process owns the run, or has ended it: look again later."""
        spec, worker.spec = worker.spec, None
        self.reporter.run_given_up(worker.slot, spec)
        self._pending.insert(0, spec)
        self._elsewhere[spec] = time.monotonic()

    def _finish(self, worker, outcome):
        spec, worker.spec = worker.spec, None
        if outcome.status == "interrupted" and self.summary.stopped_by is None:
            # A scheduler may send its signal to the workers alone.
            self._on_signal(signal.SIGTERM)
        self.summary.trained += outcome.status == "done"
        self._settle(spec, outcome.status, outcome.reason)
        self.reporter.run_ended(worker.slot, spec, outcome)
        self._block_children()

    def _lost(self, worker):
        """A worker's process ended without a word."""
        worker.process.join()
        self._workers.remove(worker)
        code = worker.process.exitcode
        if not worker.ready:
            raise BenchError(f"a worker process could not start (exit code {code}); see above")
        if worker.spec is None:
            return
        if self.summary.stopped_by is not None:
            self._finish(worker, Outcome("interrupted", "stopped at once"))
            return
        how = (
            f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        )
        hint = "; perhaps for want of memory: lower --jobs or batch_size" if code == -9 else ""
        reason = f"its worker process {how}{hint}"
        self.store.folder(worker.spec).record_lost(worker.spec, reason)
        self._finish(worker, Outcome("failed", reason))

    def _settle(self, spec, status, reason):
        self.summary.statuses[spec] = status
        self.summary.reasons[spec] = reason

    def _block_children(self):
        """Runs whose parent failed cannot be trained."""
        for spec in list(self._pending):
            if spec.parent is not None and self._parent_status(spec) in ("failed", "blocked"):
                self._pending.remove(spec)
                self._elsewhere.pop(spec, None)
                self._settle(spec, "blocked", f"its parent {spec.parent.path} failed")

    def _start_worker(self):
        taken = {worker.slot for worker in self._workers}
        slot = next(number for number in range(self.jobs) if number not in taken)
        datasets, provenance = self._shared
        settings = WorkerSettings(
            results=os.fspath(self.store.results),
            datasets=datasets,
            device=self.devices[slot % len(self.devices)],
            threads=self.threads,
            compiled=self.compiled,
            provenance=provenance,
        )
        return start_worker(self._context, slot, settings, self._stop)

    def _send(self, worker, message):
        try:
            worker.connection.send(message)
        except (BrokenPipeError, ConnectionError):
            self._lost(worker)

    def _end_workers(self):
        for worker in self._workers:
            if worker.spec is None:
                self._send(worker, None)
            else:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(timeout=10)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def _on_signal(self, number):
        if self.summary.stopped_by is None:
            self.summary.stopped_by = number
            self._stop.set()
            self.reporter.message("stopping: saving checkpoints (once more to stop at once)")
            return
        for worker in self._workers:
            worker.process.kill()
