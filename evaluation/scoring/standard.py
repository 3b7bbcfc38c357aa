"""The metrics of a standard benchmark."""

from ..metrics import METRICS, MetricError
from ..reference.benchmarks import Benchmark


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
    owners = {key.name: metric for metric in METRICS.values() for key in metric.keys}
    chosen = {}
    for key, variant in benchmark.metrics.items():
        metric = owners.get(key)
        if metric is None or metric.variant != variant:
            here = "no such score" if metric is None else metric.variant
            raise MetricError(
                f"{benchmark.title} has {key} as {variant}, and this version of "
                f"disentanglement-bench has {here}; install a version that has it"
            )
        chosen[metric.name] = metric
    twins = {twin.name for metric in chosen.values() for twin in metric.twins}
    return tuple(name for name in chosen if name not in twins)
