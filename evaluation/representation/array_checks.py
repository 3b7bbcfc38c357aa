"""Checks on the arrays of a representation, each with one clear line."""

import numpy as np

from ..naming import one_line
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


def factor_labels(factors, names, sizes):
    """Check factor names and sizes, or make them up from the classes."""
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
    largest = [int(top) for top in factors.max(axis=0)]
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
    return tuple(names), tuple(sizes)


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
