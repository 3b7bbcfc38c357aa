"""Mutual information between continuous codes and factors, by nearest neighbours."""

import numpy as np

_JITTER = 1e-10


def neighbour_information(codes, factors, num_neighbours, continuous=None):
    """Nearest-neighbour mutual information of every code with every factor.

    For a factor of classes it is the estimate of Ross (2014), for a continuous one the first form
    of Kraskov et al. (2004), as in scikit-learn's `mutual_info_classif` and
    `mutual_info_regression`, and what comes out below 0 is 0. The same tiny noise breaks ties
    between values: that of `random_state=0`, for one code at a time. Without it, a code that takes
    few values would have no information by these estimates.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
        At most the largest float32 in size.
    factors : ndarray, shape (N, K)
    num_neighbours : int
        Below N.
    continuous : sequence of bool, shape (K,), optional
        Which factors are numbers and not classes; none by default.

    Returns
    -------
    ndarray of float64, shape (D, K)
        In nats; exactly 0 for a constant code or factor.

    Examples
    --------
    >>> factors = np.indices((4, 50)).reshape(2, -1).T[:, :1]
    >>> codes = np.column_stack([factors, np.ones(200)])
    >>> neighbour_information(codes, factors, 3).round(2).tolist()
    [[1.39], [0.0]]
    """
    from scipy.special import digamma

    from .kernels.neighbours import information_with_classes, information_with_numbers

    rows, num_factors = factors.shape
    kinds = np.zeros(num_factors, bool) if continuous is None else continuous
    stream = np.random.RandomState(0)  # scikit-learn's generator, of scikit-learn's seed
    columns = _spread_ties(codes, stream.standard_normal(rows))
    numbers = _spread_ties(factors, stream.standard_normal(rows)) if any(kinds) else None
    psi = np.r_[0.0, digamma(np.arange(1, rows + 1))]
    orders = np.argsort(columns, axis=1, kind="stable")
    information = np.zeros((len(columns), num_factors))
    for k in range(num_factors):
        if kinds[k]:
            order = np.argsort(numbers[k], kind="stable")
        else:
            classes, labels = np.unique(factors[:, k], return_inverse=True)
            labels = labels.ravel().astype(np.int64)
        for i, column in enumerate(columns):
            if kinds[k]:
                information[i, k] = information_with_numbers(
                    column, orders[i], numbers[k], order, num_neighbours, psi
                )
            else:
                information[i, k] = information_with_classes(
                    column, orders[i], labels, len(classes), num_neighbours, psi
                )
    information[codes.min(axis=0) == codes.max(axis=0)] = 0.0
    information[:, factors.min(axis=0) == factors.max(axis=0)] = 0.0
    return information


def _spread_ties(table, noise):
    """Columns as standardised rows, with noise so small that it only decides ties."""
    columns = np.ascontiguousarray(table.T, dtype=np.float64)
    columns = columns - columns.mean(axis=1, keepdims=True)
    deviation = columns.std(axis=1, keepdims=True)
    columns /= np.where(deviation > 0, deviation, 1.0)
    size = np.maximum(1.0, np.abs(columns).mean(axis=1, keepdims=True))
    return columns + _JITTER * size * noise


def rows_for_neighbours(sample, settings):
    """The metric compares each training row with `num_neighbours` others."""
    rows, least = len(sample.codes), settings["num_neighbours"]
    return f"{rows} training rows for {least} neighbours each" if rows <= least else ""


def find_continuous(factors, kinds=()):
    """Which factors are numbers and not classes: by kind, or without kinds because not all whole.

    Examples
    --------
    >>> factors = np.array([[0.0, 0.5, 1.0], [1.0, 1.0, 2.0]])
    >>> find_continuous(factors), find_continuous(factors, ("", "continuous", "continuous"))
    (array([False,  True, False]), array([False,  True,  True]))
    """
    if len(kinds):
        return np.array([kind == "continuous" for kind in kinds])
    return (factors != np.rint(factors)).any(axis=0)
