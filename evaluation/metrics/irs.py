"""Interventional robustness: does a code stay where it is while all factors but one change?"""

import numpy as np

from .histogram import NUM_BINS, bin_codes
from .metric import Key, Metric
from .sample import rows_for_bins, single_precision
from .score import Score
from .shuffling import shuffle_rows

QUANTILE = 0.99


def measure_irs(codes, factors, *, num_bins=NUM_BINS, quantile=QUANTILE):
    """Interventional robustness score: how little codes move while one factor is held fixed.

    With factors in equal-width bins, R[i, k] is one less the deviation of code i from its mean
    within a bin of factor k (the 99 % quantile of its absolute value, averaged over bins), in units
    of its largest deviation over all rows. The score is the mean over codes of their largest R[i,
    k], weighted by their largest deviation. Codes that do not vary have no weight.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray, shape (N, K)
        Up to 20 classes are kept apart; more share bins.
    num_bins : int, default 20
    quantile : float, default 0.99

    Returns
    -------
    Score
        Key `irs`, in −1 … 1; the matrix holds R, with 0 for codes that do not vary. Noise does not
        score 0; only codes of few values can be below 0. Undefined where no code varies.

    References
    ----------
    Suter, Miladinović, Schölkopf, Bauer (2019), Robustly Disentangled Causal Mechanisms.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(4, axis=0)
    >>> float(measure_irs(factors * 1.0, factors).value)
    1.0
    """
    matrix, largest = find_robustness(codes, bin_codes(factors, num_bins).T, quantile)
    per_code = matrix.max(axis=1)
    total = largest.sum()
    return Score(
        values={"irs": per_code @ largest / total if total > 0 else None},
        reasons={} if total > 0 else {"irs": "no code varies in the training part"},
        per_code={"irs": per_code, "largest_deviation": largest},
        matrix=matrix,
    )


def find_robustness(codes, factors, quantile=QUANTILE):
    """Robustness of each code under interventions on all factors but one.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray of int, shape (N, K)
    quantile : float, default 0.99

    Returns
    -------
    matrix : ndarray of float64, shape (D, K)
        0 for codes that do not vary.
    largest : ndarray of float64, shape (D,)
        Largest deviation of each code from its mean; 0 where it does not vary.
    """
    codes = np.ascontiguousarray(codes.T, dtype=np.float64)
    largest = np.abs(codes - codes.mean(axis=1, keepdims=True)).max(axis=1)
    largest[codes.min(axis=1) == codes.max(axis=1)] = 0.0
    moved = np.zeros((len(codes), factors.shape[1]))
    for k, column in enumerate(factors.T):
        order = np.argsort(column, kind="stable")
        _, starts = np.unique(column[order], return_index=True)
        parts = np.split(codes[:, order], starts[1:], axis=1)
        for part in parts:
            away = np.abs(part - part.mean(axis=1, keepdims=True))
            moved[:, k] += np.quantile(away, quantile, axis=1)
        moved[:, k] /= len(parts)
    share = np.divide(moved, largest[:, None], out=np.ones_like(moved), where=largest[:, None] > 0)
    return 1.0 - share, largest


def find_noise_level(codes, factors, *, num_bins, quantile, seed):
    """The score of the same codes with factors whose rows are shuffled."""
    shuffled = shuffle_rows(factors, 2, seed)
    noise = measure_irs(codes, shuffled, num_bins=num_bins, quantile=quantile)
    return {"noise": noise.values["irs"]}


irs = Metric(
    "irs",
    measure_irs,
    (
        Key(
            "irs",
            "IRS",
            "robustness of codes to all factors but one; known codes: noise 0.35, perfect 0.50, "
            "partly collapsed 0.69",
            low=-1.0,
        ),
    ),
    "interventional robustness; higher for collapsed codes (0.69) than for perfect ones (0.50)",
    "irs[q0.99]",
    "suter2019robustly",
    needs=(single_precision, rows_for_bins),
    reference=find_noise_level,
    twin=True,
    masked=True,
    continuous=True,
    default=False,
    order=12,
    tolerance=1e-6,
)
