"""Steps per second of runs that are trained together, against one by one, in the same minutes.

``python tests/performance/stacking_speed.py`` prints run-steps per second and memory against the
number of runs in a stack, and eager against compiled steps, for one worker and for one a core: the
workers are those of ``bench train``, measuring as ``--stack auto`` does.

With ``--calls 3`` it compares whole calls instead: ``bench train --stack auto`` and ``--stack 1``
take turns on the same runs of the protocol `quick`, each in a results folder of its own, and the
figures are those that the runs recorded. Before them a call of the whole protocol is begun and
stopped as soon as it has chosen, so that calibration is as long as ever and not counted.

With ``--profile`` it shows where the processor's time goes, alone and in a stack of eight.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

from disentanglement_bench.benchmark import datasets
from disentanglement_bench.benchmark.protocol.request import TrainRequest
from disentanglement_bench.benchmark.workers.choices import choose
from disentanglement_bench.benchmark.workers.measuring_workers import MeasuringWorkers
from disentanglement_bench.benchmark.workers.worker import WorkerSettings

DATASET = "sprites-small"
SIZES = (1, 2, 4, 8, 16, 32)
NETWORKS = {"quick": "conv-small, 32×32, batch 32", "paper": "conv, 64×64, batch 64"}
TRAIN = (
    *(sys.executable, "-m", "disentanglement_bench.benchmark.cli", "train"),
    *("--model", "betavae", "--device", "cpu", "--continue-steps", "0"),
)
# 32 runs: a full stack of 16 for each of two workers; and enough that a calibration is worth it.
RUNS = ("--beta", "1,4,8,16", "--seeds", "8")
WHOLE = ("--beta", "1,4,8,16,32", "--seeds", "20", "--stack", "auto")


def list_specs(preset):
    """Runs of a preset that can be one stack: five values of β and then the next seed."""
    plan = TrainRequest(
        preset=preset, models=("betavae",), datasets=(DATASET,), seeds=tuple(range(10))
    ).plan()
    return [spec for spec in plan if spec.parent is None]


def crew(workers, compiled=False):
    """Workers of `bench train` that measure side by side, with one thread each."""
    settings = WorkerSettings(
        results="results",
        datasets={DATASET: datasets.load_dataset(DATASET)},
        device="cpu",
        threads=1,
        compiled=compiled,
        deterministic=False,
        provenance={},
    )
    return MeasuringWorkers([settings] * workers)


def measure(preset, workers, sizes=SIZES, seconds=60.0):
    """Measure stacks of several sizes in processes at once.

    Parameters
    ----------
    preset : str
    workers : int
        Processes side by side.
    sizes : tuple of int
    seconds : float

    Returns
    -------
    list of tuple of benchmark.workers.measuring.Measurement
        One a worker.
    """
    with crew(workers) as processes:
        return processes.measure(list_specs(preset), sizes, seconds)


def compare_compiled(preset, rounds=3, seconds=8.0):
    """How many times as fast compiled steps of one run are, and each ratio, from taking turns."""
    ratios = []
    with crew(1) as eager, crew(1, compiled=True) as compiled:
        for _ in range(rounds):
            speeds = [
                processes.measure(list_specs(preset)[:1], (1,), seconds)[0][0].run_steps_per_second
                for processes in (eager, compiled)
            ]
            ratios.append(speeds[1] / speeds[0])
    return statistics.median(ratios), ratios


def summed(found):
    """Run-steps per second and bytes of a worker by size, summed or the largest over workers."""
    sizes = set.intersection(*({m.members for m in each if not m.error} for each in found))
    table = {}
    for members in sorted(sizes):
        same = [next(m for m in each if m.members == members) for each in found]
        table[members] = (
            sum(m.run_steps_per_second for m in same),
            max(m.memory_bytes for m in same),
        )
    return table


def table(presets, workers, seconds):
    """Measure everything; yields lines of text."""
    for preset in presets:
        yield f"{NETWORKS[preset]}"
        for count in workers:
            found = measure(preset, count, seconds=seconds)
            speeds = summed(found)
            yield f"  {count} worker(s) with one thread"
            for members, (speed, memory) in speeds.items():
                ratio = speed / speeds[1][0]
                yield (
                    f"    {members:3} together: {speed:7.1f} run-steps/s, {ratio:5.2f} of one by "
                    f"one, {memory / 1e6:6.1f} MB a worker"
                )
            yield f"    --stack auto takes {choose(found).members}"
        middle, ratios = compare_compiled(preset)
        shown = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
        yield f"  one run, compiled against eager: {middle:.2f} ({shown})"


def calibrate(results):
    """Let ``--stack auto`` choose, and stop when it has; what it chose is in ``stacks.json``."""
    process = subprocess.Popen(
        [*TRAIN, *WHOLE, "--results", results], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    chosen = Path(results, "stacks.json")
    while not chosen.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the call to calibrate ended, with code {process.returncode}")
        time.sleep(0.5)
    process.terminate()
    process.wait()
    return chosen


def call(results, stack, steps):
    """Carry out a call of `bench train`; run-steps per second while its workers trained.

    Every run records its share of the training time of its worker, so that steps over time,
    summed over all runs, is the speed of one worker. Starting, encoding and writing do not count.
    """
    options = ["--stack", stack, "--steps", str(steps), "--results", results]
    began = time.perf_counter()
    done = subprocess.run([*TRAIN, *RUNS, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    wall = time.perf_counter() - began
    records = [json.loads(path.read_text()) for path in Path(results).rglob("run.json")]
    seconds = sum(record["seconds"] for record in records)
    members = sorted({session.get("stack") for r in records for session in r["sessions"]})
    return os.cpu_count() * len(records) * steps / seconds, wall, members


def compare_calls(rounds, steps):
    """Let whole calls with ``--stack auto`` and ``--stack 1`` take turns; yields lines of text."""
    ratios, walls = [], []
    with tempfile.TemporaryDirectory() as folder:
        chosen = calibrate(str(Path(folder, "calibration")))
        for number in range(rounds):
            speeds = {}
            for stack in ("auto", "1"):
                results = Path(folder, f"{stack}-{number}")
                results.mkdir()
                shutil.copy(chosen, results)
                speeds[stack] = call(str(results), stack, steps)
                speed, wall, members = speeds[stack]
                yield (
                    f"--stack {stack:4}: {speed:6.1f} run-steps/s, {wall:5.1f} s from start to "
                    f"end, stacks of {', '.join(map(str, members))}"
                )
            ratios.append(speeds["auto"][0] / speeds["1"][0])
            walls.append(speeds["1"][1] / speeds["auto"][1])
    for text, values in (("run-steps/s", ratios), ("whole calls", walls)):
        shown = ", ".join(f"{value:.2f}" for value in sorted(values))
        yield f"auto against 1, {text}: {statistics.median(values):.2f} ({shown})"


def profile(preset, sizes=(1, 8), steps=20, shown=12):
    """Profile steps of one run and of a stack, in this process; yields lines of text."""
    import torch
    from torch.profiler import ProfilerActivity

    from disentanglement_bench.benchmark.runs.building import build_trainer
    from disentanglement_bench.models.training.images import Images
    from disentanglement_bench.models.training.loop import Stopped
    from disentanglement_bench.models.training.stacking import StackedTrainer

    torch.set_num_threads(1)
    specs = list_specs(preset)
    side = specs[0].config.image_size or None
    images = Images(datasets.load_dataset(DATASET).source, "cpu", side)
    for members in sizes:
        trainers = [build_trainer(spec, images, None, "cpu") for spec in specs[:members]]
        group = StackedTrainer(trainers) if members > 1 else trainers[0]

        def train(count, group=group, first=trainers[0]):
            end = first.step + count
            with contextlib.suppress(Stopped):
                group.run(lambda trainer: None, None, lambda: first.step >= end)

        train(3)
        with torch.profiler.profile(activities=[ProfilerActivity.CPU]) as profiler:
            train(steps)
        events = profiler.key_averages()
        total = sum(event.self_cpu_time_total for event in events)
        calls = sum(event.count for event in events if event.key.startswith("aten::"))
        run_steps = steps * members
        yield (
            f"{members} together: {total / run_steps / 1e3:.2f} ms of the processor and "
            f"{calls / run_steps:.0f} operators a run-step"
        )
        for event in sorted(events, key=lambda event: -event.self_cpu_time_total)[:shown]:
            own = event.self_cpu_time_total
            yield (
                f"  {event.key[:44]:44} {own / run_steps / 1e3:7.3f} ms {own / total:6.1%} "
                f"{event.count / run_steps:6.1f} calls"
            )


def main():
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--workers", type=int, nargs="+", default=[1, os.cpu_count()])
    parser.add_argument("--seconds", type=float, default=60, help="for each table")
    parser.add_argument("--calls", type=int, help="compare so many pairs of calls instead")
    parser.add_argument("--steps", type=int, default=750, help="of each of 32 runs of a call")
    parser.add_argument("--profile", action="store_true", help="show where the time goes instead")
    arguments = parser.parse_args()
    if arguments.profile:
        lines = chain(*map(profile, arguments.presets))
    elif arguments.calls:
        lines = compare_calls(arguments.calls, arguments.steps)
    else:
        lines = table(arguments.presets, arguments.workers, arguments.seconds)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
