"""The interchange format: codes, factors and posteriors, written, read, checked and sampled."""

from ..lazy import import_when_used

_PLACES = {
    "Representation": "representation",
    "RepresentationError": "array_checks",
    "Shared": "representation",
    "collapse_order": "posterior",
    "kl_per_latent": "posterior",
    "read_representation": "file_format",
    "sample_codes": "sampling",
    "write_representation": "file_format",
}

__all__ = sorted(_PLACES)

__getattr__ = import_when_used(__name__, _PLACES)
