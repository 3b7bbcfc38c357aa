"""The genuine dSprites file, unpacked once to one bit a pixel."""

import math

import numpy as np

from ...errors import BenchError
from ..base import ImageSource
from ..catalogue import BUILT_IN
from ..files.npz import NpzFile
from ..rendered.sprites import SYMMETRY_NOTES
from .releases import RELEASES

SIDE = 64


def load(
    folder,
    release=RELEASES["dsprites"],
    sizes=BUILT_IN["dsprites"].factor_sizes,
    report=None,
):
    """Load dSprites, unpacking the file at the first time.

    The copy at one bit a pixel (377 MB) lies beside the file, which may be deleted afterwards.

    Parameters
    ----------
    folder : Path
        The data folder.
    release : Release, optional
        The file; tests give one of their own.
    sizes : tuple of int, optional
        Numbers of classes of shape, scale, orientation, posX and posY.
    report : callable, optional
        Called with (images done, images in all) while the file is unpacked.

    Returns
    -------
    Dataset
        Memory-mapped.

    Raises
    ------
    BenchError
        When the file is missing, damaged or not the published one.
    """
    shape = (math.prod(sizes), SIDE * SIDE // 8)
    packed, digests = release.unpack(
        folder, shape, lambda path: read(path, sizes, release.name), report
    )
    source = ImageSource("bits", packed, (SIDE, SIDE, 1))
    return release.dataset(
        source, sizes, digests, notes=SYMMETRY_NOTES, unidentifiable_factors=("orientation",)
    )


def read(path, sizes, name="dsprites"):
    """Read a file in dSprites' layout: `numpy.packbits` of consecutive images, (n, 512).

    It is an ``.npz`` with ``imgs``, uint8 (N, 64, 64) of 0 and 1, and ``latents_classes``, int64
    (N, 6), whose first column is the constant colour. The pickled ``metadata`` is never touched.
    """
    count = math.prod(sizes)
    with NpzFile(path, name) as archive:
        archive.require("imgs", "latents_classes")
        archive.expect("imgs", (count, SIDE, SIDE), np.uint8)
        archive.expect("latents_classes", (count, 1 + len(sizes)), np.int64)
        first = 0
        for classes in archive.blocks("latents_classes"):
            index = np.arange(first, first + len(classes))
            grid = np.stack((np.zeros_like(index), *np.unravel_index(index, sizes)), axis=1)
            wrong = np.flatnonzero((classes != grid).any(axis=1))
            if wrong.size:
                row = wrong[0]
                raise BenchError(
                    f"{name}: expected the classes of image {first + row} in {path} to be "
                    f"{grid[row].tolist()}, got {classes[row].tolist()}"
                )
            first += len(classes)
        for images in archive.blocks("imgs"):
            if images.max(initial=0) > 1:
                raise BenchError(
                    f"{name}: expected pixels of 0 and 1 in {path}, got {images.max()}"
                )
            yield np.packbits(images.reshape(len(images), -1), axis=1)
