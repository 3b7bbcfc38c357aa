"""What commands say of standard benchmarks: their definitions, and what does not compare."""

import click

from ...evaluation.files import RecordError
from ...evaluation.metrics import MetricError
from ...evaluation.naming import format_number, one_line, write_spans
from ...evaluation.reference.agreement import check_agreement
from ...evaluation.reference.benchmarks import BENCHMARKS, load_benchmark
from ...evaluation.reference.shipped import list_shipped
from ...evaluation.scoring.standard import list_metrics
from ..console import console, echo_first, table
from ..errors import BenchError
from ..protocol.standard import find_benchmark


def choose_metrics(name, metrics=(), seed=0, bin_factors=None, without_factors=(), **others):
    """The metrics of a benchmark, for a call that gives nothing that contradicts it.

    Parameters
    ----------
    name : str
    metrics, seed, bin_factors, without_factors
        As `bench evaluate` takes them.
    **others
        Options that change no score.

    Returns
    -------
    tuple of str

    Raises
    ------
    BenchError
        For an unknown benchmark, an option that changes what its scores are, and where this
        version has other variants of its metrics.
    """
    benchmark = find_benchmark(name)
    given = {
        "--metrics": metrics,
        "--seed": seed,
        "--bin-factors": bin_factors,
        "--without-factors": without_factors,
    }
    for option, value in given.items():
        if value:
            raise BenchError(
                f"{benchmark.title} says how its scores are computed; leave {option} or "
                "--benchmark out",
                exit_code=2,
            )
    try:
        return list_metrics(benchmark)
    except MetricError as error:
        raise BenchError(one_line(error), exit_code=2) from error


def tell_disagreements(name, report):
    """Say which representations do not compare with a benchmark, and why.

    Parameters
    ----------
    name : str
    report : evaluation.scoring.batch.Report
    """
    benchmark = find_benchmark(name)
    lines = []
    for path, stored in report.stored.items():
        reasons = check_agreement(stored.about, benchmark) if stored.about else []
        if reasons:
            lines.append(
                f"Note: {one_line(path)} does not compare with {benchmark.title}: "
                f"{'; '.join(reasons)}"
            )
    echo_first(lines, 5, f"Note: … nor do {{}} more compare with {benchmark.title}")


def show_benchmarks():
    """Print the standard benchmarks, and all that defines them."""
    all_of_them = [load_benchmark(name) for name in BENCHMARKS]
    shown = table("Standard benchmarks", "", *BENCHMARKS)
    rows = {
        "cited as": [f"{b.title}, version {b.version}" for b in all_of_them],
        "": [b.description for b in all_of_them],
        "scores that ship": [_count_shipped(b.name) for b in all_of_them],
        "data sets": [
            "; ".join(
                f"{name} (version {each.version}), seeds {write_spans(each.seeds)}"
                + (
                    f", to confirm {write_spans(each.confirmation_seeds)}"
                    if each.confirmation_seeds
                    else ""
                )
                for name, each in b.datasets.items()
            )
            for b in all_of_them
        ],
        "primary hypotheses": [_write_primary(b) for b in all_of_them],
    }
    for model in dict.fromkeys(model for b in all_of_them for model in b.models):
        rows[f"values of {model}"] = [_write_sweep(b.models.get(model)) for b in all_of_them]
    for key in all_of_them[0].config:
        values = [b.config[key] for b in all_of_them]
        rows[key] = [f"{v:,}" if isinstance(v, int) else f"{v}" for v in values]
    for key in dict.fromkeys(key for b in all_of_them for key in b.metrics):
        rows[f"variant of {key}"] = [b.metrics.get(key, "") for b in all_of_them]
    for key, values in rows.items():
        shown.add_row(key, *values)
    console().print(shown)
    click.echo("A definition never changes. See docs/benchmarks.md.")


def _count_shipped(name):
    try:
        return f"{len(list_shipped(name)):,} runs"
    except RecordError as error:
        raise BenchError(one_line(error)) from error


def _write_primary(benchmark):
    curves = [
        " ".join(f"{key} {value}" for key, value in curve.items() if key != "model")
        for curve in benchmark.primary["curves"]
    ]
    models = dict.fromkeys(curve["model"] for curve in benchmark.primary["curves"])
    metrics, where = ", ".join(benchmark.primary["metrics"]), " and ".join(curves)
    return f"{metrics} of {', '.join(models)} at {where}, declared {benchmark.primary['declared']}"


def _write_sweep(sweep):
    if sweep is None:
        return ""
    return "; ".join(f"{n} {', '.join(map(format_number, v))}" for n, v in sweep.items()) or "–"
