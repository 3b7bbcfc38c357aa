import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation import MetricError, write_representation
from disentanglement_bench.evaluation.scoring import workers
from disentanglement_bench.evaluation.scoring.file_scores import Options
from disentanglement_bench.evaluation.scoring.waiting import Waiting
from disentanglement_bench.evaluation.scoring.workers import (
    WorkerError,
    score_files,
)

METRICS = """
import os, signal, sys, threading

def fine(codes, factors, n_train):
    return 0.5

def pid(codes, factors, n_train):
    return os.getpid() / 2**32

def threads(codes, factors, n_train):
    return int(os.environ["OMP_NUM_THREADS"]) / 2

def killed(codes, factors, n_train):
    if codes[0, 0] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.5

def leaves(codes, factors, n_train):
    os._exit(3)

def quits(codes, factors, n_train):
    sys.exit(0)

def noisy(codes, factors, n_train):
    os.write(1, b"\\x1b[31m"), os.write(2, b"\\x1b[31m")
    raise ValueError("\\x1b[31mred\\n" * 10_000)

def hangs(codes, factors, n_train):
    while True:
        pass

def huge(codes, factors, n_train):
    return len([bytearray(2**28) for _ in range(16)])

def waits(codes, factors, n_train):
    open(os.path.join(os.path.dirname(__file__), f"up-{os.getpid()}"), "w").close()
    threading.Event().wait(300)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(METRICS)
    for value in range(1, 5):
        codes = np.full((30, 2), float(value))
        write_representation(tmp_path / f"{value}.h5", codes, np.arange(30)[:, None] % 3)
    return tmp_path


def score(folder, *names, jobs=1, paths=None, **options):
    """Outcomes by file name."""
    references = tuple(f"{folder}/mine.py:{name}" for name in names)
    paths = sorted(folder.glob("*.h5")) if paths is None else paths
    found = score_files(Waiting(paths), Options(references, **options), jobs)
    return {outcome.path.name: outcome for outcome in found}


def value(folder, name, metric):
    from disentanglement_bench.evaluation.scoring.score_files import read_score

    record = read_score(folder / f"{Path(name).stem}.scores" / f"mine.{metric}.json")
    return None if record is None else record["values"][f"mine:{metric}"]


def test_workers_are_other_processes_of_one_thread_and_are_used_again(folder):
    assert len(score(folder, "pid", "threads", jobs=2)) == 4
    pids = {value(folder, f"{k}.h5", "pid") * 2**32 for k in range(1, 5)}
    assert 1 <= len(pids) <= 2
    assert os.getpid() not in pids
    assert value(folder, "1.h5", "threads") == 0.5


@pytest.mark.parametrize("jobs", [1, 2])
def test_only_the_metric_that_kills_its_worker_fails(folder, jobs):
    outcomes = score(folder, "killed", "fine", jobs=jobs)
    assert sorted(outcomes) == ["1.h5", "2.h5", "3.h5", "4.h5"]
    problems = outcomes.pop("3.h5").problems
    assert problems == (
        f"{folder / '3.h5'}: metric mine:killed failed: it ended its worker process by SIGKILL "
        "(out of memory?)",
    )
    assert all(outcome.problems == () for outcome in outcomes.values())
    assert value(folder, "3.h5", "fine") == 0.5, "the file's other metrics are computed"
    assert value(folder, "3.h5", "killed") is None


def test_metrics_that_leave_hang_or_shout(folder, capfd):
    only = [folder / "1.h5"]
    (leaves,) = score(folder, "leaves", paths=only).values()
    assert leaves.problems[0].endswith("it ended its worker process with code 3")
    (quits,) = score(folder, "quits", paths=only).values()
    assert "metric mine:quits failed: SystemExit: 0 (mine.py, line" in quits.problems[0]
    (noisy,) = score(folder, "noisy", paths=only).values()
    assert "\x1b" not in noisy.problems[0]
    assert len(noisy.problems[0]) < 1000
    (hangs,) = score(folder, "hangs", "fine", paths=only, seconds=1).values()
    assert hangs.problems[0].endswith("metric mine:hangs failed: it takes longer than 1 seconds")
    assert value(folder, "1.h5", "fine") == 0.5
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit of the system")
def test_memory_is_limited(folder):
    (outcome,) = score(folder, "huge", "fine", paths=[folder / "1.h5"]).values()
    assert outcome.problems[0].endswith("needs more memory than it may take")
    assert value(folder, "1.h5", "fine") == 0.5


def test_metrics_that_a_worker_cannot_load(folder):
    with pytest.raises(MetricError, match=r"has no|unknown metric"):
        score(folder, "nothing")


def test_workers_that_cannot_start(folder, monkeypatch):
    monkeypatch.setattr(workers, "_PROGRAM", "raise SystemExit(1)")
    with pytest.raises(WorkerError, match="ended while it started"):
        score(folder, "fine")


def test_no_module_of_the_current_folder_comes_in_between(folder, monkeypatch):
    for name in ("socket", "multiprocessing", "numpy", "evaluation", "resource"):
        (folder / f"{name}.py").write_text("raise ValueError('shadowed')")
    monkeypatch.chdir(folder)
    assert score(folder, "fine", paths=[folder / "1.h5"])["1.h5"].problems == ()


def test_nothing_to_do_starts_nothing(monkeypatch):
    monkeypatch.setattr(workers, "Worker", None)
    assert list(score_files(Waiting([]), Options(()), 4)) == []


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(folder, ending):
    code = (
        "import sys; from pathlib import Path; "
        "from disentanglement_bench.evaluation.scoring.workers import score_files\n"
        "from disentanglement_bench.evaluation.scoring.file_scores import Options\n"
        "from disentanglement_bench.evaluation.scoring.waiting import Waiting\n"
        "paths = [Path(path) for path in sys.argv[2:]]\n"
        "list(score_files(Waiting(paths), Options((sys.argv[1],)), 2))"
    )
    arguments = [f"{folder}/mine.py:waits", *map(str, sorted(folder.glob("*.h5")))]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.DEVNULL)
    while len(up := list(folder.glob("up-*"))) < 2:
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(ending)
    process.wait()
    for pid in (int(path.name.removeprefix("up-")) for path in up):
        while _runs(pid):
            os.sched_yield()
    assert not list(folder.rglob("*.tmp"))


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] not in "ZX"
    except (OSError, IndexError):
        return False
