"""The metrics' ingredients by scikit-learn, one pair at a time: the reference for the fast ones."""

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mutual_info_score
from sklearn.preprocessing import scale
from sklearn.svm import LinearSVC

from disentanglement_bench.evaluation.metrics.histogram import bin_codes


def information(codes, factors):
    """Mutual information of binned codes with factors, in nats, (D, K)."""
    bins = bin_codes(codes)
    return np.array([[mutual_info_score(column, row) for column in factors.T] for row in bins])


def neighbour_information(codes, factors, neighbours, continuous=False):
    """Nearest-neighbour mutual information, in nats, (D, K), one code at a time."""
    estimate = mutual_info_regression if continuous else mutual_info_classif
    factors = scale(factors) if continuous else factors
    options = {"discrete_features": False, "n_neighbors": neighbours, "random_state": 0}
    rows = [
        [estimate(scale(code[:, None]), column, **options)[0] for column in factors.T]
        for code in codes.T.astype(np.float64)
    ]
    return np.array(rows)


def infomec(codes, factors):
    """The two parts of InfoMEC that take time: information, and InfoE."""
    matrix = neighbour_information(codes, factors, 10)
    codes = scale(codes.astype(np.float64))
    shares = []
    for labels in factors.T:
        model = LogisticRegression(C=np.inf, class_weight="balanced").fit(codes, labels)
        loss = log_loss(labels, model.predict_proba(codes))
        shares.append(1 - loss / np.log(len(model.classes_)))
    return matrix, np.mean(shares)


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
