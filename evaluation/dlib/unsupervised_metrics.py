"""Scores of dependence between codes, as that library's `metrics.unsupervised_metrics`."""

import numpy as np

from ..metrics.unsupervised import find_total_correlation, find_wasserstein_correlation
from .utils import (
    BATCH_SIZE,
    NUM_TRAIN,
    discrete_mutual_info,
    generate_batch_factor_code,
    make_discretizer,
)


def unsupervised_metrics(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    batch_size=BATCH_SIZE,
):
    """How far codes are from independent of each other.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `utils.generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used; it keeps the positions of the arguments.
    num_train : int, default 10000

    Returns
    -------
    dict
        `gaussian_total_correlation`, `gaussian_wasserstein_correlation`,
        `gaussian_wasserstein_correlation_norm` and `mutual_info_score`. NaN or infinite where a
        code is constant, and where there is only one.
    """
    codes, _ = generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    count = len(codes)
    covariance = np.cov(codes).reshape(count, count)
    distance = gaussian_wasserstein_correlation(covariance)
    classes = make_discretizer(codes)
    information = discrete_mutual_info(classes, classes)
    np.fill_diagonal(information, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "gaussian_total_correlation": gaussian_total_correlation(covariance),
            "gaussian_wasserstein_correlation": distance,
            "gaussian_wasserstein_correlation_norm": float(
                np.float64(distance) / np.trace(covariance)
            ),
            "mutual_info_score": float(information.sum() / np.float64(count**2 - count)),
        }


def gaussian_total_correlation(cov):
    """Total correlation of a normal vector with covariance (D, D), in nats."""
    return find_total_correlation(np.asarray(cov))


def gaussian_wasserstein_correlation(cov):
    """Squared 2-Wasserstein distance of a normal vector from one with independent entries."""
    return find_wasserstein_correlation(np.asarray(cov))


def kl_gaussians_numerically_unstable(mean_0, cov_0, mean_1, cov_1, k):
    """Divergence of two normal vectors of k entries by determinants and the inverse, in nats."""
    away = np.asarray(mean_1) - mean_0
    inverse = np.linalg.inv(cov_1)
    volumes = np.log(np.linalg.det(cov_1) / np.linalg.det(cov_0))
    return 0.5 * (np.trace(inverse @ cov_0) + away @ inverse @ away - k + volumes)
