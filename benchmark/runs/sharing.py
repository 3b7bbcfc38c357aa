"""NVIDIA's Multi-Process Service (MPS), which lets kernels of several processes run at once."""

import os
import shutil
from pathlib import Path

# CUDA's own defaults (NVIDIA, Multi-Process Service, "Environment variables").
PIPE_VARIABLE, PIPE_DIRECTORY = "CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"
CONTROL = "nvidia-cuda-mps-control"


def mps_runs():
    """Whether the control daemon of MPS serves the CUDA programs that this process starts.

    It keeps its pipes, and a file with its process id, in one folder, where programs find it.
    """
    folder = Path(os.environ.get(PIPE_VARIABLE) or PIPE_DIRECTORY)
    if not (folder / "control").exists():
        return False
    try:
        pid = int((folder / f"{CONTROL}.pid").read_text())
    except (OSError, ValueError):
        # The daemon of another user does not show it, but its pipe is there.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def advise_mps(devices, jobs):
    """What to do where several workers share a GPU without MPS.

    Parameters
    ----------
    devices : list of str
    jobs : int
        Number of workers, which take the devices in turn.

    Returns
    -------
    str or None
        One line, or None where there is nothing to advise.
    """
    gpus = [device for device in devices if device.startswith("cuda")]
    if jobs <= len(devices) or not gpus or mps_runs():
        return None
    sharing = (
        f"{jobs} workers share {'one GPU' if len(gpus) == 1 else f'{len(gpus)} GPUs'} without "
        "NVIDIA's MPS, so that one waits while another computes"
    )
    if shutil.which(CONTROL) is None:
        return f"{sharing}; MPS is not installed here, so prefer one worker a GPU and --stack"
    return (
        f"{sharing}; {CONTROL} -d starts it, before this command, and echo quit | {CONTROL} ends it"
    )
