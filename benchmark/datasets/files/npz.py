"""Arrays inside ``.npz`` files, block by block or mapped in place; pickles are never read."""

import struct
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.lib import format as npy

from ....evaluation.naming import one_line
from ...errors import BenchError
from . import mapped

LOCAL_HEADER = struct.Struct("<4s22xHH")


@dataclass(frozen=True)
class Member:
    """An array in an archive.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : dtype
        Its type.
    stored : bool
        Whether the archive holds it uncompressed.
    offset : int
        Where its data begins: in the archive for a stored member, else in the inflated member.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    stored: bool
    offset: int


class NpzFile:
    """An ``.npz`` archive, open for reading.

    Parameters
    ----------
    path : path
        The file.
    name : str
        The data set it belongs to, for messages.

    Raises
    ------
    BenchError
        When the file is no zip archive or damaged, in one line; from every method.
    """

    def __init__(self, path, name):
        self.path, self.name = path, name
        with self._readable():
            self._archive = zipfile.ZipFile(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._archive.close()

    def names(self):
        """Names of the arrays, as `numpy.load` gives them."""
        return [entry.removesuffix(".npy") for entry in self._archive.namelist()]

    def require(self, *keys):
        """Raise where one of the arrays is missing.

        Parameters
        ----------
        *keys : str
            Names of arrays.
        """
        present = self.names()
        missing = [key for key in keys if key not in present]
        if missing:
            raise BenchError(
                f"{self.name}: {self.path} has no array {missing[0]!r}; expected "
                f"{', '.join(keys)}, found {', '.join(present) or 'nothing'}"
            )

    def member(self, key):
        """Look at an array without reading it.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        Member
        """
        with self._stream(key) as (stream, info):
            shape, dtype = self._header(stream, key)
            offset = stream.tell()
        stored = info.compress_type == zipfile.ZIP_STORED
        if stored:
            offset += self._data_start(info)
        return Member(shape, dtype, stored, offset)

    def expect(self, key, shape, dtype):
        """Raise where an array has another shape or type.

        Parameters
        ----------
        key : str
            Name of the array.
        shape : tuple of int
            Expected shape.
        dtype : dtype-like
            Expected type.

        Returns
        -------
        Member
        """
        member = self.member(key)
        if member.shape != tuple(shape) or member.dtype != np.dtype(dtype):
            raise BenchError(
                f"{self.name}: expected {key!r} in {self.path} to be {np.dtype(dtype)} of shape "
                f"{tuple(shape)}, got {member.dtype} of shape {member.shape}"
            )
        return member

    def blocks(self, key, rows):
        """Read an array a number of rows at a time; the whole is never in memory.

        Parameters
        ----------
        key : str
            Its name.
        rows : int
            At most so many rows at once.

        Yields
        ------
        first : int
            Index of the first row of the block.
        block : ndarray, shape (rows or fewer, …)
            Read-only.
        """
        with self._readable(), self._stream(key) as (stream, _):
            shape, dtype = self._header(stream, key)
            row = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
            for first in range(0, shape[0], rows):
                count = min(rows, shape[0] - first)
                data = stream.read(count * row)
                if len(data) != count * row:
                    raise EOFError(f"{key} ends after {first} of {shape[0]} rows")
                yield first, np.frombuffer(data, dtype).reshape(count, *shape[1:])
            # Only at the end of the member the archive's own checksum is compared.
            if stream.read(1):
                raise zipfile.BadZipFile(f"{key} is longer than its shape")

    def array(self, key):
        """Read a whole, small array.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        ndarray
        """
        member = self.member(key)
        if not member.shape:
            with self._readable(), self._stream(key) as (stream, _):
                return npy.read_array(stream, allow_pickle=False)
        blocks = [block for _, block in self.blocks(key, max(1, member.shape[0]))]
        return blocks[0].copy() if blocks else np.empty(member.shape, member.dtype)

    def map(self, key):
        """Memory-map a stored array in place.

        Parameters
        ----------
        key : str
            Name of an array with ``stored`` true.

        Returns
        -------
        MappedArray
        """
        member = self.member(key)
        return mapped.map_file(open(self.path, "rb"), member.dtype, member.shape, member.offset)

    @contextmanager
    def _stream(self, key):
        with self._readable():
            names = self._archive.namelist()
            info = self._archive.getinfo(f"{key}.npy" if f"{key}.npy" in names else key)
            with self._archive.open(info) as stream:
                yield stream, info

    def _header(self, stream, key):
        """Shape and type of a member; refuses pickles and column-major arrays."""
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        if version not in read:
            raise BenchError(f"{self.name}: {key!r} in {self.path} has npy version {version}")
        shape, fortran, dtype = read[version](stream)
        if dtype.hasobject:
            raise BenchError(
                f"{self.name}: {key!r} in {self.path} is pickled; expected numbers, "
                "and pickles are never loaded"
            )
        if fortran and len(shape) > 1:
            raise BenchError(
                f"{self.name}: {key!r} in {self.path} is stored column by column; "
                "save it with numpy.ascontiguousarray"
            )
        return shape, dtype

    def _data_start(self, info):
        """Where the bytes of a stored member begin in the archive."""
        with open(self.path, "rb") as stream:
            stream.seek(info.header_offset)
            magic, name, extra = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
        if magic != b"PK\x03\x04":
            raise zipfile.BadZipFile("no local header")
        return info.header_offset + LOCAL_HEADER.size + name + extra

    @contextmanager
    def _readable(self):
        """Turn whatever a damaged or forged archive raises into one line."""
        try:
            yield
        except BenchError:
            raise
        except Exception as error:
            raise BenchError(
                f"{self.name}: {self.path} is damaged or cut short ({one_line(error)})"
            ) from error
