"""One metric a file, declared there completely, and the driver that runs them all."""

from .metric import Key, Metric, MetricError
from .registry import (
    METRICS,
    TRAINING_KEYS,
    as_metric,
    choose_metrics,
    default_metrics,
    get_metric,
    plugins,
    with_twins,
)

__all__ = [
    "METRICS",
    "TRAINING_KEYS",
    "Key",
    "Metric",
    "MetricError",
    "as_metric",
    "choose_metrics",
    "default_metrics",
    "get_metric",
    "plugins",
    "with_twins",
]
