"""Claims: at most one process works on a run, on any file system with exclusive creation.

A claim is a file ``claim-<n>`` in the run's folder, made with exclusive creation and never changed;
the highest number owns the run. Its owner counts in a companion file ``claim-<n>.<token>``. A claim
is dead when its process is gone (seen at once on the same host), or when its count has stood still
for `STALE_SECONDS` by the observer's own clock. Whoever finds it dead makes the next number, and
exclusive creation lets exactly one succeed. An owner that was taken for dead notices before it
publishes, because its number is no longer the highest. No clocks of different machines are
compared and no file locks are used.
"""

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import threading
import time
from pathlib import Path

from ...evaluation.files import write_atomically

BEAT_SECONDS = 15
STALE_SECONDS = 240
_NAME = re.compile(r"claim-(\d+)")


class ClaimLost(Exception):
    """Another process took the run over; nothing more may be written to its folder."""


class Claim:
    """An owned claim; made by `acquire`.

    Attributes
    ----------
    folder : Path
    number : int
    """

    def __init__(self, folder, number, token):
        self.folder = Path(folder)
        self.number = number
        self._token = token
        self._count = 0
        self._stopped = threading.Event()
        self._beat()
        self._thread = threading.Thread(target=self._keep_beating, daemon=True)
        self._thread.start()

    def check(self):
        """Raise `ClaimLost` unless this process still owns the run."""
        owner = current_claim(self.folder)
        if owner is None or owner["number"] != self.number or owner.get("token") != self._token:
            raise ClaimLost(f"{self.folder}: another process has taken this run over")

    def release(self):
        """Give the run up and remove the claim's files, if they are still its own."""
        self._stopped.set()
        self._thread.join()
        try:
            self.check()
        except ClaimLost:
            _unlink(self._beat_file)
            return
        # The owner goes last: until then nobody can make a number that this loop would remove.
        for entry in sorted(_claim_files(self.folder), key=_order):
            _unlink(entry)

    @property
    def _beat_file(self):
        return self.folder / f"claim-{self.number}.{self._token}"

    def _beat(self):
        self._count += 1
        write_atomically(self._beat_file, str(self._count))

    def _keep_beating(self):
        while not self._stopped.wait(BEAT_SECONDS):
            # A full or briefly absent disk must not end the run; the count just stands still.
            with contextlib.suppress(OSError):
                self._beat()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.release()


class Observer:
    """Watches the claims of others with this process's own clock.

    Parameters
    ----------
    clock : callable, default time.monotonic
    stale_seconds : float
    """

    def __init__(self, clock=time.monotonic, stale_seconds=STALE_SECONDS):
        self._clock = clock
        self._stale_seconds = stale_seconds
        self._seen = {}

    def is_dead(self, folder, owner):
        """Whether the owner of a folder's claim, from `current_claim`, is gone."""
        if owner.get("host") == _host():
            return owner.get("started") != _process_start(owner.get("pid"))
        key = (os.fspath(folder), owner["number"])
        count, since = self._seen.get(key, (None, None))
        if since is None or count != owner["count"]:
            self._seen[key] = (owner["count"], self._clock())
            return False
        return self._clock() - since > self._stale_seconds

    def look(self, folder):
        """See who owns a folder's run.

        Returns
        -------
        claimed : bool
            Whether somebody who is not known to be dead owns it.
        dead : int or None
            Number of the claim of an owner who is dead.
        """
        owner = current_claim(folder)
        if owner is None:
            return False, None
        return (False, owner["number"]) if self.is_dead(folder, owner) else (True, None)


def acquire(folder, dead=None):
    """Claim a run's folder.

    Parameters
    ----------
    folder : path
        Made if missing.
    dead : int, optional
        Number of a claim that an `Observer` found dead.

    Returns
    -------
    Claim or None
        None when another process owns the run, or was quicker.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    owner = current_claim(folder)
    if owner is not None and owner["number"] != dead and not Observer().is_dead(folder, owner):
        return None
    number = owner["number"] + 1 if owner else 1
    token = secrets.token_hex(8)
    content = {
        "host": _host(),
        "pid": os.getpid(),
        "started": _process_start(os.getpid()),
        "token": token,
    }
    try:
        with open(folder / f"claim-{number}", "x") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return None
    return Claim(folder, number, token)


def current_claim(folder):
    """The highest claim on a folder: its content, ``number`` and ``count``; None without one."""
    numbers = []
    with contextlib.suppress(FileNotFoundError):
        numbers = [int(m[1]) for m in map(_NAME.fullmatch, os.listdir(folder)) if m]
    if not numbers:
        return None
    number = max(numbers)
    try:
        content = json.loads((Path(folder) / f"claim-{number}").read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        # Still being written, or its writer died: only standing still can tell.
        content = {}
    count = None
    if "token" in content:
        with contextlib.suppress(OSError):
            count = (Path(folder) / f"claim-{number}.{content['token']}").read_text()
    return {**content, "number": number, "count": count}


def _claim_files(folder):
    return [entry for entry in Path(folder).iterdir() if entry.name.startswith("claim-")]


def _order(entry):
    """Lowest numbers first, and of one number the companion before the claim."""
    number = int(re.match(r"claim-(\d+)", entry.name)[1])
    return (number, _NAME.fullmatch(entry.name) is not None)


def _unlink(path):
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def _host():
    """This machine and, on Linux, its boot and process namespace: where a pid means something."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return "|".join(parts)


def _process_start(pid):
    """When a process of this machine started, as text that a later process with its id would not
    share; None if there is no such process."""
    try:
        # After the command, which may hold spaces and brackets: field 22 is the start time.
        fields = Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except (OSError, ValueError, TypeError, IndexError):
        if os.path.exists("/proc/self/stat"):
            return None
    try:
        listed = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(int(pid))],
            capture_output=True,
            text=True,
            check=False,
        )
    except (OSError, TypeError, ValueError):
        return None
    return listed.stdout.strip() or None
