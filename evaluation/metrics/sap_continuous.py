"""Separated attribute predictability, by correlation."""

import numpy as np

from .continuous import scale_factors
from .metric import Key, Metric
from .mig import gaps
from .sample import single_precision, two_codes
from .score import Score

SMALLEST_VARIANCE = 1e-12


def measure_sap_continuous(codes, factors):
    """How far one code stands out by its squared correlation with each factor.

    The mean over factors of (largest − second largest squared Pearson correlation). Factors are
    real numbers, or classes, which are read as numbers. A code whose variance is at most 1e-12
    correlates with nothing.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
        At least two codes.
    factors : ndarray, shape (N, K)
        At least two values in each factor.

    Returns
    -------
    Score
        Key `sap_continuous`, in 0 … 1; the matrix holds squared correlations.

    References
    ----------
    Kumar, Sattigeri, Balakrishnan (2018), Variational Inference of Disentangled Latent Concepts
    from Unlabeled Observations.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T
    >>> float(measure_sap_continuous(factors * 1.0, factors).value)
    1.0
    """
    correlation = squared_correlations(codes, scale_factors(factors))
    terms = gaps(correlation)
    return Score(
        values={"sap_continuous": terms.mean()},
        per_factor={"sap_continuous": terms},
        matrix=correlation,
    )


def squared_correlations(codes, factors):
    """Squared Pearson correlation of every code with every factor.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray, shape (N, K)

    Returns
    -------
    ndarray of float64, shape (D, K)
        0 for a code of variance at most 1e-12, NaN for a constant factor.
    """
    rows = max(len(codes) - 1, 1)
    codes = codes.astype(np.float64)
    factors = factors.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        codes -= codes.mean(axis=0)
        factors -= factors.mean(axis=0)
        spread = (codes**2).sum(axis=0) / rows
        width = (factors**2).sum(axis=0) / rows
        squared = (codes.T @ factors / rows) ** 2 / (spread[:, None] * width)
    squared[spread <= SMALLEST_VARIANCE] = 0.0
    squared[:, width == 0.0] = np.nan
    return squared


sap_continuous = Metric(
    "sap_continuous",
    measure_sap_continuous,
    (Key("sap_continuous", "SAP (r²)", "gap between the two largest squared correlations"),),
    "separated attribute predictability by squared correlation",
    "sap[r2]",
    "kumar2018variational",
    needs=(single_precision, two_codes),
    continuous=True,
    order=3,
    tolerance=1e-9,
)
