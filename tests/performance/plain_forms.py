"""The scores of disentanglement_lib's study in plain NumPy and scikit-learn, as papers state them.

They take the training and the test part, like the metrics, and draw from the rows of both where the
papers render batches.
"""

import numpy as np
from scipy.linalg import sqrtm
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import mutual_info_score

BATCH, TRAIN, TEST = 64, 10_000, 5_000


def _find_classes(factors):
    """Rows of each class of each factor."""
    return [{v: np.flatnonzero(column == v) for v in np.unique(column)} for column in factors.T]


def factorvae(train, factors, test, test_factors):
    """FactorVAE score: one batch, its variances and its vote at a time."""
    stream = np.random.default_rng(0)
    codes, factors = np.vstack([train, test]), np.vstack([factors, test_factors])
    classes = _find_classes(factors)
    variances = codes.var(axis=0, ddof=1)

    def vote():
        k = stream.integers(factors.shape[1])
        rows = classes[k][factors[stream.integers(len(factors)), k]]
        batch = codes[stream.choice(rows, BATCH, replace=False)]
        return (batch.var(axis=0, ddof=1) / variances).argmin(), k

    votes = []
    for count in (TRAIN, TEST):
        table = np.zeros((codes.shape[1], factors.shape[1]))
        for _ in range(count):
            table[vote()] += 1
        votes.append(table)
    majority = votes[0].argmax(axis=1)
    return votes[1][np.arange(len(majority)), majority].sum() / TEST


def betavae(train, factors, test, test_factors):
    """BetaVAE score: one batch of pairs at a time, then scikit-learn's classifier."""
    stream = np.random.default_rng(0)
    codes, factors = np.vstack([train, test]), np.vstack([factors, test_factors])
    classes = _find_classes(factors)
    points = np.empty((TRAIN + TEST, codes.shape[1]))
    shared = stream.integers(factors.shape[1], size=TRAIN + TEST)
    for point, k in zip(points, shared, strict=True):
        first = stream.integers(len(codes), size=BATCH)
        second = [stream.choice(classes[k][value]) for value in factors[first, k]]
        point[:] = np.abs(codes[first] - codes[second]).mean(axis=0)
    model = LogisticRegression().fit(points[:TRAIN], shared[:TRAIN])
    return model.score(points[TRAIN:], shared[TRAIN:])


def irs(codes, factors, test, test_factors):
    """IRS: one factor and class at a time."""
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for k, column in enumerate(factors.T):
        edges = np.histogram(column, 20)[1]
        bins = np.digitize(column, edges[:-1])
        for value in np.unique(bins):
            own = codes[bins == value]
            away = np.abs(own - own.mean(axis=0))
            matrix[:, k] += np.percentile(away, 99, axis=0) / len(np.unique(bins))
    return np.average((1 - matrix / largest[:, None]).max(axis=1), weights=largest)


def unsupervised(codes, factors, test, test_factors):
    """Correlations from the covariance, and mutual information pair by pair."""
    covariance = np.cov(codes.T)
    variances = np.diag(covariance)
    total = 0.5 * (np.log(variances).sum() - np.linalg.slogdet(covariance)[1])
    distance = 2 * np.trace(covariance) - 2 * np.trace(sqrtm(covariance * variances[:, None]))
    bins = [np.digitize(code, np.histogram(code, 20)[1][:-1]) for code in codes.T]
    pairs = [mutual_info_score(one, two) for one in bins for two in bins if one is not two]
    return total, distance, distance / np.trace(covariance), np.mean(pairs)


def logistic(train, factors, test, test_factors):
    """Accuracies of logistic regression by scikit-learn's default solver, until it converges."""
    order = np.random.default_rng(0).permutation(len(train))
    return [
        np.mean(
            [
                LogisticRegression(tol=1e-6, max_iter=10_000)
                .fit(train[order[:size]], labels[order[:size]])
                .score(test, test_labels)
                for labels, test_labels in zip(factors.T, test_factors.T, strict=True)
            ]
        )
        for size in (10_000, 1_000, 100, 10)
    ]


def udr(codes):
    """Strengths of all pairs of runs, by Lasso and by rank correlation, one pair at a time."""
    codes = (codes - codes.mean(axis=1, keepdims=True)) / codes.std(axis=1, keepdims=True)
    pairs = [(i, j) for i in range(len(codes)) for j in range(len(codes)) if i != j]
    latents = range(codes.shape[2])
    for i, j in pairs:
        Lasso(alpha=0.1).fit(codes[i], codes[j])
        for a in latents:
            for b in latents:
                spearmanr(codes[i][:, a], codes[j][:, b])
