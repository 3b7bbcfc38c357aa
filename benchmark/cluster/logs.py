"""Where the jobs of a results folder have their scripts and logs."""

import os
from pathlib import Path

FOLDER = "jobs"


def jobs_folder(results):
    """The folder of scripts and logs below a results folder."""
    return Path(results) / FOLDER


def log_file(results, job):
    """The log of a job or of a task of an array, whether it is there or not.

    Parameters
    ----------
    results : path
    job : str
        ``job`` or ``array_task``, as run.json has it.

    Examples
    --------
    >>> print(log_file("results", "1207_3"))
    results/jobs/1207_3_0_log.out
    """
    return jobs_folder(results) / f"{job}_0_log.out"


def count_logs(results):
    """Number of logs below a results folder."""
    try:
        return sum(entry.name.endswith("_log.out") for entry in os.scandir(jobs_folder(results)))
    except OSError:
        return 0
