"""Standard benchmarks: which runs belong to one, and which of them need not be trained again."""

from dataclasses import asdict

from ...evaluation.files import RecordError
from ...evaluation.naming import one_line, unknown_name
from ...evaluation.reference.benchmarks import Benchmark, load_benchmark
from ...evaluation.reference.shipped import list_shipped
from ..errors import BenchError
from .plan import RunSpec, config_sha256, make_plan
from .presets import benchmark_preset


def find_benchmark(name: str) -> Benchmark:
    """The standard benchmark of this name, or `BenchError` with what there is."""
    try:
        return load_benchmark(name)
    except ValueError as error:
        raise BenchError(one_line(error), exit_code=2) from error


def list_runs(benchmark: Benchmark, confirmation: bool = False) -> list[RunSpec]:
    """List the runs that the definition of a benchmark names.

    Parameters
    ----------
    benchmark : Benchmark
    confirmation : bool, default False
        Those of the confirmation seeds, in place of those of the table seeds: the models of the
        primary hypotheses, with what these continue.

    Returns
    -------
    list of RunSpec
        Parents before children.
    """
    preset = benchmark_preset(benchmark)
    models = [curve["model"] for curve in benchmark.primary["curves"]] if confirmation else None
    plan = []
    for name, dataset in benchmark.datasets.items():
        seeds = dataset.confirmation_seeds if confirmation else dataset.seeds
        if seeds:
            plan += make_plan(
                preset,
                preset.config,
                models=tuple(models or benchmark.models),
                datasets=(name,),
                seeds=seeds,
            )
    return plan


def check_runs(plan: list[RunSpec], benchmark: Benchmark) -> None:
    """Refuse a plan whose runs would lie under a benchmark's name without being of it.

    A model that the definition does not name is free in its hyperparameters and keeps the rest of
    the protocol. Seeds are free as well.

    Parameters
    ----------
    plan : list of RunSpec
    benchmark : Benchmark

    Raises
    ------
    BenchError
        That says what differs, and what to do.
    """
    preset, title = benchmark_preset(benchmark), benchmark.title
    points = make_plan(
        preset,
        preset.config,
        models=tuple(benchmark.models),
        datasets=tuple(benchmark.datasets),
        seeds=(0,),
    )
    trained = {_describe_point(spec) for spec in points}
    other = f"or train what is not of {title} with --preset {benchmark.follows}"
    for spec in plan:
        if spec.dataset not in benchmark.datasets:
            message = unknown_name(f"data set of {title}", spec.dataset_name, benchmark.datasets)
            raise BenchError(f"{message}; name one of these, {other}", exit_code=2)
        if spec.tag:
            raise BenchError(
                f"{title} has no variants, got --tag {spec.tag}; leave it out, {other}", exit_code=2
            )
        fixed, given = asdict(preset.config), asdict(spec.config)
        for key, value in given.items():
            if value != fixed[key] and key != "checkpoint_every":
                raise BenchError(
                    f"{title} has {key} = {fixed[key]}, got {value}; leave it out, {other}",
                    exit_code=2,
                )
        if spec.model.name in benchmark.models and _describe_point(spec) not in trained:
            raise BenchError(
                f"{spec.path.rpartition('/')[0]} is not of {title}, which trains "
                f"{spec.model.name} at {_write_values(benchmark, spec.model.name)}; leave other "
                f"values out, {other}",
                exit_code=2,
            )


def _describe_point(spec):
    """What identifies a run apart from its seed, as far as its settings are the protocol's."""
    return spec.dataset, spec.model.name, spec.hyperparameters, spec.init, spec.phases


def _write_values(benchmark, model):
    values = benchmark.models[model].items()
    text = "; ".join(f"{name} {', '.join(f'{v:g}' for v in each)}" for name, each in values)
    return text or "its one setting"


def check_version(name: str, version: str, benchmark: Benchmark) -> None:
    """Refuse a data set of another version than that of the definition.

    Parameters
    ----------
    name, version : str
        Of the data set, as it was loaded.
    benchmark : Benchmark

    Raises
    ------
    BenchError
    """
    wanted = benchmark.datasets[name].version
    if version != wanted:
        raise BenchError(
            f"{benchmark.title} is defined on version {wanted} of {name}, and this is version "
            f"{version}; install the version of disentanglement-bench that has it"
        )


def split_shipped(plan: list[RunSpec], name: str) -> tuple[list[RunSpec], list[RunSpec]]:
    """Part a plan into what has to be trained and runs whose scores ship with the package.

    A shipped run that a run of the first part continues has to be trained all the same.

    Parameters
    ----------
    plan : list of RunSpec
        Parents before children.
    name : str
        Of a standard benchmark.

    Returns
    -------
    left, shipped : list of RunSpec
        Each in the order of the plan.

    Raises
    ------
    BenchError
        If the shipped table is damaged.
    """
    try:
        known = list_shipped(name)
    except RecordError as error:
        raise BenchError(one_line(error)) from error
    left = set()
    for spec in reversed(plan):
        if spec.path in left or known.get(spec.path) != config_sha256(spec.resolved()):
            left.add(spec.path)
            if spec.parent is not None:
                left.add(spec.parent.path)
    return (
        [spec for spec in plan if spec.path in left],
        [spec for spec in plan if spec.path not in left],
    )
