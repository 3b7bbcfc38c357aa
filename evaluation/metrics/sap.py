"""Separated attribute predictability, by classification."""

import numpy as np

from .metric import Key, Metric
from .mig import gaps
from .sample import rows_to_test, single_precision, two_codes
from .score import Score

COST = 0.01


def measure_sap(codes, factors, test_codes, test_factors, *, cost=COST):
    """How far one code stands out as a linear predictor of each factor.

    Each code alone predicts each factor with a linear SVM (squared hinge, C = 0.01, balanced
    weights, one class against the rest); the mean over factors of (largest − second largest test
    accuracy). A class that only the test part has counts as never predicted.

    Parameters
    ----------
    codes, test_codes : ndarray, shape (N, D) and (T, D)
        At least two codes. Accuracies depend on their scale, because C is fixed.
    factors, test_factors : ndarray of int, shape (N, K) and (T, K)
        Classes, at least two in each factor of the training part.
    cost : float, default 0.01
        C of the machines.

    Returns
    -------
    Score
        Key `sap`, in 0 … 1; the matrix holds test accuracies.

    References
    ----------
    Kumar, Sattigeri, Balakrishnan (2018), Variational Inference of Disentangled Latent Concepts
    from Unlabeled Observations.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 2, size=(256, 2))
    >>> train, test = factors[:128], factors[128:]
    >>> measure_sap(train * 4.0 - 2.0, train, test * 4.0 - 2.0, test).value > 0.3
    True
    """
    accuracy = find_accuracies(codes, factors, test_codes, test_factors, cost)
    terms = gaps(accuracy)
    return Score(
        values={"sap": terms.mean()},
        per_factor={"sap": terms},
        matrix=accuracy,
    )


def find_accuracies(codes, factors, test_codes, test_factors, cost=COST):
    """Test accuracy of each code alone for each factor, shape (D, K)."""
    from .kernels.hinge import svm_accuracies

    train = np.ascontiguousarray(codes.T, dtype=np.float64)
    test = np.ascontiguousarray(test_codes.T, dtype=np.float64)
    order = np.argsort(train, axis=1, kind="stable")
    accuracy = np.empty((len(train), factors.shape[1]))
    for k, (column, test_column) in enumerate(zip(factors.T, test_factors.T, strict=True)):
        classes, labels, counts = np.unique(column, return_inverse=True, return_counts=True)
        place = np.searchsorted(classes, test_column).clip(0, len(classes) - 1)
        test_labels = np.where(classes[place] == test_column, place, -1)
        positive = cost * len(labels) / (len(classes) * counts)
        negative = positive[::-1] if len(classes) == 2 else np.full(len(classes), cost)
        accuracy[:, k], _ = svm_accuracies(
            train,
            order,
            labels.ravel().astype(np.int64),
            len(classes),
            test,
            test_labels.astype(np.int64),
            positive,
            negative.copy(),
        )
    return accuracy


def find_ordinal_accuracies(codes, factors, test_codes, test_factors, *, cost):
    """What standardised codes that are the factors themselves reach."""
    mean, scale = factors.mean(axis=0), factors.std(axis=0)
    train, test = (factors - mean) / scale, (test_factors - mean) / scale
    accuracy = [
        find_accuracies(train[:, k], factors[:, k], test[:, k], test_factors[:, k], cost)[0, 0]
        for k in np.arange(len(mean))[:, None]
    ]
    return {"perfect_ordinal": np.array(accuracy)}


sap = Metric(
    "sap",
    measure_sap,
    (Key("sap", "SAP", "gap in accuracy between the two best one-code linear SVMs"),),
    "separated attribute predictability by linear SVMs on one code",
    "sap[linsvc-c0.01-balanced]",
    "kumar2018variational",
    needs=(single_precision, two_codes, rows_to_test),
    reference=find_ordinal_accuracies,
    order=2,
    tolerance=1e-3,
)
