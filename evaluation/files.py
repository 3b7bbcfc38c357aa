"""Plain data in files: written whole or not at all, read with one clear error."""

import contextlib
import errno
import json
import math
import os
import re
import secrets
import stat
import time
from pathlib import Path

import numpy as np

from .naming import one_line

_TEMPORARY = re.compile(r"\..*\.(\d+)\.[0-9a-f]{12}\.tmp", re.DOTALL)
_ABANDONED = 3600.0
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)
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
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(path)  # a full disk names no file
        raise
    try:
        _sync(path.parent)
    except OSError as error:  # some network file systems cannot sync a folder
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def sweep(folder, pid=None):
    """Remove temporary files that `replacing` left in a folder when its process was killed.

    Parameters
    ----------
    folder : str or Path
        May be missing.
    pid : int, optional
        Remove those of this process, which is gone; by default those that nobody has written to
        for an hour, whichever machine they come from.
    """
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            match = _TEMPORARY.fullmatch(entry.name)
            if match is None:
                continue
            with contextlib.suppress(OSError):
                old = time.time() - entry.stat().st_mtime > _ABANDONED
                if old if pid is None else int(match[1]) == pid:
                    os.unlink(entry.path)


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


def read_json(path, limit=2**28):
    """Read a JSON file.

    Parameters
    ----------
    path : str or Path
        The file; only a regular one is read.
    limit : int, default 2**28
        Largest size in bytes; a larger file is refused unread.

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
        return _DECODER.decode(_read_regular_file(path, limit).decode("utf-8"))
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
    except RecordError:
        raise
    except ValueError as error:  # a number of thousands of digits, or a name that no file has
        raise RecordError(f"{path}: cannot be read ({one_line(error)})") from None


def _read_regular_file(path, limit):
    """Bytes of a file, without waiting at a pipe that nobody writes to."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise RecordError(f"{path}: not a regular file")
        if status.st_size > limit:
            raise RecordError(f"{path}: {status.st_size} bytes, more than {limit}")
        return os.read(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def _is_folder(entry):
    """Whether a directory entry is a folder or a link to one; a link to itself is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def walk(root, *, on_error=None, leaf=None, skip=None):
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
    skip : callable, optional
        Called with the name of a folder and the names of the files beside it; where it returns
        True, the folder is not entered.

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
            folders, names = [], []
            for entry in entries:
                if _is_folder(entry):
                    folders.append(entry)
                else:
                    names.append(entry.name)
            yield folder, names
            if leaf is not None and leaf in names:
                continue
            if skip is not None:
                folders = [entry for entry in folders if not skip(entry.name, names)]
            linked += [entry.path for entry in folders if entry.is_symlink()]
            stack += [entry.path for entry in reversed(folders) if not entry.is_symlink()]
