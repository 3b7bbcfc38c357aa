"""Mutual information between codes and factors."""

import math

from .histogram import NUM_BINS, bin_codes, entropies, mutual_information_matrix
from .metric import Key, Metric
from .sample import rows_for_bins
from .score import Score
from .shuffling import shuffle_rows


def measure_information(codes, factors, *, num_bins=NUM_BINS):
    """How much the codes tell about the factors, in nats and as a fraction.

    With M the mutual information of codes in equal-width bins with factors: `mi_matched` is the sum
    of M over the best one-to-one matching of codes to factors (I_m, nats), `mi_matched_fraction`
    the same over the summed entropies, and `mi_mean_max` the mean over factors of the largest
    M/entropy. With fewer codes than factors, as many factors as codes are matched.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray of int, shape (N, K)
        Classes, at least two in each factor.
    num_bins : int, default 20

    Returns
    -------
    Score
        The matrix is in nats.

    References
    ----------
    Vu, Wan, Wei (2026), Mutual Information Collapse Explains Disentanglement Failure in β-VAEs.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(4, axis=0)
    >>> score = measure_information(factors.astype(float), factors)
    >>> [round(float(value), 3) for value in score.values.values()]
    [2.773, 1.0, 1.0]
    """
    information = mutual_information_matrix(bin_codes(codes, num_bins), factors)
    entropy = entropies(factors)
    matched, code_of = match_codes(information)
    largest = information.max(axis=0) / entropy
    return Score(
        values={
            "mi_matched": matched,
            "mi_matched_fraction": matched / entropy.sum(),
            "mi_mean_max": largest.mean(),
        },
        per_factor={
            "matched_code": [code_of.get(k) for k in range(len(entropy))],
            "matched_nats": [
                information[code_of[k], k] if k in code_of else None for k in range(len(entropy))
            ],
            "max_fraction": largest,
            "entropy_nats": entropy,
        },
        matrix=information,
    )


def match_codes(matrix):
    """Best one-to-one matching of codes to factors.

    Returns
    -------
    total : float
        Sum of the matched entries.
    code_of : dict of int to int
        Factor to code.
    """
    from scipy.optimize import linear_sum_assignment

    codes, factors = linear_sum_assignment(matrix, maximize=True)
    code_of = dict(zip(factors.tolist(), codes.tolist(), strict=True))
    return float(matrix[codes, factors].sum()), code_of


def find_noise_level(codes, factors, *, num_bins, seed):
    """I_m of the same codes with factors whose rows are shuffled, and the most there can be."""
    shuffled = shuffle_rows(factors, 1, seed)
    information = mutual_information_matrix(bin_codes(codes, num_bins), shuffled)
    return {"noise": match_codes(information)[0], "max": entropies(factors).sum()}


mutual_information = Metric(
    "mi",
    measure_information,
    (
        Key(
            "mi_matched",
            "I_m (means)",
            "I_m: information of posterior means with factors, over the best one-to-one matching",
            high=math.inf,
            unit="nats",
        ),
        Key(
            "mi_matched_fraction",
            "I_m / ΣH (means)",
            "I_m of posterior means over the summed factor entropies",
        ),
        Key(
            "mi_mean_max",
            "mean max MI / H (means)",
            "mean over factors of the largest information of posterior means over entropy",
        ),
    ),
    "mutual information of posterior means with factors",
    "mi[hist20,plugin,nats,mean]",
    "vu2026mutual",
    needs=(rows_for_bins,),
    reference=find_noise_level,
    twin=True,
    order=5,
    tolerance=1e-9,
)
