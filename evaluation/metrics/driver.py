"""Run metrics on arrays, from one call."""

import math

from ..representation.file_format import make_representation
from .metric import MetricError
from .registry import choose_metrics, with_twins
from .score import Score

DEFAULT = ("mig", "sap", "dci", "mi")


def compute(metric, representation, *, seed=0, backend="numba", n_jobs=1):
    """Run one metric on a representation.

    Parameters
    ----------
    metric : Metric
    representation : Representation
    seed : int, default 0
    backend : {"numba", "sklearn"}
    n_jobs : int, default 1
        Threads, for metrics that use them.

    Returns
    -------
    Score
        With a result that a user's metric gave as a number or dict made into one.

    Raises
    ------
    MetricError
        If the metric needs log-variances that are missing, or returns something else than the
        keys it declares.
    """
    if metric.needs_log_variances and representation.log_variances is None:
        raise MetricError(f"metric {metric.name!r} needs log-variances, and there are none")
    offered = {
        "seed": seed,
        "backend": backend,
        "n_jobs": n_jobs,
        "factor_names": representation.factor_names,
        "log_variances": representation.log_variances,
    }
    asked = (*metric.options, *(("seed", "log_variances") if metric.sampled else ()))
    options = {name: offered[name] for name in asked}
    result = metric.function(
        representation.codes, representation.factors, n_train=representation.n_train, **options
    )
    return as_score(metric, result, seed)


def as_score(metric, result, seed=0):
    """Make a number or dict a `Score`, and check that the keys are those declared.

    Raises
    ------
    MetricError
        Naming what came instead.
    """
    keys = [key.name for key in metric.keys]
    if isinstance(result, Score):
        if list(result.values) != keys:
            raise MetricError(f"metric {metric.name!r} declares {keys}, not {list(result.values)}")
        return result
    if not isinstance(result, dict):
        result = dict.fromkeys(keys[:1], result)
    if set(result) != set(keys):
        raise MetricError(f"metric {metric.name!r} declares {keys}, not {sorted(map(str, result))}")
    try:
        numbers = {key: float(result[key]) for key in keys}
    except (TypeError, ValueError):
        raise MetricError(f"metric {metric.name!r} must return numbers, not {result!r}") from None
    reasons = {
        key: "the metric returned no finite number"
        for key, value in numbers.items()
        if not math.isfinite(value)
    }
    values = {key: None if key in reasons else value for key, value in numbers.items()}
    settings = {"seed": seed} if metric.uses_seed else {}
    return Score(metric.name, values, metric.variant, reasons, settings=settings)


def score(
    codes,
    factors,
    metrics=DEFAULT,
    log_variances=None,
    n_train=None,
    seed=0,
    *,
    backend="numba",
    n_jobs=1,
    factor_names=None,
):
    """Score a representation by several metrics at once.

    Parameters
    ----------
    codes : array_like, shape (N, D)
        Posterior means, or any deterministic codes.
    factors : array_like, shape (N, K)
        Ground-truth classes from 0.
    metrics : iterable of str, default ("mig", "sap", "dci", "mi")
        Names; see `bench list metrics`. A user's own metric goes by `module:name`.
    log_variances : array_like, shape (N, D), optional
        With them `mig` and `mi` bring their sampled twins.
    n_train : int, optional
        Rows 0 … n_train − 1 are the training part; two thirds by default.
    seed : int, default 0
        For ties in trees, draws from posteriors and noise levels.
    backend : {"numba", "sklearn"}
    n_jobs : int, default 1
        Threads.
    factor_names : sequence of str, optional

    Returns
    -------
    dict of str to float
        Flat keys, as in score files and `scores.csv`; NaN where a score is undefined.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.
    MetricError
        If a metric does not exist or cannot be run.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.random.default_rng(0).integers(0, 4, size=(300, 2))
    >>> found = score(factors * 1.0, factors, metrics=("mig", "mi"))
    >>> sorted(found)
    ['mi_matched', 'mi_matched_fraction', 'mi_mean_max', 'mig']
    >>> round(found["mi_matched_fraction"], 6)
    1.0
    """
    representation = make_representation(
        codes, factors, n_train=n_train, log_variances=log_variances, factor_names=factor_names
    )
    chosen = choose_metrics(metrics)
    lacking = [m.name for m in chosen if m.needs_log_variances and log_variances is None]
    if lacking:
        raise MetricError(f"metric {lacking[0]!r} needs log_variances")
    found = {}
    for metric in with_twins(chosen, log_variances is not None):
        result = compute(metric, representation, seed=seed, backend=backend, n_jobs=n_jobs)
        found.update({k: math.nan if v is None else v for k, v in result.values.items()})
    return found
