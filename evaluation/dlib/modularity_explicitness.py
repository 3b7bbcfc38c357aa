"""Modularity and explicitness, as that library's `metrics.modularity_explicitness`."""

from ..metrics.explicitness import measure_explicitness
from ..metrics.modularity import modularity_per_code
from .utils import (
    BATCH_SIZE,
    NUM_TEST,
    NUM_TRAIN,
    discrete_mutual_info,
    make_discretizer,
    sample_both_parts,
)


def modularity(mutual_information):
    """Modularity of a matrix of mutual information (D, K)."""
    return float(modularity_per_code(mutual_information).mean())


def compute_modularity_explicitness(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    num_test=NUM_TEST,
    batch_size=BATCH_SIZE,
):
    """Modularity, and explicitness on both parts.

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
        `modularity_score`, `explicitness_score_train`, `explicitness_score_test`.
    """
    parts = sample_both_parts(
        ground_truth_data, representation_function, random_state, num_train, num_test, batch_size
    )
    information = discrete_mutual_info(make_discretizer(parts[0].T), parts[1].T)
    explicitness = measure_explicitness(*parts).values
    return {
        "modularity_score": modularity(information),
        "explicitness_score_train": float(explicitness["explicitness_train"]),
        "explicitness_score_test": float(explicitness["explicitness_test"]),
    }
