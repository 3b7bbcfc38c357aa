"""Score files in worker processes, reuse them, and outlive those that die."""

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection, wait

from ..files import sweep
from ..metrics import MetricError
from .file_scores import Outcome
from .group_files import METRIC, Group
from .score_files import scores_folder

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
# The path is set before anything is imported: no module of the current folder comes in between.
_PROGRAM = (
    "import sys; number, sys.path[:] = int(sys.argv[1]), sys.argv[2:]; "
    "from {package}.worker import serve; serve(number)"
)


class WorkerError(RuntimeError):
    """Worker processes cannot be started."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A file to score or a group to compare, and what is known from workers that died of it.

    Attributes
    ----------
    work : Path or Group
    skip : tuple of str
        Metrics, or files of the group, that ended a worker.
    problems : tuple of str
        What happened to those workers.
    """

    work: object
    skip: tuple = ()
    problems: tuple = ()

    @property
    def path(self):
        """The file, or that of the group's scores."""
        return self.work.path if isinstance(self.work, Group) else self.work

    @property
    def folder(self):
        """Where its scores are written."""
        return self.path.parent if isinstance(self.work, Group) else scores_folder(self.path)

    def reads(self, step):
        """Whether a worker reads a file at a step, or before the first, and computes nothing."""
        return step is None or (isinstance(self.work, Group) and step != METRIC)

    def describe(self, step, why):
        """What happened to a worker at a step, or before the first."""
        if self.reads(step):
            return f"{step or self.path}: cannot be read: {why}"
        return f"{self.path}: metric {step} failed: {why}"


class Worker:
    """A worker process and the channel to it.

    Parameters
    ----------
    references : tuple of str
        Metrics that it shall load.
    """

    def __init__(self, references):
        ours, theirs = socket.socketpair()
        program = _PROGRAM.format(package=__package__)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program, str(theirs.fileno()), *map(str, sys.path)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **_ONE_THREAD},
            )
        self.channel = Connection(ours.detach())
        self.channel.send((os.getpid(), references))
        self.ready = False
        self.task = None
        self.step = None

    def give(self, task, options):
        """Hand the worker a task."""
        self.task, self.step = task, None
        with contextlib.suppress(OSError):  # it is gone, which will be noticed
            self.channel.send((task.work, options, task.skip))

    def end(self, patience=0.0):
        """End the process, at once or when it has had time to end by itself.

        The file that it was writing is removed.
        """
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.channel.close()
        if self.task is not None:
            sweep(self.task.folder, self.process.pid)


def score_files(work, options, jobs, then=None):
    """Score files, or compare groups of them, in worker processes.

    A file that kills its worker, or takes more time or memory than it may, fails with one line, and
    the others go on; where it was a metric that ended the worker, the other metrics of the file are
    still computed, and a group is compared without the file that ended it.

    Parameters
    ----------
    work : Waiting
        Paths or groups; each is taken from it when a worker is free for it.
    options : Options
    jobs : int
    then : callable, optional
        Called when all that is done; gives more work.

    Yields
    ------
    Outcome

    Raises
    ------
    MetricError
        If a worker cannot load the metrics.
    WorkerError
        If workers cannot be started.
    """
    again, workers = [], {}
    try:
        while True:
            busy = sum(worker.task is not None for worker in workers.values())
            if then is not None and not (work or again or busy):
                work, then = then(), None
            if not (work or again or busy):
                break
            while len(workers) < min(jobs, len(work) + len(again) + busy):
                worker = Worker(options.metrics)
                workers[worker.channel] = worker
            for worker in workers.values():
                if worker.ready and worker.task is None and (work or again):
                    worker.give(again.pop() if again else Task(work.take()), options)
            for channel in wait(list(workers)):
                worker = workers[channel]
                outcome = _hear(worker)
                if worker.process.returncode is not None:
                    del workers[channel]
                    after = _mourn(worker, options)
                    if isinstance(after, Task):
                        again.append(after)
                    elif after is not None:
                        yield after
                    continue
                if outcome is not None:
                    yield outcome
    finally:
        for worker in workers.values():
            worker.end()


def _hear(worker):
    """Take one message of a worker: an outcome, or None for anything else."""
    try:
        message = worker.channel.recv()
    except (EOFError, OSError):
        worker.end(patience=5.0)
        return None
    if not worker.ready:
        if message is not None:
            raise MetricError(message)
        worker.ready = True
    elif isinstance(message, Outcome):
        task, worker.task = worker.task, None
        return dataclasses.replace(message, problems=(*task.problems, *message.problems))
    else:
        worker.step = message
    return None


def _mourn(worker, options):
    """What becomes of the task of a worker that is gone: another attempt, an outcome, or None."""
    if not worker.ready:
        raise WorkerError("a worker process ended while it started; is there enough memory?")
    task = worker.task
    if task is None:
        return None
    why = _describe_end(worker.process.returncode, task.reads(worker.step), options)
    problems = (*task.problems, task.describe(worker.step, why))
    if worker.step is None or (isinstance(task.work, Group) and worker.step == METRIC):
        return Outcome(task.path, problems=problems)
    return dataclasses.replace(task, skip=(*task.skip, worker.step), problems=problems)


def _describe_end(code, reading, options):
    if code == -signal.SIGALRM:
        limit = "the time that its size allows" if reading else f"{options.seconds:g} seconds"
        return f"it takes longer than {limit}"
    if code < 0:
        name = signal.Signals(-code).name
        likely = " (out of memory?)" if code == -signal.SIGKILL else ""
        return f"it ended its worker process by {name}{likely}"
    return f"it ended its worker process with code {code}"
