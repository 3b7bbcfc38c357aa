"""What a user's own data set has to be, whether it comes as a file or as a class."""

import math
import re

import numpy as np

from ...errors import BenchError
from ..catalogue import BUILT_IN

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def check_name(name):
    """Refuse a name that cannot be a folder or that stands for another data set.

    Parameters
    ----------
    name : str
        The wanted name.

    Raises
    ------
    BenchError
        Unless it is 1 to 64 letters, digits, ``-``, ``_`` and ``.``, beginning with a letter or
        digit, and none of the built-in names (in whatever case).
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BenchError(
            f"expected a data set name of letters, digits, '-', '_' and '.', got {name!r}",
            exit_code=2,
        )
    if name.lower() in BUILT_IN:
        raise BenchError(
            f"{name!r} is the name of a built-in data set; choose another", exit_code=2
        )


def check_image_shape(shape, where):
    """Bring the shape of an image array to (N, H, W, C).

    Parameters
    ----------
    shape : tuple of int
        (N, H, W) or (N, H, W, C).
    where : str
        Whose images, for messages.

    Returns
    -------
    tuple of int
        (N, H, W, C).

    Raises
    ------
    BenchError
        Unless H = W is a power of two from 8 and C is 1 or 3.
    """
    full = (*shape, 1) if len(shape) == 3 else tuple(shape)
    fits = (
        len(full) == 4
        and full[0] >= 2
        and full[1] == full[2] >= 8
        and full[1] & (full[1] - 1) == 0
        and full[3] in (1, 3)
    )
    if not fits:
        raise BenchError(
            f"{where}: expected images of shape (N, H, W) or (N, H, W, C) with H = W a power of "
            f"two from 8, C 1 or 3, and at least 2 images; got {tuple(shape)}"
        )
    return full


def check_range(largest, where):
    """Refuse images that seem to be 0 and 1 instead of 0 to 255.

    Parameters
    ----------
    largest : int
        Largest value of all images.
    where : str
        Whose images, for messages.

    Raises
    ------
    BenchError
        When no value is above 1.
    """
    if largest <= 1:
        raise BenchError(
            f"{where}: expected pixels from 0 to 255, but the largest is {largest}; "
            "multiply the images by 255"
        )


def check_factors(names, sizes, labels, count, where):
    """Check names, sizes and classes of factors, and complete what was left out.

    Parameters
    ----------
    names : sequence of str or None
        None gives ``factor_0``, ``factor_1``, ….
    sizes : array_like of int or None
        Numbers of classes; may be None where `labels` are given.
    labels : ndarray of int, shape (N, K), or None
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
        labels = _checked_labels(labels, count, where)
        sizes = labels.max(axis=0) + 1 if sizes is None else sizes
    sizes = np.asarray(sizes)
    if sizes.ndim != 1 or not sizes.size or sizes.dtype.kind not in "iu" or (sizes < 2).any():
        raise BenchError(
            f"{where}: expected factor_sizes to be whole numbers from 2, one a factor, "
            f"got {sizes.tolist()} (leave constant factors out)"
        )
    sizes = tuple(sizes.tolist())
    if labels is None and math.prod(sizes) != count:
        raise BenchError(
            f"{where}: factor_sizes {sizes} make {math.prod(sizes)} images, got {count}"
        )
    if labels is not None and (
        labels.shape[1] != len(sizes) or (labels.max(axis=0) >= np.array(sizes)).any()
    ):
        raise BenchError(f"{where}: the classes in factors do not fit factor_sizes {sizes}")
    if names is None:
        names = [f"factor_{number}" for number in range(len(sizes))]
    names = tuple(n.decode() if isinstance(n, bytes) else str(n) for n in names)
    if len(names) != len(sizes) or len(set(names)) != len(names) or not all(names):
        raise BenchError(
            f"{where}: expected {len(sizes)} different factor_names, got {', '.join(names)}"
        )
    return names, sizes, labels


def _checked_labels(labels, count, where):
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.shape[0] != count or labels.dtype.kind not in "iu":
        raise BenchError(
            f"{where}: expected factors to be whole numbers of shape ({count}, K), "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    if labels.size == 0 or labels.min() < 0 or labels.max() > np.iinfo(np.int32).max:
        raise BenchError(f"{where}: expected classes in factors that start at 0")
    constant = np.flatnonzero(labels.min(axis=0) == labels.max(axis=0))
    if constant.size:
        raise BenchError(f"{where}: column {constant[0]} of factors is constant; leave it out")
    return labels.astype(np.int32)
