"""`bench train` as a user runs it: processes, signals, kills, and calls side by side."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from disentanglement_bench.evaluation.representation.file_format import read_representation

TINY_OPTIONS = (
    "--set=batch_size=8",
    "--set=image_size=16",
    "--set=latent_size=3",
    "--set=n_train=20",
    "--set=n_test=10",
    "--set=log_every=2",
    "--set=checkpoint_every=3",
)
PLUGINS = '''
import os, signal
from dataclasses import dataclass
import numpy as np
from disentanglement_bench.models.zoo.betavae import BetaVAE

class Blocks:
    """A block at 4 x 4 positions in 4 brightnesses."""
    name = "blocks"
    factor_names = ("x", "y", "level")
    factor_sizes = (4, 4, 4)
    def __init__(self):
        self.images = np.zeros((64, 16, 16, 1), np.uint8)
        for flat, (x, y, level) in enumerate(np.ndindex(4, 4, 4)):
            self.images[flat, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4] = 60 * (level + 1)

class Fragile(BetaVAE):
    """Breaks where it is told to, unless the file `mended` exists."""
    @dataclass(frozen=True)
    class Hyperparameters:
        beta: float = 1.0
    def loss(self, outputs, coefficients):
        beta = float(coefficients["beta"])
        if beta == 2 and not os.path.exists("mended"):
            raise RuntimeError("broken on purpose\\nwith a second line")
        if beta == 3 and not os.path.exists("mended"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(outputs, coefficients)
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plugins.py").write_text(PLUGINS)
    return tmp_path


def command(*options, results="results"):
    return [
        sys.executable,
        "-m",
        "disentanglement_bench.benchmark.cli",
        "train",
        "--dataset",
        "plugins:Blocks",
        "--device",
        "cpu",
        "--results",
        results,
        *TINY_OPTIONS,
        *options,
    ]


def environment():
    return os.environ | {"OMP_NUM_THREADS": "1"}


def bench(folder, *options, **more):
    return subprocess.run(
        command(*options, **more),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def start(folder, *options, **more):
    return subprocess.Popen(
        command(*options, **more),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A process group of its own, as a terminal gives it.
        start_new_session=True,
    )


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


def runs(folder, results="results"):
    return {
        str(path.parent.relative_to(folder / results)): json.loads(path.read_text())
        for path in sorted((folder / results).rglob("run.json"))
    }


def codes(folder, results="results"):
    return {
        str(path.parent.relative_to(folder / results)): read_representation(path).codes
        for path in sorted((folder / results).rglob("representation.h5"))
    }


FAMILY = ("--model", "lambdabeta", "--beta", "1,4", "--seeds", "1", "--jobs", "2")
LONG = (*FAMILY, "--steps", "150", "--continue-steps", "30")


def test_a_plan_is_trained_once_and_shared_parents_first(folder):
    first = bench(folder, *FAMILY, "--steps", "6", "--continue-steps", "4")
    assert first.returncode == 0, first.stderr
    assert "6 done; 6 trained by this call." in first.stdout
    assert "results/runs/**/representation.h5" in first.stdout
    lines = [line for line in first.stderr.splitlines() if line.startswith("start")]
    assert len(lines) == 6
    assert "betavae" in lines[0]
    assert all(record["status"] == "done" for record in runs(folder).values())
    before = {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*.*")}

    second = bench(folder, *FAMILY, "--steps", "6", "--continue-steps", "4")
    assert second.returncode == 0
    assert "6 done; 0 trained by this call." in second.stdout
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*.*")}

    refused = bench(folder, *FAMILY, "--steps", "7", "--continue-steps", "4")
    assert refused.returncode == 2
    assert "phases: [6] there, [7] wanted" in refused.stderr
    assert "--tag NAME" in refused.stderr


ADVERSARIAL = (
    *("--model", "factorvae", "--set=gamma=5,40", "--seeds", "1", "--jobs", "2"),
    *("--steps", "120", "--continue-steps", "60", "--set=permuted_batch=second"),
)


STACKED = (
    *("--model", "lambdabeta", "--beta", "1,2", "--seeds", "2", "--jobs", "2"),
    *("--steps", "90", "--continue-steps", "30"),
)


def stacks(folder, results="results"):
    """The numbers of members in the sessions of all runs."""
    return [[s["stack"] for s in record["sessions"]] for record in runs(folder, results).values()]


@pytest.mark.slow
def test_runs_in_stacks_are_those_of_single_runs_and_outlive_kills(folder):
    """One by one; and together, but killed in the middle and continued by two calls at once."""
    alone = bench(folder, *STACKED, results="alone")
    assert alone.returncode == 0, alone.stderr
    killed = start(folder, *STACKED, "--stack", "4")
    wait_for(lambda: list((folder / "results").rglob("checkpoint.pt")))
    os.killpg(killed.pid, signal.SIGKILL)
    output, _ = killed.communicate()
    assert "on cpu, 2 runs together)" in output
    assert len(codes(folder)) < 12, "killed too late to test anything"
    both = [start(folder, *STACKED, "--stack", "4") for _ in range(2)]
    outputs = [call.communicate(timeout=240)[0] for call in both]
    assert [call.returncode for call in both] == [0, 0], outputs
    assert all("12 done; " in output for output in outputs)
    assert any(len(members) > 1 for members in stacks(folder))

    expected, found = codes(folder, "alone"), codes(folder)
    assert found.keys() == expected.keys()
    files = {f.name for f in (folder / "results").rglob("*.*")}
    assert files == {f.name for f in (folder / "alone").rglob("*.*")}
    for name, single in expected.items():
        # Round-off grows with the steps; the scale of codes is about 1.
        assert np.abs(found[name] - single).mean() < 0.05, name
    assert not list(folder.rglob("claim-*"))
    assert not list(folder.rglob(".*.tmp"))


@pytest.mark.slow
def test_a_worker_killed_with_a_stack_fails_each_of_its_runs(folder):
    options = ("--model", "betavae", "--beta", "1,2", "--seeds", "1", "--steps", "100000")
    call = start(folder, *options, "--jobs", "1", "--stack", "2")
    wait_for(lambda: len(list((folder / "results").rglob("checkpoint.pt"))) == 2)
    owner = json.loads(next((folder / "results").rglob("claim-1")).read_text())
    os.kill(owner["pid"], signal.SIGKILL)
    output, _ = call.communicate(timeout=120)
    assert call.returncode == 1, output
    assert "2 failed; 0 trained by this call." in output
    assert [record["status"] for record in runs(folder).values()] == ["failed", "failed"]
    assert "lower --stack, --jobs or batch_size" in output


@pytest.mark.slow
@pytest.mark.parametrize(("options", "count"), [(LONG, 6), (ADVERSARIAL, 2)])
def test_a_call_killed_in_the_middle_ends_as_an_uninterrupted_one(options, count, folder):
    """The call and its workers at once, by SIGKILL, so that nothing more is saved."""
    whole = bench(folder, *options, results="whole")
    assert whole.returncode == 0, whole.stderr
    killed = start(folder, *options)
    wait_for(lambda: list((folder / "results").rglob("checkpoint.pt")))
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert len(codes(folder)) < count, "killed too late to test anything"
    again = bench(folder, *options)
    assert again.returncode == 0, again.stderr
    expected, found = codes(folder, "whole"), codes(folder)
    assert expected.keys() == found.keys()
    assert len(found) == count
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert not list((folder / "results").rglob("claim-*"))
    assert not list((folder / "results").rglob(".*.tmp"))


@pytest.mark.slow
def test_two_calls_at_once_share_the_work(folder):
    # Two workers each, so that each has one thread.
    options = (*FAMILY, "--steps", "12", "--continue-steps", "8")
    both = [start(folder, *options) for _ in range(2)]
    outputs = [call.communicate(timeout=240)[0] for call in both]
    assert [call.returncode for call in both] == [0, 0], outputs
    assert all("6 done; " in output for output in outputs)
    trained = [int(output.split("done; ")[1].split(" trained")[0]) for output in outputs]
    assert sum(trained) == 6, outputs
    assert len(codes(folder)) == 6
    assert not list((folder / "results").rglob("claim-*"))


@pytest.mark.slow
def test_a_call_that_does_not_wait_leaves_when_others_have_the_rest(folder):
    first = start(folder, *ENDLESS)
    wait_for(lambda: list((folder / "results").rglob("checkpoint.pt")))
    second = bench(folder, *ENDLESS, "--no-wait")
    assert second.returncode == 0, second.stderr
    assert "1 left to other processes; 0 trained by this call." in second.stdout
    assert first.poll() is None
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()


ENDLESS = (
    "--model",
    "betavae",
    "--beta",
    "4",
    "--seeds",
    "1",
    "--steps",
    "100000",
    "--jobs",
    "2",
)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)]
)
def test_a_signal_to_everybody_saves_and_the_next_call_continues(number, folder):
    call = start(folder, *ENDLESS)
    wait_for(lambda: list((folder / "results").rglob("checkpoint.pt")))
    os.killpg(call.pid, number)
    output, _ = call.communicate(timeout=120)
    assert call.returncode == 128 + number, output
    assert "stopping: saving checkpoints" in output
    assert "Interrupted; the same command continues." in output
    assert "Traceback" not in output
    (record,) = runs(folder).values()
    assert record["status"] == "interrupted"
    assert "its checkpoint is saved" in record["reason"]
    assert not list((folder / "results").rglob("claim-*"))
    shown = bench(folder, *ENDLESS, "--dry-run")
    assert "continue" in shown.stdout


def test_ctrl_c_while_workers_start_is_no_error(folder):
    call = start(folder, *ENDLESS)
    # Said just before the first worker starts.
    assert "1 runs, 0 of them done" in call.stdout.readline()
    os.killpg(call.pid, signal.SIGINT)
    output, _ = call.communicate(timeout=120)
    assert call.returncode == 130, output
    assert "Traceback" not in output


def test_failures_are_isolated_explained_and_retried_on_request(folder):
    options = (
        "--model",
        "plugins:Fragile",
        "--beta",
        "1,2,3",
        "--seeds",
        "1",
        "--steps",
        "4",
        "--jobs",
        "2",
    )
    first = bench(folder, *options)
    assert first.returncode == 1, first.stderr
    assert "1 done, 2 failed; 1 trained by this call." in first.stdout
    found = {name.split("/")[4]: record for name, record in runs(folder).items()}
    assert found["beta=1"]["status"] == "done"
    assert found["beta=2"]["reason"] == "RuntimeError: broken on purpose"
    assert "SIGKILL" in found["beta=3"]["reason"]
    tracebacks = sorted((folder / "results").rglob("traceback.txt"))
    assert len(tracebacks) == 2
    assert "broken on purpose" in tracebacks[0].read_text()
    assert "beta=2" in first.stderr
    assert "--retry-failed" in first.stderr

    second = bench(folder, *options)
    assert second.returncode == 1
    assert "1 done, 2 failed; 0 trained by this call." in second.stdout

    (folder / "mended").touch()
    third = bench(folder, *options, "--retry-failed")
    assert third.returncode == 0, third.stderr
    assert "3 done; 2 trained by this call." in third.stdout
    assert not list((folder / "results").rglob("traceback.txt"))
