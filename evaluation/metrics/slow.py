"""The metrics' ingredients by scikit-learn, one pair at a time: the reference for the fast ones."""

import numpy as np


def mutual_information_matrix(codes, factors, num_bins):
    """Mutual information of binned codes with factors by `mutual_info_score`.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray of int, shape (N, K)
    num_bins : int

    Returns
    -------
    ndarray of float64, shape (D, K)
        In nats.
    """
    from sklearn.metrics import mutual_info_score

    from .histogram import bin_codes

    bins = bin_codes(codes, num_bins)
    return np.array([[mutual_info_score(column, row) for column in factors.T] for row in bins])


def svm_accuracy_matrix(train, factors, test, test_factors, cost):
    """Test accuracies of a LinearSVC on each code alone.

    Parameters
    ----------
    train, test : ndarray, shape (N, D) and (T, D)
    factors, test_factors : ndarray of int, shape (N, K) and (T, K)
    cost : float

    Returns
    -------
    ndarray of float64, shape (D, K)
    """
    from sklearn.svm import LinearSVC

    matrix = np.empty((train.shape[1], factors.shape[1]))
    for i in range(train.shape[1]):
        for k in range(factors.shape[1]):
            machine = LinearSVC(C=cost, class_weight="balanced")
            machine.fit(train[:, [i]], factors[:, k])
            matrix[i, k] = (machine.predict(test[:, [i]]) == test_factors[:, k]).mean()
    return matrix


def boosted_importances(train, labels, test, seed):
    """Importances and predictions of scikit-learn's gradient-boosted trees for one factor.

    Parameters
    ----------
    train, test : ndarray, shape (N, D) and (T, D)
    labels : ndarray of int, shape (N,)
    seed : int

    Returns
    -------
    importances : ndarray of float64, shape (D,)
    predicted, predicted_test : ndarray of int, shape (N,) and (T,)
    """
    from sklearn.ensemble import GradientBoostingClassifier

    trees = GradientBoostingClassifier(random_state=seed).fit(train, labels)
    predicted_test = trees.predict(test) if len(test) else np.empty(0, labels.dtype)
    return np.abs(trees.feature_importances_), trees.predict(train), predicted_test
