"""Try a metric on small known codes, before a night is spent on it."""

import math

import numpy as np

from ..importing import load_object, name_object
from ..representation.file_format import make_representation
from .driver import compute
from .metric import MetricError
from .registry import as_metric


def check_metric(metric):
    """Check that a metric runs, keeps its range and repeats itself.

    It is run on factors as codes, on noise, on codes with a constant column and on a single code;
    the last two may be undefined but must not raise.

    Parameters
    ----------
    metric : Metric, callable or str
        A metric, a plain function, or `module:name` of either.

    Returns
    -------
    list of str
        What was checked, one line each.

    Raises
    ------
    MetricError
        With the first promise that is broken.

    Examples
    --------
    >>> check_metric("disentanglement_bench.evaluation.metrics.mig:mig")[0]
    'perfect codes: mig = 0.974'
    """
    if isinstance(metric, str):
        metric = as_metric(load_object(metric, "metric"), name_object(metric))
    metric = as_metric(metric)
    lines = []
    for name, representation in _cases():
        found = _run(metric, representation, name)
        again = _run(metric, representation, name)
        if found.values != again.values:
            raise MetricError(
                f"{metric.name}: {name} gave {found.values}, then {again.values}; "
                "a metric must give the same score for the same seed"
            )
        for key in metric.keys:
            value = found.values[key.name]
            if value is not None and not key.low - 1e-9 <= value <= key.high + 1e-9:
                raise MetricError(
                    f"{metric.name}: {key.name} is {value} on {name}, "
                    f"outside its range {key.low} … {key.high}"
                )
        shown = ", ".join(
            f"{key} = {'undefined' if value is None else format(value, '.3g')}"
            for key, value in found.values.items()
        )
        lines.append(f"{name}: {shown}")
    if all(value is None for value in _run(metric, _cases()[0][1], "").values.values()):
        raise MetricError(f"{metric.name}: undefined even on perfect codes")
    if not all(math.isfinite(key.low) or key.low == -math.inf for key in metric.keys):
        raise MetricError(f"{metric.name}: a range must not be NaN")
    return lines


def _run(metric, representation, name):
    """One run; whatever the metric raises becomes one line that names the case."""
    try:
        return compute(metric, representation)
    except MetricError:
        raise
    except Exception as error:
        raise MetricError(
            f"{metric.name}: {name} raised {type(error).__name__}: {error}"
        ) from error


def _cases():
    """Small representations with known structure."""
    stream = np.random.default_rng(0)
    factors = stream.integers(0, 4, size=(240, 3))
    noise = stream.normal(size=(240, 3))
    constant = np.where(np.arange(3) == 1, 0.5, noise)
    log_variances = np.full((240, 3), -6.0)
    cases = (
        ("perfect codes", factors * 1.0),
        ("noise", noise),
        ("a constant code", constant),
        ("a single code", noise[:, :1]),
    )
    return [
        (
            name,
            make_representation(
                codes, factors, n_train=160, log_variances=log_variances[:, : codes.shape[1]]
            ),
        )
        for name, codes in cases
    ]
