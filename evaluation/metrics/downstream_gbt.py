"""Downstream tasks by gradient-boosted trees."""

import numpy as np

from .boosted_trees import boosted_importances
from .dci import find_majority
from .downstream import declare_keys, measure_downstream
from .metric import Metric
from .sample import rows_to_test, single_precision


def measure_downstream_gbt(codes, factors, test_codes, test_factors, *, seed=0, n_jobs=1):
    """How well gradient-boosted trees predict each factor from 10 to 10,000 rows.

    The trees of DCI (100 stages, depth 3, learning rate 0.1) on all codes; the mean over factors of
    the test accuracy.

    Parameters
    ----------
    codes, test_codes : ndarray, shape (N, D) and (T, D)
    factors, test_factors : ndarray of int, shape (N, K) and (T, K)
        Classes.
    seed : int, default 0
        Which of the training rows are taken, and ties between codes.
    n_jobs : int, default 1
        Threads; the result does not depend on it.

    Returns
    -------
    Score
        Keys `downstream_gbt_10000`, …, `downstream_gbt_10` in 0 … 1, undefined where there are
        fewer training rows, and `downstream_gbt_sample_efficiency`.

    References
    ----------
    Locatello et al. (2019), Challenging Common Assumptions in the Unsupervised Learning of
    Disentangled Representations.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 2, size=(300, 2))
    >>> train, test = factors[:200], factors[200:]
    >>> score = measure_downstream_gbt(train * 1.0, train, test * 1.0, test)
    >>> float(score.values["downstream_gbt_100"])
    1.0
    """

    def predict(rows, labels, others):
        if labels.min() == labels.max():
            return np.full(len(others), labels[0])
        return boosted_importances(rows, labels, others, seed, n_jobs)[2]

    parts = codes, factors, test_codes, test_factors
    return measure_downstream("downstream_gbt", predict, *parts, seed=seed)


downstream_gbt = Metric(
    "downstream_gbt",
    measure_downstream_gbt,
    declare_keys("downstream_gbt", "boosted trees"),
    "test accuracy of gradient-boosted trees from 10 to 10,000 training rows",
    "downstream[gbt100-d3]",
    "locatello2019challenging",
    needs=(single_precision, rows_to_test),
    reference=find_majority,
    default=False,
    order=15,
    tolerance=0.02,
)
