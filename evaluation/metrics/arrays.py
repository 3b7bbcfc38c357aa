"""Score arrays by several metrics at once, as a notebook does."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .continuous import LEAST_BINS
from .driver import compute, refuse_grouped
from .metric import Metric, MetricError
from .registry import ALL, choose_metrics, with_twins
from .sample import represent
from .score import Score

DEFAULT = ("mig", "sap", "dci", "mi")


def evaluate(
    codes: ArrayLike,
    factors: ArrayLike,
    metrics: str | Metric | Callable[..., object] | Iterable[Any] = DEFAULT,
    log_variances: ArrayLike | None = None,
    n_train: int | None = None,
    seed: int = 0,
    *,
    n_jobs: int = 1,
    factor_names: Collection[str] | None = None,
    factor_kinds: Collection[str] | None = None,
    without_factors: Collection[str] = (),
    bin_factors: int | None = None,
) -> dict[str, Score]:
    """Score a representation by several metrics at once.

    Parameters
    ----------
    codes : array_like, shape (N, D)
        Posterior means, or any deterministic codes. Tensors are taken too.
    factors : array_like, shape (N, K)
        Ground-truth classes from 0, or real numbers: a factor with a value that is not whole is
        continuous, and metrics that need classes are undefined on it.
    metrics : str, Metric, callable, or iterable of them, default ("mig", "sap", "dci", "mi")
        Names (see `bench list metrics`), `module:Name` or `path/to/file.py:Name` of a metric of
        your own, or functions and `Metric` objects themselves. "all" stands for every metric that
        is built in or installed, without those that need log-variances where there are none.
    log_variances : array_like, shape (N, D), optional
        Natural logarithms of posterior variances; with them metrics bring their twins: on codes
        drawn from the posterior (as `mig` and `mi`), or on the active codes alone.
    n_train : int, optional
        Rows 0 … n_train − 1 are the training part; two thirds by default.
    seed : int, default 0
        For ties in trees, draws from posteriors and noise levels.
    n_jobs : int, default 1
        Threads.
    factor_names : collection of str, optional
    factor_kinds : collection of str, optional
        `nominal`, `ordinal`, `periodic`, `continuous` or empty, one a factor.
    without_factors : collection of str, optional
        Names of factors to leave out, such as those that the observations do not determine.
    bin_factors : int, optional
        For metrics that need classes, put the values of each continuous factor into so many bins
        of equal counts; the variant then says so.

    Returns
    -------
    dict of str to Score
        By the name of the metric.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.
    MetricError
        If a metric does not exist or cannot be run, or compares runs with each other.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 4, size=(300, 2))
    >>> scores = evaluate(factors * 1.0, factors, metrics=("mig", "mi"))
    >>> round(scores["mi"].values["mi_matched_fraction"], 6)
    1.0
    """
    for name, number, least in (
        ("seed", seed, 0),
        ("n_jobs", n_jobs, 1),
        ("bin_factors", LEAST_BINS if bin_factors is None else bin_factors, LEAST_BINS),
    ):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
            raise MetricError(f"{name} must be a whole number from {least}, not {number!r}")
    if isinstance(metrics, str | Metric) or not isinstance(metrics, Iterable):
        metrics = [metrics]
    metrics = list(metrics)
    chosen = choose_metrics(metrics)
    named = choose_metrics(each for each in metrics if not (isinstance(each, str) and each == ALL))
    representation = represent(codes, factors, n_train, log_variances, factor_names, factor_kinds)
    posterior = representation.log_variances is not None
    for metric in named:
        refuse_grouped(metric)
    lacking = [metric.name for metric in named if metric.needs_log_variances and not posterior]
    if lacking:
        raise MetricError(f"metric {lacking[0]!r} needs log_variances")
    return {
        metric.name: compute(
            metric,
            representation,
            seed=seed,
            n_jobs=n_jobs,
            without_factors=without_factors,
            bin_factors=bin_factors,
        )
        for metric in with_twins(chosen, posterior)
    }


def score(
    codes: ArrayLike,
    factors: ArrayLike,
    metrics: str | Metric | Callable[..., object] | Iterable[Any] = DEFAULT,
    log_variances: ArrayLike | None = None,
    n_train: int | None = None,
    seed: int = 0,
    **options: Any,
) -> dict[str, float]:
    """Score a representation by several metrics, as flat numbers.

    Parameters
    ----------
    codes, factors, metrics, log_variances, n_train, seed, **options
        As `evaluate` takes them.

    Returns
    -------
    dict of str to float
        Flat keys, as in score files and `scores.csv`; NaN where a score is undefined. `evaluate`
        says why.

    Raises
    ------
    RepresentationError, MetricError
        As `evaluate` raises them.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 4, size=(300, 2))
    >>> sorted(score(factors * 1.0, factors, metrics=("mig", "mi")))
    ['mi_matched', 'mi_matched_fraction', 'mi_mean_max', 'mig']
    """
    scores = evaluate(codes, factors, metrics, log_variances, n_train, seed, **options)
    return {
        key: math.nan if value is None else value
        for each in scores.values()
        for key, value in each.values.items()
    }
