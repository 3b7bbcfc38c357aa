import os
import signal
import subprocess
import sys

from disentanglement_bench.evaluation.scoring.workers import default_jobs, run_tasks

TASKS = """
import os, signal
from disentanglement_bench.evaluation.scoring.workers import run_tasks

def work(item, options):
    if item == options:
        os.kill(os.getpid(), signal.SIGKILL)
    return item * 10, os.environ.get("OMP_NUM_THREADS"), os.getpid()
"""


def add(item, options):
    return item + options


def test_one_job_stays_in_this_process():
    results = dict(run_tasks(lambda item, options: (item + options, os.getpid()), [1, 2], 10, 1))
    assert results == {1: (11, os.getpid()), 2: (12, os.getpid())}


def test_one_item_needs_no_pool():
    assert list(run_tasks(add, [1], 10, 8)) == [(1, 11)]
    assert list(run_tasks(add, [], 10, 8)) == []


def test_only_the_item_that_kills_its_worker_fails(tmp_path):
    (tmp_path / "tasks.py").write_text(TASKS)
    code = (
        "import os, tasks\n"
        "results = dict(tasks.run_tasks(tasks.work, [1, 2, 3, 4], 3, 2))\n"
        "assert results.pop(3) == 'its worker process died (out of memory?)'\n"
        "assert {k: v[:2] for k, v in results.items()} == {k: (10 * k, '1') for k in (1, 2, 4)}\n"
        "assert os.getpid() not in {v[2] for v in results.values()}\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    """The workers hold the pipe's writing end, so that it closes when the last of them is gone."""
    (tmp_path / "tasks.py").write_text(
        "import os, threading\n"
        "from disentanglement_bench.evaluation.scoring.workers import run_tasks\n"
        "def wait(item, options):\n"
        "    print('up', flush=True)\n"
        "    threading.Event().wait(300)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    code = "import tasks; list(tasks.run_tasks(tasks.wait, [1, 2], None, 2))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert [process.stdout.readline() for _ in range(2)] == ["up\n", "up\n"]
    process.send_signal(signal.SIGKILL)
    assert process.communicate(timeout=60)[0] == ""


def test_default_jobs():
    assert default_jobs() >= 1
