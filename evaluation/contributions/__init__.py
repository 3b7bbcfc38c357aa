"""Archives by which others hand in a row of a standard table: packed, opened, and scored again."""

from ..lazy import import_when_used

_PLACES = {
    "ContributionError": "problems",
    "TEMPLATE": "about",
    "pack": "packing",
    "read_about": "about",
    "verify": "verifying",
}

__all__ = sorted(_PLACES)

__getattr__ = import_when_used(__name__, _PLACES)
