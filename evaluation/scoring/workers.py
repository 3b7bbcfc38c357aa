"""Score files in worker processes, reuse them, and outlive those that die."""

import collections
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
    """A file to score, and what is known from workers that died of it.

    Attributes
    ----------
    path : Path
    skip : tuple of str
        Metrics that ended a worker.
    problems : tuple of str
        What happened to those workers.
    """

    path: object
    skip: tuple = ()
    problems: tuple = ()


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
        self.channel.send((task.path, options, task.skip))

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
            sweep(scores_folder(self.task.path), self.process.pid)


def score_files(paths, options, jobs):
    """Score files in worker processes.

    A file that kills its worker, or takes more time or memory than it may, fails with one line, and
    the others go on; where it was a metric that ended the worker, the other metrics of the file are
    still computed.

    Parameters
    ----------
    paths : list of Path
    options : Options
    jobs : int

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
    tasks = collections.deque(map(Task, paths))
    workers = {}
    try:
        while tasks or any(worker.task for worker in workers.values()):
            busy = sum(worker.task is not None for worker in workers.values())
            while len(workers) < min(jobs, len(tasks) + busy):
                worker = Worker(options.metrics)
                workers[worker.channel] = worker
            for channel in wait(list(workers)):
                worker = workers[channel]
                outcome = _hear(worker)
                if worker.process.returncode is not None:
                    del workers[channel]
                    after = _mourn(worker, options)
                    if isinstance(after, Task):
                        tasks.appendleft(after)
                    elif after is not None:
                        yield after
                    continue
                if outcome is not None:
                    yield outcome
                if worker.ready and worker.task is None and tasks:
                    worker.give(tasks.popleft(), options)
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
    why = _describe_end(worker.process.returncode, worker.step, options)
    if worker.step is None:
        problem = f"{task.path}: cannot be read: {why}"
        return Outcome(task.path, problems=(*task.problems, problem))
    problem = f"{task.path}: metric {worker.step} failed: {why}"
    return Task(task.path, (*task.skip, worker.step), (*task.problems, problem))


def _describe_end(code, step, options):
    if code == -signal.SIGALRM:
        limit = f"{options.seconds:g} seconds" if step else "the time that its size allows"
        return f"it takes longer than {limit}"
    if code < 0:
        name = signal.Signals(-code).name
        likely = " (out of memory?)" if code == -signal.SIGKILL else ""
        return f"it ended its worker process by {name}{likely}"
    return f"it ended its worker process with code {code}"
