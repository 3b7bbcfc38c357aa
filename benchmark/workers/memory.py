"""How much memory a process uses on a device, and how much more it could get."""

import contextlib
import ctypes
import gc
import math
import os
from pathlib import Path

import torch

from ..runs.record import peak_memory


def memory_in_use(device, peak=False):
    """Bytes in use by this process.

    Parameters
    ----------
    device : torch.device
    peak : bool, default False
        On CUDA the most since the peak was last reset, instead of now.

    Returns
    -------
    int
        On CUDA what PyTorch allocated there. Elsewhere the resident memory of the process, or its
        peak where the system does not tell the present one.
    """
    if device.type == "cuda":
        if peak:
            return torch.cuda.max_memory_allocated(device)
        return torch.cuda.memory_allocated(device)
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return peak_memory(device)


def free_memory(device):
    """Bytes that this process could still get; infinite where the system does not tell.

    Parameters
    ----------
    device : torch.device
    """
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    return math.inf


def release_memory(device):
    """Give back what nothing refers to any more, and let a new peak begin."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    elif device.type == "cpu":
        with contextlib.suppress(OSError, AttributeError):
            # Of glibc; otherwise what is used next would not show as growth.
            ctypes.CDLL(None).malloc_trim(0)
