"""Anybody's representations beside the shipped scores of a standard benchmark."""

from typing import TYPE_CHECKING

from ..lazy import import_when_used

if TYPE_CHECKING:
    from .comparing import Comparison, compare
    from .entries import ComparisonError

__getattr__ = import_when_used(
    __name__, {"Comparison": "comparing", "ComparisonError": "entries", "compare": "comparing"}
)

__all__ = ["Comparison", "ComparisonError", "compare"]
