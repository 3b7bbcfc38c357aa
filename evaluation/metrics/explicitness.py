"""Explicitness: can a linear classifier read each factor from the codes?"""

import warnings

import numpy as np

from .metric import Key, Metric
from .sample import rows_to_test, single_precision
from .score import Score


def measure_explicitness(codes, factors, test_codes, test_factors):
    """Area under the ROC curve of multinomial logistic regression, over classes and factors.

    Codes are standardised by the training part (a constant code becomes 0). For each factor the
    areas of its classes, one against the rest, are averaged; then the factors. A class that a part
    does not have, or that fills it, is left out of that part's average.

    Parameters
    ----------
    codes, test_codes : ndarray, shape (N, D) and (T, D)
    factors, test_factors : ndarray of int, shape (N, K) and (T, K)
        Classes, at least two in each factor of the training part.

    Returns
    -------
    Score
        Keys `explicitness_train` and `explicitness_test`, in 0 … 1, 0.5 by chance.

    References
    ----------
    Ridgeway, Mozer (2018), Learning Deep Disentangled Embeddings with the F-Statistic Loss.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 2, size=(60, 1))
    >>> train, test = factors[:40], factors[40:]
    >>> score = measure_explicitness(train * 1.0, train, test * 1.0, test)
    >>> float(score.values["explicitness_test"])
    1.0
    """
    train, test = standardise(codes, test_codes)
    areas = np.array(
        [
            factor_areas(train, labels, test, test_labels)
            for labels, test_labels in zip(factors.T, test_factors.T, strict=True)
        ]
    ).T
    means = [row[~np.isnan(row)].mean() if not np.isnan(row).all() else np.nan for row in areas]
    values = dict(zip(("explicitness_train", "explicitness_test"), means, strict=True))
    return Score(
        values=values,
        reasons={key: "no factor varies in this part" for key in values if np.isnan(values[key])},
        per_factor={"train": areas[0], "test": areas[1]},
    )


def standardise(train, test):
    """Both parts less the training mean, over the training deviation where there is one.

    Codes are first divided by a power of two, which changes no digit of the result, but keeps the
    squares of large codes finite in the precision that the codes have.
    """
    _, exponent = np.frexp(np.abs(np.concatenate([train, test])).max(axis=0))
    train, test = np.ldexp(train, -exponent), np.ldexp(test, -exponent)
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return (train - mean) / deviation, (test - mean) / deviation


def factor_areas(train, labels, test, test_labels):
    """Mean area under the ROC curve over one factor's classes, on both parts; NaN for none."""
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # too few steps, or many classes
        model = LogisticRegression().fit(train, labels)
    return tuple(
        mean_area(model.predict_proba(part), model.classes_, truth) if len(part) else np.nan
        for part, truth in ((train, labels), (test, test_labels))
    )


def mean_area(probabilities, classes, labels):
    """Mean over classes of the area under the ROC curve, by ranks with ties halved."""
    from scipy.stats import rankdata

    members = labels[:, None] == classes
    inside = members.sum(axis=0)
    use = (inside > 0) & (inside < len(labels))
    if not use.any():
        return np.nan
    inside = inside[use].astype(np.float64)
    ranks = (rankdata(probabilities[:, use], axis=0) * members[:, use]).sum(axis=0)
    areas = (ranks - inside * (inside + 1) / 2) / (inside * (len(labels) - inside))
    return float(areas.mean())


explicitness = Metric(
    "explicitness",
    measure_explicitness,
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
            needs=(rows_to_test,),
        ),
    ),
    "explicitness by multinomial logistic regression",
    "explicitness[logreg-c1,auc]",
    "ridgeway2018learning",
    needs=(single_precision,),
    order=7,
    tolerance=5e-4,
)
