"""What SLURM says of itself and of a job."""

import contextlib
import os
import re
import subprocess

# Some clusters take long to answer when thousands of jobs end at once.
ANSWER_SECONDS = 60


def read_array_limit():
    """Most tasks that one job array may have here, or None where no SLURM answers.

    Both limits that SLURM's configuration knows count: ``MaxArraySize``, 0 where there are no
    arrays, and ``max_array_tasks`` among the ``SchedulerParameters``.

    Returns
    -------
    int or None
        At least 1.
    """
    text = _ask("scontrol", "show", "config")
    if text is None:
        return None
    limits = re.findall(r"^MaxArraySize\s*=\s*(\d+)|\bmax_array_tasks=(\d+)", text, re.MULTILINE)
    numbers = [max(1, int(size or tasks)) for size, tasks in limits]
    return min(numbers, default=None)


def read_job_state(job):
    """State of a job and SLURM's reason for it.

    Parameters
    ----------
    job : str
        The job's own number: ``SLURM_JOB_ID``.

    Returns
    -------
    state, reason : str
        E.g. "RUNNING" and "None", or "COMPLETING" and "TimeLimit"; "unknown" and "" where SLURM
        does not answer.
    """
    text = _ask("squeue", "--noheader", "--states=all", "--format=%T %r", f"--jobs={job}")
    state, _, reason = (text or "").strip().partition(" ")
    return state or "unknown", reason.strip()


@contextlib.contextmanager
def outside_job():
    """Hide the variables of the job that this process is in from a job that is submitted here.

    sbatch and srun take the number of tasks, CPUs and much else from these variables, and the new
    job would have them too. Outside a job nothing is hidden.
    """
    hidden = {}
    if "SLURM_JOB_ID" in os.environ:
        names = [name for name in os.environ if re.match("(SLURMD?|SRUN|SUBMITIT)_", name)]
        # This one says where the cluster is, and users may have set it.
        hidden = {name: os.environ.pop(name) for name in names if name != "SLURM_CONF"}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _ask(*command):
    """What a command prints, or None if it is missing, fails or does not answer."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
