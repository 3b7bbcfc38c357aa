"""Carries a plan out with worker processes on the devices of one machine."""

import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait

from ..errors import BenchError
from ..runs.outcome import Outcome
from ..runs.sharing import advise_mps
from ..runs.store import Store
from .agenda import Agenda
from .calibration import Calibration
from .messages import Declined, Ended, Measured, Note, Progress, Ready, Stop, Train, Unstacked
from .processes import end_workers, explain_exit, handled_signals, start_worker
from .sizes import StackSizes
from .worker import WorkerSettings

POLL_SECONDS = 0.25
# A device on which so many runs in a row fail unexpectedly is taken for broken.
FAILURES_IN_A_ROW = 3


@dataclass(eq=False)
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
        The workers take them in turn.
    jobs : int
        Number of worker processes.
    threads : int
        Threads of each worker.
    reporter : benchmark.workers.progress.PlainReporter or RichReporter
    provenance : dict
    compiled, deterministic, retry_failed : bool
    graphs : bool, default True
        Let workers capture steps as CUDA graphs.
    stack : int or "auto", default 1
        Number of runs that a worker trains together; "auto" measures how many are best.
    wait : bool, default True
        Go on until other processes have ended what they train; otherwise leave when live
        processes of others have all that is left.
    """

    plan: list
    store: Store
    load_dataset: Callable
    devices: list
    jobs: int
    threads: int
    reporter: object
    provenance: dict
    compiled: bool = False
    deterministic: bool = False
    graphs: bool = True
    retry_failed: bool = False
    stack: int | str = 1
    wait: bool = True

    def __post_init__(self):
        self._agenda = None
        self._datasets = {}
        self._workers = []
        self._signal = None
        self._stopping = False
        self._failures = 0
        self._started_well = False
        self._failed_starts = 0
        self._sizes = StackSizes(
            self.stack,
            compiled=self.compiled,
            deterministic=self.deterministic,
            graphs=self.graphs,
        )
        self._calibration = None
        self._told = set()

    def run(self):
        """Train what is not done.

        Returns
        -------
        benchmark.workers.agenda.Summary

        Raises
        ------
        BenchError
            If a run of another configuration lies in the way, data are missing, or the results
            folder cannot be written; nothing has been trained then.
        """
        self.store.check_writable()
        self._agenda = Agenda(self.plan, self.store, self.retry_failed, self._sizes.key)
        summary, pending = self._agenda.summary, self._agenda.pending
        if not pending:
            return summary
        names = dict.fromkeys(spec.dataset for spec in pending)
        self._datasets = {name: self.load_dataset(name) for name in names}
        self._sizes.set_image_shapes(
            {name: dataset.source.image_shape for name, dataset in self._datasets.items()}
        )
        with handled_signals(self._on_signal), self.reporter:
            self.reporter.begin(self.plan, pending)
            if (advice := advise_mps(self.devices, self.jobs)) is not None:
                self.reporter.message(advice)
            if self.compiled and self.stack != 1:
                self.reporter.message(
                    "torch.compile is used for runs that are trained alone, not for stacks; "
                    "--stack 1 trains all of them alone"
                )
            try:
                self._loop()
            finally:
                end_workers(self._workers)
        self._agenda.close()
        summary.stopped_by = self._signal
        return summary

    def _loop(self):
        agenda = self._agenda
        while agenda.unfinished or self._busy():
            if self._signal is not None and not self._stopping:
                self._stop("saving checkpoints (once more to stop at once)")
            if self._stopping:
                if not self._busy():
                    return
                self._pass_stop_on()
            else:
                for spec, status in agenda.check_elsewhere():
                    self.reporter.run_settled_elsewhere(spec, status)
                if self._calibrated():
                    self._assign()
                if not (self.wait or self._busy()) and agenda.others_have_the_rest:
                    agenda.leave()
                    return
            connections = {worker.connection: worker for worker in self._workers}
            if connections:
                for connection in wait(list(connections), timeout=POLL_SECONDS):
                    self._receive(connections[connection])
            else:
                time.sleep(POLL_SECONDS)

    def _busy(self):
        return any(worker.runs for worker in self._workers)

    def _calibrated(self):
        """Whether it is known how many runs to train together; else measure it with all workers."""
        if self.stack != "auto" or (self._calibration is not None and self._calibration.done):
            return True
        if not self._agenda.find_ready(self.reporter.run_elsewhere):
            return True
        if self._calibration is None:
            self._calibration = Calibration(
                self._agenda.pending, self._sizes, self.devices, self.jobs, self._tell_once
            )
        if self._calibration.done:
            return True
        if len(self._workers) < self.jobs:
            self._workers.append(self._start_worker())
        elif all(worker.idle for worker in self._workers):
            self._calibration.go_on(self._workers, self._open_choices(), self._send)
        return self._calibration.done

    def _open_choices(self):
        """What earlier calls with the same workers have chosen."""
        from .choices import Choices

        models = ", ".join(sorted({worker.model for worker in self._workers}))
        return Choices(self.store.results, models, self.threads, self.jobs, self._tell_once)

    def _assign(self):
        """Give every idle worker the first run that is ready; start workers as they are needed."""
        while True:
            worker = next((w for w in self._workers if w.idle), None)
            starting = any(not w.ready for w in self._workers)
            if worker is None and (starting or len(self._workers) >= self.jobs):
                return
            if worker is None:
                if not self._agenda.find_ready(self.reporter.run_elsewhere):
                    return
                self._workers.append(self._start_worker())
                continue
            taken = self._agenda.take(self.reporter.run_elsewhere, self._limit)
            if not taken:
                return
            dead = {spec.path: token for spec, token in taken.items() if token is not None}
            if self._send(worker, Train(tuple(taken), dead, len(taken))):
                worker.failed = False
                worker.runs = {spec.path: spec for spec in taken}
                worker.left = dict.fromkeys(worker.runs, 1.0)
                self.reporter.runs_started(worker.slot, list(taken), worker.device)
            else:
                self._agenda.put_back(taken)

    def _limit(self, spec):
        """How many runs of one key a worker gets: a stack, or its share when few are left."""
        size = self._sizes.find(spec)
        if size == 1:
            return 1
        # The first is taken out already. What others have begun is work that they will not share.
        begun = sum(sum(worker.left.values()) for worker in self._workers)
        share = math.ceil((1 + self._agenda.ready + begun) / self.jobs)
        return max(1, min(size, share))

    def _receive(self, worker):
        try:
            message = worker.connection.recv()
        except (EOFError, ConnectionError):
            self._lost(worker)
            return
        match message:
            case Ready(model):
                worker.ready = self._started_well = True
                worker.model = model
                self._failed_starts = 0
            case Progress(path, steps, row):
                spec = worker.runs[path]
                worker.left[path] = 1 - steps / spec.own_steps
                self.reporter.progress(worker.slot, spec, steps, row)
            case Declined(path, elsewhere):
                spec = worker.take_out(path)
                self.reporter.run_given_up(worker.slot, spec, elsewhere)
                if elsewhere:
                    self._agenda.give_back(spec)
                else:
                    self._agenda.put_back([spec])
            case Ended(path, outcome, worker_ends):
                worker.ends |= worker_ends
                self._finish(worker, worker.take_out(path), outcome)
            case Unstacked(path, text):
                self._sizes.refuse(worker.runs[path])
                self._tell_once(text)
            case Measured(measurements):
                self._calibration.receive(worker, measurements)
            case Note(text):
                self._tell_once(text)

    def _finish(self, worker, spec, outcome):
        if outcome.status == "interrupted" and not self._stopping and self._signal is None:
            # A scheduler may send its signal to the workers alone.
            self._signal = signal.SIGTERM
        summary = self._agenda.summary
        summary.trained += outcome.status == "done"
        self._agenda.end(spec, outcome.status, outcome.reason)
        self.reporter.run_ended(worker.slot, spec, outcome)
        if worker.device != "cpu":
            self._count_failures(worker, outcome)

    def _count_failures(self, worker, outcome):
        """Stop when one run after another fails on an accelerator for no known reason.

        Of runs that were trained together the first failure counts: the others have its cause.
        """
        if outcome.status == "done":
            self._failures = 0
        if not outcome.unexpected or worker.failed:
            return
        worker.failed = True
        self._failures += 1
        if self._failures == FAILURES_IN_A_ROW and not self._stopping:
            self._stop(
                f"{self._failures} runs in a row failed unexpectedly, the last on {worker.device}; "
                "check the device, then train again with --retry-failed"
            )

    def _lost(self, worker):
        """A worker's process has ended."""
        worker.process.join()
        self._workers.remove(worker)
        code = worker.process.exitcode
        if not worker.ready and not self._stopping and self._signal is None:
            # Where others started well, this one was perhaps killed: the next may start.
            self._failed_starts += 1
            if not self._started_well or self._failed_starts == FAILURES_IN_A_ROW:
                raise BenchError(f"a worker process could not start (exit code {code}); see above")
        reason = explain_exit(code, len(worker.runs))
        if worker.measuring:
            self._calibration.receive(worker, ())
        for spec in list(worker.runs.values()):
            worker.take_out(spec.path)
            if self._signal is not None:
                self._finish(worker, spec, Outcome("interrupted", "stopped at once"))
            else:
                self.store.folder(spec).record_lost(spec, reason)
                self._finish(worker, spec, Outcome("failed", reason, unexpected=True))

    def _start_worker(self):
        taken = {worker.slot for worker in self._workers}
        slot = next(number for number in range(self.jobs) if number not in taken)
        return start_worker(
            slot,
            WorkerSettings(
                results=os.fspath(self.store.results),
                datasets=self._datasets,
                device=self.devices[slot % len(self.devices)],
                threads=self.threads,
                compiled=self.compiled,
                deterministic=self.deterministic,
                graphs=self.graphs,
                provenance=self.provenance,
            ),
        )

    def _send(self, worker, message):
        """Whether a message could be sent; a worker that is gone is removed."""
        try:
            worker.connection.send(message)
        except ConnectionError:
            self._lost(worker)
            return False
        return True

    def _on_signal(self, number):
        """The loop stops after the first signal; the second ends the workers at once."""
        if self._signal is None:
            self._signal = number
            return
        for worker in self._workers:
            worker.process.kill()

    def _tell_once(self, text):
        if text not in self._told:
            self._told.add(text)
            self.reporter.message(text)

    def _stop(self, reason):
        self._stopping = True
        self.reporter.message(f"stopping: {reason}")

    def _pass_stop_on(self):
        for worker in list(self._workers):
            if not worker.told_to_stop:
                worker.told_to_stop = True
                self._send(worker, Stop())
