"""Interventions on one factor, by drawing among saved rows; and whether rows allow that.

A batch that a simulator would render with one factor held at a value is, in distribution, a draw
among the rows that have this value, as long as factors are independent of each other.
"""

import itertools

import numpy as np

from ..naming import one_line
from .histogram import compact
from .shuffling import shuffle_rows

BATCH_SIZE = 64
NUM_TRAIN = 10_000
NUM_TEST = 5_000
DEPENDENT = 0.1


def cramers_v(first, second):
    """How strongly two factors depend on each other, corrected for chance.

    Parameters
    ----------
    first, second : ndarray of int, shape (N,)
        Classes.

    Returns
    -------
    float
        In 0 … 1; 0 for a constant factor.

    References
    ----------
    Bergsma (2013), A Bias-Correction for Cramér's V and Tschuprow's T.

    Examples
    --------
    >>> first, second = np.indices((4, 5)).reshape(2, -1).repeat(50, axis=1)
    >>> cramers_v(first, second), round(cramers_v(first, first), 6)
    (0.0, 1.0)
    """
    first, second = _number(first), _number(second)
    height, width, rows = first.max() + 1, second.max() + 1, len(first)
    if height < 2 or width < 2:
        return 0.0
    joint = np.bincount(first * width + second, minlength=height * width) / rows
    joint = joint.reshape(height, width)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    square = ((joint - independent) ** 2 / independent).sum()
    square = max(0.0, square - (height - 1) * (width - 1) / (rows - 1))
    most = min(size - 1 - (size - 1) ** 2 / (rows - 1) for size in (height, width))
    return float(np.sqrt(min(1.0, square / most))) if most > 0 else 0.0


def _number(column):
    """Number the classes that occur 0, 1, …"""
    column = compact(column)
    present = np.bincount(column) > 0
    return (np.cumsum(present) - 1)[column]


def find_obstacle(factors, batch_size=BATCH_SIZE, factor_names=()):
    """Why batches with one factor held fixed cannot be drawn among these rows.

    Parameters
    ----------
    factors : ndarray of int, shape (N, K)
        Classes.
    batch_size : int, default 64
        Rows in a batch; each class of each factor must have as many.
    factor_names : sequence of str, optional

    Returns
    -------
    str
        Empty where they can be drawn.

    Examples
    --------
    >>> find_obstacle(np.indices((2, 3)).reshape(2, -1).T.repeat(20, axis=0))
    'a class of factor 1 has 40 rows; batches of 64 are drawn from each class'
    """
    names = [one_line(name) for name in factor_names] or range(factors.shape[1])
    smallest = [np.bincount(_number(column)).min() for column in factors.T]
    least = min(smallest)
    if least < batch_size:
        return (
            f"a class of factor {names[smallest.index(least)]} has {least} "
            f"{'row' if least == 1 else 'rows'}; batches of {batch_size} are drawn from each class"
        )
    for (name, column), (other, another) in itertools.combinations(
        zip(names, factors.T, strict=True), 2
    ):
        strength = cramers_v(column, another)
        if strength > DEPENDENT:
            return (
                f"factors {name} and {other} depend on each other (Cramér's V {strength:.2f}): "
                "rows that share one do not stand for an intervention on it"
            )
    return ""


def sort_rows(factors):
    """Sort all rows by the class of each factor.

    Parameters
    ----------
    factors : ndarray of int, shape (N, K)

    Returns
    -------
    rows, starts, stops : ndarray of int64, shape (K, N)
        The rows, and for each place where its class begins and ends.
    """
    rows = np.argsort(factors.T, axis=1, kind="stable")
    starts, stops = np.empty_like(rows), np.empty_like(rows)
    for k, column in enumerate(factors.T):
        classes = column[rows[k]]
        starts[k] = np.searchsorted(classes, classes, side="left")
        stops[k] = np.searchsorted(classes, classes, side="right")
    return rows, starts, stops


def start_stream(name, seed):
    """State of the compiled random numbers, one stream for each name and seed."""
    words = [int.from_bytes(name.encode(), "little") % 2**63, seed]
    return np.random.default_rng(words).integers(1, 2**63, size=1, dtype=np.uint64)


def shuffle_all_rows(codes, factors, all_codes, all_factors, seed):
    """All rows where they are given, those of factors in another order than those of codes."""
    codes = codes if all_codes is None else all_codes
    factors = factors if all_factors is None else all_factors
    return codes, shuffle_rows(factors, 3, seed)
