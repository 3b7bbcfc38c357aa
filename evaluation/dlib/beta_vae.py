"""BetaVAE score, as that library's `metrics.beta_vae`: every batch is drawn anew."""

import numpy as np

from ..metrics.interventions import BATCH_SIZE, NUM_TEST, NUM_TRAIN
from ..metrics.logistic import predict_classes


def compute_beta_vae_sklearn(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    batch_size=BATCH_SIZE,
    num_train=NUM_TRAIN,
    num_eval=NUM_TEST,
):
    """Accuracy of a linear classifier in telling which factor pairs of observations share.

    Parameters
    ----------
    ground_truth_data : object
        With `num_factors`, `sample_factors(num, random_state)` and
        `sample_observations_from_factors(factors, random_state)`.
    representation_function : callable
        From observations to codes (num, D).
    random_state : numpy.random.RandomState
        Draws come in that library's order.
    artifact_dir : str, optional
        Not used; it keeps the positions of the arguments.
    batch_size : int, default 64
        Pairs of a point.
    num_train, num_eval : int, default 10000 and 5000
        Points.

    Returns
    -------
    dict
        `train_accuracy` and `eval_accuracy`.
    """
    (train, labels), (test, test_labels) = (
        _draw_points(ground_truth_data, representation_function, random_state, batch_size, count)
        for count in (num_train, num_eval)
    )
    seen, predicted = predict_classes(train, labels, train, test)
    return {
        "train_accuracy": float((seen == labels).mean()),
        "eval_accuracy": float((predicted == test_labels).mean()),
    }


def _draw_points(data, function, state, batch_size, count):
    """Mean absolute differences of codes (count, D), and the factor that each pair shares."""
    points, shared = [], np.empty(count, dtype=np.int64)
    for place in range(count):
        shared[place] = state.randint(data.num_factors)
        first, second = (data.sample_factors(batch_size, state) for _ in range(2))
        second[:, shared[place]] = first[:, shared[place]]
        codes, others = (
            function(data.sample_observations_from_factors(factors, state))
            for factors in (first, second)
        )
        points.append(np.abs(np.asarray(codes, dtype=np.float64) - others).mean(axis=0))
    return np.array(points), shared
