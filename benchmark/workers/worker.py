"""A worker process: carries out one run after another for the runner."""

import contextlib
import math
import os
import queue
import signal
import threading
from dataclasses import dataclass

from ...evaluation.naming import one_line
from ..errors import BenchError
from ..runs.outcome import Outcome
from .messages import (
    Declined,
    Ended,
    Measure,
    Measured,
    Note,
    Progress,
    Ready,
    Stop,
    Unstacked,
)

# What glibc needs to keep freed memory, in huge pages, instead of giving it back and faulting it
# in again at every step; read when the process starts. Worth 10 to 20 % of a step on a CPU.
MALLOC_ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_THRESHOLD_": str(256 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}
# Time to save a checkpoint when the runner has vanished.
GRACE_SECONDS = 20
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker is told once.

    Attributes
    ----------
    results : str
        The results folder.
    datasets : dict of str to benchmark.datasets.base.Dataset
        By name; their arrays travel as open files.
    device : str
    threads : int
    compiled : bool
    provenance : dict
    deterministic : bool, default False
    graphs : bool, default True
        Capture steps as CUDA graphs.
    """

    results: str
    datasets: dict
    device: str
    threads: int
    compiled: bool
    provenance: dict
    deterministic: bool = False
    graphs: bool = True


class StopRequest:
    """Whether this process was asked to stop.

    A plain flag, because a signal handler must not wait for anything that the code it interrupts
    may hold.
    """

    def __init__(self):
        self.made = False

    def make(self, *_):
        """Ask; also a signal handler."""
        self.made = True


def main(connection, settings):
    """Serve runs in a process of its own until the runner closes the connection.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        Takes and gives the messages of `benchmark.workers.messages`.
    settings : WorkerSettings
    """
    stop = StopRequest()
    # The runner decides when to stop; a terminal sends Ctrl-C to the whole process group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop.make)
    # The runner starts its workers with these blocked, so that none ends a half-started one.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    serve(connection, settings, stop)


def serve(connection, settings, stop):
    """Serve runs until the runner closes the connection or the device may be in a bad state.

    Parameters
    ----------
    connection, settings
        As in `main`.
    stop : StopRequest
    """
    tasks, finished = queue.SimpleQueue(), threading.Event()
    listener = threading.Thread(
        target=_listen, args=(connection, tasks, stop, finished), daemon=True
    )
    listener.start()
    try:
        worker = _Worker(connection, settings, stop)
        worker.send(Ready(worker.find_model()))
        while (task := tasks.get()) is not None:
            if isinstance(task, Measure):
                worker.send(worker.measure(task))
            elif not worker.carry_out(task):
                return
    finally:
        finished.set()


def _listen(connection, tasks, stop, finished):
    """Pass on what the runner says; when it has closed the connection, or is gone, save and end."""
    try:
        while True:
            message = connection.recv()
            if isinstance(message, Stop):
                stop.make()
            else:
                tasks.put(message)
    except (EOFError, OSError):
        stop.make()
        tasks.put(None)
    if not finished.wait(GRACE_SECONDS):
        os._exit(1)


class _Worker:
    """Carries runs out, and keeps between them what they share."""

    def __init__(self, connection, settings, stop):
        from ...models.training.capture import CudaCapture
        from ...models.training.images import ImageCache
        from ..runs.store import Store

        CudaCapture.allowed = settings.graphs
        self._connection = connection
        self._settings = settings
        self._stop = stop
        self._store = Store(settings.results)
        self._images = ImageCache()
        self._ends = False
        self._claims = set()

    def send(self, message):
        """Send to the runner; when it is gone, save and stop instead of failing the run."""
        try:
            self._connection.send(message)
        except ConnectionError:
            self._stop.make()

    def find_model(self):
        """The model of the device, by which its speed is known."""
        import torch

        device = torch.device(self._settings.device)
        if device.type == "cuda":
            # A device in trouble fails its runs, each with a line that says why.
            with contextlib.suppress(RuntimeError):
                return torch.cuda.get_device_name(device)
        return f"{device.type} ({self._settings.provenance.get('processor') or 'unknown'})"

    def carry_out(self, task):
        """Train runs and send how each ended; whether this worker can take more."""
        from ..runs.stacked import run_together

        self._ends, self._claims = False, set()
        executions = [
            execution
            for spec in task.specs
            if (execution := self._claim(spec, task.dead.get(spec.path))) is not None
        ]
        try:
            run_together(
                executions,
                task.members,
                self._end,
                lambda execution, *done: self.send(Progress(execution.spec.path, *done)),
                lambda: self._stop.made or self._ends,
                lambda execution, text: self.send(Unstacked(execution.spec.path, text)),
            )
        finally:
            # Left over only where something unforeseen ends this process.
            for claim in self._claims:
                claim.release()
        return not self._ends

    def measure(self, task):
        """Measure the training of runs as this worker would carry it out; the answer."""
        import torch

        from ...models.training import precision
        from ..runs.record import explain_failure
        from .measuring import Measurement, measure

        settings, config = self._settings, task.specs[0].config
        device = torch.device(settings.device)
        dataset = settings.datasets[task.specs[0].dataset]
        torch.set_num_threads(settings.threads)
        try:
            if device.type == "cuda":
                torch.cuda.set_device(device)
            precision.apply(device, config.tf32, settings.deterministic)
            images = self._images(dataset.source, device, config.image_size or None)
        except Exception as error:
            failed = Measurement(1, math.inf, 0, error=explain_failure(error).reason)
            return Measured((failed,))
        return Measured(
            measure(
                task.specs,
                images,
                dataset.grid_sizes,
                device,
                task.sizes,
                task.seconds,
                settings.compiled,
                task.workers,
                lambda: self._stop.made,
            )
        )

    def _claim(self, spec, dead):
        """An `Execution` that owns its run; None when the run has ended, or another has it."""
        import torch

        from ..runs.execute import Execution

        settings = self._settings
        if self._stop.made:
            self.send(Ended(spec.path, Outcome("interrupted", "stopped before it began")))
            return None
        torch.set_num_threads(settings.threads)
        folder, claim = self._store.folder(spec), None
        try:
            claim = folder.claim(dead)
            # Another process may have finished the run before the claim was taken.
            if claim is not None and folder.status()[0] != "done":
                self._claims.add(claim)
                return Execution(
                    spec,
                    self._store,
                    settings.datasets[spec.dataset],
                    settings.device,
                    claim,
                    settings.provenance,
                    compiled=settings.compiled,
                    deterministic=settings.deterministic,
                    load_images=self._images,
                    note=lambda text: self.send(Note(text)),
                )
            answer = Declined(spec.path)
        except (BenchError, OSError) as error:
            answer = Ended(spec.path, Outcome("failed", one_line(error)))
        if claim is not None:
            self._claims.discard(claim)
            claim.release()
        self.send(answer)
        return None

    def _end(self, execution, outcome):
        """Give a run up, and say how it ended."""
        self._claims.discard(execution.claim)
        execution.claim.release()
        path = execution.spec.path
        if outcome.unexpected and self._settings.device != "cpu":
            # The device may be in a bad state: what else was to be trained is for another worker.
            self._ends = True
        # Whoever ends with its device stops what is left, which nobody has asked for.
        unasked = self._ends and not self._stop.made and outcome.status == "interrupted"
        if outcome.status in ("lost", "returned") or unasked:
            self.send(Declined(path, elsewhere=outcome.status == "lost"))
        else:
            self.send(Ended(path, outcome, self._ends))
