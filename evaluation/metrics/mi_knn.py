"""Mutual information between codes and factors, by nearest neighbours."""

import math

import numpy as np

from .histogram import entropies
from .metric import Key, Metric
from .mutual_information import match_codes
from .neighbours import find_continuous, neighbour_information, rows_for_neighbours
from .sample import single_precision
from .score import Score
from .shuffling import shuffle_rows

NEIGHBOURS = 3
_SHUFFLE = int.from_bytes(b"mi_knn", "little")  # apart from other random streams


def measure_neighbour_information(codes, factors, *, num_neighbours=NEIGHBOURS, factor_kinds=()):
    """How much the codes tell about the factors, in nats, without bins.

    With M the nearest-neighbour mutual information of codes with factors, by the estimate of Ross
    for factors of classes and that of Kraskov et al. for continuous ones: `mi_knn_matched` is the
    sum of M over the best one-to-one matching of codes to factors, and `mi_knn_matched_fraction`
    the same over the summed entropies, for which every factor must have classes.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray, shape (N, K)
        Classes or numbers, at least two different ones in each factor.
    num_neighbours : int, default 3
    factor_kinds : sequence of str, shape (K,), optional
        A factor is continuous where its kind says so; without kinds, where a value is not whole.

    Returns
    -------
    Score
        The matrix is in nats.

    References
    ----------
    Ross (2014), Mutual Information between Discrete and Continuous Data Sets; Kraskov, Stögbauer,
    Grassberger (2004), Estimating Mutual Information.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(20, axis=0)
    >>> noise = np.random.default_rng(0).normal(size=factors.shape)
    >>> score = measure_neighbour_information(factors + 0.01 * noise, factors)
    >>> [round(float(value), 1) for value in score.values.values()]
    [2.8, 1.0]
    """
    continuous = find_continuous(factors, factor_kinds)
    information = neighbour_information(codes, factors, num_neighbours, continuous)
    matched, code_of = match_codes(information)
    entropy = np.full(len(continuous), np.nan)
    entropy[~continuous] = entropies(factors[:, ~continuous].astype(np.int64))
    some = "some factors are continuous, and only factors of classes have an entropy in nats"
    return Score(
        values={
            "mi_knn_matched": matched,
            "mi_knn_matched_fraction": min(1.0, matched / entropy.sum()),
        },
        reasons={"mi_knn_matched_fraction": some} if continuous.any() else {},
        per_factor={
            "matched_code": [code_of.get(k) for k in range(len(entropy))],
            "matched_nats": [
                information[code_of[k], k] if k in code_of else None for k in range(len(entropy))
            ],
            "max_nats": information.max(axis=0),
            "entropy_nats": entropy,
        },
        matrix=information,
    )


def find_noise_level(codes, factors, *, num_neighbours, factor_kinds, seed):
    """The same sum with factors whose rows are shuffled."""
    continuous = find_continuous(factors, factor_kinds)
    shuffled = shuffle_rows(factors, _SHUFFLE, seed)
    information = neighbour_information(codes, shuffled, num_neighbours, continuous)
    return {"noise": match_codes(information)[0]}


mi_knn = Metric(
    "mi_knn",
    measure_neighbour_information,
    (
        Key(
            "mi_knn_matched",
            "I_m (kNN, means)",
            "nearest-neighbour information of posterior means with factors, over the best "
            "one-to-one matching",
            high=math.inf,
            unit="nats",
        ),
        Key(
            "mi_knn_matched_fraction",
            "I_m / ΣH (kNN, means)",
            "nearest-neighbour I_m of posterior means over the summed factor entropies",
        ),
    ),
    "nearest-neighbour mutual information of posterior means with factors",
    "mi_knn[knn3,nats,mean]",
    "ross2014mutual",
    needs=(single_precision, rows_for_neighbours),
    reference=find_noise_level,
    twin=True,
    continuous=True,
    default=False,
    order=26,
    tolerance=1e-4,
)
