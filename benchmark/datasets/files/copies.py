"""Images in uncompressed ``.npy`` files of the data folder: written once, mapped ever after."""

import math

import numpy as np
from numpy.lib import format as npy

from ....evaluation.files import replacing
from ...errors import BenchError
from . import mapped, storage

# What may be written to a temporary file, and again at every load, where the folder takes no copy.
LARGEST_TEMPORARY = 1 << 30


def open_or_write(path, shape, source, make_blocks, name, report=None):
    """Map a copy, after writing it where it is missing or not what it should be.

    Where the folder is not writable or full, up to 1 GiB go to a temporary file instead.

    Parameters
    ----------
    path : Path
        The ``.npy`` file.
    shape : tuple of int
        Of the array of bytes.
    source : dict
        What the copy is made from; JSON-able.
    make_blocks : callable
        Without arguments; gives blocks of uint8 that are the array together.
    name : str
        Of the data set, for messages.
    report : callable, optional
        Called with (rows done, rows in all) after every block.

    Returns
    -------
    MappedArray

    Raises
    ------
    BenchError
        When there is no room, or the blocks are not `shape` together.
    """
    array, _ = open_copy(path, shape, source)
    if array is not None:
        return array
    try:
        with storage.writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        write(path, make_blocks(), shape, source, name, report)
    except storage.CannotWrite:
        if math.prod(shape) > LARGEST_TEMPORARY:
            raise
        return mapped.write_temporary(make_blocks(), np.uint8, shape, name)
    return open_copy(path, shape, source)[0]


def write(path, blocks, shape, source, name, report=None):
    """Write bytes to an ``.npy`` file in an existing folder, block by block and atomically.

    The sidecar of the new file records its hashes and its source. Parameters and errors as for
    `open_or_write`, but with the blocks themselves.
    """
    storage.remove_leftovers(path)
    storage.require_space(path.parent, math.prod(shape), f"{name}: unpacking")
    hashes, done = storage.Hashes(), 0
    with storage.writing(path), replacing(path) as temporary, open(temporary, "wb") as stream:
        tee = _Tee(stream, hashes)
        header = {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)}
        npy.write_array_header_1_0(tee, header)
        for block in blocks:
            tee.write(np.ascontiguousarray(block).data.cast("B"))
            done += len(block)
            if report:
                report(done, shape[0])
        if done != shape[0]:
            raise BenchError(f"{name}: expected {shape[0]} rows, got {done}")
    storage.record(path, hashes, source=source)


def open_copy(path, shape, source=None):
    """Map a copy, where it is complete and made from the right source.

    Parameters
    ----------
    path : Path
        The ``.npy`` file.
    shape : tuple of int
        Of the array of bytes.
    source : dict, optional
        What it has to be made from, where that is known.

    Returns
    -------
    array : MappedArray or None
        None where a copy has to be made (again).
    source : dict or None
        What the copy was made from.
    """
    recorded = storage.read_record(storage.sidecar(path))
    if not path.is_file() or not recorded.get("source"):
        return None, None
    if source is not None and recorded["source"] != source:
        return None, None
    if not storage.is_unchanged(path, recorded):
        return None, None
    try:
        array = mapped.map_npy(path)
    except (ValueError, EOFError):
        return None, None
    if array.shape != tuple(shape) or array.dtype != np.uint8:
        return None, None
    return array, recorded["source"]


def verify(path, name):
    """Read a copy again; `BenchError` where its hash is not the one taken when it was written."""
    recorded = storage.read_record(storage.sidecar(path)).get("sha256")
    computed = storage.hash_file(path).digests()["sha256"]
    if computed != recorded:
        raise BenchError(f"{name}: {path} has changed: expected sha256 {recorded}, got {computed}")


class _Tee:
    """Writes to a file and into hashes."""

    def __init__(self, stream, hashes):
        self._stream, self._hashes = stream, hashes

    def write(self, data):
        self._hashes.update(data)
        return self._stream.write(data)
