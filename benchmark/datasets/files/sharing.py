"""One copy of the images for several processes: write once, memory-map everywhere."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base import Dataset, ImageSource


@dataclass(frozen=True)
class StoredArray:
    """Where an array lies in a file, enough to memory-map it read-only."""

    path: str
    offset: int
    dtype: str
    shape: tuple[int, ...]

    def open(self):
        """Memory-map the array.

        Returns
        -------
        numpy.memmap
        """
        return np.memmap(
            self.path, self.dtype, mode="r", offset=self.offset, shape=self.shape, order="C"
        )


@dataclass(frozen=True)
class DetachedDataset:
    """A data set without its arrays: small, picklable, made by `detach` for `attach`."""

    fields: dict
    kind: str
    image_shape: tuple[int, int, int]
    palette: np.ndarray | None
    images: StoredArray
    labels: StoredArray | None


def detach(dataset, folder):
    """Split a data set from its arrays, so that it travels to other processes cheaply.

    Parameters
    ----------
    dataset : Dataset
        With its images in memory or memory-mapped.
    folder : path
        Where an in-memory array is written as ``.npy``; it has to outlive every `attach`, and
        whoever made it removes it. An array that is memory-mapped already stays where it is.

    Returns
    -------
    DetachedDataset
        Small and picklable.
    """
    source = dataset.source
    fields = {
        key: getattr(dataset, key)
        for key in ("name", "version", "factor_names", "factor_sizes", "identity", "notes")
    }
    labels = dataset.labels
    return DetachedDataset(
        fields=fields,
        kind=source.kind,
        image_shape=source.image_shape,
        palette=source.palette,
        images=_store(source.array, folder, "images"),
        labels=None if labels is None else _store(labels, folder, "labels"),
    )


def attach(detached):
    """Put a detached data set together again, its arrays memory-mapped read-only.

    Parameters
    ----------
    detached : DetachedDataset
        From `detach`, in this or another process.

    Returns
    -------
    Dataset
        The same data set; images that were ``uint8`` in memory are of kind ``memmap`` now.
    """
    kind = "memmap" if detached.kind == "uint8" else detached.kind
    source = ImageSource(
        kind, detached.images.open(), detached.image_shape, palette=detached.palette
    )
    labels = None if detached.labels is None else detached.labels.open()
    return Dataset(source=source, labels=labels, **detached.fields)


def _store(array, folder, stem):
    """The place of an array in a file; written to a new file in `folder` where it has none."""
    placed = _place_in_file(array)
    if placed is not None:
        return placed
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        path = folder / f"{stem}-{number}.npy"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            number += 1
    np.save(path, np.ascontiguousarray(array))
    return _place_in_file(np.load(path, mmap_mode="r"))


def _place_in_file(array):
    """Where a memory-mapped array, or a contiguous part of one, lies in its file."""
    if not isinstance(array, np.memmap) or not array.flags.c_contiguous:
        return None
    root = array
    while isinstance(root.base, np.memmap):
        root = root.base
    if root.filename is None or root.mode not in ("r", "c", "r+"):
        return None
    start = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    if not 0 <= start <= root.nbytes - array.nbytes:
        return None
    return StoredArray(str(root.filename), root.offset + start, array.dtype.str, array.shape)
