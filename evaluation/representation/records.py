"""Run and score records as plain data: written whole or not at all, read with one clear error."""

import contextlib
import errno
import json
import math
import os
import secrets
from pathlib import Path

import numpy as np

RUN_SCHEMA_VERSION = 1
STATUSES = ("done", "failed", "interrupted", "running")

# Version found in a file -> function that turns the record into the next version.
MIGRATIONS = {}

_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM}


class RecordError(ValueError):
    """A record that cannot be read: broken, from the future, or not a record at all."""


def _sync(path):
    """Push a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replacing(path):
    """Write a file under a temporary name and rename it when it is whole.

    The temporary file lies in the same folder, so the rename is atomic. On success the file and
    its folder are synced to the disk; on any failure the temporary file is removed and what lay at
    `path` before is untouched. Missing parent folders are made.

    Parameters
    ----------
    path : str or Path
        Where the file shall appear.

    Yields
    ------
    Path
        The temporary name to write to; its writer must have closed it when the block ends.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unique = f"{os.getpid()}.{secrets.token_hex(6)}"
    temporary = path.parent / f".{path.name[:80]}.{unique}.tmp"
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    try:
        _sync(path.parent)
    except OSError as error:  # some network file systems cannot sync a folder
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def write_atomically(path, data):
    """Write text or bytes so that readers see the old content or the new, never a part.

    Parameters
    ----------
    path : str or Path
        The file to write or replace.
    data : str or bytes
        Its content; text is written as UTF-8.
    """
    data = data.encode() if isinstance(data, str) else data
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(data)


def plain(value):
    """Turn arrays, NumPy scalars, paths and tuples into what JSON has; NaN and infinity into None.

    Raises
    ------
    TypeError
        For a value that JSON cannot hold.

    Examples
    --------
    >>> plain({"a": np.float32(0.5), "b": (1, float("nan")), "c": np.arange(2)})
    {'a': 0.5, 'b': [1, None], 'c': [0, 1]}
    """
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"cannot write a {type(value).__name__} as JSON: {value!r}")


def write_json(path, obj):
    """Write a record atomically; keys keep their order, NaN and infinity become null.

    Parameters
    ----------
    path : str or Path
        The file to write or replace.
    obj : dict or list
        Plain data; NumPy arrays and scalars, tuples and paths are converted.
    """
    text = json.dumps(plain(obj), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, text + "\n")


def read_json(path):
    """Read a JSON file.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    object
        What the file holds; a bare NaN or Infinity that another program wrote reads as None.

    Raises
    ------
    RecordError
        If the file is unreadable or not JSON; the message names the file and the place.
    FileNotFoundError
        If there is no such file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        return json.loads(text, parse_constant=lambda _: None)
    except FileNotFoundError:
        raise
    except json.JSONDecodeError as error:
        raise RecordError(
            f"{path}: not valid JSON at line {error.lineno}, column {error.colno} ({error.msg})"
        ) from None
    except UnicodeDecodeError:
        raise RecordError(f"{path}: not a text file in UTF-8, so not JSON") from None
    except RecursionError:
        raise RecordError(f"{path}: JSON nested too deeply") from None
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror or error})") from None


def read_run(path, *, migrations=None, version=RUN_SCHEMA_VERSION):
    """Read a run.json and bring it to the current schema version.

    Parameters
    ----------
    path : str or Path
        The run.json, or the run folder that holds it.
    migrations : dict of int to callable, optional
        From a version to the function that returns the record of the next one.
    version : int, default RUN_SCHEMA_VERSION
        The version wanted.

    Returns
    -------
    dict
        The record at schema version `version`, its status one of `STATUSES`.

    Raises
    ------
    RecordError
        If it is broken, has no known version or status, or comes from a newer version.
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    path = path / "run.json" if path.is_dir() else path
    migrations = MIGRATIONS if migrations is None else migrations
    record = read_json(path)
    found = record.get("schema_version") if isinstance(record, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise RecordError(f"{path}: not a run record (it has no integer schema_version)")
    if found > version:
        raise RecordError(
            f"{path}: schema version {found} is newer than {version}, the newest known here; "
            "update disentanglement-bench"
        )
    while found < version:
        if found not in migrations:
            raise RecordError(f"{path}: schema version {found} has no migration to {version}")
        record = migrations[found](record)
        found += 1
        record["schema_version"] = found
    if record.get("status") not in STATUSES:
        raise RecordError(
            f"{path}: status must be one of {', '.join(STATUSES)}, not {record.get('status')!r}"
        )
    return record


def _is_folder(entry):
    """Whether a directory entry is a folder or a link to one; a link to itself is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def walk(root, *, on_error=None, leaf=None):
    """Visit every folder below `root` once, with the names of its files.

    Symbolic links to folders are followed, real folders first, and each folder is visited once
    however many links lead to it, so loops end. Hidden entries are passed over, and so are folders
    that vanish meanwhile.

    Parameters
    ----------
    root : str or Path
        Where to start.
    on_error : callable, optional
        Called with (folder, OSError) for a folder that cannot be listed; without it RecordError.
    leaf : str, optional
        A file name; folders that hold it are not descended into.

    Yields
    ------
    folder : str
    names : list of str
        The sorted names of what is not a folder.
    """
    seen = set()
    linked = [os.fspath(root)]
    while linked:
        stack = [linked.pop(0)]
        while stack:
            folder = stack.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    entries = sorted(
                        (entry for entry in entries if not entry.name.startswith(".")),
                        key=lambda entry: entry.name,
                    )
            except FileNotFoundError:
                continue
            except OSError as error:
                if on_error is None:
                    raise RecordError(f"{folder}: cannot be listed ({error.strerror})") from None
                on_error(folder, error)
                continue
            folders = [entry for entry in entries if _is_folder(entry)]
            names = [entry.name for entry in entries if not _is_folder(entry)]
            yield folder, names
            if leaf is not None and leaf in names:
                continue
            linked += [entry.path for entry in folders if entry.is_symlink()]
            stack += [entry.path for entry in reversed(folders) if not entry.is_symlink()]


def find_runs(root):
    """Find the folders that contain a run.json.

    Parameters
    ----------
    root : str or Path
        The folder to search, itself included. Links are followed, loops are not.

    Yields
    ------
    Path
        Run folders in sorted order.

    Raises
    ------
    RecordError
        If `root` is not a folder or a folder below it cannot be listed.
    """
    if not os.path.isdir(root):
        raise RecordError(f"{root}: no such folder")
    found = [folder for folder, names in walk(root, leaf="run.json") if "run.json" in names]
    yield from sorted(Path(folder) for folder in found)
