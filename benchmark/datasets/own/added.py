"""Data sets that a user added from a file: checked once, then memory-mapped."""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ....evaluation.files import write_json
from ...errors import BenchError
from ..base import Dataset, ImageSource
from ..files import copies, hdf5, mapped, storage
from ..files.npz import NpzFile
from . import rules

FORMAT_VERSION = "1"
ROWS = 1024
OPTIONAL = ("factor_sizes", "factor_names", "factors")


def add(name, path, folder, report=None):
    """Check a user's file in full, copy its images into the data folder and register them.

    Parameters
    ----------
    name : str
        The new name.
    path : path
        An ``.npz`` or ``.h5`` file with ``images``, uint8 (N, H, W) or (N, H, W, C), and either
        ``factor_sizes`` (K,) for a full grid, last factor fastest, or ``factors``, integer classes
        (N, K); optionally ``factor_names`` (K,). In HDF5, sizes and names may be attributes.
    folder : Path
        The data folder.
    report : callable, optional
        Called with (images done, images in all).

    Returns
    -------
    Path
        The folder of the new data set.

    Raises
    ------
    BenchError
        When the name is taken or unfit, or the file is not in the documented layout.
    """
    rules.check_name(name)
    path, final = Path(path), _home(name, folder)
    taken = {entry.lower(): entry for entry in names(folder)}
    if name.lower() in taken:
        raise BenchError(
            f"a data set {taken[name.lower()]!r} has been added already; choose another name, or "
            f"remove {_home(taken[name.lower()], folder)} first"
        )
    with storage.writing(final.parent):
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=final.parent))
    try:
        _fill(temporary, name, path, report)
        umask = os.umask(0)
        os.umask(umask)
        with storage.writing(final):
            temporary.chmod(0o777 & ~umask)
            os.rename(temporary, final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return final


def names(folder):
    """Names of the data sets that have been added, sorted.

    Parameters
    ----------
    folder : Path
        The data folder; it need not exist.

    Returns
    -------
    list of str
    """
    return sorted(
        entry.parent.name
        for entry in (Path(folder) / "added").glob("*/dataset.json")
        if rules.NAME.fullmatch(entry.parent.name)
    )


def about(name, folder):
    """What is recorded of an added data set.

    Parameters
    ----------
    name : str
        Its name.
    folder : Path
        The data folder.

    Returns
    -------
    dict
        ``factor_names``, ``factor_sizes``, ``image_shape``, ``count``, ``labelled``, ``file`` and
        ``source``, the fingerprint of the user's file.

    Raises
    ------
    BenchError
        When the record is damaged.
    """
    path = _home(name, folder) / "dataset.json"
    content = storage.read_record(path)
    if content.get("format_version") != FORMAT_VERSION:
        raise BenchError(
            f"{name}: expected format_version {FORMAT_VERSION} in {path}, got "
            f"{content.get('format_version')}; remove {path.parent} and add the data set again"
        )
    return content


def load(name, folder):
    """Load an added data set.

    Parameters
    ----------
    name : str
        One of `names`.
    folder : Path
        The data folder.

    Returns
    -------
    Dataset
        Memory-mapped.

    Raises
    ------
    BenchError
        When its files have changed since it was added.
    """
    content, home = about(name, folder), _home(name, folder)
    shape = (content["count"], *content["image_shape"])
    images, source = copies.open_copy(home / "images.npy", shape, content["source"])
    if images is None:
        raise BenchError(
            f"{name}: {home / 'images.npy'} has changed since it was added; remove {home} and add "
            f"the data set again from {content['file']}"
        )
    labels = None
    if content["labelled"]:
        labels = mapped.map_npy(home / "labels.npy")
    return Dataset(
        name=name,
        version=FORMAT_VERSION,
        factor_names=tuple(content["factor_names"]),
        factor_sizes=tuple(content["factor_sizes"]),
        source=ImageSource("uint8", images, shape[1:]),
        identity={
            "name": name,
            "version": FORMAT_VERSION,
            "kind": "added",
            "file": content["file"],
            **source,
        },
        labels=labels,
    )


def verify(name, folder):
    """Read an added data set again and compare it with what was recorded.

    Parameters
    ----------
    name : str
        One of `names`.
    folder : Path
        The data folder.

    Raises
    ------
    BenchError
        When something has changed.
    """
    load(name, folder)
    copies.verify(_home(name, folder) / "images.npy", name)


def _home(name, folder):
    return Path(folder) / "added" / name


def _fill(home, name, path, report):
    """Write images, labels and the record of a new data set into an empty folder."""
    if not path.is_file():
        raise BenchError(f"no file {path}")
    source = {"bytes": path.stat().st_size, **storage.hash_file(path).digests()}
    with ExitStack() as stack:
        reader = _reader(path, name, stack)
        shape, dtype = reader.look("images")
        if dtype != np.uint8:
            raise BenchError(f"{name}: expected images in {path} to be uint8, got {dtype}")
        shape = rules.check_image_shape(shape, f"{name}: {path}")
        given = {key: reader.small(key) for key in OPTIONAL}
        factor_names, sizes, labels = rules.check_factors(
            given["factor_names"], given["factor_sizes"], given["factors"], shape[0], name
        )
        largest = _Largest()
        blocks = largest.watch(reader.blocks("images"))
        copies.write(home / "images.npy", blocks, shape, source, name, report)
    rules.check_range(largest.value, f"{name}: {path}")
    if labels is not None:
        np.save(home / "labels.npy", labels)
    content = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "file": path.name,
        "source": source,
        "count": shape[0],
        "image_shape": shape[1:],
        "factor_names": factor_names,
        "factor_sizes": sizes,
        "labelled": labels is not None,
    }
    write_json(home / "dataset.json", content)


class _Largest:
    """Passes blocks on and remembers the largest value seen."""

    value = 0

    def watch(self, blocks):
        for block in blocks:
            self.value = max(self.value, int(block.max(initial=0)))
            yield block


def _reader(path, name, stack):
    if path.suffix == ".npz":
        return _NpzReader(stack.enter_context(NpzFile(path, name)))
    if path.suffix in (".h5", ".hdf5"):
        return _HdfReader(stack.enter_context(hdf5.opened(path, name)), path, name)
    raise BenchError(f"{name}: expected a file ending in .npz, .h5 or .hdf5, got {path.name}")


class _NpzReader:
    def __init__(self, archive):
        self._archive = archive

    def look(self, key):
        self._archive.require(key)
        member = self._archive.member(key)
        return member.shape, member.dtype

    def small(self, key):
        return self._archive.array(key) if key in self._archive.names() else None

    def blocks(self, key):
        return (block for _, block in self._archive.blocks(key, ROWS))


class _HdfReader:
    def __init__(self, archive, path, name):
        self._archive, self._path, self._name = archive, path, name

    def look(self, key):
        import h5py

        found = self._archive.get(key)
        if not isinstance(found, h5py.Dataset):
            raise BenchError(
                f"{self._name}: {self._path} has no array {key!r}; "
                f"found {', '.join(self._archive) or 'nothing'}"
            )
        return found.shape, found.dtype

    def small(self, key):
        with hdf5.readable(self._path, self._name):
            if key in self._archive:
                return self._archive[key][()]
            if key in self._archive.attrs:
                return np.asarray(self._archive.attrs[key])
        return None

    def blocks(self, key):
        return hdf5.blocks(self._archive[key], self._path, self._name)
