"""Which devices a call uses, and how many workers and threads."""

import re

from ...evaluation.cores import count_cores
from ..errors import BenchError


def resolve_devices(name):
    """Turn ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps`` into a list of devices.

    Parameters
    ----------
    name : str
        ``auto`` takes all CUDA devices, else MPS, else the CPU.

    Returns
    -------
    list of str

    Raises
    ------
    BenchError
        For another name, or a device this machine does not have.
    """
    check_device(name)
    if name == "cpu":
        return ["cpu"]
    import torch

    cuda = [f"cuda:{n}" for n in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    if name == "auto":
        return cuda or mps or ["cpu"]
    chosen = mps if name == "mps" else cuda if name == "cuda" else [d for d in cuda if d == name]
    if not chosen:
        there = ", ".join(["cpu", *cuda, *mps])
        raise BenchError(
            f"--device {name}: PyTorch finds no such device here; it finds: {there}", 2
        )
    return chosen


def check_device(name):
    """Raise `BenchError` for a name that is none of a device, wherever it may be."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise BenchError(f"--device must be auto, cpu, cuda, cuda:N or mps, got {name!r}", 2)


def choose_workers(devices, jobs=None):
    """Choose the number of worker processes, and of threads of each.

    Both depend only on the machine and the option, never on what is left to train, so that a
    repeated call adds numbers in the same order.

    Parameters
    ----------
    devices : list of str
    jobs : int, optional
        Default: one a core on a CPU, one a device elsewhere.

    Returns
    -------
    jobs, threads : int
    """
    cores = count_cores()
    if jobs is None:
        jobs = cores if devices == ["cpu"] else len(devices)
    return jobs, max(1, cores // jobs)


def choose_stack(devices, stack=None):
    """Choose how many runs a worker trains together.

    Parameters
    ----------
    devices : list of str
    stack : int or "auto", optional
        Default: 1 on a CPU, where repeated training gives the same bits and stacks do not; "auto"
        elsewhere.

    Returns
    -------
    int or "auto"
    """
    if stack is None:
        return 1 if devices == ["cpu"] else "auto"
    return stack
