"""The data folder: where files lie, what they hash to, and how they are written."""

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from ...errors import BenchError

BLOCK = 1 << 20


def data_folder(data_dir=None):
    """Folder of downloaded, converted and added data sets; it need not exist yet.

    Parameters
    ----------
    data_dir : path, optional
        Taken as it is; else ``$BENCH_DATA``, else the user's cache folder.

    Returns
    -------
    Path
        Absolute.
    """
    folder = data_dir or os.environ.get("BENCH_DATA")
    if not folder:
        import platformdirs

        folder = platformdirs.user_cache_path("disentanglement-bench")
    return Path(folder).expanduser().absolute()


def sidecar(path):
    """Where the recorded hashes of a file lie: beside it, with ``.json`` added."""
    path = Path(path)
    return path.with_name(path.name + ".json")


def fingerprint(path, again=False):
    """Size and hashes of a file, computed once and kept in its sidecar.

    The sidecar holds as long as size and modification time of the file are the ones recorded.

    Parameters
    ----------
    path : path
        The file.
    again : bool, default False
        Read the file even where the sidecar holds.

    Returns
    -------
    dict
        ``bytes``, ``sha256`` and ``md5``.
    """
    status = os.stat(path)
    recorded = {} if again else read_json(sidecar(path))
    if (
        recorded.get("bytes") == status.st_size
        and recorded.get("mtime_ns") == status.st_mtime_ns
        and {"sha256", "md5"} <= recorded.keys()
    ):
        return {key: recorded[key] for key in ("bytes", "sha256", "md5")}
    return record(path, hash_file(path))


def hash_file(path):
    """Hash the whole content of a file.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Hashes

    Raises
    ------
    BenchError
        When it cannot be read.
    """
    hashes = Hashes()
    try:
        with open(path, "rb") as stream:
            while block := stream.read(BLOCK):
                hashes.update(block)
    except OSError as error:
        raise BenchError(f"cannot read {path}: {error.strerror or error}") from error
    return hashes


def record(path, hashes, **more):
    """Write the sidecar of a file whose content has just been hashed.

    A folder that cannot be written to is no obstacle: the file is then hashed at every load.

    Parameters
    ----------
    path : path
        The file, in place.
    hashes : Hashes
        Of its whole content.
    **more
        Further JSON-able entries.

    Returns
    -------
    dict
        ``bytes``, ``sha256`` and ``md5``.
    """
    status = os.stat(path)
    found = {"bytes": status.st_size, **hashes.digests()}
    entry = {**found, "mtime_ns": status.st_mtime_ns, **more}
    try:
        write_json(sidecar(path), entry)
    except OSError as error:
        if os.access(Path(path).parent, os.W_OK):
            raise BenchError(f"cannot write {sidecar(path)}: {error.strerror}") from error
    return found


class Hashes:
    """MD5 and SHA-256 of the same bytes, fed piece by piece."""

    def __init__(self):
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def update(self, block):
        """Take in the next bytes."""
        self._md5.update(block)
        self._sha256.update(block)

    def digests(self):
        """The hexadecimal digests so far, as ``sha256`` and ``md5``."""
        return {"sha256": self._sha256.hexdigest(), "md5": self._md5.hexdigest()}


def read_json(path):
    """Content of a JSON file; an empty dict where there is none or it is damaged."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path, content):
    """Write a JSON file atomically."""
    with new_file(path) as stream:
        stream.write((json.dumps(content, indent=2, sort_keys=True) + "\n").encode())


@contextmanager
def new_file(path):
    """Write a file under a temporary name that becomes `path` only when all went well.

    Parameters
    ----------
    path : path
        The final name; a file there is replaced.

    Yields
    ------
    binary file
        Open for writing; synced to disk before it is renamed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = f".{path.name}.{platform.node()}-{os.getpid()}-"
    descriptor, temporary = tempfile.mkstemp(prefix=owner, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            # mkstemp makes files private; a data folder is often shared by a group.
            umask = os.umask(0)
            os.umask(umask)
            os.fchmod(stream.fileno(), 0o666 & ~umask)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sweep(path):
    """Remove what processes of this machine that are gone left behind in writing `path`.

    Parameters
    ----------
    path : path
        As given to `new_file`.
    """
    path = Path(path)
    owner = re.compile(re.escape(f".{path.name}.{platform.node()}-") + r"(\d+)-")
    for entry in path.parent.glob(".*"):
        match = owner.match(entry.name)
        if match and not _alive(int(match[1])):
            entry.unlink(missing_ok=True)


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def writing(path):
    """Turn the system's errors within the block into a `BenchError` that names `path`."""
    try:
        yield
    except OSError as error:
        raise BenchError(f"cannot write {path}: {error.strerror or error}") from error


def require_space(folder, needed, purpose):
    """Refuse to start what the disk has no room for.

    Parameters
    ----------
    folder : path
        Existing folder on the disk in question.
    needed : int
        Bytes that will be written.
    purpose : str
        What for, to complete "… needs".

    Raises
    ------
    BenchError
        When fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BenchError(
            f"{purpose} needs {size_text(needed)} in {folder}, but {size_text(free)} are free; "
            "make room or choose another folder with --data-dir or $BENCH_DATA"
        )


def size_text(count):
    """A number of bytes for reading, e.g. ``25.5 MB``."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{count} bytes"
        count /= 1000
    return f"{count:.3g} GB"
