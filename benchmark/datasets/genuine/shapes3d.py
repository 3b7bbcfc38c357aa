"""The genuine Shapes3D file, converted once to an uncompressed copy that is memory-mapped."""

import math

import numpy as np

from ...errors import BenchError
from ..base import ImageSource
from ..files.hdf5 import HdfFile
from .releases import RELEASES

SIDE = 64
VALUES = (
    tuple(h / 10 for h in range(10)),
    tuple(h / 10 for h in range(10)),
    tuple(h / 10 for h in range(10)),
    tuple(np.linspace(0.75, 1.25, 8).tolist()),
    (0.0, 1.0, 2.0, 3.0),
    tuple(np.linspace(-30.0, 30.0, 15).tolist()),
)


def load(folder, release=RELEASES["shapes3d"], values=VALUES, report=None):
    """Load Shapes3D, converting the file at the first time.

    The HDF5 chunks of the published file run across images, so that reading one image inflates
    many; the uncompressed copy (5.9 GB) lies beside it, after which the original may be deleted.

    Parameters
    ----------
    folder : Path
        The data folder.
    release : Release, optional
        The file; tests give one of their own.
    values : tuple of tuple of float, optional
        Factor values of every class, as the file's ``labels`` give them.
    report : callable, optional
        Called with (images done, images in all) during the conversion.

    Returns
    -------
    Dataset
        Memory-mapped.

    Raises
    ------
    BenchError
        When the file is missing, damaged or not the published one, or the disk is full.
    """
    sizes = tuple(len(classes) for classes in values)
    shape = (math.prod(sizes), SIDE, SIDE, 3)
    images, digests = release.unpack(
        folder, shape, lambda path: read(path, values, release.name), report
    )
    return release.dataset(ImageSource("uint8", images, shape[1:]), sizes, digests)


def read(path, values, name="shapes3d"):
    """Read consecutive images of a file in Shapes3D's layout, after its labels have been checked.

    It is HDF5 with ``images``, uint8 (N, 64, 64, 3), and ``labels``, float64 (N, K), which have to
    run through the grid of the factor values.
    """
    sizes = tuple(len(classes) for classes in values)
    count = math.prod(sizes)
    with HdfFile(path, name) as archive:
        archive.require("images", "labels")
        archive.expect("images", (count, SIDE, SIDE, 3), np.uint8)
        archive.expect("labels", (count, len(sizes)), np.float64)
        labels = archive.array("labels")
        classes = np.unravel_index(np.arange(count), sizes)
        grid = np.stack([np.take(v, c) for v, c in zip(values, classes, strict=True)], axis=1)
        wrong = np.flatnonzero((~(np.abs(labels - grid) <= 1e-4)).any(axis=1))
        if wrong.size:
            row = wrong[0]
            raise BenchError(
                f"{name}: expected the labels of image {row} in {path} to be "
                f"{grid[row].tolist()}, got {labels[row].tolist()}"
            )
        yield from archive.blocks("images")
