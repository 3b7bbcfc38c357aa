"""The genuine MPI3D photographs, memory-mapped inside their archive where that is possible."""

import math

import numpy as np

from ...errors import BenchError
from ..base import ImageSource
from ..catalogue import BUILT_IN
from ..files.npz import NpzFile
from .releases import RELEASES

SIDE = 64
SAMPLE = 256


def load(
    folder,
    release=RELEASES["mpi3d_real"],
    sizes=BUILT_IN["mpi3d_real"].factor_sizes,
    report=None,
):
    """Load MPI3D-real.

    No checksum of today's file is known, so any file passes whose layout is right and whose
    pictures look like photographs in the order of the factor grid; its hash is recorded.

    Parameters
    ----------
    folder : Path
        The data folder.
    release : Release, optional
        The file; tests give one of their own.
    sizes : tuple of int, optional
        Numbers of classes of the seven factors.
    report : callable, optional
        Called with (images done, images in all) while a compressed file is unpacked.

    Returns
    -------
    Dataset
        Memory-mapped: in place where the archive stores the images uncompressed, else from an
        ``.npy`` copy beside it (12.7 GB).

    Raises
    ------
    BenchError
        When the file is missing, damaged or a corrupted release, or the disk is full.
    """
    shape = (math.prod(sizes), SIDE, SIDE, 3)
    images, digests = _map_stored(release, folder, shape) or release.unpack(
        folder, shape, lambda path: read(path, shape, release.name), report
    )
    check_content(images, sizes, folder / release.filename, release.name)
    digests = {"is_original_release": digests["md5"] == release.md5_of_original, **digests}
    return release.dataset(ImageSource("uint8", images, shape[1:]), sizes, digests)


def check_content(images, sizes, path, name="mpi3d_real"):
    """Test on a sample whether images are photographs in the order of the factor grid.

    Neighbouring pixels of a photograph are alike, and so are photographs one step of the arm
    apart; a scrambled file fails one or the other, and is refused. 768 images are read.
    """
    rng = np.random.default_rng(0)
    index = rng.integers(len(images), size=SAMPLE)
    steps = np.where(index % sizes[-1] + 1 < sizes[-1], 1, -1)
    here = images[index].astype(np.int16)
    beside = images[index + steps].astype(np.int16)
    elsewhere = here[rng.permutation(SAMPLE)]

    apart = np.abs(here - elsewhere).mean()
    if here.max(axis=(1, 2, 3)).min() == 0 or apart == 0:
        _refuse(path, name, "some images are black, or all are the same")
    shuffled = rng.permuted(here.reshape(SAMPLE, -1, 3), axis=1).reshape(here.shape)
    smooth = np.abs(np.diff(here, axis=2)).mean()
    rough = np.abs(np.diff(shuffled, axis=2)).mean()
    if smooth > 0.5 * rough:
        _refuse(path, name, "neighbouring pixels have nothing to do with each other")
    if np.abs(here - beside).mean() > 0.5 * apart:
        _refuse(path, name, "images one step of the arm apart are not alike")


def _refuse(path, name, reason):
    raise BenchError(
        f"{name}: {path} does not hold the photographs in the order of the factor grid ({reason}); "
        f"a corrupted release is in circulation: fetch another with `bench data get {name}`"
    )


def read(path, shape, name="mpi3d_real"):
    """Read consecutive images of an ``.npz`` in MPI3D's layout: ``images`` of the given shape."""
    with NpzFile(path, name) as archive:
        archive.require("images")
        archive.expect("images", shape, np.uint8)
        yield from archive.blocks("images")


def _map_stored(release, folder, shape):
    """Images and fingerprint of a file that stores them uncompressed: a copy of 12.7 GB less."""
    path = folder / release.filename
    if not path.is_file():
        return None
    digests = release.check(path)
    with NpzFile(path, release.name) as archive:
        archive.require("images")
        stored = archive.expect("images", shape, np.uint8).stored
        return (archive.map("images"), digests) if stored else None
