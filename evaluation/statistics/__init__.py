"""Frames in, frames out: cells, selection, intervals, ranking, trends. No prose and no drawing.

`collect` reads a results folder, `summarise` computes every statistic of it.
"""

from typing import TYPE_CHECKING

from ..lazy import import_when_used

if TYPE_CHECKING:
    from .agreement import correlate_metrics
    from .cells import collect, compute_cells, tidy
    from .confirm import confirm_primary
    from .gaps import find_gaps
    from .labels import KeyFacts, describe_key
    from .ranking import compare_methods, rank_methods
    from .run_reading import ScoresError
    from .selection import select_settings
    from .summary import Summary, summarise
    from .trend_table import describe_trends

__getattr__ = import_when_used(
    __name__,
    {
        "KeyFacts": "labels",
        "ScoresError": "run_reading",
        "Summary": "summary",
        "collect": "cells",
        "compare_methods": "ranking",
        "compute_cells": "cells",
        "confirm_primary": "confirm",
        "correlate_metrics": "agreement",
        "describe_key": "labels",
        "describe_trends": "trend_table",
        "find_gaps": "gaps",
        "rank_methods": "ranking",
        "select_settings": "selection",
        "summarise": "summary",
        "tidy": "cells",
    },
)

__all__ = [
    "KeyFacts",
    "ScoresError",
    "Summary",
    "collect",
    "compare_methods",
    "compute_cells",
    "confirm_primary",
    "correlate_metrics",
    "describe_key",
    "describe_trends",
    "find_gaps",
    "rank_methods",
    "select_settings",
    "summarise",
    "tidy",
]
