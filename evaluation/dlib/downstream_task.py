"""Downstream task, as that library's `metrics.downstream_task`."""

import warnings

import numpy as np

from .utils import BATCH_SIZE, NUM_TEST, make_predictor_fn, sample_both_parts

SIZES = (10, 100, 1_000, 10_000)


def compute_downstream_task(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=SIZES,
    num_test=NUM_TEST,
    batch_size=BATCH_SIZE,
    predictor_fn=None,
):
    """Accuracy of classifiers that predict each factor from all codes.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `utils.generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used; it keeps the positions of the arguments.
    num_train : sequence of int, default (10, 100, 1000, 10000)
        Numbers of training points; both parts are drawn anew for each.
    num_test : int, default 5000
    predictor_fn : callable, default utils.logistic_regression_cv
        Gives a classifier with `fit` and `predict`, such as `utils.gradient_boosting_classifier`.

    Returns
    -------
    dict
        For each size N: `N:mean_train_accuracy`, `N:mean_test_accuracy`, `N:min_train_accuracy`,
        `N:min_test_accuracy`, and `N:train_accuracy_factor_i` and `N:test_accuracy_factor_i` for
        each factor i.

    Raises
    ------
    ValueError
        If a factor has one class among the training points, as the classifiers say.
    """
    make, scores = make_predictor_fn(predictor_fn), {}
    for size in num_train:
        train, factors, test, test_factors = sample_both_parts(
            ground_truth_data, representation_function, random_state, size, num_test, batch_size
        )
        accuracies = np.empty((2, factors.shape[1]))
        for i, (labels, test_labels) in enumerate(zip(factors.T, test_factors.T, strict=True)):
            model = make()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # of scikit-learn's own defaults
                model.fit(train, labels)
            accuracies[0, i] = (model.predict(train) == labels).mean()
            accuracies[1, i] = (model.predict(test) == test_labels).mean()
        for part, each in zip(("train", "test"), accuracies, strict=True):
            scores[f"{size}:mean_{part}_accuracy"] = float(each.mean())
            scores[f"{size}:min_{part}_accuracy"] = float(each.min())
            for i, accuracy in enumerate(each):
                scores[f"{size}:{part}_accuracy_factor_{i}"] = float(accuracy)
    return scores
