"""Checkpoints: written whole, read only when nothing in them is damaged."""

import io
import zipfile

import torch

from ...evaluation.files import write_atomically
from ..errors import BenchError

_PARTS = {"step", "seconds", "model", "optimiser", "recorder", "random", "threads", "config_sha256"}


def write_checkpoint(path, state):
    """Write a training state.

    Parameters
    ----------
    path : Path
    state : dict
        Tensors and plain values.

    Raises
    ------
    BenchError
        If the file cannot be written; what lay there before is untouched.
    """
    archive = io.BytesIO()
    torch.save(state, archive)
    try:
        write_atomically(path, archive.getvalue())
    except OSError as error:
        raise BenchError(f"cannot write {path}: {error.strerror}") from error


def read_checkpoint(path, advice):
    """Read a training state to the host.

    Every part of the file is compared with the checksum that the archive holds, because PyTorch
    does not do so and would continue from damaged weights.

    Parameters
    ----------
    path : Path
    advice : str
        What to do when the checkpoint cannot be used.

    Returns
    -------
    dict
        Nothing but tensors and plain values.

    Raises
    ------
    BenchError
        If it is missing, damaged or no checkpoint; one line.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BenchError(f"{path} is missing; {advice}") from None
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}); {advice}") from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            intact = archive.testzip() is None
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError, RuntimeError):
        intact = False
    if not intact:
        raise BenchError(f"{path} is damaged: its checksums do not hold; {advice}")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:
        # PyTorch's own text spans lines and recommends to execute what the file holds.
        state = None
    if not isinstance(state, dict) or not state.keys() >= _PARTS:
        raise BenchError(f"{path} is not a checkpoint of bench train; {advice}")
    return state
