"""Checks on the arrays of a representation, each with one clear line."""

import numpy as np

from ..naming import FACTOR_KINDS, one_line
from ..schema import SchemaError, name

LARGEST_INT32 = np.iinfo(np.int32).max


class RepresentationError(ValueError):
    """A representation that breaks the format; the message is one line and names the file."""


def _numbers(name, array, dimensions, kinds, expected):
    """Refuse anything but a numeric array of the right dimensions."""
    array = np.asarray(array)
    if array.dtype.kind not in kinds:
        raise RepresentationError(f"{name} must hold {expected}, not {array.dtype}")
    if array.ndim != dimensions or array.size == 0:
        shape = "(rows, columns)" if dimensions == 2 else "(rows,)"
        raise RepresentationError(
            f"{name} must be a non-empty array of shape {shape}, not {array.shape}"
        )
    return array


def real(name, array):
    """Check codes or log-variances; half precision widens, integers become float64."""
    array = _numbers(name, array, 2, "fiub", "real numbers")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    elif array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype.itemsize == 2 else np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise RepresentationError(
            f"{name} must be finite, but row {row}, column {column} is {array[row, column]}"
        )
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def classes(name, array, dimensions, largest, dtype):
    """Check non-negative whole numbers; floats are taken when they are whole."""
    array = _numbers(name, array, dimensions, "fiub", "whole numbers from 0")
    if array.dtype.kind == "f" and not (
        np.isfinite(array).all() and (array == array.round()).all()
    ):
        bad = array[~(np.isfinite(array) & (array == np.round(array)))][0]
        raise RepresentationError(f"{name} must be whole numbers from 0, but one is {bad}")
    # As whole numbers: a float32 cannot tell 2³¹ from the largest int32.
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > largest:
        bad = low if low < 0 else high
        raise RepresentationError(
            f"{name} must lie in 0 … {largest}, but one is {one_line(bad, 40)}"
        )
    return np.ascontiguousarray(array, dtype=dtype)


def check_posterior(codes, log_variances, index, prefix=""):
    """Check what may stand beside codes, row by row: log-variances and flat indices, or None.

    The names in messages begin with `prefix`.
    """
    if log_variances is not None:
        log_variances = real(f"{prefix}log_variances", log_variances)
        if log_variances.shape != codes.shape:
            raise RepresentationError(
                f"{prefix}log_variances must have the shape of {prefix}codes, {codes.shape}, "
                f"not {log_variances.shape}"
            )
    if index is not None:
        index = classes(f"{prefix}index", index, 1, np.iinfo(np.int64).max, np.int64)
        if len(index) != len(codes):
            raise RepresentationError(
                f"{prefix}codes have {len(codes)} rows but {prefix}index {len(index)}"
            )
    return log_variances, index


def factor_table(array, kinds):
    """Check factors and their kinds; give both, as int32 where no factor is continuous.

    A factor is continuous if its kind says so, or if one of its values is not whole.
    """
    array = _numbers("factors", array, 2, "fiub", "numbers")
    kinds = _factor_kinds(kinds, array.shape[1])
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(np.float64)
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise RepresentationError(
                f"factors must be finite, but row {row}, column {column} is {array[row, column]}"
            )
        for column in np.flatnonzero((array != np.round(array)).any(axis=0)):
            if kinds[column] not in ("", "continuous"):
                values = array[:, column]
                raise RepresentationError(
                    f"column {column} of factors is {kinds[column]} by factor_kinds, so it must "
                    f"hold classes from 0, but one is {values[values != np.round(values)][0]}"
                )
            kinds[column] = "continuous"
    discrete = np.array([kind != "continuous" for kind in kinds])
    if discrete.all():
        return classes("factors", array, 2, LARGEST_INT32 - 1, np.int32), tuple(kinds)
    if discrete.any():
        classes("factors", array[:, discrete], 2, LARGEST_INT32 - 1, np.int32)
    return np.ascontiguousarray(array, dtype=np.float64), tuple(kinds)


def _factor_kinds(kinds, count):
    """A list of kinds, one for each factor; empty if not stated."""
    if kinds is None:
        return [""] * count
    shown = one_line(repr(kinds), 100)
    if isinstance(kinds, str) or np.ndim(kinds) != 1 or len(kinds) != count:
        raise RepresentationError(f"factor_kinds must be {count} kinds, one a factor, not {shown}")
    kinds = [str(kind) for kind in kinds]
    if not {*kinds} <= {"", *FACTOR_KINDS}:
        raise RepresentationError(
            f"a kind in factor_kinds must be {', '.join(FACTOR_KINDS)} or empty, not {shown}"
        )
    return kinds


def factor_labels(factors, names, sizes, kinds):
    """Check factor names and sizes, or make them up from the classes; no size if continuous."""
    count = factors.shape[1]
    if names is None:
        names = [f"factor_{k}" for k in range(count)]
    elif isinstance(names, str) or np.ndim(names) != 1:
        raise RepresentationError(
            f"factor_names must be a list of {count} names, not {one_line(repr(names), 60)}"
        )
    names = [check_name(str(label), "a name in factor_names") for label in names]
    if len(names) != count or len(set(names)) != count:
        shown = one_line(names, 100)
        raise RepresentationError(f"factor_names must be {count} different names, not {shown}")
    largest = [
        -1 if kind == "continuous" else int(top)
        for top, kind in zip(factors.max(axis=0), kinds, strict=True)
    ]
    if sizes is None:
        return tuple(names), tuple(top + 1 for top in largest)
    shown = one_line(sizes, 100)
    try:
        given = np.asarray(sizes).ravel().tolist()
        sizes = [int(size) for size in given]
    except (TypeError, ValueError, OverflowError):
        raise RepresentationError(f"factor_sizes must be whole numbers, not {shown}") from None
    if sizes != given or len(sizes) != count or max(sizes) > LARGEST_INT32:
        raise RepresentationError(f"factor_sizes must be {count} whole numbers, not {shown}")
    for label, size, top in zip(names, sizes, largest, strict=True):
        if top >= size:
            raise RepresentationError(
                f"factor {label!r} has {size} classes by factor_sizes, but a row has class {top}"
            )
    return tuple(names), tuple(
        0 if k == "continuous" else n for n, k in zip(sizes, kinds, strict=True)
    )


def check_name(text, place):
    """Refuse anything but one line of text; return it."""
    try:
        name(text, place)
    except SchemaError as error:
        raise RepresentationError(str(error)) from None
    return text


def float32(name, array):
    """Narrow to the stored type, refusing values that would overflow."""
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise RepresentationError(f"{name} must fit float32, but reach {np.abs(array).max()}")
    return narrow
