"""Separated attribute predictability, as that library's `metrics.sap_score`."""

from ..metrics.sap import measure_sap
from ..metrics.sap_continuous import measure_sap_continuous
from .utils import BATCH_SIZE, NUM_TEST, NUM_TRAIN, sample_both_parts


def compute_sap(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    num_test=NUM_TEST,
    batch_size=BATCH_SIZE,
    continuous_factors=False,
):
    """Separated attribute predictability.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used.
    num_train : int, default 10000
    num_test : int, default 5000
    continuous_factors : bool, default False
        Squared correlation instead of classification accuracy.

    Returns
    -------
    dict
        `SAP_score`.
    """
    parts = sample_both_parts(
        ground_truth_data, representation_function, random_state, num_train, num_test, batch_size
    )
    score = measure_sap_continuous(*parts[:2]) if continuous_factors else measure_sap(*parts)
    return {"SAP_score": float(score.value)}
