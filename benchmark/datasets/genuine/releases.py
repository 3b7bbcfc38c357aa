"""The genuine files: where they come from, what proves them, and how they are mapped."""

from dataclasses import dataclass
from pathlib import Path

from ...errors import BenchError
from ..base import Dataset
from ..catalogue import BUILT_IN
from ..files import copies, storage

FORMAT_VERSION = "1"


@dataclass(frozen=True)
class Release:
    """A published data file.

    Parameters
    ----------
    name : str
        Of the data set.
    filename : str
        In the data folder.
    url : str
        Where it is published.
    bytes, md5, sha256 : optional
        What is known of its content; None is not checked.
    at_most : int, optional
        Where the size is not known, the bytes that no such file exceeds.
    md5_of_original : str, optional
        Of a release that may since have been re-packed: recorded, not required.
    stand_in : str, optional
        The re-rendered data set that needs no download.
    refused : tuple of str
        File names of broken releases of the same data.
    """

    name: str
    filename: str
    url: str
    bytes: int | None = None
    at_most: int | None = None
    md5: str | None = None
    sha256: str | None = None
    md5_of_original: str | None = None
    stand_in: str | None = None
    refused: tuple[str, ...] = ()

    @property
    def checksum(self):
        """The known checksum, for reading."""
        if self.sha256:
            return f"sha256 {self.sha256}"
        if self.md5:
            return f"md5 {self.md5}"
        return "no checksum known; the content is tested instead"

    @property
    def alternative(self):
        """What can be used without the file, as half a sentence."""
        if self.stand_in:
            return (
                f"the re-rendered `{self.stand_in}` needs no file, but is another data set with "
                "scores of its own"
            )
        return (
            "no re-rendered form of it exists; `sprites-small` and `rooms3d` need no file, but are "
            "other data sets"
        )

    def mismatch(self, digests):
        """Say in half a sentence how a fingerprint differs from what is known, or give None."""
        for key in ("bytes", "sha256", "md5"):
            known = getattr(self, key)
            if known is not None and digests[key] != known:
                return f"expected {key} {known}, got {digests[key]}"
        return None

    def locate(self, folder):
        """Find the file in the data folder.

        Raises
        ------
        BenchError
            When it is not there, with exit code 3: where it was looked for, how to get it, what
            to use instead.
        """
        path = self.path_in(folder)
        if path.is_file():
            return path
        broken = [name for name in self.refused if (folder / name).exists()]
        extra = f"; {broken[0]} there is a corrupted release and is not used" if broken else ""
        raise BenchError(
            f"{self.name}: no file {path}{extra}; fetch it with `bench data get {self.name}` "
            f"({self.url}, {self.checksum}); {self.alternative}",
            exit_code=3,
        )

    def check(self, path):
        """Fingerprint a file; `BenchError` where it is not this release's."""
        size = path.stat().st_size
        if self.bytes is not None and size != self.bytes:
            raise BenchError(self._wrong(path, f"expected {self.bytes} bytes, got {size}"))
        digests = storage.fingerprint(path)
        difference = self.mismatch(digests)
        if difference:
            raise BenchError(self._wrong(path, difference))
        return digests

    def unpack(self, folder, shape, read, report=None):
        """Map the images from an uncompressed copy beside the file, written at the first time.

        Parameters
        ----------
        folder : Path
            The data folder.
        shape : tuple of int
            Of the array of bytes.
        read : callable
            Called with the path of the file; gives blocks of the array.
        report : callable, optional
            Called with (rows done, rows in all) while the copy is written.

        Returns
        -------
        array : MappedArray
        digests : dict
            ``bytes``, ``sha256`` and ``md5`` of the file, which need not be there any more.

        Raises
        ------
        BenchError
            When there is neither the file nor a copy, the file is another one, or the disk is full.
        """
        path, copy = self.path_in(folder), self.copy_in(folder)
        if not path.is_file():
            array, digests = copies.open_copy(copy, shape)
            if array is not None:
                return array, digests
        digests = self.check(self.locate(folder))
        array = copies.open_or_write(copy, shape, digests, lambda: read(path), self.name, report)
        return array, digests

    def dataset(self, source, sizes, digests, **more):
        """Make a data set of this release's images.

        Parameters
        ----------
        source : ImageSource
        sizes : tuple of int
            Numbers of classes of the factors.
        digests : dict
            Fingerprint of the file, and what else belongs to the identity.
        **more
            Further fields of `Dataset`.

        Returns
        -------
        Dataset
        """
        identity = {
            "name": self.name,
            "version": FORMAT_VERSION,
            "kind": "genuine",
            "file": self.filename,
            **digests,
        }
        entry = BUILT_IN[self.name]
        return Dataset(
            self.name,
            FORMAT_VERSION,
            entry.factor_names,
            tuple(sizes),
            source,
            identity,
            factor_kinds=entry.factor_kinds,
            **more,
        )

    def path_in(self, folder):
        """Where the file lies, or would."""
        return Path(folder) / self.filename

    def copy_in(self, folder):
        """Where the uncompressed copy of the images lies."""
        return self.path_in(folder).with_suffix(".npy")

    def _wrong(self, path, difference):
        return (
            f"{self.name}: {path} is not the published file ({difference}); move it away and run "
            f"`bench data get {self.name}`"
        )


RELEASES = {
    release.name: release
    for release in (
        Release(
            name="dsprites",
            filename="dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            url="https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/"
            "fa310c66517cfc1939d77fe17c725154efc97127/"
            "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            md5="7da33b31b13a06f4b04a70402ce90c2e",
            at_most=10**8,
            stand_in="sprites",
        ),
        Release(
            name="shapes3d",
            filename="3dshapes.h5",
            url="https://storage.googleapis.com/3d-shapes/3dshapes.h5",
            bytes=267_573_662,
            sha256="0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
            stand_in="rooms3d",
        ),
        Release(
            name="mpi3d_real",
            filename="mpi3d_real.npz",
            url="https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/mpi3d_real.npz",
            at_most=2 * 10**10,
            md5_of_original="0f33f609918fb5c97996692f91129802",
            refused=("real.npz",),
        ),
    )
}
