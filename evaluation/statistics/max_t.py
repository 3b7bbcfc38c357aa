"""One-sided tests of many means at once, adjusted for each other by what seeds give by chance."""

import functools

import numpy as np

# Below, there are too few sign flips for small p-values, and rotations take their place.
FLIPS_FROM = 10
# With so many seeds or fewer every way to flip signs counts, with more as many are drawn.
EVERY_FLIP_UP_TO = 14
_ROWS = 2 ** (EVERY_FLIP_UP_TO - 1)
_ROUNDING = 1e-9
_ENTRIES = 100_000  # of one block: it stays in the cache, and its products in one thread


@functools.lru_cache(maxsize=16)
def chance_weights(n, seed=0):
    """Weights of the seeds' differences that are as likely as equal ones without an effect.

    From ten seeds on signs, one for each seed (every way to flip them, or as many as 14 seeds
    have, drawn). Below ten directions drawn evenly from the sphere of radius √n.

    Parameters
    ----------
    n : int
        Number of seeds.
    seed : int
        Of the draws.

    Returns
    -------
    ndarray of float64, shape (at most 8192, n)
        Rows of length √n; each stands for itself and for its opposite. The first has a 1 for
        every seed. The same array for the same arguments, so it cannot be written to.
    """
    rng = np.random.default_rng([seed, n])
    if n < FLIPS_FROM:
        weights = rng.normal(size=(_ROWS, n))
        weights *= np.sqrt(n) / np.linalg.norm(weights, axis=1, keepdims=True)
    elif n <= EVERY_FLIP_UP_TO:
        weights = 1.0 - 2.0 * (np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1)
    else:
        weights = rng.choice((-1.0, 1.0), size=(_ROWS, n))
    weights[0] = 1
    weights.flags.writeable = False
    return weights


def smallest_p(n):
    """The smallest p-value that n seeds can give.

    Examples
    --------
    >>> 1 / smallest_p(10), 1 / smallest_p(5)
    (1024.0, 16384.0)
    """
    return 1 / (2 * len(chance_weights(n)))


def adjust_together(differences):
    """p-values of one-sided tests that each mean is above zero, adjusted for each other.

    Step-down max-T: the statistic of each column is Student's t; what it would be without an
    effect is learnt by flipping the signs of whole seeds, so that the dependence between columns
    stays as it is. The largest statistic is compared with the largest of all columns, the next
    with the largest of all but that column, and so on; p-values never fall on the way. Below ten
    seeds the seeds are rotated instead (`chance_weights`).

    Statistics are compared as Σ d / √Σ d², which rises with t and whose denominator neither flips
    nor rotations change.

    Parameters
    ----------
    differences : array_like, shape (C, n, K)
        Of C families with n seeds and K ≥ 1 differences each; finite.

    Returns
    -------
    p : ndarray, shape (C, K)
        At least `smallest_p(n)`.
    statistic : ndarray, shape (C, K)
        Σ d / √Σ d²; 0 where all differences are 0. It is √n, its largest value, where all are
        equal and positive.

    Notes
    -----
    Assumes that seeds are independent and that differences deviate from their means
    symmetrically, jointly for all columns; below ten seeds, that they do so like a normal
    distribution. Then the chance that any true hypothesis is rejected is kept, whichever
    hypotheses are true, for any dependence between the columns and any spread of each (Westfall
    and Young 1993, "Resampling-Based Multiple Testing"; step-down: Romano and Wolf 2005, "Exact
    and Approximate Stepdown Methods for Multiple Hypothesis Testing", JASA 100; rotations: Solari,
    Finos and Goeman 2014, "Rotation-based multiple testing in the multivariate linear model",
    Biometrics 70).

    Examples
    --------
    >>> d = np.tile([[0.2, 0.1], [0.3, -0.1]], (5, 1))
    >>> p, _ = adjust_together(d[None])
    >>> (p * 1024).tolist()
    [[2.0, 638.0]]
    """
    differences = np.asarray(differences, dtype=float)
    families, n, columns = differences.shape
    size = np.sqrt((differences**2).sum(axis=1, keepdims=True))
    scaled = np.divide(differences, size, out=np.zeros_like(differences), where=size > 0)
    statistic = scaled.sum(axis=1)
    order = np.argsort(-statistic, axis=1, kind="stable")
    ordered = np.take_along_axis(scaled, order[:, None], axis=2)
    levels = np.take_along_axis(statistic, order, axis=1) - _ROUNDING
    weights = chance_weights(n)
    step = max(1, _ENTRIES // (len(weights) * max(1, columns)))
    shares = [
        _exceeding_shares(ordered[start : start + step], levels[start : start + step], weights)
        for start in range(0, families, step)
    ]
    p = np.empty((families, columns))
    if families:
        np.put_along_axis(p, order, np.concatenate(shares), axis=1)
    return p, statistic


def _exceeding_shares(scaled, levels, weights):
    """p-values of columns in falling order of their statistics; shape (C, K)."""
    drawn = scaled.transpose(2, 0, 1) @ weights.T
    shares = np.empty(levels.shape)
    high, low = drawn[-1].copy(), drawn[-1].copy()
    for place in reversed(range(len(drawn))):
        np.maximum(high, drawn[place], out=high)
        np.minimum(low, drawn[place], out=low)
        level = levels[:, place, None]
        count = np.count_nonzero(high >= level, axis=1) + np.count_nonzero(low <= -level, axis=1)
        shares[:, place] = count / (2 * len(weights))
    return np.maximum.accumulate(shares, axis=1)
