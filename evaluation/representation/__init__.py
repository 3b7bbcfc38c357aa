"""The interchange format: codes, factors and posteriors, written, read, checked and sampled."""

import importlib
from typing import Any

_PLACES = {
    "Representation": "file_format",
    "RepresentationError": "array_checks",
    "collapse_order": "posterior",
    "kl_per_latent": "posterior",
    "read_representation": "file_format",
    "sample_codes": "sampling",
    "write_representation": "file_format",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
