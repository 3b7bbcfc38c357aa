"""Try a metric on small known codes, before a night is spent on it."""

from collections.abc import Callable

import numpy as np

from ..naming import one_line
from ..representation.file_format import Representation
from .driver import compute
from .metric import Metric, MetricError
from .registry import get_metric


def check_metric(metric: str | Metric | Callable[..., object]) -> list[str]:
    """Check that a metric runs, keeps its range and repeats itself.

    It and its twins are run on factors as codes, on noise, on codes with a constant column, on a
    single code, where it has a twin on active codes with a code that is not, and on continuous
    factors where it takes them; only the first must be defined, and nothing may raise.

    Parameters
    ----------
    metric : Metric, callable or str
        As `get_metric` takes it.

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
    'perfect codes: mig = 0.982'
    """
    metric = get_metric(metric)
    lines: list[str] = []
    for case, representation in _make_cases(metric):
        values = _run(metric, representation, case)
        again = _run(metric, representation, case)
        if values != again:
            raise MetricError(
                f"{metric.name}: {case} gave {values}, then {again}; "
                "a metric must give the same score for the same seed"
            )
        if not lines and all(value is None for value in values.values()):
            raise MetricError(f"{metric.name}: undefined even on {case}")
        for key in metric.keys:
            value = values[key.name]
            if value is not None and not key.low - 1e-9 <= value <= key.high + 1e-9:
                raise MetricError(
                    f"{metric.name}: {key.name} is {value} on {case}, "
                    f"outside its range {key.low} … {key.high}"
                )
        shown = ", ".join(
            f"{key} = {'undefined' if value is None else format(value, '.3g')}"
            for key, value in values.items()
        )
        lines.append(f"{case}: {shown}")
        for twin in metric.twins:
            _run(twin, representation, case)
    return lines


def _run(metric, representation, case):
    """Values of one run; whatever the metric raises becomes one line that names the case."""
    try:
        return compute(metric, representation).values
    except MetricError:
        raise
    except Exception as error:
        text = one_line(f"{type(error).__name__}: {error}")
        raise MetricError(f"{metric.name}: {case} raised {text}") from error


def _make_cases(metric):
    """Small representations with known structure; the first is the best there can be."""
    stream = np.random.default_rng(0)
    factors = stream.integers(0, 4, size=(360, 3))
    noise = stream.normal(size=(360, 3))
    cases = (
        ("perfect codes", factors * 1.0),
        ("noise", noise),
        ("a constant code", np.where(np.arange(3) == 1, 0.5, noise)),
        ("a single code", noise[:, :1]),
    )
    for case, codes in cases:
        log_variances = np.full(codes.shape, -6.0)
        yield case, Representation(codes, factors, n_train=240, log_variances=log_variances)
    if metric.masked:
        spread = np.array([-6.0, 0.0, -6.0]) + np.zeros(noise.shape)
        codes = noise * [1.0, 1e-3, 1.0]
        yield "an inactive code", Representation(codes, factors, n_train=240, log_variances=spread)
    if metric.continuous:
        values = factors + stream.uniform(size=factors.shape)
        spread = np.full(values.shape, -6.0)
        yield "continuous factors", Representation(values, values, 240, log_variances=spread)
