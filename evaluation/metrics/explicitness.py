"""Explicitness: can a linear classifier read each factor from the codes?"""

import warnings

import numpy as np

from .metric import Key, Metric
from .score import LARGEST, TOO_LARGE, Score, defined, optional, split, varying


def explicitness(codes, factors, *, n_train=None, factor_names=None):
    """Area under the ROC curve of multinomial logistic regression, over classes and factors.

    Codes are standardised by the training part (a constant code becomes 0). For each factor the
    areas of its classes, one against the rest, are averaged; then the factors. A class that a part
    does not have, or that fills it, is left out of that part's average. Factors that are constant
    in the training part are left out with a note. Undefined where no factor varies; the test value
    also without test rows.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
        Classes from 0.
    n_train : int, optional
        Rows of the training part; two thirds by default.
    factor_names : sequence of str, optional

    Returns
    -------
    Score
        Keys `explicitness_train` and `explicitness_test`, in 0 … 1, 0.5 by chance.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.

    References
    ----------
    Ridgeway, Mozer (2018), Learning Deep Disentangled Embeddings with the F-Statistic Loss.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.random.default_rng(0).integers(0, 2, size=(60, 1))
    >>> explicitness(factors * 1.0, factors, n_train=40).values["explicitness_test"]
    1.0
    """
    parts = split(codes, factors, n_train, factor_names, LARGEST)
    mask, notes = varying(parts)
    train, test = standardised(parts.train, parts.test)
    areas = np.full((2, len(mask)), np.nan)
    for k in np.flatnonzero(mask):
        areas[:, k] = factor_areas(train, parts.factors[:, k], test, parts.test_factors[:, k])
    reasons = {}
    keys = ("explicitness_train", "explicitness_test")
    if parts.too_large:
        reasons = dict.fromkeys(keys, TOO_LARGE)
    elif not mask.any():
        reasons = dict.fromkeys(keys, "no factor varies in the training part")
    elif not len(parts.test):
        reasons["explicitness_test"] = "there are no test rows"
    elif np.isnan(areas[1, mask]).all():
        reasons["explicitness_test"] = "no factor varies in the test part"
    means = [row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else np.nan for row in areas]
    values, reasons = defined(dict(zip(keys, means, strict=True)), reasons)
    return Score(
        metric="explicitness",
        values=values,
        variant="explicitness[logreg-c1,auc]",
        reasons=reasons,
        per_factor={"train": optional(areas[0]), "test": optional(areas[1])},
        reference={"chance": 0.5},
        notes=notes,
    )


def standardised(train, test):
    """Both parts less the training mean, over the training deviation where there is one."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return (train - mean) / deviation, (test - mean) / deviation


def factor_areas(train, labels, test, test_labels):
    """Mean area under the ROC curve over the classes of one factor, on both parts.

    Parameters
    ----------
    train, test : ndarray, shape (N, D) and (T, D)
    labels, test_labels : ndarray of int, shape (N,) and (T,)

    Returns
    -------
    tuple of float
        Training and test value; NaN where no class can be told apart.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression().fit(train, labels)
    return tuple(
        mean_area(model.predict_proba(part), model.classes_, own) if len(part) else np.nan
        for part, own in ((train, labels), (test, test_labels))
    )


def mean_area(probabilities, classes, labels):
    """Mean over classes of the area under the ROC curve, by ranks with ties halved.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (N, C)
    classes : ndarray of int, shape (C,)
    labels : ndarray of int, shape (N,)

    Returns
    -------
    float
    """
    own = labels[:, None] == classes
    inside = own.sum(axis=0)
    use = (inside > 0) & (inside < len(labels))
    if not use.any():
        return np.nan
    inside = inside[use].astype(np.float64)
    ranks = np.array(
        [average_ranks(probabilities[:, c])[own[:, c]].sum() for c in np.flatnonzero(use)]
    )
    areas = (ranks - inside * (inside + 1) / 2) / (inside * (len(labels) - inside))
    return float(areas.mean())


def average_ranks(values):
    """Ranks from 1; equal values share the mean of theirs.

    Parameters
    ----------
    values : ndarray, shape (N,)

    Returns
    -------
    ndarray of float64, shape (N,)

    Examples
    --------
    >>> average_ranks([5, 3, 5])
    array([2.5, 1. , 2.5])
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse.ravel()]


EXPLICITNESS = Metric(
    "explicitness",
    explicitness,
    (
        Key(
            "explicitness_train",
            "explicitness (train)",
            "area under ROC of a linear classifier, training part",
        ),
        Key(
            "explicitness_test",
            "explicitness (test)",
            "area under ROC of a linear classifier, test part",
        ),
    ),
    "explicitness by multinomial logistic regression",
    "explicitness[logreg-c1,auc]",
    citation="ridgeway2018learning",
    options=("factor_names",),
    order=7,
)
