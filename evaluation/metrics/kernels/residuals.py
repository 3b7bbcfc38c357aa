"""Residuals of logistic and multinomial deviance."""

import numpy as np

from .compiled import compiled


@compiled
def residuals(raw, labels, first, gradient):
    """Indicator less probability: logistic for one row of log-odds, softmax for several.

    Parameters
    ----------
    raw, gradient : ndarray of float64, shape (C, N)
        Log-odds; the second is filled.
    labels : ndarray of int64, shape (N,)
    first : int
        The class that the first row of log-odds stands for.
    """
    classes, count = raw.shape
    if classes == 1:
        for row in range(count):
            target = 1.0 if labels[row] == first else 0.0
            gradient[0, row] = target - 1.0 / (1.0 + np.exp(-raw[0, row]))
        return
    highest = np.full(count, -np.inf)
    total = np.zeros(count)
    for k in range(classes):
        for row in range(count):
            highest[row] = max(highest[row], raw[k, row])
    for k in range(classes):
        for row in range(count):
            gradient[k, row] = np.exp(raw[k, row] - highest[row])
            total[row] += gradient[k, row]
    for k in range(classes):
        for row in range(count):
            target = 1.0 if labels[row] == first + k else 0.0
            gradient[k, row] = target - gradient[k, row] / total[row]
