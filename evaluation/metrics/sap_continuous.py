"""Separated attribute predictability, by correlation."""

import numpy as np

from .metric import Key, Metric
from .sap import sap_reasons
from .score import LARGEST, Score, defined, gaps, optional, split, varying

SMALLEST_VARIANCE = 1e-12


def sap_continuous(codes, factors, *, n_train=None, factor_names=None):
    """How far one code stands out by its squared correlation with each factor.

    The mean over factors of (largest − second largest squared Pearson correlation), on the training
    part, with classes read as numbers. A code whose variance is at most 1e-12 correlates with
    nothing. Factors that are constant in the training part are left out with a note. Undefined with
    one code and where no factor varies.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
        Classes from 0.
    n_train : int, optional
        Rows of the training part; two thirds by default.
    factor_names : sequence of str, optional

    Returns
    -------
    Score
        Key `sap_continuous`, in 0 … 1; the matrix holds squared correlations.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.

    References
    ----------
    Kumar, Sattigeri, Balakrishnan (2018), Variational Inference of Disentangled Latent Concepts
    from Unlabeled Observations.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.indices((4, 4)).reshape(2, -1).T
    >>> sap_continuous(factors * 1.0, factors, n_train=16).value
    1.0
    """
    parts = split(codes, factors, n_train, factor_names, LARGEST)
    mask, notes = varying(parts)
    reasons = sap_reasons("sap_continuous", parts, mask, needs_test=False)
    matrix = squared_correlations(parts.train, parts.factors)
    per_factor = np.full(len(mask), np.nan)
    if not reasons:
        per_factor[mask] = gaps(matrix[:, mask])
    value = per_factor[mask].mean() if mask.any() else np.nan
    values, reasons = defined({"sap_continuous": value}, reasons)
    return Score(
        metric="sap_continuous",
        values=values,
        variant="sap[r2]",
        reasons=reasons,
        per_factor={"sap_continuous": optional(per_factor)},
        matrix=matrix,
        notes=notes,
    )


def squared_correlations(codes, factors):
    """Squared Pearson correlation of every code with every factor.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray of int, shape (N, K)

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


SAP_CONTINUOUS = Metric(
    "sap_continuous",
    sap_continuous,
    (Key("sap_continuous", "SAP (r²)", "gap between the two largest squared correlations"),),
    "separated attribute predictability by squared correlation",
    "sap[r2]",
    citation="kumar2018variational",
    options=("factor_names",),
    order=3,
)
