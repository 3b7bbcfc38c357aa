"""What a representation holds, checked when it is made."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..naming import one_line
from .array_checks import (
    RepresentationError,
    check_name,
    check_posterior,
    factor_labels,
    factor_table,
    real,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Shared:
    """Posteriors of images that all runs on a data set encode, checked when they are made.

    Runs of different seeds train and are scored on images of their own; what compares runs with
    each other, as UDR does, needs the codes of the same images.

    Attributes
    ----------
    codes : ndarray of float32 or float64, shape (M, D)
        Posterior means, or any deterministic code.
    index : ndarray of int64, shape (M,)
        Flat index of each image in its data set.
    log_variances : ndarray, shape (M, D), or None
        Natural logarithms of the posterior variances.

    Raises
    ------
    RepresentationError

    Examples
    --------
    >>> Shared(codes=[[0.5], [1.5]], index=[7, 3]).index
    array([7, 3])
    """

    codes: NDArray[Any]
    index: NDArray[Any]
    log_variances: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        codes = real("shared_codes", self.codes)
        log_variances, index = check_posterior(codes, self.log_variances, self.index, "shared_")
        for name, value in (("codes", codes), ("index", index), ("log_variances", log_variances)):
            object.__setattr__(self, name, value)


@dataclasses.dataclass(frozen=True, eq=False)
class Representation:
    """Codes of N observations beside the factors that made them, checked when it is made.

    Attributes
    ----------
    codes : ndarray of float32 or float64, shape (N, D)
        Posterior means, or any deterministic code; finite real numbers are taken.
    factors : ndarray of int32, or of float64 where a factor is continuous, shape (N, K)
        Ground-truth classes, counted from 0, or values of a continuous factor. A factor is
        continuous if `factor_kinds` says so, or if a value of it is not whole.
    n_train : int
        Rows 0 … n_train − 1 are the training part, the rest the test part; by default two thirds.
    log_variances : ndarray, shape (N, D), or None
        Natural logarithms of the posterior variances.
    index : ndarray of int64, shape (N,), or None
        Flat index of each observation in its data set.
    factor_names : tuple of str
        By default `factor_0`, `factor_1`, …
    factor_sizes : tuple of int
        Number of classes each factor can take; by default the largest class and one. A continuous
        factor has 0.
    factor_kinds : tuple of str
        For each factor `nominal`, `ordinal`, `periodic` or `continuous`, or nothing where nobody
        says; those found to be continuous are named so.
    shared : Shared or None
        Posteriors of images that all runs on the data set encode, for comparing runs.
    dataset : str
    attributes : dict
        Free-form: str to number, text, truth value or list of them.
    path : Path or None
        Where it was read from.

    Raises
    ------
    RepresentationError
        With one line that says what was expected and what came.

    Examples
    --------
    >>> representation = Representation([[0.5], [1.5], [0.1]], [[0], [1], [0]])
    >>> representation.n_train, representation.factor_sizes
    (2, (2,))
    """

    codes: NDArray[Any]
    factors: NDArray[Any]
    n_train: int = None  # type: ignore[assignment]
    log_variances: NDArray[Any] | None = None
    index: NDArray[Any] | None = None
    factor_names: tuple[str, ...] = None  # type: ignore[assignment]
    factor_sizes: tuple[int, ...] = None  # type: ignore[assignment]
    dataset: str = ""
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    path: Path | None = None
    factor_kinds: tuple[str, ...] = None  # type: ignore[assignment]
    shared: Shared | None = None

    def __post_init__(self) -> None:
        codes = real("codes", self.codes)
        factors, kinds = factor_table(self.factors, self.factor_kinds)
        rows = len(codes)
        if len(factors) != rows:
            raise RepresentationError(f"codes have {rows} rows but factors {len(factors)}")
        log_variances, index = check_posterior(codes, self.log_variances, self.index)
        if self.shared is not None and self.shared.codes.shape[1] != codes.shape[1]:
            raise RepresentationError(
                f"the shared images must have as many codes as the others, {codes.shape[1]}, "
                f"not {self.shared.codes.shape[1]}"
            )
        n_train = self.n_train
        if n_train is None:
            n_train = max(1, rows * 2 // 3)
        whole = isinstance(n_train, int | np.integer) and not isinstance(n_train, bool)
        if not whole or not 1 <= n_train <= rows:
            raise RepresentationError(
                f"n_train must be a whole number in 1 … {rows}, not {one_line(repr(n_train), 40)}"
            )
        names, sizes = factor_labels(factors, self.factor_names, self.factor_sizes, kinds)
        checked = {
            "codes": codes,
            "factors": factors,
            "n_train": int(n_train),
            "log_variances": log_variances,
            "index": index,
            "factor_names": names,
            "factor_sizes": sizes,
            "factor_kinds": kinds,
            "dataset": check_name(self.dataset, "dataset"),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
