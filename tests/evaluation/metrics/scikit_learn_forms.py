"""The metrics' ingredients by scikit-learn, one pair at a time: the reference for the fast ones."""

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import mutual_info_score
from sklearn.svm import LinearSVC

from disentanglement_bench.evaluation.metrics.histogram import bin_codes


def information(codes, factors):
    """Mutual information of binned codes with factors, in nats, (D, K)."""
    bins = bin_codes(codes)
    return np.array([[mutual_info_score(column, row) for column in factors.T] for row in bins])


def accuracies(train, factors, test, test_factors):
    """Test accuracy of a linear SVM on each code alone, (D, K)."""
    matrix = np.empty((train.shape[1], factors.shape[1]))
    for i in range(train.shape[1]):
        for k in range(factors.shape[1]):
            machine = LinearSVC(C=0.01, class_weight="balanced")
            machine.fit(train[:, [i]], factors[:, k])
            matrix[i, k] = (machine.predict(test[:, [i]]) == test_factors[:, k]).mean()
    return matrix


def boosted(train, labels, test, seed):
    """Importances and predictions of gradient-boosted trees for one factor."""
    trees = GradientBoostingClassifier(random_state=seed).fit(train, labels)
    return np.abs(trees.feature_importances_), trees.predict(train), trees.predict(test)


def importances(train, factors, test, seed=0):
    """Importances for every factor, (D, K)."""
    return np.stack([boosted(train, labels, test, seed)[0] for labels in factors.T], axis=1)
