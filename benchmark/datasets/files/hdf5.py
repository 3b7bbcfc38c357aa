"""Reading HDF5 files in whole chunks, with damage reported in one line."""

from contextlib import contextmanager

import numpy as np

from ....evaluation.naming import one_line
from ...errors import BenchError

BLOCK_BYTES = 1 << 26


@contextmanager
def opened(path, name):
    """Open an HDF5 file for reading, without a lock.

    Parameters
    ----------
    path : path
        The file.
    name : str
        Of the data set, for messages.

    Yields
    ------
    h5py.File

    Raises
    ------
    BenchError
        When the file cannot be opened.
    """
    import h5py

    with readable(path, name):
        archive = h5py.File(path, "r", locking=False)
    with archive:
        yield archive


@contextmanager
def readable(path, name):
    """Turn whatever HDF5 raises within the block into a `BenchError` of one line."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        reason = one_line(error) or type(error).__name__
        raise BenchError(f"{name}: {path} is damaged or cut short ({reason})") from error


def blocks(dataset, path, name):
    """Read a data set in whole chunks, so that none is inflated twice.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of an open file.
    path : path
        The file, for messages.
    name : str
        Of the data set, for messages.

    Yields
    ------
    ndarray
        Consecutive rows, about 64 MB unless one row of chunks is larger.
    """
    row = max(1, int(np.prod(dataset.shape[1:], dtype=np.int64)) * dataset.dtype.itemsize)
    chunk = dataset.chunks[0] if dataset.chunks else 1
    rows = chunk * max(1, BLOCK_BYTES // (row * chunk))
    for first in range(0, len(dataset), rows):
        with readable(path, name):
            block = dataset[first : first + rows]
        yield block
