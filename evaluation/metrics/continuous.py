"""Factors whose values are real numbers rather than classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..representation.file_format import Representation

KIND = "continuous"
LEAST_BINS = 2


def name_continuous(
    representation: Representation, without: Collection[str] = (), constant: bool = True
) -> list[str]:
    """Names of the continuous factors.

    Parameters
    ----------
    representation : Representation
    without : collection of str, optional
        Names of factors that are left out.
    constant : bool, default True
        Whether those that are constant in the training part count too.

    Returns
    -------
    list of str
    """
    train = representation.factors[: representation.n_train]
    counts = constant | (train.min(axis=0) < train.max(axis=0))
    described = zip(representation.factor_names, representation.factor_kinds, counts, strict=True)
    return [n for n, kind, counted in described if kind == KIND and counted and n not in without]


def ask_for_bins(names: Collection[str]) -> str:
    """Why a score that needs classes is undefined, and what to do."""
    several = len(names) > 1
    return (
        f"this score needs classes, and {', '.join(names)} {'are' if several else 'is'} "
        f"continuous: put {'them' if several else 'it'} into N bins by --bin-factors N "
        "(bin_factors=N in Python), or leave out by --without-factors"
    )


def put_into_bins(representation: Representation, bins: int) -> Representation:
    """Put the values of each continuous factor into bins of equal counts.

    The edges are values of the training part, such that every bin holds about as many of its rows;
    a row that equals an edge lies in the upper bin. Where a value is so frequent that two edges
    fall together, there are fewer bins.

    Parameters
    ----------
    representation : Representation
    bins : int
        Largest number of bins a factor, at least 2.

    Returns
    -------
    Representation
        Whose factors are all classes; those that were continuous are ordinal.

    Examples
    --------
    >>> values = np.array([[0.1], [0.2], [0.3], [9.5]])
    >>> binned = put_into_bins(Representation(values, values, n_train=4), 2)
    >>> binned.factors.T.tolist(), binned.factor_sizes, binned.factor_kinds
    ([[0, 0, 1, 1]], (2,), ('ordinal',))
    """
    factors = np.empty(representation.factors.shape, dtype=np.int32)
    sizes, kinds = list(representation.factor_sizes), list(representation.factor_kinds)
    for k, column in enumerate(representation.factors.T):
        if kinds[k] != KIND:
            factors[:, k] = column
            continue
        edges = _find_edges(column[: representation.n_train], bins)
        factors[:, k] = np.searchsorted(edges, column, side="right")
        sizes[k], kinds[k] = len(edges) + 1, "ordinal"
    return dataclasses.replace(
        representation, factors=factors, factor_sizes=tuple(sizes), factor_kinds=tuple(kinds)
    )


def _find_edges(values: NDArray[Any], bins: int) -> NDArray[Any]:
    """Inner edges, ascending: each is the first value of the bin above it."""
    ordered = np.sort(values)
    bins = min(bins, len(ordered))  # more would be empty
    edges = np.unique(ordered[np.arange(1, bins) * len(ordered) // bins])
    return edges[edges > ordered[0]]


def scale_factors(factors: NDArray[Any]) -> NDArray[Any]:
    """Bring continuous factors to ordinary size, so that their squares are numbers above 0.

    Parameters
    ----------
    factors : ndarray, shape (N, K)

    Returns
    -------
    ndarray, shape (N, K)
        Columns of real numbers divided by their largest absolute value; classes as they are.

    Examples
    --------
    >>> scale_factors(np.array([[1e300], [-5e299]])).ravel().tolist()
    [1.0, -0.5]
    """
    if factors.dtype.kind != "f" or not len(factors):
        return factors
    largest = np.abs(factors).max(axis=0)
    return factors / np.where(largest > 0, largest, 1.0)
