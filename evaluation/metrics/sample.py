"""The arrays that a metric's function is called with, and what a metric may need of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..naming import unknown_name
from ..representation.array_checks import RepresentationError
from ..representation.file_format import Representation
from .continuous import KIND
from .metric import MetricError

LARGEST = float(np.finfo(np.float32).max)


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """Rows of a representation, parted for training and test, with the factors that can be scored.

    Attributes
    ----------
    all_codes, all_factors : ndarray, shape (N + T, D) and (N + T, K')
        All rows; K' of the K factors take more than one value in the training part and were not
        left out. Factors are int32, or float64 where one of them is continuous.
    all_log_variances : ndarray, shape (N + T, D), or None
    n_train : int
        The first N rows are the training part, the others the test part; T may be 0.
    factor_names, factor_kinds : tuple of str
        Of the K' factors; an unknown kind is empty.
    scored : ndarray of bool, shape (K,)
        Which factors these are.
    notes : tuple of str
        Which factors are not among them, and why.
    """

    all_codes: NDArray[np.floating]
    all_factors: NDArray[Any]
    all_log_variances: NDArray[np.floating] | None
    n_train: int
    factor_names: tuple[str, ...]
    factor_kinds: tuple[str, ...]
    scored: NDArray[np.bool_]
    notes: tuple[str, ...]

    @property
    def codes(self) -> NDArray[np.floating]:
        """Codes of the training part."""
        return self.all_codes[: self.n_train]

    @property
    def factors(self) -> NDArray[Any]:
        """Factors of the training part."""
        return self.all_factors[: self.n_train]

    @property
    def log_variances(self) -> NDArray[np.floating] | None:
        """Log-variances of the training part."""
        return None if self.all_log_variances is None else self.all_log_variances[: self.n_train]

    @property
    def test_codes(self) -> NDArray[np.floating]:
        """Codes of the test part."""
        return self.all_codes[self.n_train :]

    @property
    def test_factors(self) -> NDArray[Any]:
        """Factors of the test part."""
        return self.all_factors[self.n_train :]


def represent(
    codes: ArrayLike,
    factors: ArrayLike,
    n_train: int | None = None,
    log_variances: ArrayLike | None = None,
    factor_names: Collection[str] | None = None,
    factor_kinds: Collection[str] | None = None,
) -> Representation:
    """Check arrays that somebody passed, and say what to do where they do not fit.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
    n_train : int, optional
    log_variances : array_like, shape (N, D), optional
    factor_names, factor_kinds : collection of str, optional

    Returns
    -------
    Representation

    Raises
    ------
    RepresentationError
    """
    codes, factors = _table("codes", codes), _table("factors", factors)
    if codes.ndim == factors.ndim == 2:
        wide = codes.shape[1] > codes.shape[0] and factors.shape[1] > factors.shape[0]
        if wide and codes.shape[1] == factors.shape[1]:
            raise RepresentationError(
                f"codes {codes.shape} and factors {factors.shape} have more columns than rows; "
                "they hold one observation a row: pass codes.T and factors.T"
            )
    return Representation(
        codes,
        factors,
        n_train=n_train,  # type: ignore[arg-type]  # None takes the default
        log_variances=None if log_variances is None else _table("log_variances", log_variances),
        factor_names=None if factor_names is None else tuple(factor_names),  # type: ignore[arg-type]
        factor_kinds=None if factor_kinds is None else tuple(factor_kinds),  # type: ignore[arg-type]
    )


def _table(name: str, value: Any) -> NDArray[Any]:
    """An array, also of a tensor that requires gradients or lies on a device."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.float() if "bfloat16" in str(value.dtype) else value).numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        raise RepresentationError(f"{name} must have rows of one length") from None
    if array.dtype.kind in "OSU":
        advice = (
            "number the classes, column by column: numpy.unique(column, return_inverse=True)[1]"
            if name == "factors"
            else "convert them: numpy.asarray(codes, dtype=float)"
        )
        raise RepresentationError(f"{name} hold text or objects, not numbers; {advice}")
    if array.ndim == 1:
        raise RepresentationError(
            f"{name} must have the shape (rows, columns), not {array.shape}; "
            f"for a single column pass {name}[:, None]"
        )
    return array


def take_sample(
    representation: Representation,
    codes: NDArray[np.floating],
    log_variances: NDArray[np.floating] | None,
    without: Collection[str] = (),
) -> Sample:
    """Part the rows, and leave out the factors that cannot or shall not be scored.

    Parameters
    ----------
    representation : Representation
    codes : ndarray, shape (rows, D)
        The posterior means, or draws; of all latents or of some.
    log_variances : ndarray, shape (rows, D), or None
        Of the same latents.
    without : collection of str
        Names of factors to leave out.

    Returns
    -------
    Sample

    Raises
    ------
    MetricError
        If there is no factor of such a name, with the closest one.
    """
    for name in without:
        if name not in representation.factor_names:
            raise MetricError(unknown_name("factor", name, representation.factor_names))
    cut, factors = representation.n_train, representation.factors
    names = np.array(representation.factor_names)
    constant = factors[:cut].min(axis=0) == factors[:cut].max(axis=0)
    excluded = np.isin(names, list(without))
    scored = ~constant & ~excluded
    notes = [
        f"left out, {reason}: {', '.join(names[these])}"
        for reason, these in (
            ("constant in the training part", constant & ~excluded),
            ("as asked for", excluded),
        )
        if these.any()
    ]
    kinds = np.array(representation.factor_kinds)
    if not scored.all():
        classes = not (kinds[scored] == KIND).any()
        factors = np.ascontiguousarray(factors[:, scored], dtype=np.int32 if classes else None)
    return Sample(
        codes,
        factors,
        log_variances,
        cut,
        tuple(map(str, names[scored])),
        tuple(map(str, kinds[scored])),
        scored,
        tuple(notes),
    )


def two_codes(sample: Sample, settings: Mapping[str, object]) -> str:
    """The metric compares a code with another one."""
    return (
        "" if sample.codes.shape[1] > 1 else "one code: there is no second one to compare it with"
    )


def two_factors(sample: Sample, settings: Mapping[str, object]) -> str:
    """The metric compares a factor with another one."""
    few = sample.factors.shape[1] < 2
    return "one varying factor: there is no second one to compare it with" if few else ""


def rows_to_test(sample: Sample, settings: Mapping[str, object]) -> str:
    """The metric predicts rows that it did not learn from."""
    return "" if len(sample.test_codes) else "there are no test rows"


def rows_for_bins(sample: Sample, settings: Mapping[str, object]) -> str:
    """The metric puts the training rows into `num_bins` bins."""
    rows, bins = len(sample.codes), settings["num_bins"]
    return f"{rows} training rows for {bins} bins" if rows < bins else ""  # type: ignore[operator]


def single_precision(sample: Sample, settings: Mapping[str, object]) -> str:
    """The metric compares codes in single precision, or squares them in double precision."""
    parts = (sample.codes, sample.test_codes)
    largest = max(float(np.abs(part).max()) for part in parts if len(part))
    return f"the codes reach beyond {LARGEST:.3g}" if largest > LARGEST else ""
