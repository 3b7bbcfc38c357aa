"""How scoring scales: with one job, with several, in shards, and by calls that share a folder.

``python tests/performance/scoring_speed.py`` writes representations of the size of ``quick`` into a
temporary folder and scores them in each of these ways, in processes as a user starts them. It
prints the seconds that passed, those of all processors together, and how much faster it was than
one job. What the machine does besides is in the former, not in the latter.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from disentanglement_bench.evaluation import Shared, write_representation

BENCH = (sys.executable, "-c", "from disentanglement_bench.benchmark.cli import main; main()")
SIZES = (3, 6, 40, 32, 32)
ROWS, CODES, SHARED_ROWS = 4500, 10, 1000


def write_setting(folder, seeds):
    """Representations of so many seeds of one setting, whose codes mix factors and noise."""
    stream = np.random.default_rng(0)
    for seed in range(seeds):
        factors = np.column_stack([stream.integers(0, size, ROWS) for size in SIZES])
        mixture = stream.normal(size=(len(SIZES), CODES)) * (
            stream.random((len(SIZES), CODES)) < 0.3
        )
        codes = factors / np.array(SIZES) @ mixture + 0.3 * stream.normal(size=(ROWS, CODES))
        shared = Shared(
            codes=stream.normal(size=(SHARED_ROWS, CODES)),
            log_variances=np.full((SHARED_ROWS, CODES), -3.0),
            index=np.arange(SHARED_ROWS),
        )
        write_representation(
            folder / f"seed-{seed}" / "representation.h5",
            codes,
            factors,
            log_variances=np.full(codes.shape, -3.0),
            shared=shared,
        )


def measure(calls):
    """Seconds until calls of ``bench evaluate`` that begin at once have ended, and their CPU."""
    before, began = _used(), time.perf_counter()
    started = [
        subprocess.Popen(
            [*BENCH, "evaluate", *call], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for call in calls
    ]
    for process in started:
        _, errors = process.communicate()
        if process.returncode:
            raise SystemExit(errors.decode())
    return time.perf_counter() - began, _used() - before


def _used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(files, jobs):
    """Print a table of all ways."""
    one = ["--jobs", "1"]
    ways = {
        "1 job": [one],
        f"{jobs} jobs": [["--jobs", str(jobs)]],
        f"{jobs} shards of 1 job at once": [[*one, "--shard", f"{k}/{jobs}"] for k in range(jobs)],
        f"{jobs} calls of 1 job at once": [one] * jobs,
    }
    print(
        f"| {files} representations | passed | of processors | times as fast |\n|---|---|---|---|"
    )
    first = None
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary, "source")
        write_setting(source, files)
        measure([[os.fspath(source / "seed-0"), *one]])  # kernels are compiled
        shutil.rmtree(source / "seed-0" / "scores")
        for name, calls in ways.items():
            folder = Path(temporary, "folder")
            shutil.copytree(source, folder, copy_function=os.link)
            passed, used = measure([[os.fspath(folder), *call] for call in calls])
            first = first or passed
            print(f"| {name} | {passed:.1f} s | {used:.1f} s | {first / passed:.2f} |", flush=True)
            shutil.rmtree(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=48)
    parser.add_argument("--jobs", type=int, default=2)
    main(**vars(parser.parse_args()))
