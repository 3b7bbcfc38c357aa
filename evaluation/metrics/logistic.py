"""Multinomial logistic regression as scikit-learn's, also where there is only one class."""

import warnings

import numpy as np

PENALTY = 1.0
MOST_STEPS = 200
LIMITS = 1e-100, 1e100  # where the penalty is everything, and where it is nothing


def predict_classes(train, labels, *parts, penalty=PENALTY):
    """Fit a linear classifier, and predict the classes of several parts.

    Minimises the summed log-loss plus ‖W‖²/(2C) with a free intercept: softmax for three and more
    classes, logistic for two. Codes are taken as they are, so C weighs less the larger they are.

    Parameters
    ----------
    train : ndarray, shape (N, D)
    labels : ndarray of int, shape (N,)
        A single class is always predicted.
    *parts : ndarray, shape (T, D)
    penalty : float, default 1
        C; the larger, the weaker the penalty.

    Returns
    -------
    list of ndarray of int, shape (T,)
        Predicted classes of each part.

    Examples
    --------
    >>> train = np.array([[0.0], [0.2], [3.0], [3.2]])
    >>> predict_classes(train, np.array([4, 4, 7, 7]), np.array([[0.1], [2.9]]))
    [array([4, 7])]
    """
    from sklearn.linear_model import LogisticRegression

    if labels.min() == labels.max():
        return [np.full(len(part), labels[0]) for part in parts]
    center = train.mean(axis=0, dtype=np.float64)
    unit = np.abs(train - center).max() or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of perfectly separable classes: no fit is the best
        # In other units the same objective has another C; in these, the solver converges soonest.
        model = LogisticRegression(
            C=np.clip(penalty * unit**2, *LIMITS), solver="newton-cg", tol=1e-6, max_iter=MOST_STEPS
        )
        model.fit((train - center) / unit, labels)
    return [
        model.predict((part - center) / unit) if len(part) else np.empty(0, labels.dtype)
        for part in parts
    ]
