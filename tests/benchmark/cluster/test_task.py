"""The call inside a job, with a program in the place of `bench` that signals the job itself."""

import os
import signal
import sys

import pytest

from disentanglement_bench.benchmark.cluster.task import Task

# A call that runs until it is asked to stop, then says how often it was asked.
CALL = """
import os, signal, sys
asked = []
signal.signal(signal.SIGINT, lambda *_: asked.append(1))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
# What SLURM sends to every process of a job.
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGUSR2)
for name in sys.argv[2:]:
    os.kill(os.getppid(), getattr(signal, name))
signal.sigwait({signal.SIGINT})
left = signal.sigtimedwait({signal.SIGINT}, 0.2)
open(sys.argv[1], "w").write("asked once" if left is None else "asked again")
sys.exit(130)
"""


class Scripted(Task):
    """A task that runs a text of Python instead of `bench`."""

    def command(self):
        return [sys.executable, "-S", "-c", *self.arguments]


@pytest.fixture
def requeue():
    """Signals that submitit's handler, which is put in place, was called for."""
    numbers = (signal.SIGTERM, signal.SIGUSR2)
    earlier = {number: signal.getsignal(number) for number in numbers}
    called = []

    def handler(number, frame):
        called.append(number)
        sys.exit(-1)

    signal.signal(signal.SIGUSR2, handler)
    yield called
    for number, previous in earlier.items():
        signal.signal(number, previous)


@pytest.fixture
def run(tmp_path):
    def run_task(*arguments):
        Scripted(arguments, os.fspath(tmp_path), {"GIVEN": "yes"})()

    return run_task


def test_a_call_that_ends_well_ends_the_job(run, requeue, tmp_path):
    run("import os; open('seen', 'w').write(os.environ['GIVEN'])")
    assert (tmp_path / "seen").read_text() == "yes"
    assert requeue == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("raise SystemExit(1)", 1), ("import os; os.kill(os.getpid(), 9)", 128 + 9)],
)
def test_a_call_that_fails_gives_the_job_its_exit_code(run, requeue, code, status):
    with pytest.raises(SystemExit) as ended:
        run(code)
    assert ended.value.code == status
    assert requeue == []


@pytest.mark.parametrize(
    ("signals", "answer"),
    [
        # The time limit is near, or has just been reached; and SLURM too busy to answer.
        (("SIGUSR2",), "RUNNING None"),
        (("SIGUSR2", "SIGTERM"), "COMPLETING TimeLimit"),
        (("SIGUSR2",), ""),
        # Another job needs the node, and this one may still take some time.
        (("SIGTERM",), "RUNNING None"),
    ],
)
def test_a_job_that_is_warned_saves_and_is_requeued(
    signals, answer, run, requeue, program, tmp_path
):
    pytest.importorskip("submitit")
    program("squeue", f"print({answer!r})")
    with pytest.raises(SystemExit):
        run(CALL, "saved", *signals)
    assert (tmp_path / "saved").read_text() == "asked once"
    assert requeue == [signal.SIGUSR2]


@pytest.mark.parametrize(
    ("signals", "answer"),
    [
        # Cancelled, also while its time was running out; or requeued by SLURM itself.
        (("SIGTERM",), "COMPLETING None"),
        (("SIGUSR2", "SIGTERM"), "CANCELLED None"),
        (("SIGTERM",), ""),
    ],
)
def test_a_job_that_is_cancelled_saves_and_does_not_come_back(
    signals, answer, run, requeue, program, tmp_path, capfd
):
    program("squeue", f"print({answer!r})")
    with pytest.raises(SystemExit) as ended:
        run(CALL, "saved", *signals)
    assert ended.value.code == 128 + signal.SIGTERM
    assert (tmp_path / "saved").read_text() == "asked once"
    assert requeue == []
    assert (answer.split(" ")[0] or "unknown") in capfd.readouterr().out


def test_a_job_that_was_requeued_too_often_says_what_to_do(run, requeue, program, capfd):
    program("squeue", "print('RUNNING None')")
    utils = pytest.importorskip("submitit.core.utils")

    def refuse(number, frame):
        raise utils.UncompletedJobError("Job not requeued because: timed-out too many times.")

    signal.signal(signal.SIGUSR2, refuse)
    with pytest.raises(SystemExit) as ended:
        run(CALL, "saved", "SIGUSR2")
    assert ended.value.code == 128 + signal.SIGUSR2
    assert "too many times. Call bench submit again" in capfd.readouterr().out


def test_after_a_requeue_submitit_runs_the_same_call():
    helpers = pytest.importorskip("submitit.helpers")
    task = Task(("train", "--no-wait"), "/work")
    again = task.checkpoint()
    assert isinstance(again, helpers.DelayedSubmission)
    assert again.function == task
