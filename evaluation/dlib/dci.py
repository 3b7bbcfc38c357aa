"""Disentanglement, completeness and informativeness, as that library's `metrics.dci`."""

import numpy as np

from ..metrics.boosted_trees import boosted_importances
from ..metrics.dci import completeness_per_factor, disentanglement_per_code, share_right
from .utils import BATCH_SIZE, NUM_TEST, NUM_TRAIN, sample_both_parts


def compute_dci(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    num_test=NUM_TEST,
    batch_size=BATCH_SIZE,
):
    """Disentanglement, completeness and informativeness.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used.
    num_train : int, default 10000
    num_test : int, default 5000

    Returns
    -------
    dict
        `informativeness_train`, `informativeness_test`, `disentanglement`, `completeness`.

    Raises
    ------
    ValueError
        If a factor is constant in the training part.
    """
    codes, factors, test_codes, test_factors = sample_both_parts(
        ground_truth_data, representation_function, random_state, num_train, num_test, batch_size
    )
    for k, labels in enumerate(factors.T):
        if labels.min() == labels.max():
            raise ValueError(f"factor {k} has one class in the training part; two are needed")
    trees = [boosted_importances(codes, labels, test_codes) for labels in factors.T]
    importances = np.stack([importance for importance, _, _ in trees], axis=1)
    right = share_right([predicted for _, predicted, _ in trees], factors)
    test_right = share_right([predicted for _, _, predicted in trees], test_factors)
    return {
        "informativeness_train": float(right.mean()),
        "informativeness_test": float(test_right.mean()),
        "disentanglement": disentanglement(importances),
        "completeness": completeness(importances),
    }


def disentanglement(importance_matrix):
    """Disentanglement of importances (D, K); 0 where all are 0."""
    return _weighted(disentanglement_per_code(importance_matrix), importance_matrix.sum(axis=1))


def completeness(importance_matrix):
    """Completeness of importances (D, K); 0 where all are 0."""
    return _weighted(completeness_per_factor(importance_matrix), importance_matrix.sum(axis=0))


def _weighted(values, weights):
    """Weighted mean, with equal weights where all are 0."""
    return float(np.average(values, weights=weights if weights.sum() > 0 else None))
