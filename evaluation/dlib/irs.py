"""Interventional robustness score, as that library's `metrics.irs`."""

import numpy as np

from ..metrics.irs import QUANTILE, find_robustness
from .utils import BATCH_SIZE, NUM_TRAIN, generate_batch_factor_code, make_discretizer


def compute_irs(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    diff_quantile=QUANTILE,
    num_train=NUM_TRAIN,
    batch_size=BATCH_SIZE,
    discretizer=make_discretizer,
):
    """How little codes move while one factor is held fixed.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `utils.generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used; it keeps the positions of the arguments.
    diff_quantile : float, default 0.99
        The quantile of deviations that counts.
    num_train : int, default 10000
    discretizer : callable, default utils.make_discretizer
        From factors (K, points) to their classes.

    Returns
    -------
    dict
        `IRS`, and `num_active_dims`, the number of codes that vary; both are 0 where there is none.
    """
    codes, factors = generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    active = _drop_constant_dims(codes)
    score = 0.0
    if active.any():
        classes = discretizer(factors)
        score = scalable_disentanglement_score(classes.T, active.T, diff_quantile)["avg_score"]
    return {"IRS": score, "num_active_dims": len(active)}


def _drop_constant_dims(ys):
    """The rows of a matrix that vary."""
    ys = np.asarray(ys)
    if ys.ndim != 2:
        raise ValueError(f"expected a matrix of shape (codes, points), not {ys.shape}")
    return ys[ys.var(axis=1) > 0.0]


def scalable_disentanglement_score(gen_factors, latents, diff_quantile=QUANTILE):
    """Robustness of codes (points, D) to all but one of the factors (points, K).

    Parameters
    ----------
    gen_factors : ndarray of int, shape (points, K)
    latents : ndarray, shape (points, D)
    diff_quantile : float, default 0.99

    Returns
    -------
    dict
        `avg_score`, `disentanglement_scores` (D,), `parents` (D,), the factor that each code is
        most robust with, `IRS_matrix` (D, K) and `max_deviations` (D,).
    """
    matrix, largest = find_robustness(np.asarray(latents), np.asarray(gen_factors), diff_quantile)
    scores = matrix.max(axis=1)
    return {
        "disentanglement_scores": scores,
        "avg_score": float(np.average(scores, weights=largest if largest.any() else None)),
        "parents": matrix.argmax(axis=1),
        "IRS_matrix": matrix,
        "max_deviations": largest,
    }
