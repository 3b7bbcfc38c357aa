"""Downstream tasks: predict each factor from few or many training rows."""

import numpy as np

from .dci import share_right
from .metric import Key
from .score import Score

SIZES = (1_000, 10_000, 100, 10)  # the first is the headline: every preset has as many rows
FEW, MANY = 100, 10_000


def measure_downstream(name, predict, codes, factors, test_codes, test_factors, seed=0):
    """Test accuracy of a classifier that learned from a few rows, for several sizes.

    The rows are the first of a random order of the training part, so that the smaller sizes are
    part of the larger ones. A class that is not among them is never predicted.

    Parameters
    ----------
    name : str
        Of the metric; its keys begin with it.
    predict : callable
        Takes codes (N, D), labels (N,) of one or more classes and test codes (T, D), and returns
        the predicted classes (T,).
    codes, test_codes : ndarray, shape (N, D) and (T, D)
    factors, test_factors : ndarray of int, shape (N, K) and (T, K)
    seed : int, default 0
        For the order of the training rows.

    Returns
    -------
    Score
        The mean over factors for each size, undefined where there are fewer rows; and the sample
        efficiency, accuracy from 100 rows over accuracy from 10,000.
    """
    word = int.from_bytes(b"rows", "little")
    order = np.random.default_rng([word, seed]).permutation(len(codes))
    values, reasons, per_factor = {}, {}, {}
    for size in SIZES:
        key = f"{name}_{size}"
        if size > len(codes):
            values[key], reasons[key] = None, f"{len(codes)} training rows; {size} are needed"
            continue
        rows = order[:size]
        predictions = [predict(codes[rows], labels, test_codes) for labels in factors[rows].T]
        per_factor[key] = share_right(predictions, test_factors)
        values[key] = per_factor[key].mean()
    efficiency = f"{name}_sample_efficiency"
    few, many = (f"{name}_{size}" for size in (FEW, MANY))
    if many in reasons:
        values[efficiency], reasons[efficiency] = None, reasons[many]
    elif values[many] > 0:
        values[efficiency] = values[few] / values[many]
    else:
        values[efficiency], reasons[efficiency] = None, f"no accuracy from {MANY} rows"
    return Score(values=values, reasons=reasons, per_factor=per_factor)


def declare_keys(name, label):
    """Keys of a downstream metric: one for each size, and the sample efficiency."""
    sizes = [
        Key(
            f"{name}_{size}",
            f"{label} ({size:,} rows)",
            f"mean test accuracy over factors, learned from {size:,} rows",
        )
        for size in SIZES
    ]
    efficiency = Key(
        f"{name}_sample_efficiency",
        f"{label}, sample efficiency",
        f"accuracy from {FEW} rows over accuracy from {MANY:,}; noise has 1",
        higher_is_better=None,
        high=np.inf,
    )
    return (*sizes, efficiency)
