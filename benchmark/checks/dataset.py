"""Check a data set of a user: its images and its factors."""

import numpy as np

from .. import datasets
from ..errors import BenchError
from .calls import call

LOOKED_AT = 64


def check_dataset(name, report):
    """Load a data set and look at some of its images and factors.

    Parameters
    ----------
    name : str
        As `benchmark.datasets.load_dataset` takes it.
    report : callable
        Called with a line of text for everything that was found right.

    Raises
    ------
    BenchError
        With the first thing that is wrong.
    """
    dataset = datasets.load_dataset(name)
    height, width, channels = dataset.source.image_shape
    sizes = zip(dataset.factor_names, dataset.factor_sizes, strict=True)
    report(
        f"{dataset.name} version {dataset.version}: {len(dataset):,} images of "
        f"{height}×{width}×{channels}"
    )
    report("factors: " + ", ".join(f"{factor} ({size})" for factor, size in sizes))
    index = np.unique(np.linspace(0, len(dataset) - 1, LOOKED_AT).astype(np.int64))
    images = call("images", dataset.images, index)
    factors = dataset.factors(index)
    if factors.min() < 0 or (factors.max(axis=0) >= np.array(dataset.factor_sizes)).any():
        raise BenchError(
            f"factors must lie in 0 … size - 1; the largest are {factors.max(axis=0).tolist()} "
            f"for sizes {list(dataset.factor_sizes)}"
        )
    if len(index) > 1 and not (images != images[0]).any():
        raise BenchError(f"the {len(index)} images that were looked at are all the same")
    report(f"delivers images from {images.min():g} to {images.max():g}")
