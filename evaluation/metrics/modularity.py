"""Modularity: does each code carry information on one factor only?"""

import numpy as np

from .histogram import NUM_BINS
from .metric import Key, Metric
from .mig import binned_information, binning_reasons
from .score import Score, check_backend, defined, optional, split, varying


def modularity(
    codes, factors, *, n_train=None, num_bins=NUM_BINS, backend="numba", factor_names=None
):
    """How little each code tells about other factors than its own.

    With M the mutual information of codes in equal-width bins with factors, on the training part:
    the mean over codes of 1 − Σ_other M² / (largest M² · (K − 1)). A code without any information
    counts 0. Factors that are constant in the training part are left out with a note. Undefined
    with one varying factor and with fewer training rows than bins.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
        Classes from 0.
    n_train : int, optional
        Rows of the training part; two thirds by default.
    num_bins : int, default 20
    backend : {"numba", "sklearn"}
        Counting, or scikit-learn's function pair by pair.
    factor_names : sequence of str, optional

    Returns
    -------
    Score
        Key `modularity`, in 0 … 1; the matrix holds mutual information in nats.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.

    References
    ----------
    Ridgeway, Mozer (2018), Learning Deep Disentangled Embeddings with the F-Statistic Loss.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(4, axis=0)
    >>> modularity(factors.astype(float), factors, n_train=64).value
    1.0
    """
    check_backend(backend)
    parts = split(codes, factors, n_train, factor_names)
    matrix = binned_information(parts, num_bins, backend)
    mask, notes = varying(parts)
    reasons = binning_reasons(("modularity",), parts, num_bins, mask)
    if mask.sum() == 1:
        reasons.setdefault("modularity", "one varying factor: there is no other to tell about")
    per_code = modularity_per_code(matrix[:, mask]) if mask.sum() > 1 else np.full(len(matrix), 0.0)
    values, reasons = defined({"modularity": per_code.mean()}, reasons)
    return Score(
        metric="modularity",
        values=values,
        variant=f"modularity[hist{num_bins},plugin]",
        reasons=reasons,
        per_code={"modularity": optional(per_code)},
        matrix=matrix,
        settings={"num_bins": num_bins, "backend": backend},
        notes=notes,
    )


def modularity_per_code(matrix):
    """Modularity of each code from a matrix of mutual information with at least two factors.

    Parameters
    ----------
    matrix : ndarray of float64, shape (D, K)

    Returns
    -------
    ndarray of float64, shape (D,)
        0 for a code without information.
    """
    squared = np.square(np.asarray(matrix, dtype=np.float64))
    largest = squared.max(axis=1)
    others = (squared.sum(axis=1) - largest) / (squared.shape[1] - 1)
    return np.where(largest > 0, 1.0 - others / np.where(largest > 0, largest, 1.0), 0.0)


MODULARITY = Metric(
    "modularity",
    modularity,
    (Key("modularity", "modularity", "each code tells about one factor only"),),
    "modularity from mutual information",
    "modularity[hist20,plugin]",
    citation="ridgeway2018learning",
    options=("backend", "factor_names"),
    order=6,
)
