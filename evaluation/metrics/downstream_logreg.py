"""Downstream tasks by logistic regression."""

from .dci import find_majority
from .downstream import declare_keys, measure_downstream
from .logistic import PENALTY, predict_classes
from .metric import Metric
from .sample import rows_to_test, single_precision


def measure_downstream_logreg(codes, factors, test_codes, test_factors, *, seed=0, penalty=PENALTY):
    """How well a linear classifier predicts each factor from 10 to 10,000 rows.

    Multinomial logistic regression (C = 1) on all codes as they are; the mean over factors of the
    test accuracy.

    Parameters
    ----------
    codes, test_codes : ndarray, shape (N, D) and (T, D)
        Accuracies depend on their scale, because C is fixed.
    factors, test_factors : ndarray of int, shape (N, K) and (T, K)
        Classes.
    seed : int, default 0
        Which of the training rows are taken.
    penalty : float, default 1
        C of the classifier.

    Returns
    -------
    Score
        Keys `downstream_logreg_10000`, …, `downstream_logreg_10` in 0 … 1, undefined where there
        are fewer training rows, and `downstream_logreg_sample_efficiency`.

    References
    ----------
    Locatello et al. (2019), Challenging Common Assumptions in the Unsupervised Learning of
    Disentangled Representations.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.random.default_rng(0).integers(0, 2, size=(1500, 2))
    >>> train, test = factors[:1000], factors[1000:]
    >>> score = measure_downstream_logreg(train * 4.0, train, test * 4.0, test)
    >>> float(score.values["downstream_logreg_1000"])
    1.0
    >>> score.reasons["downstream_logreg_10000"]
    '1000 training rows; 10000 are needed'
    """

    def predict(rows, labels, others):
        return predict_classes(rows, labels, others, penalty=penalty)[0]

    parts = codes, factors, test_codes, test_factors
    return measure_downstream("downstream_logreg", predict, *parts, seed=seed)


downstream_logreg = Metric(
    "downstream_logreg",
    measure_downstream_logreg,
    declare_keys("downstream_logreg", "logistic regression"),
    "test accuracy of logistic regression from 10 to 10,000 training rows",
    "downstream[logreg-c1]",
    "locatello2019challenging",
    needs=(single_precision, rows_to_test),
    reference=find_majority,
    twin=True,
    default=False,
    order=14,
    tolerance=2e-3,
)
