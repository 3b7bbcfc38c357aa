"""What a plan would take here, from short measurements: `bench train --estimate`."""

import os
from collections import defaultdict
from dataclasses import dataclass

import click
import numpy as np

from .. import datasets as data
from ..console import Meter, console, table
from ..datasets.base import Dataset, ImageSource
from ..protocol.fit import check_images
from ..protocol.settings import write_value
from ..runs.store import Store
from .agenda import Agenda
from .calibration import LARGEST_STACK
from .choices import Choice, choose, write_speed
from .devices import choose_stack, choose_workers, resolve_devices
from .measuring import list_sizes
from .measuring_workers import MeasuringWorkers
from .progress import format_seconds
from .stacks import find_stack, measuring_key
from .train import tell_shipped
from .worker import WorkerSettings

# Time for all measurements together, and at least and at most for a kind of run.
SECONDS, LEAST_SECONDS, MOST_SECONDS = 40.0, 4.0, 600.0
# Factors of the images of noise; those of a pair can differ in as many.
NOISE_GRID = (2,) * 10


@dataclass(frozen=True)
class Kind:
    """Runs that cost the same, on one data set or on several of equal images.

    Attributes
    ----------
    runs : list of RunSpec
    choice : Choice
    error : str
        Why they could not be measured, else "".
    """

    runs: list
    choice: Choice
    error: str


def show_estimate(request):
    """Print what the runs that are left to train would take on this machine.

    Parameters
    ----------
    request : TrainRequest

    Raises
    ------
    BenchError
        As `benchmark.workers.train.train` does, though not for data that are missing; and if a
        worker process ends.
    """
    (plan, shipped), store = request.split_plan(), Store(request.results)
    tell_shipped(shipped)
    pending = Agenda(plan, store, request.retry_failed).pending
    if not pending:
        click.echo("Nothing is left to train.")
        return
    steps = {spec: count_steps_left(spec, store) for spec in pending}
    noise = {
        name: make_noise(name, [spec for spec in pending if spec.dataset == name], request.data_dir)
        for name in dict.fromkeys(spec.dataset for spec in pending)
    }
    groups = defaultdict(list)
    for spec in pending:
        shape = noise[spec.dataset].source.image_shape
        key = measuring_key(spec, shape, request.compiled, request.deterministic, request.graphs)
        groups[key].append(spec)
    devices = resolve_devices(request.device)
    jobs, threads = choose_workers(devices, request.jobs)
    settings = [
        WorkerSettings(
            results=os.fspath(store.results),
            datasets=noise,
            device=devices[slot % len(devices)],
            threads=threads,
            compiled=request.compiled,
            deterministic=request.deterministic,
            graphs=request.graphs,
            provenance={},
        )
        for slot in range(jobs)
    ]
    stack = choose_stack(devices, request.stack)
    kinds = measure_kinds(groups.values(), steps, settings, stack)
    _print_table(kinds, steps)
    _print_conditions(settings, stack)


def count_steps_left(spec, store):
    """Steps that a run has still to train itself; its log says what its checkpoint holds.

    Parameters
    ----------
    spec : RunSpec
    store : Store

    Returns
    -------
    int
    """
    folder, done = store.folder(spec), 0
    if folder.checkpoint.exists():
        try:
            last = (folder.path / "training.csv").read_text().splitlines()[-1]
            done = int(last.partition(",")[0]) - spec.start
        except (OSError, ValueError, IndexError):
            # A damaged log shall not keep the rest from being estimated.
            done = 0
    return spec.own_steps - min(max(0, done), spec.own_steps)


def make_noise(name, specs, data_dir):
    """A data set of noise whose images are as large as another's, so that no file is needed.

    Parameters
    ----------
    name : str
        As `datasets.load_dataset` takes it; it is loaded only where nothing else tells its shape.
    specs : list of RunSpec
        Runs on it, whose networks must be able to take its images.
    data_dir : path or None

    Returns
    -------
    Dataset
    """
    shape = None if ":" in name else data.describe(name, data_dir).image_shape
    if shape is None:
        shape = data.load_dataset(name, data_dir).source.image_shape
        check_images(specs, name, shape)
    most = max(spec.config.batch_size for spec in specs)
    grid = (-(-most // 2 ** len(NOISE_GRID)), *NOISE_GRID)
    count = int(np.prod(grid))
    images = np.random.default_rng(0).integers(256, size=(count, *shape), dtype=np.uint8)
    return Dataset(
        name="noise",
        version="1",
        factor_names=tuple(f"factor {number}" for number in range(len(grid))),
        factor_sizes=grid,
        source=ImageSource("uint8", images, tuple(shape)),
        identity={"name": "noise"},
    )


def measure_kinds(groups, steps, settings, stack):
    """Measure each group of runs in all workers at once.

    Parameters
    ----------
    groups : collection of list of RunSpec
        The runs of each cost the same.
    steps : dict of RunSpec to int
        That are left to train.
    settings : list of WorkerSettings
        One a worker.
    stack : int or "auto"

    Returns
    -------
    list of Kind
    """
    seconds = max(LEAST_SECONDS, SECONDS / len(groups))
    if stack not in ("auto", 1):
        # The number that was asked for is measured in any case.
        seconds = MOST_SECONDS
    kinds = []
    with MeasuringWorkers(settings) as workers, Meter("measuring") as report:
        for number, runs in enumerate(groups):
            report(number, len(groups))
            together = find_stack(runs, steps)
            sizes = _list_sizes(-(-len(together) // len(workers)), stack)
            found = workers.measure(together[: sizes[-1]], sizes, seconds)
            kinds.append(Kind(runs, choose(found, stack), _find_error(found)))
        report(len(groups), len(groups))
    return kinds


def _list_sizes(share, stack):
    """Sizes to measure where each worker has a share of so many runs that go together."""
    if stack == "auto":
        return list_sizes(min(share, LARGEST_STACK))
    return tuple(sorted({1, min(share, stack)}))


def _find_error(found):
    """Why a worker could not measure the single run, or ""."""
    for measurements in found:
        if not measurements or measurements[0].error:
            return measurements[0].error if measurements else "it was stopped"
    return ""


def _print_table(kinds, steps):
    """A row for each data set and kind of run, and the sum of hours."""
    shown = table(
        "What is left to train",
        "data set",
        "models",
        "runs",
        "steps",
        "together",
        "run-steps/s",
        "memory",
        "time",
    )
    seconds = 0.0
    for name in dict.fromkeys(spec.dataset_name for kind in kinds for spec in kind.runs):
        for kind in kinds:
            runs = [spec for spec in kind.runs if spec.dataset_name == name]
            if not runs:
                continue
            left = sum(steps[spec] for spec in runs)
            cells = [name, _name_models(runs), f"{len(runs):,}", f"{left:,}"]
            if kind.error:
                shown.add_row(*cells, "", "", "", "not measured")
                continue
            choice = kind.choice
            took = left / choice.run_steps_per_second
            seconds += took
            cells += [f"{choice.members}", write_speed(choice.run_steps_per_second)]
            shown.add_row(*cells, f"{choice.memory_bytes / 1e6:,.0f} MB", format_seconds(took))
    console().print(shown)
    runs = sum(len(kind.runs) for kind in kinds if not kind.error)
    click.echo(f"{runs:,} runs, {format_seconds(seconds)} in all.")
    for kind in kinds:
        if kind.error:
            click.echo(f"{_name_models(kind.runs)} could not be measured: {kind.error}")


def _print_conditions(settings, stack):
    """What the figures hold for, and what they leave out."""
    devices = ", ".join(dict.fromkeys(worker.device for worker in settings))
    workers = "one worker" if len(settings) == 1 else f"{len(settings)} workers at once"
    threads = "1 thread" if settings[0].threads == 1 else f"{settings[0].threads} threads"
    click.echo(
        f"Measured on {devices}, {workers} with {threads} each: training steps of the first runs "
        "of each row, on images of noise of the right shape. run-steps/s are those of all workers, "
        "memory is that of one, without the images and the program itself."
    )
    click.echo(
        "Extrapolated: the same speed for all runs of a row, to their end. Not counted: reading "
        "images, writing checkpoints and representations, scores."
    )
    if stack == 1:
        click.echo("Runs are trained one by one; with --stack auto several together are tried.")


def _name_models(runs):
    """The models of some runs, and the swept settings that all of them share."""
    names = ", ".join(dict.fromkeys(spec.model.name for spec in runs))
    shared = set.intersection(*(set(spec.settings) for spec in runs))
    settings = [f"{name}={write_value(value)}" for name, value in sorted(shared)]
    return " ".join([names, *settings])
