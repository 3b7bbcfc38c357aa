"""Downloads with the standard library: resumed, hashed while written, published by a rename."""

import fcntl
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from ....evaluation.files import write_json
from ...errors import BenchError
from ..files import storage

BLOCK = 1 << 18
NO_NETWORK = 3
# A connection that delivers less than this on average over a window is as good as none.
SLOWEST_BYTES, WINDOW_SECONDS = 1000, 60
WORTHWHILE_BYTES = 1_000_000


class DownloadError(BenchError):
    """A file could not be fetched; exit code 3."""

    def __init__(self, message):
        super().__init__(message, exit_code=NO_NETWORK)


class _Interrupted(Exception):
    """A connection that failed in a way worth another attempt."""


def fetch(
    release,
    folder,
    url=None,
    report=None,
    attempts=3,
    pause=1.0,
    timeout=30.0,
    clock=time.monotonic,
):
    """Download a genuine file into the data folder.

    What has arrived is kept in a ``.part`` file; the next attempt, or the next call, asks the
    server for the rest and starts over where the server cannot give it or has another file by now.

    Parameters
    ----------
    release : Release
        What to fetch.
    folder : Path
        The data folder; made if needed.
    url : str, optional
        Another address of the same file.
    report : callable, optional
        Called with (bytes done, bytes in all or None).
    attempts : int, default 3
        How often in a row the connection may fail without a megabyte gained.
    pause : float, default 1.0
        Seconds before the second attempt, doubled for every further one.
    timeout : float, default 30.0
        Seconds without an answer that count as a failure; so does a minute at less than
        1,000 bytes a second.
    clock : callable
        Gives the time in seconds.

    Returns
    -------
    Path
        The file, whole and of the right checksum.

    Raises
    ------
    DownloadError
        When ``BENCH_OFFLINE`` is set, there is no network or the server refuses: says where the
        file can be got by hand, where to put it, and what to use instead.
    BenchError
        When the disk has no room, another process downloads the file, or what came is another
        file (it is kept with the ending ``.bad``).
    """
    url = url or release.url
    path = folder / release.filename
    if os.environ.get("BENCH_OFFLINE", "") not in ("", "0"):
        raise DownloadError(_by_hand(release, path, url, "BENCH_OFFLINE is set"))
    if Path(url).name in release.refused:
        raise BenchError(
            f"{release.name}: {url} is a corrupted release and is refused; use {release.url}"
        )
    with storage.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _Part(path, release.name) as part:
        failures = 0
        while True:
            before = part.size
            try:
                _attempt(part, release, url, report, timeout, clock)
                break
            except _Interrupted as error:
                failures = 0 if part.size - before >= WORTHWHILE_BYTES else failures + 1
                if failures >= attempts:
                    raise DownloadError(_by_hand(release, path, url, str(error))) from error
                time.sleep(pause * 2 ** max(0, failures - 1))
        difference = release.mismatch({"bytes": part.size, **part.hashes.digests()})
        if difference:
            bad = part.set_aside()
            raise BenchError(
                f"{release.name}: what {url} sent is not the published file ({difference}); it is "
                f"kept as {bad}; run `bench data get {release.name}` again or give --url"
            )
        part.publish()
    return path


class _Part:
    """The file that a download grows in, its validator, and the hashes of what it holds."""

    def __init__(self, path, name):
        self.final, self.name = path, name
        self.path = path.with_name(path.name + ".part")
        self.note = path.with_name(path.name + ".part.json")

    def __enter__(self):
        with storage.writing(self.path):
            # Unbuffered: what a full disk refused must not be written again while closing.
            self.stream = open(self.path, "a+b", buffering=0)
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The other download may have published its file between opening and locking.
            if not self.path.exists() or not os.path.samestat(
                os.fstat(self.stream.fileno()), os.stat(self.path)
            ):
                raise BlockingIOError
        except BlockingIOError as error:
            self.stream.close()
            raise BenchError(
                f"{self.name}: another process is downloading {self.final}; wait for it"
            ) from error
        self.hashes = storage.Hashes()
        self.stream.seek(0)
        while block := self.stream.read(BLOCK):
            self.hashes.update(block)
        self.size = self.stream.tell()
        return self

    def __exit__(self, *_):
        self.stream.close()
        if self.size == 0:
            self.path.unlink(missing_ok=True)
            self.note.unlink(missing_ok=True)

    def validator(self, url):
        """What proves that the server still has the file that was begun; None if nothing does."""
        noted = storage.read_record(self.note)
        return noted.get("validator") if noted.get("url") == url else None

    def restart(self, url, validator):
        """Forget what has arrived and note where the new beginning comes from."""
        self.stream.truncate(0)
        self.hashes, self.size = storage.Hashes(), 0
        with storage.writing(self.note):
            write_json(self.note, {"url": url, "validator": validator})

    def append(self, block):
        """Write and hash the next bytes."""
        rest = memoryview(block)
        while rest:
            with storage.writing(self.path):
                count = self.stream.write(rest)
            self.hashes.update(rest[:count])
            self.size += count
            rest = rest[count:]

    def set_aside(self):
        """Rename what arrived, so that neither a resume nor a load takes it."""
        bad = self.final.with_name(self.final.name + ".bad")
        os.replace(self.path, bad)
        self.note.unlink(missing_ok=True)
        return bad

    def publish(self):
        """Give the file its name and record its hashes."""
        with storage.writing(self.final):
            os.fsync(self.stream.fileno())
            os.replace(self.path, self.final)
            storage.record(self.final, self.hashes)
        self.note.unlink(missing_ok=True)


def _attempt(part, release, url, report, timeout, clock):
    """Ask for what is missing and append it; returns when the file is complete."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "disentanglement-bench"}
    validator = part.validator(url)
    if part.size and validator:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": validator}
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=timeout) as response:
            total = _begin(part, url, response)
            _check_size(part, release, url, total or 0)
            if total is not None:
                storage.require_space(part.path.parent, total - part.size, f"{release.name}")
            since, before = clock(), part.size
            while block := response.read1(BLOCK):
                part.append(block)
                _check_size(part, release, url, part.size)
                if report:
                    report(part.size, total)
                passed = clock() - since
                if passed >= WINDOW_SECONDS:
                    if part.size - before < SLOWEST_BYTES * passed:
                        raise _Interrupted(
                            f"fewer than {SLOWEST_BYTES} bytes a second for {passed:.0f} seconds"
                        )
                    since, before = clock(), part.size
    except urllib.error.HTTPError as error:
        if error.code == 416 and part.size:
            if _total(error.headers) == part.size:
                return
            part.restart(url, None)
            raise _Interrupted("the server has another file by now") from error
        reason = f"the server answered {error.code} {error.reason}"
        if error.code in (408, 429) or error.code >= 500:
            raise _Interrupted(reason) from error
        raise DownloadError(_by_hand(release, part.final, url, reason)) from error
    except ValueError as error:
        raise BenchError(f"{release.name}: {url!r} is not an address: {error}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise _Interrupted(str(reason) or type(error).__name__) from error
    if total is not None and part.size < total:
        raise _Interrupted(f"the connection ended after {part.size} of {total} bytes")


def _check_size(part, release, url, size):
    """Stop what is announced, or grows, beyond the published file."""
    largest = release.bytes or release.at_most
    if largest is not None and size > largest:
        part.restart(url, None)
        raise BenchError(
            f"{release.name}: {url} sends more than the {largest} bytes of the published file; "
            "give another address with --url"
        )


def _begin(part, url, response):
    """Take up the answer: go on where it continues, start over where it does not."""
    if response.status == 206:
        start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        if start and int(start[1]) == part.size:
            return _total(response.headers)
        part.restart(url, None)
        raise _Interrupted("the server continued at another place")
    tag = response.headers.get("ETag", "")
    # A weak tag promises a like file, not the same bytes, so it cannot carry a resume.
    strong = tag if tag and not tag.startswith("W/") else None
    part.restart(url, strong or response.headers.get("Last-Modified"))
    length = response.headers.get("Content-Length")
    return int(length) if length else None


def _total(headers):
    """Length of the whole file, from a Content-Range header."""
    match = re.search(r"/(\d+)$", headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _by_hand(release, path, url, reason):
    return (
        f"{release.name}: cannot download ({reason}); fetch {url} by other means "
        f"({release.checksum}) and put it at {path}; {release.alternative}"
    )
