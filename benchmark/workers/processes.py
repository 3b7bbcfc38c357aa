"""Worker processes seen from the runner, and the signals it gets."""

import multiprocessing
import os
import signal
from dataclasses import dataclass

from .worker import MALLOC_ENVIRONMENT, main


@dataclass
class Worker:
    """A worker process and what it does."""

    process: multiprocessing.Process
    connection: object
    slot: int
    device: str
    spec: object = None
    ready: bool = False


def start_worker(context, slot, settings, stop):
    """Start a worker process.

    Parameters
    ----------
    context : multiprocessing context
    slot : int
        Its place among the workers.
    settings : benchmark.workers.worker.WorkerSettings
    stop : multiprocessing.Event

    Returns
    -------
    Worker
    """
    ours, theirs = context.Pipe()
    process = context.Process(
        target=main,
        args=(theirs, settings, stop, os.getpid()),
        name=f"bench-worker-{slot}",
        daemon=True,
    )
    with environment(MALLOC_ENVIRONMENT | {"OMP_NUM_THREADS": str(settings.threads)}):
        process.start()
    theirs.close()
    return Worker(process, ours, slot, settings.device)


class Signals:
    """Sends SIGINT and SIGTERM to a function while it is entered."""

    def __init__(self, handler):
        self._handler = handler
        self._previous = {}

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, lambda n, _: self._handler(n))

    def __exit__(self, *exception):
        for number, previous in self._previous.items():
            signal.signal(number, previous)


class environment:
    """Environment variables that child processes are started with."""

    def __init__(self, values):
        self._values = values

    def __enter__(self):
        self._previous = {name: os.environ.get(name) for name in self._values}
        os.environ.update(self._values)

    def __exit__(self, *exception):
        for name, value in self._previous.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
