"""Arrays by name in the files of others, checked by their headers before anything is read."""

import contextlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....evaluation.naming import one_line
from ...errors import BenchError

BLOCK_BYTES = 1 << 24
# Names, sizes and classes are read as a whole.
LARGEST_ARRAY = 1 << 28


@dataclass(frozen=True)
class Member:
    """An array in a file, by its header.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : dtype
        Its type.
    stored : bool
        Whether its bytes lie in the file as they are, one after the other.
    offset : int
        Where they begin, if so.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    stored: bool = False
    offset: int = 0


class ArrayFile:
    """A file that holds arrays by name, open for reading; see `NpzFile` and `HdfFile`.

    Parameters
    ----------
    path : path
        The file.
    name : str
        The data set it belongs to, for messages.

    Raises
    ------
    BenchError
        When the file is damaged or of another kind, in one line; from every method.
    """

    def __init__(self, path, name):
        self.path, self.name = Path(path), name
        with self._readable():
            self._archive = self._open()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._archive.close()

    def require(self, *keys):
        """Raise where one of the arrays is missing."""
        present = self.names()
        missing = [key for key in keys if key not in present]
        if missing:
            raise self._error(
                f"{self.path} has no array {missing[0]!r}; expected {', '.join(keys)}, "
                f"found {', '.join(present) or 'nothing'}"
            )

    def expect(self, key, shape, dtype):
        """Give an array's header; raise where it has another shape or type."""
        member = self.member(key)
        if member.shape != tuple(shape) or member.dtype != np.dtype(dtype):
            raise self._error(
                f"expected {key!r} in {self.path} to be {np.dtype(dtype)} of shape {tuple(shape)}, "
                f"got {member.dtype} of shape {member.shape}"
            )
        return member

    def array(self, key):
        """Read a whole, small array."""
        member = self.member(key)
        if math.prod(member.shape) * member.dtype.itemsize > LARGEST_ARRAY:
            raise self._error(
                f"{key!r} in {self.path} takes more than {LARGEST_ARRAY >> 20} MiB: {member.dtype} "
                f"of shape {member.shape}; store it in a smaller type"
            )
        with self._readable():
            return self._read(key)

    def blocks(self, key):
        """Read consecutive rows of an array, about 16 MB at a time."""
        member = self.member(key)
        row = max(1, math.prod(member.shape[1:]) * member.dtype.itemsize)
        with self._readable():
            yield from self._read_blocks(key, member, max(1, BLOCK_BYTES // row))

    def _error(self, text):
        return BenchError(one_line(f"{self.name}: {text}", limit=1000))

    @contextlib.contextmanager
    def _readable(self):
        """Turn whatever a damaged or forged file makes its library raise into one line."""
        try:
            yield
        except BenchError:
            raise
        except Exception as error:
            reason = one_line(error) or type(error).__name__
            raise self._error(f"{self.path} is damaged or cut short ({reason})") from error


def open_arrays(path, name):
    """Open an ``.npz``, ``.h5`` or ``.hdf5`` file as an `ArrayFile`."""
    from .hdf5 import HdfFile
    from .npz import NpzFile

    kinds = {".npz": NpzFile, ".h5": HdfFile, ".hdf5": HdfFile}
    path = Path(path)
    if path.suffix.lower() not in kinds:
        raise BenchError(
            one_line(f"{name}: expected a file ending in .npz, .h5 or .hdf5, got {path.name}")
        )
    return kinds[path.suffix.lower()](path, name)
