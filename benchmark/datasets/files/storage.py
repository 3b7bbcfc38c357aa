"""The data folder: where files lie, what they hash to, and how they are written."""

import contextlib
import glob
import hashlib
import os
import shutil
import time
from pathlib import Path

from ....evaluation.files import RecordError, read_json, write_json
from ...errors import BenchError

BLOCK = 1 << 20
# No writer pauses that long, so that a temporary file of this age belongs to nobody.
LEFTOVER_SECONDS = 3600


def data_folder(data_dir=None):
    """Give the absolute path of the data folder, which need not exist yet.

    It is `data_dir`, else ``$BENCH_DATA``, else the user's cache folder.
    """
    folder = data_dir or os.environ.get("BENCH_DATA")
    if not folder:
        import platformdirs

        folder = platformdirs.user_cache_path("disentanglement-bench")
    return Path(folder).expanduser().absolute()


def rendered_file(name, folder):
    """Where the images of a rendered data set lie in the data folder."""
    return Path(folder) / "rendered" / f"{name}.npy"


def sidecar(path):
    """Where the recorded hashes of a file lie: beside it, with ``.json`` added."""
    path = Path(path)
    return path.with_name(path.name + ".json")


def fingerprint(path, again=False):
    """Give ``bytes``, ``sha256`` and ``md5`` of a file, hashed once and kept in its sidecar.

    The sidecar holds as long as size and modification time of the file are the ones recorded;
    with `again` it is not believed.
    """
    status = os.stat(path)
    recorded = {} if again else read_record(sidecar(path))
    if (
        recorded.get("bytes") == status.st_size
        and recorded.get("mtime_ns") == status.st_mtime_ns
        and {"sha256", "md5"} <= recorded.keys()
    ):
        return {key: recorded[key] for key in ("bytes", "sha256", "md5")}
    return record(path, hash_file(path))


def hash_file(path):
    """Hash the whole content of a file; `BenchError` where it cannot be read."""
    hashes = Hashes()
    try:
        with open(path, "rb") as stream:
            while block := stream.read(BLOCK):
                hashes.update(block)
    except OSError as error:
        raise BenchError(f"cannot read {path}: {error.strerror or error}") from error
    return hashes


def record(path, hashes, **more):
    """Write the sidecar of a file whose content has just been hashed, and give its fingerprint.

    A folder that cannot be written to is no obstacle: the file is then hashed at every load.
    `more` are further entries.
    """
    status = os.stat(path)
    digests = {"bytes": status.st_size, **hashes.digests()}
    entry = {**digests, "mtime_ns": status.st_mtime_ns, **more}
    try:
        write_json(sidecar(path), entry)
    except OSError as error:
        if os.access(Path(path).parent, os.W_OK):
            raise BenchError(f"cannot write {sidecar(path)}: {error.strerror}") from error
    return digests


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


def is_unchanged(path, recorded):
    """Tell whether a file is what its sidecar describes.

    A copy of the folder has other times: the file is then hashed, and the sidecar renewed.
    """
    status = os.stat(path)
    if status.st_size != recorded.get("bytes"):
        return False
    if status.st_mtime_ns == recorded.get("mtime_ns"):
        return True
    hashes = hash_file(path)
    if hashes.digests()["sha256"] != recorded.get("sha256"):
        return False
    record(path, hashes, source=recorded.get("source"))
    return True


def read_record(path):
    """Read a JSON file; an empty dict where there is none or it is damaged."""
    try:
        content = read_json(path)
    except (FileNotFoundError, RecordError):
        return {}
    return content if isinstance(content, dict) else {}


def remove_leftovers(path):
    """Remove what writers of a file left behind that were killed, wherever they ran.

    A temporary file beside it is left alone as long as it grows.
    """
    for entry in path.parent.glob(glob.escape(f".{path.name}.") + "*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - entry.stat().st_mtime > LEFTOVER_SECONDS:
                entry.unlink()


class CannotWrite(BenchError):
    """A folder has no room or cannot be written to."""


@contextlib.contextmanager
def writing(path):
    """Turn the system's errors within the block into a `BenchError` that names `path`."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}") from error


def require_space(folder, needed, purpose, choice="with --data-dir or $BENCH_DATA"):
    """Refuse to write a number of bytes for which the disk of an existing folder has no room.

    The error says "`purpose` needs …" and how another folder is chosen.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CannotWrite(
            f"{purpose} needs {size_text(needed)} in {folder}, but {size_text(free)} are free; "
            f"make room or choose another folder {choice}"
        )


def size_text(count):
    """A number of bytes for reading, e.g. ``25.5 MB``."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{count} bytes"
        count /= 1000
    return f"{count:.3g} GB"
