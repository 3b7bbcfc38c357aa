"""Where a result came from: code, versions, machine and command."""

import importlib.metadata
import platform
import shlex
import subprocess
import sys
from pathlib import Path

PACKAGES = ("disentanglement-bench", "torch", "numpy", "scipy", "scikit-learn", "h5py")


def collect():
    """Describe the code and the machine.

    Returns
    -------
    dict
        ``git_commit`` and ``git_dirty`` (None when the code does not lie in a git checkout),
        ``versions``, ``platform`` and ``processor``.
    """
    commit, dirty = _git_state(Path(__file__).resolve().parent)
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        versions[name] = importlib.metadata.version(name)
    return {
        "git_commit": commit,
        "git_dirty": dirty,
        "versions": versions,
        "platform": platform.platform(),
        "processor": _processor(),
    }


def command_line():
    """The command as the user could paste it again."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def _git_state(folder):
    """Commit and whether tracked files differ from it; (None, None) outside a checkout."""
    # The package must be tracked there: a virtual environment inside some other project's
    # checkout would otherwise report that project's commit.
    tracked = _git(folder, "ls-files", "--error-unmatch", "provenance.py")
    commit = _git(folder, "rev-parse", "HEAD")
    if tracked is None or commit is None:
        return None, None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return commit, bool(changes)


def _git(folder, *arguments):
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
