"""Arrays inside ``.npz`` files, block by block or mapped in place; pickles are never read."""

import struct
import zipfile
from contextlib import contextmanager

import numpy as np
from numpy.lib import format as npy

from . import mapped
from .arrays import ArrayFile, Member

LOCAL_HEADER = struct.Struct("<4s22xHH")


class NpzFile(ArrayFile):
    """An ``.npz`` archive, open for reading."""

    def names(self):
        """Names of the arrays, as `numpy.load` gives them."""
        return [entry.removesuffix(".npy") for entry in self._archive.namelist()]

    def member(self, key):
        """Look at an array without reading it."""
        with self._readable(), self._stream(key) as (stream, info):
            shape, dtype = self._header(stream, key)
            if info.compress_type != zipfile.ZIP_STORED:
                return Member(shape, dtype)
            return Member(shape, dtype, True, self._data_start(info) + stream.tell())

    def map(self, key):
        """Memory-map an array in place whose header says that it is stored."""
        member = self.member(key)
        with self._readable():
            file = open(self.path, "rb")  # noqa: SIM115, the array keeps it open
            return mapped.map_file(file, member.dtype, member.shape, member.offset)

    def _open(self):
        return zipfile.ZipFile(self.path)

    def _read(self, key):
        with self._stream(key) as (stream, _):
            array = npy.read_array(stream, allow_pickle=False)
            _expect_end(stream, key)
            return array

    def _read_blocks(self, key, member, rows):
        with self._stream(key) as (stream, _):
            self._header(stream, key)
            for first in range(0, member.shape[0], rows):
                shape = (min(rows, member.shape[0] - first), *member.shape[1:])
                block = np.empty(shape, member.dtype)
                if stream.readinto(block.reshape(-1).view(np.uint8)) != block.nbytes:
                    raise EOFError(f"{key} ends after {first} of {member.shape[0]} rows")
                yield block
            _expect_end(stream, key)

    @contextmanager
    def _stream(self, key):
        info = self._archive.getinfo(
            f"{key}.npy" if f"{key}.npy" in self._archive.NameToInfo else key
        )
        with self._archive.open(info) as stream:
            yield stream, info

    def _header(self, stream, key):
        """Shape and type of a member; refuses pickles and column-major arrays."""
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        if version not in read:
            raise self._error(f"{key!r} in {self.path} has npy version {version}")
        shape, fortran, dtype = read[version](stream)
        if dtype.hasobject:
            raise self._error(
                f"{key!r} in {self.path} is pickled; expected numbers, and pickles are never loaded"
            )
        if fortran and len(shape) > 1:
            raise self._error(
                f"{key!r} in {self.path} is stored column by column; "
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


def _expect_end(stream, key):
    """Read beyond the last row: only there the archive's own checksum is compared."""
    if stream.read(1):
        raise zipfile.BadZipFile(f"{key} is longer than its shape")
