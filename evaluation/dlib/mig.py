"""Mutual information gap, as that library's `metrics.mig`."""

import numpy as np

from ..metrics.mig import gaps
from .utils import (
    BATCH_SIZE,
    NUM_TRAIN,
    discrete_entropy,
    discrete_mutual_info,
    generate_batch_factor_code,
    make_discretizer,
)


def compute_mig(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    batch_size=BATCH_SIZE,
):
    """Mutual information gap.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used; it keeps the positions of the arguments.
    num_train : int, default 10000

    Returns
    -------
    dict
        `discrete_mig`: NaN if a factor is constant.
    """
    codes, factors = generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    information = discrete_mutual_info(make_discretizer(codes), factors)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"discrete_mig": float(np.mean(gaps(information) / discrete_entropy(factors)))}
