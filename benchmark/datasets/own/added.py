"""Data sets that a user added from a file: checked once, then memory-mapped."""

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ....evaluation.guarding import GuardedFailure, call_guarded
from ....evaluation.naming import one_line
from ...errors import BenchError
from ..base import Dataset, ImageSource
from ..files import copies, mapped, storage
from . import rules
from .reading import FORMAT_VERSION, copy_file

MEMORY_BYTES = 1 << 30


@dataclass(frozen=True)
class Entry:
    """What is recorded of an added data set.

    Parameters
    ----------
    file : str
        Name of the user's file.
    source : dict
        Its fingerprint.
    image_shape : tuple of int
        (H, W, C).
    count : int
        Number of images.
    factor_names : tuple of str
    factor_sizes : tuple of int
    factor_kinds : tuple of str
        Empty where the file does not say.
    labelled : bool
        Whether the images are not the full grid, so that their classes are stored.
    """

    file: str
    source: dict
    image_shape: tuple[int, ...]
    count: int
    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    factor_kinds: tuple[str, ...]
    labelled: bool


def add(name, path, folder, report=None):
    """Check a user's file in full, copy its images into the data folder and register them.

    Parameters
    ----------
    name : str
        The new name.
    path : path
        An ``.npz`` or ``.h5`` file with ``images``, (N, H, W), (N, H, W, C) or (N, C, H, W), uint8
        from 0 to 255, bool, or floating point from 0 to 1; and either ``factor_sizes`` (K,) for a
        full grid, last factor fastest, or ``factors``, integer classes (N, K); optionally
        ``factor_names`` and ``factor_kinds`` (K,). In HDF5, all but images and factors may be
        attributes.
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
    path, home = Path(path), home_of(name, folder)
    taken = {entry.lower(): entry for entry in list_names(folder)}
    if name.lower() in taken:
        other = taken[name.lower()]
        raise BenchError(
            f"a data set {other!r} has been added already; choose another name, or remove it "
            f"with `bench data remove {other}`"
        )
    if path.is_dir():
        raise BenchError(
            f"{name}: {path} is a folder; put its pictures into one .npz file first, as "
            "docs/datasets.md shows under `Pictures in folders`, and add that file"
        )
    if not path.is_file():
        wrong = "is not a regular file" if path.exists() else "does not exist"
        raise BenchError(one_line(f"{name}: {path} {wrong}"))
    with storage.writing(home.parent):
        home.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(home.parent)
        temporary = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=home.parent))
    try:
        source = {"bytes": path.stat().st_size, **storage.hash_file(path).digests()}
        try:
            arguments = (path, source, temporary, name)
            call_guarded(copy_file, *arguments, report=report, memory=MEMORY_BYTES)
        except GuardedFailure as error:
            reason = str(error).removeprefix(f"{name}: ")
            hint = "" if str(path) in reason else f"{path} cannot be read: "
            raise BenchError(f"{name}: {hint}{reason}") from None
        umask = os.umask(0)
        os.umask(umask)
        with storage.writing(home):
            temporary.chmod(0o777 & ~umask)
            os.rename(temporary, home)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return home


def list_names(folder):
    """List the data sets that have been added, sorted; the data folder need not exist."""
    return sorted(
        entry.parent.name
        for entry in (Path(folder) / "added").glob("*/dataset.json")
        if rules.NAME.fullmatch(entry.parent.name)
    )


def home_of(name, folder):
    """Where an added data set lies in the data folder."""
    return Path(folder) / "added" / name


def read_entry(name, folder):
    """Read what is recorded of an added data set; `BenchError` where the record is damaged."""
    path = home_of(name, folder) / "dataset.json"
    content = storage.read_record(path)
    try:
        if content["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format_version {content['format_version']}")
        return Entry(
            file=str(content["file"]),
            source=dict(content["source"]),
            image_shape=tuple(map(int, content["image_shape"])),
            count=int(content["count"]),
            factor_names=tuple(map(str, content["factor_names"])),
            factor_sizes=tuple(map(int, content["factor_sizes"])),
            factor_kinds=tuple(map(str, content.get("factor_kinds", ()))),
            labelled=bool(content["labelled"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BenchError(
            f"{name}: {path} is damaged or from another version ({error}); run `bench data remove "
            f"{name}` and add the data set again"
        ) from None


def load(name, folder):
    """Load an added data set; `BenchError` where its files have changed since."""
    entry, home = read_entry(name, folder), home_of(name, folder)
    try:
        images, _ = copies.open_copy(
            home / "images.npy", (entry.count, *entry.image_shape), entry.source
        )
        labels = mapped.map_npy(home / "labels.npy") if entry.labelled else None
        if images is None:
            raise ValueError(f"{home / 'images.npy'} has changed since it was added")
        return Dataset(
            name=name,
            version=FORMAT_VERSION,
            factor_names=entry.factor_names,
            factor_sizes=entry.factor_sizes,
            source=ImageSource("uint8", images, entry.image_shape),
            identity={
                "name": name,
                "version": FORMAT_VERSION,
                "kind": "added",
                "file": entry.file,
                **entry.source,
            },
            labels=labels,
            factor_kinds=entry.factor_kinds,
        )
    except (OSError, ValueError) as error:
        raise BenchError(
            f"{name}: {error}; run `bench data remove {name}` and add it again from {entry.file}"
        ) from error


def _remove_leftovers(folder):
    """Remove what additions left behind that were killed, as `storage.remove_leftovers` does."""
    for entry in folder.glob(".*.*"):
        times = [path.stat().st_mtime for path in (entry, *entry.glob("*")) if path.exists()]
        if times and time.time() - max(times) > storage.LEFTOVER_SECONDS:
            shutil.rmtree(entry, ignore_errors=True)
