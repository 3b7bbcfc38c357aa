"""Which tests of a sweep were declared to be the question, and which are asked beside it.

A standard benchmark names its primary hypotheses: curves, by model and hyperparameters, and
metrics. Elsewhere the same question is asked of the same methods at every further hyperparameter
(every λ), with the same metrics.
"""

import functools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..reference.benchmarks import BENCHMARKS, Benchmark, load_benchmark
from ..scoring.run_records import describe_method
from .axes import default_axis
from .labels import HEADLINE
from .methods import name_method

PRIMARY, SECONDARY = "primary", "secondary"
# A metric of a user's own, and a representation from elsewhere: they change no p-value of ours.
OTHER, EXTERNAL = "other metric", "external"


def name_questions(trends: pd.DataFrame) -> list[str]:
    """What kind of question the test of each curve and metric answers.

    Parameters
    ----------
    trends : DataFrame
        With `protocol`, `curve`, `axis`, `role` and `metric`, as `describe_trends` has them.

    Returns
    -------
    list of str
        "primary", "secondary", "other metric" for those that are not among the headline ones, or
        "external" for curves of representations from elsewhere. Runs of a first phase and runs
        from scratch are never primary.
    """
    return [_name_question(row) for row in trends.to_dict("records")]


def _name_question(row):
    if row["role"] == "external":
        return EXTERNAL
    if row["metric"] not in HEADLINE:
        return OTHER
    if row["role"]:
        return SECONDARY
    if row["protocol"] in BENCHMARKS:
        metrics, curves = _declared(row["protocol"])
        known = (row["curve"], row["axis"]) in curves
    else:
        metrics, methods = _usual()
        known = (row["curve"].split(",")[0], row["axis"]) in methods
    return PRIMARY if known and row["metric"] in metrics else SECONDARY


@functools.cache
def _declared(name):
    """Metrics, and (curve, axis) pairs, of a benchmark's primary hypotheses."""
    benchmark = load_benchmark(name)
    pairs = {_curve_of(benchmark, entry) for entry in benchmark.primary["curves"]}
    return tuple(benchmark.primary["metrics"]), pairs


@functools.cache
def _usual():
    """Metrics of the first benchmark, and (method, axis) pairs of its models and what they are."""
    benchmark = load_benchmark(BENCHMARKS[0])
    pairs = set()
    for entry in benchmark.primary["curves"]:
        declared, values = _declaration_of(benchmark, entry)
        names = [declared["name"], *(known["name"] for known in declared["reduces_to"])]
        pairs |= {(name, default_axis(declared, values)) for name in names}
    return tuple(benchmark.primary["metrics"]), pairs


def _curve_of(benchmark, entry):
    """How `add_methods` names the curve of a declared hypothesis, and what it goes over."""
    declared, values = _declaration_of(benchmark, entry)
    method = name_method(declared, values)
    return method.curve, method.axis


def _declaration_of(benchmark: Benchmark, entry: Mapping[str, Any]):
    """What a model says about itself, and the hyperparameters of one run of the curve."""
    swept = benchmark.models.get(entry["model"], {})
    values = {name: float(known[0]) for name, known in swept.items()}
    values |= {name: float(value) for name, value in entry.items() if name != "model"}
    return describe_method(entry["model"]), values
