"""Factors in another order than codes: what a metric gives without any information."""

import numpy as np


def shuffle_rows(factors, word, seed):
    """Put the rows of factors into a random order.

    Parameters
    ----------
    factors : ndarray, shape (N, K)
    word : int
        Names the random stream, so that each metric has one of its own.
    seed : int

    Returns
    -------
    ndarray, shape (N, K)

    Examples
    --------
    >>> sorted(shuffle_rows(np.arange(4)[:, None], 1, 0).ravel().tolist())
    [0, 1, 2, 3]
    """
    return factors[np.random.default_rng([word, seed]).permutation(len(factors))]
