"""Where a result came from: code, versions, machine and command."""

import importlib.metadata
import os
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
        ``versions``, ``platform`` and ``processor``; and ``slurm_job`` in a job of SLURM.
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
        **describe_job(),
    }


def describe_job():
    """The job of SLURM that this process belongs to: ``slurm_job``, as ``job`` or ``array_task``.

    Returns
    -------
    dict
        Empty outside of SLURM.
    """
    job, array = os.environ.get("SLURM_JOB_ID"), os.environ.get("SLURM_ARRAY_JOB_ID")
    if array:
        job = f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID')}"
    return {"slurm_job": job} if job else {}


def command_line():
    """The command as the user could paste it again."""
    name = Path(sys.argv[0]).name
    # Called as a module, as the jobs of `bench submit` do.
    return shlex.join(["bench" if name == "cli.py" else name, *sys.argv[1:]])


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
