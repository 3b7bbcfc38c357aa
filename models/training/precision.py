"""How precisely and how repeatably a process computes on a CUDA device."""

import os
import warnings

import torch

# What cuBLAS needs to repeat its sums; read when the process first multiplies matrices.
REPEATABLE_WORKSPACE = ":4096:8"


def apply(device, tf32="convolutions", deterministic=False):
    """Set how the process computes on a device from now on.

    Parameters
    ----------
    device : torch.device
        The TF32 flags and cuDNN's search are those of CUDA devices; on others they stay.
    tf32 : str, default "convolutions"
        What may round its operands to TF32, which keeps 10 bits of the mantissa: "none",
        "convolutions" (PyTorch's own default) or "all", which adds matrix products.
    deterministic : bool, default False
        Use no algorithm whose result varies from call to call, and raise an error where there is
        no other; by default cuDNN tries its algorithms out and keeps the fastest.

    Returns
    -------
    dict
        As `read`.
    """
    if device.type == "cuda":
        _allow_tf32(torch.backends.cudnn, tf32 != "none", ("conv", "rnn"))
        _allow_tf32(torch.backends.cuda.matmul, tf32 == "all")
        torch.backends.cudnn.benchmark = not deterministic
        torch.backends.cudnn.deterministic = deterministic
        if deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", REPEATABLE_WORKSPACE)
    torch.use_deterministic_algorithms(deterministic)
    # Filling new memory finds mistakes in kernels; it decides no result, and costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False
    return read()


def read():
    """How the process computes: the TF32 flags, cuDNN's search and determinism, by name."""
    return {
        "tf32_matmul": _read_tf32(torch.backends.cuda.matmul),
        "tf32_cudnn": _read_tf32(torch.backends.cudnn),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def _allow_tf32(backend, allowed, parts=()):
    """Let a backend use TF32 or not, by whichever setting this version of PyTorch has.

    The older one is tried first: it keeps the newer one in step, whereas PyTorch refuses to read
    the older one once the newer was used.
    """
    if _read_tf32(backend) is allowed:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            backend.allow_tf32 = allowed
        if _read_tf32(backend) is allowed:
            return
    except (AttributeError, RuntimeError):
        pass
    for part in [getattr(backend, name) for name in parts] or [backend]:
        part.fp32_precision = "tf32" if allowed else "ieee"


def _read_tf32(backend):
    """Whether a backend may use TF32; PyTorch's newer setting, as text, where somebody used it."""
    try:
        return backend.allow_tf32
    except (AttributeError, RuntimeError):
        return getattr(backend, "fp32_precision", None)
