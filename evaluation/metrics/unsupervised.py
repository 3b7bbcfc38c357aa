"""Unsupervised scores: how far codes are from independent of each other, whatever the factors."""

import math
from typing import Any

import numpy as np

from .histogram import NUM_BINS, bin_codes, mutual_information_matrix
from .metric import Key, Metric
from .sample import rows_for_bins, single_precision, two_codes
from .score import Score

_TOTAL = "gaussian_total_correlation"
_DISTANCE = "gaussian_wasserstein_correlation"
_NORM = "gaussian_wasserstein_correlation_norm"
_SINGULAR = 1e-12


def measure_unsupervised(codes, factors, *, num_bins=NUM_BINS):
    """Total correlation, Wasserstein correlation and mutual information between codes.

    The first two take the codes for normal with their covariance Σ, and compare it with its own
    diagonal: the divergence in nats, and the squared 2-Wasserstein distance, also in units of the
    trace of Σ. The last is the mean over pairs of codes of their mutual information in equal-width
    bins, in nats.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
        At least two codes.
    factors : ndarray, shape (N, K)
        Not used.
    num_bins : int, default 20

    Returns
    -------
    Score
        Keys `gaussian_total_correlation`, `gaussian_wasserstein_correlation`,
        `gaussian_wasserstein_correlation_norm` and `mutual_info_codes`, 0 for independent codes.
        The total correlation is undefined where some code is constant or a linear function of
        others; the norm where all codes are constant.

    References
    ----------
    Locatello et al. (2019), Challenging Common Assumptions in the Unsupervised Learning of
    Disentangled Representations.

    Examples
    --------
    >>> codes = np.indices((4, 4)).reshape(2, -1).T.repeat(4, axis=0) * 1.0
    >>> [round(float(value), 6) for value in measure_unsupervised(codes, codes).values.values()]
    [0.0, 0.0, 0.0, 0.0]
    """
    covariance = find_covariance(codes)
    trace = np.trace(covariance)
    distance = find_wasserstein_correlation(covariance)
    bins = bin_codes(codes, num_bins)
    information = mutual_information_matrix(bins, bins.T)
    np.fill_diagonal(information, 0.0)
    others = len(information) - 1
    reasons = {}
    singular = find_singularity(covariance)
    if singular:
        reasons[_TOTAL] = singular
    if trace == 0:
        reasons[_NORM] = "every code is constant in the training part"
    return Score(
        values={
            _TOTAL: None if singular else find_total_correlation(covariance),
            _DISTANCE: distance,
            _NORM: distance / trace if trace > 0 else None,
            "mutual_info_codes": information.sum() / (len(information) * others),
        },
        reasons=reasons,
        per_code={
            "mutual_info_codes": information.sum(axis=1) / others,
            "variance": np.diag(covariance),
        },
    )


def find_covariance(codes):
    """Covariance of codes (N, D), exactly 0 for constant ones; shape (D, D)."""
    shifted = codes.astype(np.float64) - codes[0]
    return np.cov(shifted.T).reshape(codes.shape[1], codes.shape[1])


def find_singularity(covariance):
    """Why normal codes of this covariance have no density; empty where they have one.

    Parameters
    ----------
    covariance : ndarray of float64, shape (D, D)

    Returns
    -------
    str
    """
    deviations = np.sqrt(np.diag(covariance))
    if not deviations.all():
        constant = np.count_nonzero(deviations == 0)
        return f"the covariance is singular: {constant} of {len(deviations)} codes do not vary"
    correlation = covariance / deviations / deviations[:, None]
    if np.linalg.eigvalsh(correlation)[0] < _SINGULAR * len(correlation):
        return "the covariance is singular: some code is a linear function of others"
    return ""


def find_total_correlation(covariance):
    """Total correlation of normal codes, ½ (Σ log Σ_ii − log det Σ), in nats.

    Parameters
    ----------
    covariance : ndarray of float64, shape (D, D)
        Positive definite; otherwise infinite or NaN.

    Returns
    -------
    float

    Examples
    --------
    >>> round(find_total_correlation(np.array([[1.0, 0.6], [0.6, 1.0]])), 4)
    0.2231
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(np.diag(covariance)).sum()
        return float(0.5 * (logarithms - np.linalg.slogdet(covariance)[1]))


def find_wasserstein_correlation(covariance):
    """Squared 2-Wasserstein distance of normal codes from independent ones of the same variances.

    With V the diagonal of Σ: 2 tr Σ − 2 tr (V^½ Σ V^½)^½, in squared units of the codes.

    Parameters
    ----------
    covariance : ndarray of float64, shape (D, D)

    Returns
    -------
    float

    Examples
    --------
    >>> round(find_wasserstein_correlation(np.array([[1.0, 0.6], [0.6, 1.0]])), 4)
    0.2053
    """
    deviations = np.sqrt(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(covariance * deviations * deviations[:, None])
    root = np.sqrt(np.maximum(eigenvalues, 0.0)).sum()
    return float(max(0.0, 2 * np.trace(covariance) - 2 * root))


_OPEN: dict[str, Any] = {"higher_is_better": None, "high": math.inf}

unsupervised = Metric(
    "unsupervised",
    measure_unsupervised,
    (
        Key(
            _TOTAL,
            "Gaussian TC (means)",
            "total correlation of normal codes with the covariance of posterior means",
            unit="nats",
            **_OPEN,
        ),
        Key(
            _DISTANCE,
            "Gaussian Wasserstein (means)",
            "squared Wasserstein distance of posterior means from independence, as normal codes",
            unit="squared code",
            **_OPEN,
        ),
        Key(
            _NORM,
            "Gaussian Wasserstein / variance (means)",
            "the same of posterior means over their summed variance",
            higher_is_better=None,
            high=2.0,
        ),
        Key(
            "mutual_info_codes",
            "MI between codes (means)",
            "mean mutual information between pairs of posterior means",
            unit="nats",
            **_OPEN,
        ),
    ),
    "dependence of posterior means on each other",
    "unsupervised[cov,hist20,mean]",
    "locatello2019challenging",
    needs=(single_precision, two_codes, rows_for_bins),
    twin=True,
    masked=True,
    continuous=True,
    default=False,
    order=13,
    tolerance=1e-6,
)
