"""Reading a data set again in full, to prove that it is what it says."""

from .. import describe, load_dataset
from ..files import copies, storage
from ..files.npz import NpzFile
from ..own import added
from .releases import RELEASES


def verify(name, data_dir=None, report=None):
    """Read all files of a data set again and compare hashes, layout and values.

    Parameters
    ----------
    name : str
        A known name.
    data_dir : path, optional
        The data folder, else ``$BENCH_DATA``, else the user's cache folder.
    report : callable, optional
        Called with (images done, images in all) where a file has to be unpacked.

    Returns
    -------
    str
        What was found, for reading.

    Raises
    ------
    BenchError
        When the name is unknown, a file is missing, or something differs.
    """
    origin = describe(name, data_dir).origin
    folder = storage.data_folder(data_dir)
    if origin == "re-rendered":
        copy = storage.rendered_file(name, folder)
        if not copy.is_file():
            return "not rendered yet"
        copies.verify(copy, name)
        return "unchanged since it was rendered"
    if origin == "plugin":
        load_dataset(name, data_dir)
        return "loads"
    if origin == "added":
        added.verify(name, folder)
        return "unchanged since it was added"
    return _verify_genuine(RELEASES[name], folder, data_dir, report)


def _verify_genuine(release, folder, data_dir, report):
    """Hash the file and its copy anew, then load it, which tests layout and content."""
    path = folder / release.filename
    copy = release.copy(folder)
    if path.is_file():
        storage.fingerprint(path, again=True)
        release.check(path)
        if release.name == "mpi3d_real":
            # Reading a member to its end compares it with the archive's own checksum.
            with NpzFile(path, release.name) as archive:
                archive.require("images")
                for _ in archive.blocks("images", 2048):
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
