"""Arrays that are memory-mapped from files, so that all processes of a call share one copy."""

import multiprocessing
import os
import tempfile
from multiprocessing.reduction import DupFd
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from . import storage


class MappedArray(np.ndarray):
    """A read-only array in a file.

    It is handed to a process that is being started as an open file, not as bytes; a file that has
    no name any more travels too. Parts of it, and pickles for other purposes, are plain arrays.
    """

    _file = None

    def __reduce_ex__(self, protocol):
        if self._file is None or multiprocessing.context.get_spawning_popen() is None:
            return np.asarray(self).__reduce_ex__(protocol)
        descriptor = DupFd(self._file.fileno())
        return _receive, (descriptor, self.dtype.str, self.shape, self._offset)


def map_file(file, dtype, shape, offset=0):
    """Map an array that begins at a byte of an open file, which stays open with the array."""
    mapped = np.memmap(file, dtype, "r", offset, shape).view(MappedArray)
    mapped._file, mapped._offset = file, offset
    return mapped


def map_npy(path):
    """Map the array of an ``.npy`` file; `ValueError` where it is damaged or holds objects."""
    array = npy.open_memmap(path, mode="r")
    return map_file(open(path, "rb"), array.dtype, array.shape, array.offset)


def share(array, purpose):
    """Map an array from a file.

    A contiguous part of a memory-mapped file stays where it is; anything else is written to a
    temporary file without a name, which the system removes with the last process using it. Where
    the disk has no room, the error says "`purpose` needs …".
    """
    if isinstance(array, MappedArray) and array._file is not None:
        return array
    place = _place_in_file(array)
    if place is not None:
        return map_file(open(place[0], "rb"), array.dtype, array.shape, place[1])
    return write_temporary([array], array.dtype, array.shape, purpose)


def write_temporary(blocks, dtype, shape, purpose):
    """Write blocks that are an array together to a file without a name, and map it.

    Raises
    ------
    BenchError
        When the folder of temporary files has no room or cannot be written to.
    """
    folder = Path(tempfile.gettempdir())
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    storage.require_space(folder, size, purpose, "with $TMPDIR")
    with storage.writing(f"a temporary file in {folder}"):
        file = tempfile.TemporaryFile()  # noqa: SIM115, the array keeps it open
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).data.cast("B"))
        file.flush()
    return map_file(file, dtype, shape)


def _receive(descriptor, dtype, shape, offset):
    return map_file(os.fdopen(descriptor.detach(), "rb"), dtype, shape, offset)


def _place_in_file(array):
    """File and offset of a memory-mapped array, or of a contiguous part of one."""
    if not isinstance(array, np.memmap) or not array.flags.c_contiguous:
        return None
    root = array
    while isinstance(root.base, np.memmap):
        root = root.base
    if root.filename is None or root.mode not in ("r", "r+"):
        return None
    start = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    if not 0 <= start <= root.nbytes - array.nbytes:
        return None
    return root.filename, root.offset + start
