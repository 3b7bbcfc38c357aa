"""A results folder of 12,600 finished runs that were not trained, and how long commands take on it.

``python tests/performance/many_runs.py make FOLDER`` trains two small runs, scores them, and copies
them to the place of every run of a plan as large as that of disentanglement_lib's study: six
models at six values each, and one that continues another, on six data sets, with 50 seeds. Every
run has a run.json of its own that fits the plan; the other files are links to the true ones.
``python tests/performance/many_runs.py measure FOLDER`` prints the seconds of each command.
"""

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODELS = "annealedvae,betatcvae,betavae,dipvae1,dipvae2,factorvae,lambdabeta"
DATASETS = "sprites-small,sprites,rooms3d,dsprites,shapes3d,mpi3d_real"
SEEDS = 50
# The sweep of the study in small: what is left of the plan can be trained in seconds.
SETTINGS = {"network": "conv-small", "image_size": "32", "n_train": "600", "n_test": "300"}
OPTIONS = (
    *("--preset", "dlib", "--steps", "20", "--continue-steps", "4"),
    *(word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")),
)
# A run that the measurements remove and train again.
LEFT_OVER = "sprites-small/dlib/betavae/beta=16/seed-{}"
BENCH = (sys.executable, "-c", "from disentanglement_bench.benchmark.cli import main; main()")


def train_command(results, seeds=SEEDS):
    """The call of ``bench train`` whose runs `make_results` puts below a folder."""
    chosen = ("--model", MODELS, "--lambda", "8", "--dataset", DATASETS, "--seeds", str(seeds))
    return (*BENCH, "train", *OPTIONS, *chosen, "--results", os.fspath(results))


def make_results(results, seeds=SEEDS):
    """Put all runs of the plan below a folder, as if they had been trained and scored.

    Parameters
    ----------
    results : path
        Made if missing.
    seeds : int

    Returns
    -------
    int
        Number of runs.
    """
    results = Path(results)
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".true-", dir=results) as true:
        chosen = ("--model", "betavae", "--beta", "4", "--dataset", "sprites-small", "--jobs", "1")
        train = (*BENCH, "train", *OPTIONS, *chosen, "--seeds", "2")
        subprocess.run([*train, "--results", true], check=True, capture_output=True)
        subprocess.run([*BENCH, "evaluate", true], check=True, capture_output=True)
        (setting,) = Path(true).glob("runs/*/*/*/*")
        plan = read_plan(seeds)
        originals = {}
        for spec in plan:
            # A file system limits the number of names of one file.
            original = originals.get(spec.dataset)
            if original is None:
                original = originals[spec.dataset] = Path(true, spec.dataset)
                shutil.copytree(setting / "seed-0", original, copy_function=shutil.copy2)
            place_run(results / "runs" / spec.path, spec, original)
        peers = json.loads((setting / "udr.json").read_text())
        for folder in {(results / "runs" / spec.path).parent for spec in plan}:
            (folder / "udr.json").write_text(json.dumps(repeat_peers(peers, seeds), indent=1))
    return len(plan)


def read_plan(seeds=SEEDS):
    """The runs, as ``bench train`` plans them."""
    from disentanglement_bench.benchmark.protocol.request import TrainRequest

    return TrainRequest(
        preset="dlib",
        models=tuple(MODELS.split(",")),
        datasets=tuple(DATASETS.split(",")),
        seeds=tuple(range(seeds)),
        lambdas=(8.0,),
        steps=20,
        continue_steps=4,
        settings=tuple(SETTINGS.items()),
    ).plan()


def place_run(folder, spec, original):
    """Link the files of a true run into a folder, with the run.json that `spec` would write."""
    from disentanglement_bench.benchmark.protocol.plan import config_sha256

    folder.mkdir(parents=True)
    (folder / "scores").mkdir()
    for path in original.rglob("*"):
        if path.is_file() and path.name != "run.json":
            os.link(path, folder / path.relative_to(original))
    record = json.loads((original / "run.json").read_text())
    parent = spec.parent and {
        "path": spec.parent.path,
        "config_sha256": config_sha256(spec.parent.resolved()),
    }
    record |= {
        "run": spec.identity(),
        "method": spec.method(),
        "config": spec.resolved(),
        "config_sha256": config_sha256(spec.resolved()),
        "parent": parent,
        "dataset": record["dataset"] | {"name": spec.dataset},
    }
    (folder / "run.json").write_text(json.dumps(record, indent=1))


def repeat_peers(record, seeds):
    """The comparison of two seeds, written as one of many, all of which hold the same file."""
    first = record["peers"]["seed-0/representation.h5"]
    names = sorted(f"seed-{seed}/representation.h5" for seed in range(seeds))
    value = first["values"]["udr"]
    row = [value] * seeds
    pairs = {key: [row] * seeds for key in record["pairs"] if key != "runs"}
    return record | {"peers": dict.fromkeys(names, first), "pairs": pairs | {"runs": names}}


@contextlib.contextmanager
def moved_aside(folders):
    """Folders that are not there for the length of a block."""
    with contextlib.ExitStack() as stack:
        for folder in folders:
            aside = folder.with_name("." + folder.name)
            folder.rename(aside)
            stack.callback(aside.rename, folder)
        yield


def seconds_of(command):
    """How long a command takes in a process of its own, and how much processor time."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(results, seeds=SEEDS):
    """Measure every command that has nothing, or next to nothing, to do.

    Yields
    ------
    command : str
    seconds : (float, float)
        Of `seconds_of`.
    """
    results = Path(results)
    train = train_command(results, seeds)
    status = (*BENCH, "status", os.fspath(results))
    yield "bench --help", seconds_of((*BENCH, "--help"))
    yield "bench status", seconds_of(status)
    yield "bench status --runs", seconds_of((*status, "--runs"))
    yield "bench train, everything done", seconds_of(train)
    yield "bench train --dry-run, everything done", seconds_of((*train, "--dry-run"))
    folders = [results / "runs" / spec.path for spec in read_plan(seeds)]
    with moved_aside(folders[::2]):
        yield "bench train --dry-run, half of it done", seconds_of((*train, "--dry-run"))
    with tempfile.TemporaryDirectory() as empty:
        nothing = train_command(empty, seeds)
        yield "bench train --dry-run, nothing there", seconds_of((*nothing, "--dry-run"))
    shutil.rmtree(results / "runs" / LEFT_OVER.format(seeds - 1))
    yield "bench train, one run left", seconds_of(train)


def main():
    """Make the folder, or measure on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["make", "measure"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    arguments = parser.parse_args()
    if arguments.action == "make":
        print(f"{make_results(arguments.folder, arguments.seeds):,} runs below {arguments.folder}")
        return
    for command, (seconds, processor) in measure(arguments.folder, arguments.seeds):
        print(f"{seconds:6.1f} s, {processor:5.1f} s of processor time  {command}", flush=True)


if __name__ == "__main__":
    main()
