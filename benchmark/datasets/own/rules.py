"""What a user's own data set has to be, whether it comes as a file or as an object."""

import math
import re
from dataclasses import dataclass

import numpy as np

from ....evaluation.naming import FACTOR_KINDS, one_line
from ...errors import BenchError
from ..catalogue import BUILT_IN

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
SMALLEST_SIDE = 8
MOST_FACTORS = 1000
LONGEST_FACTOR_NAME = 100


def check_name(name):
    """Refuse a name that cannot be a folder or that stands for another data set.

    A name is 1 to 64 letters, digits, ``-``, ``_`` and ``.``, beginning with a letter or digit, and
    none of the built-in names (in whatever case).
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BenchError(
            "expected a data set name of 1 to 64 letters, digits, '-', '_' and '.', "
            f"got {one_line(repr(name), limit=80)}",
            exit_code=2,
        )
    if name.lower() in BUILT_IN:
        raise BenchError(
            f"{name!r} is the name of a built-in data set; choose another", exit_code=2
        )


@dataclass(frozen=True)
class ImageLayout:
    """How a user's images lie in their array.

    Parameters
    ----------
    shape : tuple of int
        (N, H, W, C), as the data set holds them.
    channels_first : bool
        Whether the array is (N, C, H, W).
    """

    shape: tuple[int, int, int, int]
    channels_first: bool

    def convert(self, images, where):
        """Bring some of the images, (n, …), to uint8 of shape (n, H, W, C).

        Bytes are taken as they are, bool becomes 0 and 255, and floating point has to lie between
        0 and 1.
        """
        if self.channels_first:
            images = images.transpose(0, 2, 3, 1)
        images = images.reshape(len(images), *self.shape[1:])
        if images.dtype == np.bool_:
            return images * np.uint8(255)
        if images.dtype.kind != "f":
            return images
        if not ((images >= 0) & (images <= 1)).all():
            raise BenchError(
                f"{where}: images of floating-point numbers must lie between 0 and 1; write those "
                "from 0 to 255 as images.astype(np.uint8)"
            )
        return np.rint(images.astype(np.float32) * 255).astype(np.uint8)


def check_images(shape, dtype, where):
    """Judge an array of images by its shape and type, and say how they lie in it.

    The array is (N, H, W), (N, H, W, C) or (N, C, H, W), with H = W a power of two from 8, C 1 or 3
    and N at least 2; uint8, bool or floating point. The error says how to bring other images there.
    """
    if dtype not in (np.uint8, np.bool_) and dtype.kind != "f":
        advice = "; write images.astype(np.uint8)" if dtype.kind in "iu" else ""
        raise BenchError(
            f"{where}: expected images to be uint8 from 0 to 255, bool, or floating point from 0 "
            f"to 1, got {one_line(dtype, limit=80)}{advice}"
        )
    shape = tuple(map(int, shape))
    channels_first = len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3)
    full = (*shape, 1) if len(shape) == 3 else shape
    if channels_first:
        full = (shape[0], shape[2], shape[3], shape[1])
    if len(full) != 4 or full[0] < 2 or full[3] not in (1, 3) or min(full) < 1:
        raise BenchError(
            f"{where}: expected at least 2 images of shape (N, H, W), (N, H, W, C) or "
            f"(N, C, H, W) with C 1 or 3, got {shape}"
        )
    side = max(SMALLEST_SIDE, 1 << (max(full[1:3]) - 1).bit_length())
    if full[1:3] != (side, side):
        gaps = [(side - length) // 2 for length in full[1:3]]
        widths = [(gap, side - length - gap) for gap, length in zip(gaps, full[1:3], strict=True)]
        widths = [(0, 0), *([(0, 0)] if channels_first else []), *widths]
        widths += [(0, 0)] * (len(shape) - len(widths))
        raise BenchError(
            f"{where}: expected H = W to be a power of two from {SMALLEST_SIDE} (the networks take "
            f"64 or 32), got images of {full[1]}×{full[2]}; resize them, or pad them to "
            f"{side}×{side}: np.pad(images, {widths})"
        )
    return ImageLayout(full, channels_first)


def check_range(largest, where):
    """Refuse bytes that seem to be 0 and 1 instead of 0 to 255, by the largest of all."""
    if largest <= 1:
        raise BenchError(
            f"{where}: expected pixels from 0 to 255, but the largest is {largest}; "
            "multiply the images by 255, or store them as bool"
        )


def check_factors(names, sizes, labels, count, where):
    """Check names, sizes and classes of factors, and complete what was left out.

    Parameters
    ----------
    names : array_like of str, shape (K,), or None
        None gives ``factor_0``, ``factor_1``, ….
    sizes : array_like of int, shape (K,), or None
        Numbers of classes; may be None where `labels` are given.
    labels : array_like of int, shape (N, K), or None
        Classes of every image; None for a full grid with the last factor fastest.
    count : int
        Number of images N.
    where : str
        Whose factors, for messages.

    Returns
    -------
    names : tuple of str
    sizes : tuple of int
    labels : ndarray of int32, shape (N, K), or None

    Raises
    ------
    BenchError
        When they do not fit together or the images.
    """
    if sizes is None and labels is None:
        raise BenchError(f"{where}: expected factor_sizes (a full grid) or factors (N, K)")
    if labels is not None:
        labels = _check_labels(labels, count, where)
        sizes = labels.max(axis=0) + 1 if sizes is None else sizes
    sizes = _check_sizes(sizes, where)
    if labels is None and math.prod(sizes) != count:
        raise BenchError(
            f"{where}: factor_sizes {sizes} make {math.prod(sizes)} images, got {count}"
        )
    if labels is not None and (
        labels.shape[1] != len(sizes) or (labels.max(axis=0) >= np.array(sizes)).any()
    ):
        raise BenchError(f"{where}: the classes in factors do not fit factor_sizes {sizes}")
    return _check_factor_names(names, len(sizes), where), sizes, labels


def check_kinds(kinds, count, where):
    """Check what a user says of the factors' kinds: one for each factor, empty if not stated."""
    if kinds is None:
        return ("",) * count
    kinds = np.asarray(kinds)
    texts = [k.decode("utf-8", "replace") if isinstance(k, bytes) else str(k) for k in kinds.flat]
    if kinds.ndim == 1 and len(texts) == count and {*texts} <= {"", *FACTOR_KINDS[:-1]}:
        return tuple(texts)
    shown = one_line(texts[: count + 1], 120)
    raise BenchError(
        f"{where}: expected {count} factor_kinds, each {', '.join(FACTOR_KINDS[:-1])} or empty, "
        f"got {shown}"
    )


def _check_sizes(sizes, where):
    sizes = np.asarray(sizes)
    if (
        sizes.ndim != 1
        or not 1 <= sizes.size <= MOST_FACTORS
        or sizes.dtype.kind not in "iu"
        or (sizes < 2).any()
        or (sizes > np.iinfo(np.int32).max).any()
    ):
        raise BenchError(
            f"{where}: expected factor_sizes to be whole numbers from 2, one a factor, got "
            f"{one_line(sizes.tolist(), limit=80)} (leave constant factors out)"
        )
    return tuple(sizes.tolist())


def _check_factor_names(names, count, where):
    if names is None:
        return tuple(f"factor_{number}" for number in range(count))
    names = np.asarray(names)
    texts = [n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in names.flat]
    plain = all(0 < len(n) <= LONGEST_FACTOR_NAME and one_line(n) == n for n in texts)
    if names.ndim == 1 and len(texts) == len(set(texts)) == count and plain:
        return tuple(texts)
    shown = ", ".join(texts[: count + 1])
    raise BenchError(
        f"{where}: expected {count} different factor_names of at most {LONGEST_FACTOR_NAME} "
        f"characters on one line, got {one_line(shown, limit=120)}"
    )


def _check_labels(labels, count, where):
    labels = np.asarray(labels)
    if labels.dtype.kind == "f":
        raise BenchError(
            f"{where}: expected factors to be whole numbers, classes from 0, got {labels.dtype}; "
            "a data set has no continuous factors: turn each column of values into classes with "
            "np.unique(column, return_inverse=True)[1], or into bins with np.digitize"
        )
    if labels.ndim != 2 or labels.shape[0] != count or labels.dtype.kind not in "iu":
        raise BenchError(
            f"{where}: expected factors to be whole numbers of shape ({count}, K), "
            f"got {one_line(labels.dtype, limit=80)} of shape {labels.shape}"
        )
    if not 1 <= labels.shape[1] <= MOST_FACTORS:
        raise BenchError(f"{where}: expected 1 to {MOST_FACTORS} factors, got {labels.shape[1]}")
    if labels.min() < 0 or labels.max() >= np.iinfo(np.int32).max:
        raise BenchError(f"{where}: expected classes in factors that start at 0")
    constant = np.flatnonzero(labels.min(axis=0) == labels.max(axis=0))
    if constant.size:
        raise BenchError(f"{where}: column {constant[0]} of factors is constant; leave it out")
    return labels.astype(np.int32)
