"""Mutual information between codes and factors."""

import math

import numpy as np

from .histogram import NUM_BINS, bin_codes, entropies, mutual_information_matrix
from .metric import Key, Metric
from .mig import binned_information, binning_reasons
from .score import Score, check_backend, defined, maybe_sampled, optional, split, varying

KEYS = ("mi_matched", "mi_matched_fraction", "mi_mean_max")


def mutual_information(
    codes,
    factors,
    *,
    n_train=None,
    num_bins=NUM_BINS,
    log_variances=None,
    seed=0,
    backend="numba",
    factor_names=None,
):
    """How much the codes tell about the factors, in nats and as a fraction.

    With M the mutual information of codes in equal-width bins with factors, on the training part:
    `mi_matched` is the sum of M over the best one-to-one matching of codes to factors (I_m, nats),
    `mi_matched_fraction` the same over the summed entropies, and `mi_mean_max` the mean over
    factors of the largest M/entropy. With fewer codes than factors, as many factors as codes are
    matched. Undefined with fewer training rows than bins, and where no factor varies.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
        Classes from 0.
    n_train : int, optional
        Rows of the training part; two thirds by default.
    num_bins : int, default 20
    log_variances : array_like, shape (N, D), optional
        With them the codes are drawn from their posteriors, and keys end in `_sampled`: means
        keep their order, and so their information, when a posterior collapses; draws do not.
    seed : int, default 0
        For the draw and the noise level.
    backend : {"numba", "sklearn"}
        Counting, or scikit-learn's function pair by pair.
    factor_names : sequence of str, optional

    Returns
    -------
    Score
        The matrix is in nats; `reference["noise"]` is I_m after shuffling the rows of the factors,
        the level that codes without any information reach at this sample size.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.

    References
    ----------
    Vu, Wan, Wei (2026), Mutual Information Collapse Explains Disentanglement Failure in β-VAEs.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(4, axis=0)
    >>> found = mutual_information(factors.astype(float), factors, n_train=64)
    >>> round(found.values["mi_matched"], 3), found.values["mi_matched_fraction"]
    (2.773, 1.0)
    """
    check_backend(backend)
    suffix = "" if log_variances is None else "_sampled"
    keys = tuple(key + suffix for key in KEYS)
    codes, overflow = maybe_sampled(codes, log_variances, seed, keys)
    parts = split(codes, factors, n_train, factor_names)
    matrix = binned_information(parts, num_bins, backend)
    entropy = entropies(parts.factors)
    mask, notes = varying(parts)
    reasons = overflow | binning_reasons(keys, parts, num_bins, mask)
    matched, pairs = matching(matrix)
    largest = np.full(len(mask), np.nan)
    largest[mask] = matrix[:, mask].max(axis=0) / entropy[mask]
    found = (np.nan, np.nan, np.nan)
    if mask.any():
        found = (matched, matched / entropy.sum(), largest[mask].mean())
    values, reasons = defined(dict(zip(keys, found, strict=True)), reasons)
    return Score(
        metric="mi" + suffix,
        values=values,
        variant=f"mi[hist{num_bins},plugin,nats,{'sampled' if suffix else 'mean'}]",
        reasons=reasons,
        per_factor={
            "matched_code": [pairs.get(k) for k in range(len(mask))],
            "matched_nats": [
                float(matrix[pairs[k], k]) if k in pairs else None for k in range(len(mask))
            ],
            "max_fraction": optional(largest),
            "entropy_nats": optional(entropy),
        },
        matrix=matrix,
        settings={"num_bins": num_bins, "backend": backend, "seed": seed},
        reference={"noise": noise_level(parts, num_bins, seed), "max": float(entropy.sum())},
        notes=notes,
    )


def matching(matrix):
    """Best one-to-one matching of codes to factors.

    Returns
    -------
    total : float
        Sum of the matched entries.
    pairs : dict of int to int
        Factor to code.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(matrix, maximize=True)
    pairs = {int(k): int(i) for i, k in zip(rows, columns, strict=True)}
    return float(matrix[rows, columns].sum()), pairs


def noise_level(parts, num_bins, seed):
    """I_m that the same codes have with factors whose rows are shuffled, in nats."""
    order = np.random.default_rng([1, seed]).permutation(len(parts.factors))
    bins = bin_codes(parts.train, num_bins)
    return matching(mutual_information_matrix(bins, parts.factors[order]))[0]


MI = Metric(
    "mi",
    mutual_information,
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
    citation="vu2026mutual",
    options=("backend", "factor_names", "seed"),
    twin=True,
    order=5,
)
