"""The files of a data set in the data folder: read again in full, or removed."""

import shutil

from ..errors import BenchError
from . import describe, load_dataset
from .files import copies, storage
from .files.npz import NpzFile
from .genuine.releases import RELEASES
from .own import added


def verify(name, data_dir=None, report=None):
    """Read all files of a data set again, and say what was found.

    `report` is called with (images done, images in all) where a file has to be unpacked. A hash,
    layout or value that differs is a `BenchError`.
    """
    origin = describe(name, data_dir).origin
    folder = storage.data_folder(data_dir)
    if origin == "genuine":
        return _verify_genuine(RELEASES[name], folder, data_dir, report)
    if origin == "plugin":
        load_dataset(name, data_dir)
        return "loads"
    if origin == "added":
        load_dataset(name, data_dir)
        copies.verify(added.home_of(name, folder) / "images.npy", name)
        return "unchanged since it was added"
    copy = storage.rendered_file(name, folder)
    if not copy.is_file():
        return "not rendered yet"
    copies.verify(copy, name)
    return "unchanged since it was rendered"


def remove(name, data_dir=None):
    """Remove all files of a data set from the data folder; give the bytes that became free."""
    folder = storage.data_folder(data_dir)
    # By its name alone, so that a data set whose record is damaged can be removed as well.
    if name in added.list_names(folder):
        home = added.home_of(name, folder)
        freed = sum(path.stat().st_size for path in home.iterdir())
        with storage.writing(home):
            shutil.rmtree(home)
        return freed
    origin = describe(name, data_dir).origin
    if origin == "plugin":
        raise BenchError(f"{name} comes from an installed package and has no files to remove")
    if origin == "genuine":
        file = RELEASES[name].path_in(folder)
        paths = [file, RELEASES[name].copy_in(folder)]
        paths += [file.with_name(f"{file.name}{ending}") for ending in (".part", ".bad")]
    else:
        paths = [storage.rendered_file(name, folder)]
    freed = 0
    for path in [*paths, *map(storage.sidecar, paths)]:
        if path.is_file():
            freed += path.stat().st_size
            with storage.writing(path):
                path.unlink()
    return freed


def _verify_genuine(release, folder, data_dir, report):
    """Hash the file and its copy anew, then load it, which tests layout and content."""
    path, copy = release.path_in(folder), release.copy_in(folder)
    if path.is_file():
        storage.fingerprint(path, again=True)
        release.check(path)
        if release.name == "mpi3d_real":
            # Reading a member to its end compares it with the archive's own checksum.
            with NpzFile(path, release.name) as archive:
                archive.require("images")
                for _ in archive.blocks("images"):
                    pass
    dataset = load_dataset(release.name, data_dir, report=report)
    if copy.is_file():
        copies.verify(copy, release.name)
    recorded = f"sha256 {dataset.identity['sha256']}"
    if release.md5 or release.sha256:
        return f"the published file ({recorded})"
    if dataset.identity.get("is_original_release"):
        return f"the original release ({recorded})"
    return f"layout and content are right, no checksum is published ({recorded})"
