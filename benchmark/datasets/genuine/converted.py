"""Uncompressed ``.npy`` copies of compressed files, made once and memory-mapped ever after."""

import numpy as np
from numpy.lib import format as npy

from ...errors import BenchError
from ..files import storage


def write(path, blocks, shape, source, name, report=None):
    """Write uint8 images to an ``.npy`` file, block by block and atomically.

    The sidecar of the new file records its hashes and what it was made from.

    Parameters
    ----------
    path : Path
        The ``.npy`` file.
    blocks : iterable of ndarray of uint8
        Together the images, in order.
    shape : tuple of int
        (N, H, W, C).
    source : dict
        Fingerprint of the file the images come from.
    name : str
        Of the data set, for messages.
    report : callable, optional
        Called with (images done, images in all) after every block.

    Raises
    ------
    BenchError
        When the disk has no room, or the blocks are not `shape` together.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.sweep(path)
    storage.require_space(path.parent, int(np.prod(shape, dtype=np.int64)), f"{name}: unpacking")
    hashes, done = storage.Hashes(), 0
    with storage.writing(path), storage.new_file(path) as stream:
        header = _Tee(stream, hashes)
        npy.write_array_header_1_0(
            header, {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)}
        )
        for block in blocks:
            header.write(np.ascontiguousarray(block).data.cast("B"))
            done += len(block)
            if report:
                report(done, shape[0])
        if done != shape[0]:
            raise BenchError(f"{name}: expected {shape[0]} images, got {done}")
    storage.record(path, hashes, source=source)


def open_copy(path, shape, source=None):
    """Memory-map a copy, where it is complete and made from the right file.

    Parameters
    ----------
    path : Path
        The ``.npy`` file.
    shape : tuple of int
        (N, H, W, C).
    source : dict, optional
        Fingerprint of the original file, where that is still there.

    Returns
    -------
    images : numpy.memmap or None
        Read-only; None where a copy has to be made (again).
    source : dict or None
        Fingerprint of the file that the copy was made from.
    """
    recorded = storage.read_json(storage.sidecar(path))
    if not path.is_file() or not recorded.get("source"):
        return None, None
    status = path.stat()
    if (recorded.get("bytes"), recorded.get("mtime_ns")) != (status.st_size, status.st_mtime_ns):
        return None, None
    if source is not None and recorded["source"] != source:
        return None, None
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError):
        return None, None
    if images.shape != tuple(shape) or images.dtype != np.uint8:
        return None, None
    return images, recorded["source"]


def verify(path, name):
    """Read a copy again and compare it with the hash taken when it was written.

    Parameters
    ----------
    path : Path
        The ``.npy`` file.
    name : str
        Of the data set, for messages.

    Raises
    ------
    BenchError
        When it has changed.
    """
    recorded = storage.read_json(storage.sidecar(path)).get("sha256")
    found = storage.hash_file(path).digests()["sha256"]
    if found != recorded:
        raise BenchError(f"{name}: {path} has changed: expected sha256 {recorded}, got {found}")


class _Tee:
    """Writes to a file and into hashes."""

    def __init__(self, stream, hashes):
        self._stream, self._hashes = stream, hashes

    def write(self, data):
        self._hashes.update(data)
        return self._stream.write(data)
