"""Mutual information gap."""

import numpy as np

from .histogram import (
    NUM_BINS,
    bin_codes,
    ceiling,
    class_count,
    entropies,
    mutual_information_matrix,
)
from .metric import Key, Metric
from .sample import rows_for_bins, two_codes
from .score import Score


def measure_mig(codes, factors, *, num_bins=NUM_BINS):
    """Mutual information gap: how far one code stands out as the carrier of each factor.

    The mean over factors of (largest − second largest mutual information with a code) / entropy of
    the factor, with codes in equal-width bins. A constant code has no information.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
        At least two codes.
    factors : ndarray of int, shape (N, K)
        Classes, at least two in each factor.
    num_bins : int, default 20

    Returns
    -------
    Score
        Key `mig`, in 0 … 1; the matrix holds mutual information in nats.

    References
    ----------
    Chen et al. (2018), Isolating Sources of Disentanglement in Variational Autoencoders.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(4, axis=0)
    >>> round(measure_mig(factors.astype(float), factors).value, 6)
    1.0
    """
    information = mutual_information_matrix(bin_codes(codes, num_bins), factors)
    entropy = entropies(factors)
    terms = gaps(information) / entropy
    return Score(
        values={"mig": terms.mean()},
        per_factor={"mig": terms, "entropy_nats": entropy},
        matrix=information,
    )


def gaps(matrix):
    """Largest less second largest entry of each column; needs two rows.

    Examples
    --------
    >>> gaps(np.array([[0.5, 1.0], [0.25, 1.0]]))
    array([0.25, 0.  ])
    """
    top = np.sort(matrix, axis=0)
    return top[-1] - top[-2]


def find_ceilings(codes, factors, *, num_bins):
    """What a perfect ordinal code of uniform factors with as many classes reaches."""
    each = np.array([ceiling(class_count(column), num_bins) for column in factors.T])
    return {"ceiling": each.mean(), "ceiling_per_factor": each}


mig = Metric(
    "mig",
    measure_mig,
    (Key("mig", "MIG", "mutual information gap of posterior means"),),
    "mutual information gap of posterior means between the two most informative codes",
    "mig[hist20,plugin,mean]",
    "chen2018isolating",
    needs=(rows_for_bins, two_codes),
    reference=find_ceilings,
    twin=True,
    order=1,
    tolerance=1e-9,
)
