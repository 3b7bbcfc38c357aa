"""Unsupervised disentanglement ranking: do seeds of one setting find the same codes?"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .metric import ACTIVE_KL, Key, Metric

ALPHA = 0.1
FORMS = ("lasso", "spearman")
_MOST_SWEEPS = 10_000
_PRECISION = 1e-10


class UDR(NamedTuple):
    """Runs compared with each other.

    Attributes
    ----------
    scores : ndarray of shape (R,)
        The score of each run: the median of its pairs with the others. NaN for a run without
        active codes, and where no other run has any.
    pairs : ndarray of shape (R, R)
        How well the codes of run i and those of run j match one to one; NaN on the diagonal and
        for runs without active codes.
    strengths : ndarray of shape (R, R, D, D)
        How strongly code a of run i and code b of run j go together, at [i, j, a, b]; 0 for codes
        that are not active.
    """

    scores: NDArray[np.float64]
    pairs: NDArray[np.float64]
    strengths: NDArray[np.float64]


def measure_udr(
    codes: ArrayLike,
    kl: ArrayLike,
    *,
    form: str = "lasso",
    alpha: float = ALPHA,
    kl_threshold: float = ACTIVE_KL,
) -> UDR:
    """Unsupervised disentanglement ranking of runs that encoded the same images.

    Runs that disentangle find the same codes, up to order and sign, and runs that do not find
    other ones with every seed. So the strength with which each active code of one run goes
    together with each of another is measured, and a pair of runs scores high where every code has
    a single partner: the mean over codes of (largest strength)² / sum of strengths, of both runs.
    No ground-truth factor is needed.

    Parameters
    ----------
    codes : array_like of shape (R, N, D)
        Posterior means of N images, the same for all R runs.
    kl : array_like of shape (R, D)
        KL divergence of each latent's posterior from the prior, in nats.
    form : {"lasso", "spearman"}, default "lasso"
        Strength as the absolute weight of a Lasso regression of each code of run j on those of run
        i, all standardised, or as the absolute rank correlation.
    alpha : float, default 0.1
        Penalty of the Lasso, as scikit-learn has it.
    kl_threshold : float, default 0.01
        Codes with a KL above it are active.

    Returns
    -------
    UDR

    Raises
    ------
    ValueError
        For arrays that do not fit, an unknown form, or values that are not finite.

    References
    ----------
    Duan et al. (2020), Unsupervised Model Selection for Variational Disentangled Representation
    Learning. The form is disentanglement_lib's.

    Examples
    --------
    >>> first = np.random.default_rng(0).normal(size=(500, 3))
    >>> codes = np.stack([first, first[:, ::-1], -first])
    >>> measure_udr(codes, np.ones((3, 3)), form="spearman").scores.round(2)
    array([0.98, 0.98, 0.98])
    """
    codes, kl = np.asarray(codes, dtype=np.float64), np.asarray(kl, dtype=np.float64)
    if codes.ndim != 3 or kl.shape != codes.shape[::2] or not codes.size:
        raise ValueError(
            "expected codes (runs, images, latents) and kl (runs, latents), "
            f"got {codes.shape} and {kl.shape}"
        )
    if form not in FORMS:
        raise ValueError(f"the form of UDR is {' or '.join(FORMS)}, not {form!r}")
    if not (np.isfinite(codes).all() and np.isfinite(kl).all()):
        raise ValueError("codes and kl must be finite")
    active = kl > kl_threshold
    correlations = _correlate(_rank(codes) if form == "spearman" else codes, active)
    strengths = np.abs(_regress(correlations, alpha) if form == "lasso" else correlations)
    runs = len(codes)
    pairs = np.full((runs, runs), np.nan)
    some = np.any(active, axis=1)
    for i, j in np.argwhere(some[:, None] & some & ~np.eye(runs, dtype=bool)):
        matched = strengths[i, j][np.ix_(active[i], active[j])]
        pairs[i, j] = (_single_out(matched) + _single_out(matched.T)) / 2
    scores = [np.median(each) if each.size else np.nan for each in map(_finite, pairs.T)]
    return UDR(np.array(scores), pairs, strengths)


def _rank(codes):
    """Ranks of each code over the images; equal values share their mean rank."""
    ranks = np.empty_like(codes)
    for run, latent in np.ndindex(codes.shape[0], codes.shape[2]):
        _, place, counts = np.unique(codes[run, :, latent], return_inverse=True, return_counts=True)
        ranks[run, :, latent] = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def _finite(values):
    return values[np.isfinite(values)]


def _correlate(codes, active):
    """Correlations of all codes of all runs, (R, R, D, D); 0 for inactive and constant ones."""
    runs, rows, latents = codes.shape
    # Divided by a power of two, which changes no digit, so that the sum of the largest is a number.
    _, exponent = np.frexp(np.abs(codes).max(axis=1, keepdims=True))
    codes = np.ldexp(codes, -exponent)
    centred = codes - codes.mean(axis=1, keepdims=True)
    # Values close to each other would vanish when they are squared.
    largest = np.abs(centred).max(axis=1, keepdims=True)
    centred /= np.where(largest > 0, largest, 1)
    spread = np.sqrt((centred**2).mean(axis=1))
    usable = active & (codes.max(axis=1) > codes.min(axis=1))
    standard = np.where(usable[:, None], centred / np.where(usable, spread, 1)[:, None], 0.0)
    flat = standard.transpose(1, 0, 2).reshape(rows, runs * latents)
    return (flat.T @ flat / rows).reshape(runs, latents, runs, latents).transpose(0, 2, 1, 3)


def _regress(correlations, alpha):
    """Weights of Lasso regressions of each code of run j on those of run i, at [i, j, a, b].

    Coordinate descent needs nothing but correlations, and goes through all targets at once.
    """
    runs, _, latents, _ = correlations.shape
    weights = np.zeros_like(correlations)
    for i in range(runs):
        within = correlations[i, i]
        targets = correlations[i].transpose(1, 0, 2).reshape(latents, -1)
        usable = np.flatnonzero(np.diag(within))
        found = np.zeros_like(targets)
        for _ in range(_MOST_SWEEPS):
            change = 0.0
            for a in usable:
                rest = targets[a] - within[a] @ found + found[a]
                weight = np.sign(rest) * np.maximum(np.abs(rest) - alpha, 0)
                change = max(change, np.abs(weight - found[a]).max())
                found[a] = weight
            if change < _PRECISION:
                break
        weights[i] = found.reshape(latents, runs, latents).transpose(1, 0, 2)
    return weights


def _single_out(strengths):
    """Mean over columns of how far one row stands out; 0 for a column without strength."""
    total = strengths.sum(axis=0)
    largest = strengths.max(axis=0)
    return np.mean(np.divide(largest**2, total, out=np.zeros_like(total), where=total > 0))


udr = Metric(
    "udr",
    measure_udr,
    (
        Key("udr", "UDR", "agreement of seeds, by Lasso regression", high=math.inf),
        Key("udr_spearman", "UDR (Spearman)", "agreement of seeds, by rank correlation"),
    ),
    "agreement of each run with the other seeds of its setting, without ground-truth factors",
    "udr[lasso0.1,kl>0.01]",
    "duan2020unsupervised",
    order=30,
    tolerance=1e-6,
    grouped=True,
)
