"""The metrics of a standard benchmark."""

from ..metrics import METRICS, Metric, MetricError
from ..reference.benchmarks import Benchmark


def find_metrics(benchmark: Benchmark) -> tuple[dict[str, Metric], dict[str, str]]:
    """Find the metric of each score that a benchmark compares.

    Parameters
    ----------
    benchmark : evaluation.reference.benchmarks.Benchmark

    Returns
    -------
    metrics : dict of str to Metric
        By flat key, in the order of the definition.
    other : dict of str to str
        By flat key, the variant that this version has in place of the definition's; empty where it
        has no such score.
    """
    owners = {key.name: metric for metric in METRICS.values() for key in metric.keys}
    metrics, other = {}, {}
    for key, variant in benchmark.metrics.items():
        metric = owners.get(key)
        if metric is not None and metric.variant == variant:
            metrics[key] = metric
        else:
            other[key] = "" if metric is None else metric.variant
    return metrics, other


def require_metrics(benchmark: Benchmark) -> dict[str, Metric]:
    """Find the metric of each score that a benchmark compares, all of which must be there.

    Parameters
    ----------
    benchmark : evaluation.reference.benchmarks.Benchmark

    Returns
    -------
    dict of str to Metric
        By flat key, in the order of the definition.

    Raises
    ------
    MetricError
        If a metric of this version has another variant than the definition.
    """
    metrics, other = find_metrics(benchmark)
    for key, variant in other.items():
        raise MetricError(
            f"{benchmark.title} has {key} as {benchmark.metrics[key]}, and this version of "
            f"disentanglement-bench has {variant or 'no such score'}; install a version that has it"
        )
    return metrics


def list_metrics(benchmark: Benchmark) -> tuple[str, ...]:
    """Name the metrics that give all scores of a benchmark.

    Parameters
    ----------
    benchmark : evaluation.reference.benchmarks.Benchmark

    Returns
    -------
    tuple of str
        Without twins, which come with their metric wherever there are log-variances.

    Raises
    ------
    MetricError
        If a metric of this version has another variant than the definition.

    Examples
    --------
    >>> from disentanglement_bench.evaluation.reference import load_benchmark
    >>> list_metrics(load_benchmark("db1"))
    ('mig', 'sap', 'sap_continuous', 'dci', 'mi', 'modularity', 'explicitness')
    """
    chosen = {metric.name: metric for metric in require_metrics(benchmark).values()}
    twins = {twin.name for metric in chosen.values() for twin in metric.twins}
    return tuple(name for name in chosen if name not in twins)
