"""Modularity: does each code carry information on one factor only?"""

import numpy as np

from .histogram import NUM_BINS, bin_codes, mutual_information_matrix
from .metric import Key, Metric
from .sample import rows_for_bins, two_factors
from .score import Score


def measure_modularity(codes, factors, *, num_bins=NUM_BINS):
    """How little each code tells about other factors than its own.

    With M the mutual information of codes in equal-width bins with factors: the mean over codes of
    1 − Σ_other M² / (largest M² · (K − 1)). A code without any information counts 0.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray of int, shape (N, K)
        Classes, at least two in each factor, and at least two factors.
    num_bins : int, default 20

    Returns
    -------
    Score
        Key `modularity`, in 0 … 1; the matrix holds mutual information in nats.

    References
    ----------
    Ridgeway, Mozer (2018), Learning Deep Disentangled Embeddings with the F-Statistic Loss.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(4, axis=0)
    >>> float(measure_modularity(factors.astype(float), factors).value)
    1.0
    """
    information = mutual_information_matrix(bin_codes(codes, num_bins), factors)
    per_code = modularity_per_code(information)
    return Score(
        values={"modularity": per_code.mean()},
        per_code={"modularity": per_code},
        matrix=information,
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


modularity = Metric(
    "modularity",
    measure_modularity,
    (Key("modularity", "modularity", "each code tells about one factor only"),),
    "modularity from mutual information",
    "modularity[hist20,plugin]",
    "ridgeway2018learning",
    needs=(rows_for_bins, two_factors),
    order=6,
    tolerance=1e-9,
)
