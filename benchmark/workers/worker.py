"""A worker process: carries out one run after another for the runner."""

import os
import queue
import signal
import threading
from dataclasses import dataclass

from ...evaluation.naming import one_line
from ..errors import BenchError
from ..runs.outcome import Outcome
from .messages import Declined, Ended, Progress, Ready, Stop

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
    """

    results: str
    datasets: dict
    device: str
    threads: int
    compiled: bool
    provenance: dict
    deterministic: bool = False


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
        worker.send(Ready())
        while (task := tasks.get()) is not None:
            answer = worker.carry_out(task)
            worker.send(answer)
            if isinstance(answer, Ended) and answer.worker_ends:
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
        from ...models.training.images import ImageCache
        from ..runs.store import Store

        self._connection = connection
        self._settings = settings
        self._stop = stop
        self._store = Store(settings.results)
        self._images = ImageCache()

    def send(self, message):
        """Send to the runner; when it is gone, save and stop instead of failing the run."""
        try:
            self._connection.send(message)
        except ConnectionError:
            self._stop.make()

    def carry_out(self, task):
        """Train one run; the answer for the runner."""
        path = task.spec.path
        if self._stop.made:
            return Ended(path, Outcome("interrupted", "stopped before it began"))
        try:
            outcome = self._train(task.spec, task.dead)
        except (BenchError, OSError) as error:
            outcome = Outcome("failed", one_line(error))
        if outcome is None or outcome.status == "lost":
            return Declined(path)
        return Ended(path, outcome, outcome.unexpected and self._settings.device != "cpu")

    def _train(self, spec, dead):
        """The outcome, or None when another process owns the run or has ended it."""
        import torch

        from ..runs.execute import Execution

        settings = self._settings
        torch.set_num_threads(settings.threads)
        folder = self._store.folder(spec)
        claim = folder.claim(dead)
        if claim is None:
            return None
        with claim:
            # Another process may have finished the run before the claim was taken.
            if folder.status()[0] == "done":
                return None
            execution = Execution(
                spec,
                self._store,
                settings.datasets[spec.dataset],
                settings.device,
                claim,
                settings.provenance,
                compiled=settings.compiled,
                deterministic=settings.deterministic,
                load_images=self._images,
            )
            return execution.run(
                on_progress=lambda steps, row: self.send(Progress(spec.path, steps, row)),
                should_stop=lambda: self._stop.made,
            )
