"""A real SLURM on this machine, and a small plan to submit to it."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Some starts of Python and a requeue, on a machine that may have other work.
DEADLINE = 180.0

BLOCKS = """
import numpy as np

class Blocks:
    factor_names = ("x", "y", "level")
    factor_sizes = (4, 4, 3)
    def images(self, index):
        x, y, level = np.unravel_index(index, self.factor_sizes)
        made = np.zeros((len(index), 16, 16), np.uint8)
        for image, row, column, grey in zip(made, y, x, level):
            image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 80 * (grey + 1)
        return made
"""
SETTINGS = (
    "batch_size=8",
    "image_size=16",
    "latent_size=3",
    "n_train=20",
    "n_test=10",
    "log_every=10",
    "checkpoint_every=100",
)


def load_cluster_module():
    """The script that starts a cluster."""
    spec = importlib.util.spec_from_file_location("slurm_cluster", HERE / "cluster.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def cluster_module():
    """The script that starts a cluster; skipped where SLURM is missing, unless it is required."""
    module = load_cluster_module()
    if missing := module.missing_programs():
        if os.environ.get("BENCH_REQUIRE_SLURM") == "1":
            pytest.fail(f"BENCH_REQUIRE_SLURM=1, but there is no {', '.join(missing)}")
        pytest.skip(f"needs {', '.join(missing)}")
    if os.environ.get("BENCH_REQUIRE_SLURM") != "1":
        pytest.importorskip("submitit")
    return module


@pytest.fixture(scope="session")
def running_cluster(cluster_module):
    """The cluster of all tests."""
    with cluster_module.Cluster(max_array_size=2) as cluster:
        yield cluster


@pytest.fixture
def slurm(running_cluster, tmp_path):
    """A user of the cluster, in a folder of his own; his jobs end with the test."""
    (tmp_path / "blocks.py").write_text(BLOCKS)
    user = User(running_cluster, tmp_path)
    yield user
    running_cluster.cancel_all()
    for node in ("n1", "n2"):
        running_cluster.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)
    user.wait_for(running_cluster.is_ready, "both nodes are idle again")


class User:
    """Submits from a folder, and watches what becomes of it."""

    def __init__(self, cluster, folder):
        self.cluster = cluster
        self.folder = folder
        self.results = folder / "results"

    def bench(self, *arguments, code=0):
        """Call `bench`; gives what it prints, errors included."""
        done = subprocess.run(
            [sys.executable, "-m", "disentanglement_bench.benchmark.cli", *arguments],
            cwd=self.folder,
            env=os.environ | self.cluster.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def submit(self, *options, steps=100, seeds=1, time="30"):
        """Submit the training of one β-VAE a seed; gives the numbers of the arrays and jobs."""
        printed = self.bench(
            "submit",
            "train",
            *self.plan(steps, seeds),
            "--time",
            time,
            *options,
        )
        return self.read_numbers(printed)

    @staticmethod
    def read_numbers(printed):
        """Numbers of the arrays and jobs that `bench submit` printed."""
        return re.findall(r"Submitted (?:array|job) (\d+)", printed)

    def plan(self, steps=100, seeds=1):
        """Options of a plan with one run a seed."""
        words = ["--dataset", "blocks.py:Blocks", "--model", "betavae", "--beta", "4"]
        words += ["--seeds", str(seeds), "--steps", str(steps), "--jobs", "1"]
        for setting in SETTINGS:
            words += ["--set", setting]
        return words

    def records(self):
        """The records of all runs, by seed."""
        found = {}
        for path in sorted(self.results.glob("runs/**/run.json")):
            record = json.loads(path.read_text())
            found[record["run"]["seed"]] = record
        return found

    def statuses(self):
        """The statuses of all runs, by seed."""
        return {seed: record["status"] for seed, record in self.records().items()}

    def seeds_with_checkpoints(self):
        """The seeds of runs that can be continued."""
        return [int(path.parent.name[5:]) for path in self.results.glob("runs/**/checkpoint.pt")]

    def wait_for_another_checkpoint(self):
        """Wait until a run that was saved before has been trained further."""
        (path,) = self.results.glob("runs/**/seed-0/checkpoint.pt")
        before = path.stat().st_mtime_ns
        self.wait_for(lambda: path.stat().st_mtime_ns != before, "the run is trained further")

    def log(self, job):
        """The log of a job or of a task, "" before it begins."""
        path = self.results / "jobs" / f"{job}_0_log.out"
        return path.read_text() if path.exists() else ""

    def cancel(self, job):
        """Cancel a job, and see that its run was saved."""
        self.cluster.run("scancel", job)
        assert self.wait_for_end(job) == {job: "CANCELLED"}
        self.wait_for(lambda: self.statuses()[0] == "interrupted", "the run is saved")

    def wait_for(self, happened, meaning):
        """Wait until something has happened."""
        end = time.monotonic() + DEADLINE
        while not happened():
            if time.monotonic() > end:
                logs = [path.read_text() for path in sorted(self.results.glob("jobs/*.out"))]
                shown = self.cluster.run("scontrol", "show", "jobs", check=False)
                pytest.fail("\n".join([f"not within {DEADLINE:.0f} s: {meaning}", shown, *logs]))
            time.sleep(0.2)

    def wait_for_end(self, *numbers):
        """Wait until arrays and jobs have ended; gives the state of each of their tasks."""

        def states():
            every = self.cluster.job_states()
            return {job: state for job, state in every.items() if job.split("_")[0] in numbers}

        self.wait_for(
            lambda: states() and not set(states().values()) & {"PENDING", "RUNNING", "COMPLETING"},
            f"the jobs {', '.join(numbers)} end",
        )
        return states()
