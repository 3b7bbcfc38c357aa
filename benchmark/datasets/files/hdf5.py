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
            stored = key in self._archive
            found = self._dataset(key) if stored else self._archive.attrs.get_id(key)
            if found.shape is None:
                raise self._error(f"{key!r} in {self.path} is empty")
            return Member(tuple(map(int, found.shape)), found.dtype)

    def _open(self):
        import h5py

        return h5py.File(self.path, "r", locking=False)

    def _dataset(self, key):
        import h5py

        if not isinstance(self._archive.get(key, getlink=True), h5py.HardLink):
            raise self._error(f"{key!r} in {self.path} is a link; store the array itself")
        found = self._archive[key]
        if not isinstance(found, h5py.Dataset):
            raise self._error(f"{key!r} in {self.path} is a group, not an array")
        if found.is_virtual or found.external:
            raise self._error(
                f"{key!r} in {self.path} lies in another file; store the array itself"
            )
        if found.chunks and math.prod(found.chunks) * found.dtype.itemsize > LARGEST_CHUNK:
            raise self._error(f"{key!r} in {self.path} has the absurd chunks {found.chunks}")
        return found

    def _read(self, key):
        if key in self._archive:
            return np.asarray(self._dataset(key)[()])
        return np.asarray(self._archive.attrs[key])

    def _read_blocks(self, key, member, rows):
        found = self._dataset(key)
        if member.shape[0] and not found.id.get_storage_size():
            raise self._error(
                f"{key!r} in {self.path} declares shape {member.shape} but holds nothing"
            )
        # Whole chunks, so that none is inflated twice.
        chunk = found.chunks[0] if found.chunks else 1
        rows = chunk * max(1, rows // chunk)
        for first in range(0, member.shape[0], rows):
            yield found[first : first + rows]
