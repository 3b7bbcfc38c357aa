"""Many real processes share the runs of one folder, and some of them are killed."""

import contextlib
import hashlib
import multiprocessing
import os
import select
import signal
import threading
from collections import Counter

import pytest

from disentanglement_bench.benchmark.runs import claims
from disentanglement_bench.benchmark.runs.claims import ClaimLost, Observer, acquire

PROCESSES = 32
RUNS = 200
# Processes that are killed in the middle of a run, and when they have published one.
DEADLY, KILLED = 15, 15
STALE_SECONDS = 5.0


def work_off(folders, far, says):
    """What a process does until every run is done; says what happens to whoever listens.

    Parameters
    ----------
    folders : list of Path
        In the order of the plan, which all processes share.
    far : bool
        Whether this process is alone on its host, so that it can tell a dead owner from a living
        one only by its count.
    says : callable
        Called with an event and the name of a run.
    """
    claims.BEAT_SECONDS = 0.2
    if far:
        host = f"host-of-{os.getpid()}"
        claims.host_name = lambda: host
    observer, pause = Observer(stale_seconds=STALE_SECONDS), threading.Event()
    while left := [folder for folder in folders if not (folder / "done").exists()]:
        for folder in left:
            claimed, dead = observer.observe(folder)
            if claimed:
                continue
            claim = acquire(folder, dead)
            if claim is None:
                says("collided", folder.name)
                continue
            with claim:
                if not (folder / "done").exists():
                    train(folder, claim, says)
        pause.wait(0.05)


def train(folder, claim, says):
    """Stands for training: takes some milliseconds, and publishes if the claim still holds."""
    digest = b""
    for _ in range(5_000):
        digest = hashlib.sha256(digest).digest()
    with contextlib.suppress(FileNotFoundError):
        (folder / "deadly").unlink()
        says("killed", folder.name)
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        claim.check()
    except ClaimLost:
        says("lost", folder.name)
        return
    (folder / "done").open("x").close()
    says("published", folder.name)


def hear(reader, is_over):
    """Yield the lines that come through a pipe, until all is over and none is left in it."""
    rest = ""
    while True:
        # Asked before looking: what was said until then is in the pipe.
        over = is_over()
        if select.select([reader], [], [], 0.0 if over else 0.5)[0]:
            *lines, rest = (rest + os.read(reader, 1 << 16).decode()).split("\n")
            yield from lines
        elif over:
            return


@pytest.mark.slow
@pytest.mark.parametrize("far", [False, True], ids=["one host", "a host each"])
def test_many_processes_publish_every_run_once(far, tmp_path):
    folders = [tmp_path / f"run-{number:03d}" for number in range(RUNS)]
    for folder in folders[:: RUNS // DEADLY][:DEADLY]:
        folder.mkdir()
        (folder / "deadly").touch()
    reader, writer = os.pipe()

    def says(event, name):
        """A short line is written whole, and without a lock that a killed process would keep."""
        os.write(writer, f"{event} {name} {os.getpid()}\n".encode())

    def start():
        process = context.Process(target=work_off, args=(folders, far, says), daemon=True)
        process.start()
        processes[process.pid] = process

    context = multiprocessing.get_context("fork")
    processes, happened = {}, Counter()
    for _ in range(PROCESSES):
        start()
    for line in hear(reader, lambda: all((folder / "done").exists() for folder in folders)):
        event, _, pid = line.split()
        happened[event] += 1
        process = processes.get(int(pid))
        due = event == "published" and happened[event] % 5 == 0 and happened["later"] < KILLED
        if due and process is not None:
            # It may be anywhere by now: letting go, or at its next claim.
            happened["later"] += 1
            process.kill()
            event = "killed later"
        if event.startswith("killed") and process is not None:
            del processes[process.pid]
            process.join()
            start()
    os.close(writer)
    os.close(reader)
    for process in processes.values():
        process.join()
    # A process that publishes a run for the second time ends with an error.
    assert [process.exitcode for process in processes.values()] == [0] * PROCESSES
    # Who is killed later may be at a run that would have killed it, and then says nothing of it.
    assert 0 <= DEADLY - happened["killed"] <= happened["later"]
    assert happened["later"]
    now = [0.0]
    late = Observer(lambda: now[0])
    for folder in folders:
        # One that was killed after it had published left its claim.
        late.observe(folder)
        now[0] += claims.STALE_SECONDS + 1
        with acquire(folder, late.observe(folder)[1]) as claim:
            claim.check()
        assert [path.name for path in folder.iterdir()] == ["done"]
