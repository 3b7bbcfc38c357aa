"""What run.json says of a run."""

import resource
import sys
import time

import torch

from ...evaluation.files import plain
from ...evaluation.naming import one_line
from ...models.training import precision
from ...models.training.recording import Diverged
from ..errors import BenchError
from ..protocol.plan import config_sha256
from .outcome import Outcome
from .provenance import describe_job
from .sharing import mps_runs


def describe_run(spec, dataset):
    """What a run is: the part of its record that no machine and no ending changes.

    Parameters
    ----------
    spec : RunSpec
    dataset : Dataset

    Returns
    -------
    dict
    """
    parent = None
    if spec.parent is not None:
        parent = {
            "path": spec.parent.path,
            "config_sha256": config_sha256(spec.parent.resolved()),
        }
    resolved = spec.resolved()
    channels = dataset.source.image_shape[2]
    side = spec.config.image_size or dataset.source.image_shape[0]
    return {
        "run": spec.identity(),
        "method": spec.method(),
        "config": resolved,
        "config_sha256": config_sha256(resolved),
        "parent": parent,
        "dataset": dict(dataset.identity),
        "notes": [*dataset.notes, *spec.notes],
        "unidentifiable_factors": list(dataset.unidentifiable_factors),
        "pixels": channels * side * side,
    }


def describe_session(device, compiled, first_step, members=1):
    """What the numbers of one session depend on, beyond the configuration.

    A session is one process's part of a run; a run that was continued has several.

    Parameters
    ----------
    device : torch.device
    compiled : bool
    first_step : int
        The step at which the session began.
    members : int
        Number of runs that are trained together.

    Returns
    -------
    dict
        Plain values.
    """
    return {
        "first_step": first_step,
        "device": describe_device(device),
        "threads": torch.get_num_threads(),
        "compile": compiled,
        "stack": members,
        # Set once steps were replayed from a graph.
        "graph": False,
        **precision.read(),
        "cudnn_version": torch.backends.cudnn.version(),
        "torch": str(torch.__version__),
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        **({"mps": mps_runs()} if device.type == "cuda" else {}),
        **describe_job(),
    }


def describe_device(device):
    """A device's name, with the model of a GPU."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def peak_memory(device):
    """Bytes: on a CUDA device what was allocated there, else the process's resident peak.

    Either counts all runs that the process trains together.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def refuse_other_data(record, dataset, whose):
    """Raise `BenchError` if a run was trained on other data than `dataset`.

    Parameters
    ----------
    record : dict
        The run's record.
    dataset : Dataset
    whose : str
        Which run it is, for the message.
    """
    before, now = record.get("dataset"), plain(dict(dataset.identity))
    if before and before != now:
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        changes = "; ".join(f"{k}: {before.get(k)} then, {now.get(k)} now" for k in keys)
        raise BenchError(f"{whose} was trained on other data ({changes}); use --tag NAME for these")


def explain_failure(error, members=1):
    """The outcome of a run that an exception ended: one line, and what to do where it is known.

    Parameters
    ----------
    error : BaseException
    members : int
        Number of runs that were trained together and ended by it.

    Returns
    -------
    Outcome
    """
    if is_out_of_memory(error):
        fewer = f"train fewer than {members} runs together with --stack, " if members > 1 else ""
        return Outcome(
            "failed",
            f"out of memory: {fewer}lower the batch with --set batch_size=…, or run fewer workers "
            "with --jobs",
        )
    if isinstance(error, (BenchError, Diverged)):
        return Outcome("failed", one_line(error, 1000))
    if isinstance(error, OSError) and error.filename is not None:
        return Outcome("failed", one_line(f"{error.filename}: {error.strerror}"))
    if isinstance(error, SystemExit):
        return Outcome("failed", one_line(f"the model called sys.exit({error.code!r})"))
    lines = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
    return Outcome("failed", one_line(reason), unexpected=True)


def is_out_of_memory(error):
    """Whether an exception says that the host or the device has no memory left."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )
