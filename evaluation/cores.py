"""How many processors there are for us."""

import os


def count_cores():
    """Count the CPU cores that this process may use.

    SLURM may count on its jobs to use no more than they have asked for, without holding them to it.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    allotted = os.environ.get("SLURM_CPUS_ON_NODE", "")
    return min(cores, int(allotted)) if allotted.isdecimal() and int(allotted) else cores
