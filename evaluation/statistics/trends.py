"""Tests and estimates for scores that rise and fall over a sweep, on matrices of seeds by values.

The words say β, which is what is swept most often; any other hyperparameter or setting will do.
"""

import itertools
import math

import numpy as np
from scipy import special

from .intervals import DRAWS, ILLUSTRATIVE_BELOW, LEVEL, bootstrap_weights, widening
from .max_t import adjust_together

TOLERANCE = 0.1
HALVINGS = 252
SPLIT_FROM = 4


def complete_part(values):
    """The seeds and the values of β of an unfinished sweep that belong together.

    Values of β are left out, one at a time, until at least half as many seeds have every value
    that is kept as the best covered β has: each time the one without which most seeds are
    complete, of equal ones that with the fewest seeds, then the largest. So a few runs of a β
    that is still being trained do not reduce the whole sweep to their seeds.

    Parameters
    ----------
    values : array_like, shape (n, B)
        Seeds by β; NaN where missing.

    Returns
    -------
    seeds : ndarray of bool, shape (n,)
        The seeds that have every β kept.
    kept : ndarray of bool, shape (B,)
        At least one where there is any value, none otherwise.

    Examples
    --------
    >>> seeds, kept = complete_part([[1, 2, 3], [1, 2, np.nan], [1, 2, np.nan]])
    >>> seeds.tolist(), kept.tolist()
    ([True, True, True], [True, True, False])
    """
    known = np.isfinite(np.asarray(values, dtype=float))
    counts = known.sum(axis=0)
    kept = counts > 0
    enough = counts.max(initial=0) / 2
    while kept.any():
        seeds = known[:, kept].all(axis=1)
        if seeds.sum() >= enough:
            return seeds, kept
        worst = min(np.flatnonzero(kept), key=lambda column: _cost(known, kept, column))
        kept[worst] = False
    return np.zeros(len(known), dtype=bool), kept


def _cost(known, kept, column):
    """What leaving a column out costs: the smaller, the sooner it goes."""
    others = kept.copy()
    others[column] = False
    complete = known[:, others].all(axis=1).sum()
    return -complete, known[:, column].sum(), -column


def peak_tests(curves):
    """One-sided tests that some interior β beats both the smallest and the largest β.

    The differences of every interior β to both ends are tested together, adjusted for each other
    by the signs of whole seeds (`evaluation.statistics.max_t.adjust_together`). A β
    beats both ends as far as both of its differences are above zero, so the larger of its two
    p-values counts. The curve's p-value is the smallest of these.

    Parameters
    ----------
    curves : array_like, shape (C, n, B)
        Complete matrices of seeds by ascending β; larger is better.

    Returns
    -------
    p : ndarray, shape (C,)
        NaN with fewer than three β or five seeds.
    index : ndarray of int, shape (C,)
        Column of the interior β with the smallest p-value, of equal ones that with the larger
        of its smaller statistics; −1 where p is NaN.

    Notes
    -----
    Assumes that differences are symmetric about their mean over seeds, and normal below ten seeds;
    not that they spread equally over β. Error rates and power are in docs/statistics.md.
    """
    curves = np.asarray(curves, dtype=float)
    number, n, places = curves.shape
    if places < 3 or n < ILLUSTRATIVE_BELOW or not number:
        return np.full(number, np.nan), np.full(number, -1)
    gaps = curves[:, :, 1:-1, None] - curves[:, :, None, [0, -1]]
    p, statistic = adjust_together(gaps.reshape(number, n, -1))
    both = p.reshape(number, -1, 2).max(axis=2)
    weakest = statistic.reshape(number, -1, 2).min(axis=2)
    smallest = both.min(axis=1)
    index = np.where(both == smallest[:, None], weakest, -np.inf).argmax(axis=1)
    return smallest, index + 1


def peak_test(values):
    """One-sided test that some interior β beats both ends: `peak_tests` of one curve.

    Parameters
    ----------
    values : array_like, shape (n, B)
        Seeds by ascending β, complete; larger is better.

    Returns
    -------
    p : float
        At most 1; NaN with fewer than three β or five seeds.
    index : int
        Column of the interior β that it belongs to; −1 where p is NaN.

    Examples
    --------
    >>> seeds = np.arange(6.0)[:, None] / 10
    >>> p, index = peak_test(np.array([0.1, 0.6, 0.2]) + seeds * [0.5, 1.0, 0.4])
    >>> p < 0.01, index
    (True, 1)
    """
    p, index = peak_tests(np.asarray(values, dtype=float)[None])
    return float(p[0]), int(index[0])


def holm(p_values):
    """Adjust p-values for a family of tests (Holm 1979).

    Parameters
    ----------
    p_values : array_like, shape (k,)
        NaN where there was no test; those do not count.

    Returns
    -------
    ndarray, shape (k,)

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = np.full(p_values.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * factors))
    return adjusted


def drawn_means(values, draws=DRAWS):
    """Mean curves of resampled seeds, widened; shape (draws, B), or (1, B) for one seed."""
    mean = values.mean(axis=0)
    if len(values) < 2:
        return mean[None]
    drawn = bootstrap_weights(len(values), draws) @ values
    return mean + widening(len(values), LEVEL) * (drawn - mean)


def effective_range(means, places, tolerance=TOLERANCE):
    """Span of log2 β around the peak over which the mean stays close to it.

    Parameters
    ----------
    means : array_like, shape (B,)
        Finite; larger is better.
    places : array_like, shape (B,)
        Values of β, ascending. Only tried values count: nothing is interpolated.
    tolerance : float
        Share of the peak's mean.

    Returns
    -------
    dict
        `low`, `high` (β), `octaves` (log2 high − log2 low; NaN where `low` has no logarithm, as
        at λ = 0), `open` (the largest β is still within, so the span is at least this). NaN where
        the peak's mean is not positive.

    Examples
    --------
    >>> effective_range([0.1, 0.55, 0.6, 0.58, 0.2], [1, 4, 8, 16, 32])
    {'low': 4.0, 'high': 16.0, 'octaves': 2.0, 'open': False}
    """
    places, means = np.asarray(places, dtype=float), np.asarray(means, dtype=float)
    if not len(means) or means.max() <= 0:
        return {"low": math.nan, "high": math.nan, "octaves": math.nan, "open": False}
    within = means >= (1 - tolerance) * means.max()
    first = last = int(means.argmax())
    while first > 0 and within[first - 1]:
        first -= 1
    while last < len(means) - 1 and within[last + 1]:
        last += 1
    low, high = float(places[first]), float(places[last])
    return {
        "low": low,
        "high": high,
        "octaves": math.log2(high / low) if low > 0 else math.nan,
        "open": last == len(means) - 1,
    }


def halvings(n, limit=HALVINGS, seed=0):
    """Ways to part n seeds into a half that chooses and a half that reports.

    Parameters
    ----------
    n : int
    limit : int
        All ways if they are no more than this, else as many drawn at random.
    seed : int

    Returns
    -------
    ndarray of bool, shape (ways, n)
        True for the ⌊n/2⌋ seeds that choose.
    """
    half = n // 2
    if math.comb(n, half) <= limit:
        ways = np.zeros((math.comb(n, half), n), dtype=bool)
        for row, chosen in zip(ways, itertools.combinations(range(n), half), strict=True):
            row[list(chosen)] = True
        return ways
    rng = np.random.default_rng([seed, n, limit])
    return rng.permuted(np.tile(np.arange(n) < half, (limit, 1)), axis=1)


def measure_drops(curves, level=LEVEL):
    """Relative drop from the peak to the largest β, free of the bias of picking the peak.

    The peak is picked on one half of the seeds and the drop measured on the other, over all
    halvings: mean of (score at the pick − score at the largest β) over mean score at the pick.
    The interval is Student's t with the jackknife's standard error over seeds.

    Parameters
    ----------
    curves : array_like, shape (C, n, B)
        Complete matrices of seeds by ascending β; larger is better.
    level : float

    Returns
    -------
    dict of str to ndarray, shape (C,)
        `drop` (share of the peak, may be negative), `low`, `high`. Below four seeds the peak is
        picked on all seeds, which biases the drop upwards, and there is no interval. NaN where
        the mean score at the peak is not positive.
    """
    curves = np.asarray(curves, dtype=float)
    n = curves.shape[1]
    if n < SPLIT_FROM:
        means = curves.mean(axis=1)
        drop = _ratio(means.max(axis=1) - means[:, -1], means.max(axis=1))
        empty = np.full(len(curves), np.nan)
        return {"drop": drop, "low": empty, "high": empty.copy()}
    drop = _cross_fitted_drop(curves)
    left_out = np.array([_cross_fitted_drop(np.delete(curves, i, axis=1)) for i in range(n)])
    error = np.sqrt((n - 1) / n * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    half = special.stdtrit(n - 1, (1 + level) / 2) * error
    return {"drop": drop, "low": drop - half, "high": np.minimum(drop + half, 1.0)}


def _cross_fitted_drop(curves):
    n = curves.shape[1]
    choose = halvings(n)
    report = ~choose
    found = np.empty(len(curves))
    step = max(1, 2_000_000 // (len(choose) * curves.shape[2]))
    for start in range(0, len(curves), step):
        block = curves[start : start + step]
        picked = (choose.astype(float) @ block).argmax(axis=2)
        reported = (report / report.sum(axis=1, keepdims=True)) @ block
        peak = np.take_along_axis(reported, picked[..., None], axis=2)[..., 0].mean(axis=1)
        found[start : start + step] = _ratio(peak - reported[..., -1].mean(axis=1), peak)
    return found


def _ratio(above, below):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)
