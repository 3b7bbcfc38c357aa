"""Find representation files below folders."""

import os
from collections.abc import Iterable
from pathlib import Path

from ..files import walk
from ..representation.file_format import SUFFIXES


def find_representations(
    paths: Iterable[str | os.PathLike[str]],
) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Find representation files below folders, in sorted order, each once.

    The folders in which scores lie beside their representation are not searched.

    Parameters
    ----------
    paths : iterable of str or Path
        Folders to search, or files to take whatever they are called.

    Returns
    -------
    files : list of Path
        Everything that is called like a representation, folders included: reading tells.
    problems : list of (Path, str)
        Paths that do not exist and folders that cannot be listed.
    """
    files: dict[Path, None] = {}
    problems: list[tuple[Path, str]] = []
    for given in map(Path, paths):
        if not given.is_dir():
            if given.exists() or given.is_symlink():
                files[given] = None
            else:
                problems.append((given, "no such file or folder"))
            continue

        def report_unlisted(folder: str, error: OSError) -> None:
            problems.append((Path(folder), f"cannot be listed ({error.strerror})"))

        below = []
        for folder, names in walk(given, on_error=report_unlisted, skip=_holds_scores):
            if folder.endswith(SUFFIXES) and Path(folder) != given:
                below.append(Path(folder))
            below += [Path(folder, name) for name in names if name.endswith(SUFFIXES)]
        files.update(dict.fromkeys(sorted(below)))
    for path in [path for path in files if not _is_text(path)]:
        del files[path]
        problems.append((path, "its name is not text in UTF-8; rename it"))
    return list(files), problems


def _holds_scores(folder: str, files: list[str]) -> bool:
    """Whether a folder, by its name, has the scores of one of the files beside it."""
    stem = "representation" if folder == "scores" else folder.removesuffix(".scores")
    if stem == folder:
        return False
    return stem in files or any(stem + suffix in files for suffix in SUFFIXES)


def _is_text(path: Path) -> bool:
    try:
        return bool(os.fspath(path).encode())
    except UnicodeEncodeError:
        return False
