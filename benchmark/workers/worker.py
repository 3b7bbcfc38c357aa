"""A worker process: carries out one run after another for the runner."""

import os
import signal
import threading
import time
from dataclasses import dataclass

from ..errors import BenchError
from ..runs.outcome import Outcome

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
    """

    results: str
    datasets: dict
    device: str
    threads: int
    compiled: bool
    provenance: dict


def main(connection, settings, stop, parent):
    """Serve runs until the runner closes the connection.

    Messages to the worker are (RunSpec, token of a dead claim or None), or None to end. From it
    come ``("ready",)``, ``("progress", steps, row)`` and ``("outcome", Outcome)``; instead of the
    last ``("busy",)`` when another process owns the run, ``("already",)`` when it has ended it.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
    settings : WorkerSettings
    stop : multiprocessing.Event
        Set when runs shall save and stop.
    parent : int
        The runner's process id.
    """
    # The runner decides when to stop; a terminal sends Ctrl-C to the whole process group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_end_with, args=(parent, stop), daemon=True).start()

    import torch

    from ..runs.store import Store

    store = Store(settings.results)
    connection.send(("ready",))
    while (task := _receive(connection)) is not None:
        torch.set_num_threads(settings.threads)
        try:
            message = _serve(*task, store, settings, stop, connection)
        except (BenchError, OSError) as error:
            message = ("outcome", Outcome("failed", str(error)))
        _send(connection, stop, message)


def _send(connection, stop, message):
    """Send to the runner; when it is gone, save and stop instead of failing the run."""
    try:
        connection.send(message)
    except ConnectionError:
        stop.set()


def _receive(connection):
    try:
        return connection.recv()
    except EOFError:
        return None


def _serve(spec, dead, store, settings, stop, connection):
    from ..runs.execute import Execution

    folder = store.folder(spec)
    claim = folder.claim(dead)
    if claim is None:
        return ("busy",)
    with claim:
        # Another process may have finished the run before the claim was taken.
        record = folder.read()
        if record is not None and record["status"] == "done":
            return ("already",)
        execution = Execution(
            spec,
            store,
            settings.datasets[spec.dataset],
            settings.device,
            claim,
            settings.provenance,
            compiled=settings.compiled,
        )
        outcome = execution.run(
            on_progress=lambda steps, row: _send(connection, stop, ("progress", steps, row)),
            should_stop=stop.is_set,
        )
    return ("outcome", outcome)


def _end_with(parent, stop):
    """Stop, and then end, when the runner is gone, so that no worker trains on unseen."""
    while os.getppid() == parent:
        time.sleep(0.5)
    stop.set()
    time.sleep(GRACE_SECONDS)
    os._exit(1)
