"""Worker processes seen from the runner, and the signals it gets."""

import contextlib
import multiprocessing
import os
import signal
from dataclasses import dataclass, field
from multiprocessing import resource_tracker

from .worker import MALLOC_ENVIRONMENT, STOP_SIGNALS, main


@dataclass
class Worker:
    """A worker process and what it does.

    Attributes
    ----------
    process : multiprocessing.Process
    connection : multiprocessing.connection.Connection
    slot : int
        Its place among the workers.
    device : str
    runs : dict of str to RunSpec
        What it is carrying out, by path.
    left : dict of str to float
        Which part of each is still to be done, by path.
    ready, ends, told_to_stop, failed : bool
        Whether it has started, has said that it ends, was told to stop, and whether a run of those
        that it got last has failed unexpectedly.
    model : str
        Of its device, once it has started.
    measuring : bool
        Whether it measures.
    """

    process: multiprocessing.Process
    connection: object
    slot: int
    device: str
    runs: dict = field(default_factory=dict)
    left: dict = field(default_factory=dict)
    ready: bool = False
    ends: bool = False
    told_to_stop: bool = False
    failed: bool = False
    model: str = ""
    measuring: bool = False

    def take_out(self, path):
        """Note that a run has ended, and return it."""
        self.left.pop(path, None)
        return self.runs.pop(path)

    @property
    def idle(self):
        """Whether it can take a run."""
        return self.ready and not (self.ends or self.runs or self.measuring)


def start_worker(slot, settings):
    """Start a worker process.

    Parameters
    ----------
    slot : int
        Its place among the workers.
    settings : benchmark.workers.worker.WorkerSettings

    Returns
    -------
    Worker
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=main, args=(theirs, settings), name=f"bench-worker-{slot}", daemon=True
    )
    # Otherwise it would be started with the first worker, and unblock the signals.
    resource_tracker.ensure_running()
    variables = MALLOC_ENVIRONMENT | {"OMP_NUM_THREADS": str(settings.threads)}
    with _environment(variables), _blocked_signals():
        process.start()
    theirs.close()
    return Worker(process, ours, slot, settings.device)


def end_workers(workers):
    """Let worker processes end; those that have not started, or do not end, are killed."""
    for worker in workers:
        # An idle worker ends when its connection closes; a busy one saves first.
        worker.connection.close()
        if not worker.ready:
            worker.process.kill()
    for worker in workers:
        worker.process.join(timeout=10)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def explain_exit(code, members):
    """Why a run failed whose worker process is gone, in one line.

    Parameters
    ----------
    code : int
        Exit code of the process.
    members : int
        Number of runs that it was carrying out.
    """
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
    fewer = "--stack, --jobs" if members > 1 else "--jobs"
    hint = f"; perhaps for want of memory: lower {fewer} or batch_size" if code == -9 else ""
    return f"its worker process {how}{hint}"


@contextlib.contextmanager
def handled_signals(handler):
    """Send SIGINT, SIGTERM and SIGHUP to a function within the block.

    A SIGHUP that is ignored, as below nohup, stays ignored.
    """
    previous = {}
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            previous[number] = signal.signal(number, lambda n, _: handler(n))
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)


@contextlib.contextmanager
def _blocked_signals():
    """Keep the stop signals waiting within the block; a process started there inherits this."""
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


@contextlib.contextmanager
def _environment(values):
    """Set environment variables within the block; a process started there inherits them."""
    previous = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in previous.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
