"""Arrays inside HDF5 files, in whole chunks; what lies in another file is never read."""

import math

import numpy as np

from .arrays import ArrayFile, Member

# A chunk is inflated as a whole, whatever part of it is read.
LARGEST_CHUNK = 1 << 28


class HdfFile(ArrayFile):
    """An HDF5 file, open for reading without a lock."""

    def names(self):
        """Names of the arrays, and of the attributes that may stand for small ones."""
        return [*self._archive, *self._archive.attrs]

    def member(self, key):
        """Look at an array, or an attribute, without reading it."""
        with self._readable():
            is_dataset = key in self._archive
            stored = self._dataset(key) if is_dataset else self._archive.attrs.get_id(key)
            if stored.shape is None:
                raise self._error(f"{key!r} in {self.path} is empty")
            return Member(tuple(map(int, stored.shape)), stored.dtype)

    def _open(self):
        import h5py

        return h5py.File(self.path, "r", locking=False)

    def _dataset(self, key):
        import h5py

        if not isinstance(self._archive.get(key, getlink=True), h5py.HardLink):
            raise self._error(f"{key!r} in {self.path} is a link; store the array itself")
        stored = self._archive[key]
        if not isinstance(stored, h5py.Dataset):
            raise self._error(f"{key!r} in {self.path} is a group, not an array")
        if stored.is_virtual or stored.external:
            raise self._error(
                f"{key!r} in {self.path} lies in another file; store the array itself"
            )
        if stored.chunks and math.prod(stored.chunks) * stored.dtype.itemsize > LARGEST_CHUNK:
            raise self._error(f"{key!r} in {self.path} has the absurd chunks {stored.chunks}")
        return stored

    def _read(self, key):
        if key in self._archive:
            return np.asarray(self._dataset(key)[()])
        return np.asarray(self._archive.attrs[key])

    def _read_blocks(self, key, member, rows):
        stored = self._dataset(key)
        if member.shape[0] and not stored.id.get_storage_size():
            raise self._error(
                f"{key!r} in {self.path} declares shape {member.shape} but holds nothing"
            )
        # Whole chunks, so that none is inflated twice.
        chunk = stored.chunks[0] if stored.chunks else 1
        rows = chunk * max(1, rows // chunk)
        for first in range(0, member.shape[0], rows):
            yield stored[first : first + rows]
