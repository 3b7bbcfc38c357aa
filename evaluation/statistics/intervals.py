"""Intervals over seeds: Student's t, the bootstrap, and paired comparisons."""

import functools
import math

import numpy as np
from scipy import special

DRAWS = 2000
LEVEL = 0.95
BOOTSTRAP_FROM = 10
ILLUSTRATIVE_BELOW = 5


@functools.lru_cache(maxsize=64)
def bootstrap_weights(n, draws=DRAWS, seed=0):
    """Shares of each seed in every bootstrap draw.

    Multiplying values by it gives the mean of every draw at once; one matrix serves all methods,
    metrics and values of β, so that all are resampled with the same seeds.

    Parameters
    ----------
    n : int
        Number of seeds.
    draws : int
    seed : int

    Returns
    -------
    ndarray of float64, shape (draws, n)
        Rows sum to 1. The same array for the same arguments, so it cannot be written to.
    """
    rng = np.random.default_rng([seed, n, draws])
    picks = rng.integers(0, n, size=(draws, n)) + np.arange(draws)[:, None] * n
    weights = np.bincount(picks.ravel(), minlength=draws * n).reshape(draws, n) / n
    weights.flags.writeable = False
    return weights


def widening(n, level):
    """Factor by which bootstrap deviations from the mean are too small for n seeds.

    √(n/(n − 1)) · t/z, with t and z the `level` quantiles of Student's t with n − 1 degrees of
    freedom and of the normal distribution: the first part because a resample spreads like the
    biased variance, the second because that variance is itself uncertain (the expanded percentile
    interval of Hesterberg 2015, arXiv:1411.5279, as a factor).

    Parameters
    ----------
    n : int
        At least 2.
    level : float
        One-sided level, e.g. 0.975 for a two-sided interval of 95 %.

    Examples
    --------
    >>> round(float(widening(5, 0.95)), 3), round(float(widening(1000, 0.95)), 3)
    (1.449, 1.001)
    """
    return math.sqrt(n / (n - 1)) * special.stdtrit(n - 1, level) / special.ndtri(level)


def mean_intervals(values, level=LEVEL, draws=DRAWS):
    """Mean, standard deviation and interval of the mean of many cells at once.

    Below 10 values the interval is Student's t, from 10 on the expanded percentile bootstrap: the
    quantiles Φ(√(n/(n−1))·t) and 1 − Φ(·) of the means of resamples, t being the quantile of
    Student's t with n − 1 degrees of freedom. It stays within the data's range and is not
    symmetric where the data are not.

    Parameters
    ----------
    values : array_like, shape (cells, seeds)
        NaN where a seed is missing; the values of a cell are taken as independent.
    level : float
    draws : int

    Returns
    -------
    dict of str to ndarray, shape (cells,)
        `n`, `mean`, `std` (n − 1 in the denominator; NaN for one value), `low`, `high` (NaN for
        fewer than two values).

    Examples
    --------
    >>> moments = mean_intervals([[1.0, 2.0, 3.0]])
    >>> [round(float(moments[k][0]), 3) for k in ("mean", "std", "low", "high")]
    [2.0, 1.0, -0.484, 4.484]
    """
    values = np.atleast_2d(np.asarray(values, dtype=float))
    valid = np.isfinite(values)
    n = valid.sum(axis=1)
    packed = np.take_along_axis(values, np.argsort(~valid, axis=1, kind="stable"), axis=1)
    moments = {name: np.full(len(values), np.nan) for name in ("mean", "std", "low", "high")}
    for count in np.unique(n[n > 0]):
        rows = np.flatnonzero(n == count)
        block = packed[rows, :count]
        moments["mean"][rows] = mean = block.mean(axis=1)
        if count < 2:
            continue
        moments["std"][rows] = std = block.std(axis=1, ddof=1)
        if count < BOOTSTRAP_FROM:
            half = special.stdtrit(count - 1, (1 + level) / 2) * std / math.sqrt(count)
            moments["low"][rows], moments["high"][rows] = mean - half, mean + half
        else:
            moments["low"][rows], moments["high"][rows] = _expanded_percentile(block, level, draws)
    return {"n": n, **moments}


def _expanded_percentile(block, level, draws):
    """Bootstrap interval of each row's mean."""
    count = block.shape[1]
    z = math.sqrt(count / (count - 1)) * special.stdtrit(count - 1, (1 + level) / 2)
    tail = special.ndtr(-z)
    weights = bootstrap_weights(count, draws).T
    low, high = np.empty(len(block)), np.empty(len(block))
    step = max(1, 4_000_000 // draws)
    for start in range(0, len(block), step):
        part = slice(start, start + step)
        low[part], high[part] = np.quantile(block[part] @ weights, [tail, 1 - tail], axis=1)
    return low, high


def paired_difference(first, second, level=LEVEL, draws=DRAWS):
    """Difference of two methods, paired by seed.

    Parameters
    ----------
    first, second : array_like, shape (seeds,)
        Values of the same seeds in the same order; NaN where one is missing. Pairs with a
        missing value are left out.
    level : float
    draws : int

    Returns
    -------
    dict
        `n` pairs, `difference` (mean of first − second), `std` of the differences, `low`, `high`
        (as `mean_intervals` of the differences), `improvement` (share of all pairs of a first and
        a second run in which the first is larger, ties half: Mann and Whitney's U/n², Agarwal et
        al. 2021, arXiv:2108.13264) with `improvement_low` and `improvement_high` (bootstrap over
        pairs), `seeds_improved` (share of seeds on which the first is larger, ties half). NaN
        without pairs.

    Examples
    --------
    >>> result = paired_difference([3.0, 4.0, 5.0], [1.0, 2.0, 6.0])
    >>> result["n"], round(result["difference"], 3), round(result["improvement"], 3)
    (3, 1.0, 0.667)
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    both = np.isfinite(first) & np.isfinite(second)
    first, second = first[both], second[both]
    moments = mean_intervals((first - second)[None], level, draws)
    result = {"n": int(both.sum()), "difference": float(moments["mean"][0])}
    result |= {name: float(moments[name][0]) for name in ("std", "low", "high")}
    names = ("improvement", "improvement_low", "improvement_high", "seeds_improved")
    if not len(first):
        return result | dict.fromkeys(names, math.nan)
    wins = _wins(first, second)
    low = high = math.nan
    if len(first) > 1:
        weights = bootstrap_weights(len(first), draws)
        drawn = ((weights @ wins) * weights).sum(axis=1)
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    values = (wins.mean(), low, high, np.diagonal(wins).mean())
    return result | {name: float(value) for name, value in zip(names, values, strict=True)}


def _wins(first, second):
    first, second = first[:, None], second[None]
    return (first > second) + 0.5 * (first == second)
