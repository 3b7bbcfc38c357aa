"""Claims: at most one process works on a run, on any file system with exclusive creation.

A claim is a file in the run's folder, made with exclusive creation and never changed. The first is
called ``claim-1``; who takes over a dead claim makes ``claim-after-<its token>``, so that claims
form a chain whose last link owns the run. The owner counts in a companion file
``<claim>.<token>``. A claim is dead when its process is gone (seen at once on the same host), or
when its count has stood still for `STALE_SECONDS` by the observer's own clock. Whoever finds it
dead makes the next link, and exclusive creation lets exactly one succeed. An owner that was taken
for dead notices before it publishes, because it is no longer the last link. Tokens are random and
never used again, so a claim can only be followed by somebody who saw that very claim dead. No
clocks of different machines are compared and no file locks are used.
"""

import contextlib
import errno
import json
import os
import re
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .host import host_name, process_start

BEAT_SECONDS = 15
STALE_SECONDS = 240
# Waits between attempts at what a network file system refuses for a moment.
RETRY_PAUSES = (0.1, 0.5, 2, 5, 10)
_PASSING = {errno.ESTALE, errno.EIO, errno.ETIMEDOUT}
_FIRST = "claim-1"


class ClaimLost(Exception):
    """Another process took the run over; nothing more may be written to its folder."""


@dataclass(frozen=True)
class Owner:
    """A claim as it lies in a folder.

    Attributes
    ----------
    path : Path
    token : str
        Tells this claim from every other, also from a later one of the same name.
    host, started : str or None
    pid : int or None
    count : str or None
        What the owner has counted to.
    is_claim : bool
        False for a file or folder that only has the name of a claim.
    """

    path: Path
    token: str
    host: str | None = None
    pid: int | None = None
    started: str | None = None
    count: str | None = None
    is_claim: bool = True


class Claim:
    """An owned claim; made by `acquire`, released at the end of a `with` block.

    Attributes
    ----------
    folder : Path
    token : str
    """

    def __init__(self, path, token, predecessors):
        self.folder = path.parent
        self.token = token
        self._path = path
        self._predecessors = predecessors
        self._count = 0
        self._stopped = threading.Event()
        self._beat()
        self._thread = threading.Thread(target=self._keep_beating, daemon=True)
        self._thread.start()

    def check(self):
        """Raise `ClaimLost` unless this process still owns the run."""
        try:
            owned = self._is_last()
        except OSError as error:
            raise ClaimLost(
                f"{self.folder}: cannot tell whether this process still owns the run "
                f"({error.strerror})"
            ) from error
        if not owned:
            raise ClaimLost(f"{self.folder}: another process has taken this run over")

    def release(self):
        """Give the run up, and remove the claim's files if nobody has taken it over.

        They are removed from the first of the chain on, and none after one that cannot be removed:
        an owner that was taken for dead must never find itself at the end of the chain again.
        """
        self._stopped.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            if _retry(self._is_followed):
                _retry(_companion(self._path, self.token).unlink, True)
                return
            for link in self._predecessors:
                try:
                    _retry(_remove_claim, link.path, link.token)
                except OSError:
                    if link.is_claim:
                        raise
            _retry(_remove_claim, self._path, self.token)

    def _is_last(self):
        """Whether this claim is in the chain and nobody has taken it over.

        The next link is looked for first. Whoever made one removes it after this claim, so where
        it is gone already the chain does not lead here any more.
        """
        if _retry(self._is_followed):
            return False
        owner = current_owner(self.folder)
        return owner is not None and owner.token == self.token

    def _is_followed(self):
        return _successor(self.folder, self.token).exists()

    def _beat(self):
        self._count += 1
        # A full or briefly absent disk must not end the run; the count just stands still. It is
        # written over in place, which needs no space, and whether it changed is all that counts.
        with contextlib.suppress(OSError):
            path = _companion(self._path, self.token)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                os.write(descriptor, b"%012d" % self._count)
            finally:
                os.close(descriptor)

    def _keep_beating(self):
        while not self._stopped.wait(BEAT_SECONDS):
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
        self._moved = set()
        self._alive = set()

    def is_dead(self, owner):
        """Whether an `Owner` is gone."""
        if not owner.is_claim:
            return True
        if owner.host == host_name():
            return owner.started != process_start(owner.pid)
        count, since = self._seen.get(owner.token, (None, None))
        if since is None or count != owner.count:
            if since is not None:
                self._moved.add(owner.token)
            self._seen[owner.token] = (owner.count, self._clock())
            return False
        return self._clock() - since > self._stale_seconds

    def observe(self, folder):
        """Find out who owns a folder's run.

        Returns
        -------
        claimed : bool
            Whether somebody who is not known to be dead owns it.
        dead : str or None
            Token of the claim of an owner who is dead.
        """
        owner = current_owner(folder)
        gone = owner is not None and self.is_dead(owner)
        if owner is None or gone:
            self._alive.discard(folder)
            return False, owner.token if gone else None
        if owner.host == host_name() or owner.token in self._moved:
            self._alive.add(folder)
        else:
            self._alive.discard(folder)
        return True, None

    def knows_alive(self, folder):
        """Whether the owner of a folder's run was seen to be alive when it was last observed.

        The process of an owner on this host was there; one on another host has counted up since
        it was first observed.
        """
        return folder in self._alive


def acquire(folder, dead=None):
    """Claim a run's folder.

    Parameters
    ----------
    folder : path
        Made if missing.
    dead : str, optional
        Token of a claim that an `Observer` found dead.

    Returns
    -------
    Claim or None
        None when another process owns the run, or was quicker.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    leftovers = [entry for entry in folder.iterdir() if entry.name.startswith("claim-")]
    chain = _read_chain(folder)
    owner = chain[-1] if chain else None
    if owner is not None and owner.token != dead and not Observer().is_dead(owner):
        return None
    path = _successor(folder, owner.token) if owner else folder / _FIRST
    token = secrets.token_hex(8)
    if not _create(path, token):
        return None
    claim = Claim(path, token, chain)
    try:
        owned = claim._is_last()
    except OSError:
        claim.release()
        raise
    if not owned:
        # What this claim follows was released meanwhile.
        claim.release()
        return None
    # The first claim's name is given out again: what was there a moment ago may be this one.
    kept = {path, *(link.path for link in chain)}
    for leftover in leftovers:
        if leftover not in kept:
            with contextlib.suppress(OSError):
                leftover.unlink()
    return claim


def current_owner(folder):
    """The `Owner` of a folder's run, or None.

    Raises
    ------
    OSError
        If the folder cannot be read, also not after some waiting.
    """
    chain = _read_chain(Path(folder))
    return chain[-1] if chain else None


def _read_chain(folder):
    """The claims on a folder, each before the one that took it over."""
    chain, tokens = [], set()
    path = folder / _FIRST
    while (owner := _retry(_read_owner, path)) is not None and owner.token not in tokens:
        chain.append(owner)
        tokens.add(owner.token)
        path = _successor(folder, owner.token)
    return chain


def _read_owner(path):
    try:
        identity = f"unreadable-{path.lstat().st_ino}"
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        return Owner(path, identity, is_claim=False)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        # Still being written, or its writer died: only standing still can tell.
        return Owner(path, identity)
    token = content.get("token") if isinstance(content, dict) else None
    if not isinstance(token, str) or not re.fullmatch(r"\w{1,64}", token):
        return Owner(path, identity, is_claim=False)
    count = None
    with contextlib.suppress(FileNotFoundError, ValueError):
        count = _companion(path, token).read_text()
    return Owner(
        path, token, content.get("host"), content.get("pid"), content.get("started"), count
    )


def _create(path, token):
    """Make a claim's file; False if somebody was quicker."""
    content = {
        "host": host_name(),
        "pid": os.getpid(),
        "started": process_start(os.getpid()),
        "token": token,
    }
    try:
        with open(path, "x") as file:
            try:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                path.unlink()
                raise
    except FileExistsError:
        return False
    return True


def _remove_claim(path, token):
    """Remove a claim's files, unless the name belongs to another claim by now."""
    _companion(path, token).unlink(missing_ok=True)
    owner = _retry(_read_owner, path)
    if owner is not None and owner.token == token:
        path.unlink(missing_ok=True)


def _companion(path, token):
    return path.with_name(f"{path.name}.{token}")


def _successor(folder, token):
    return folder / f"claim-after-{token}"


def _retry(action, *arguments):
    """Call a function again while the file system has a passing trouble."""
    for pause in RETRY_PAUSES:
        try:
            return action(*arguments)
        except OSError as error:
            if error.errno not in _PASSING:
                raise
        time.sleep(pause)
    return action(*arguments)
