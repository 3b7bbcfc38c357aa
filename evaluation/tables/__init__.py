"""Numbers into tables with their notes, written as Markdown, LaTeX and CSV.

Each function takes a `Summary` and returns a `Table`; its `data` is the frame behind it.
"""

from typing import TYPE_CHECKING

from ..lazy import import_when_used

if TYPE_CHECKING:
    from .citations import bibtex
    from .collapse import collapse_table, published_table
    from .confirmation import confirmation_table
    from .latex import to_latex
    from .methods import comparison_table, differences_table, ranking_table
    from .others import other_curves_table, other_scores_table, undefined_table
    from .rendering import to_csv, to_markdown, to_text, write_tables
    from .table import Table
    from .tables import all_tables, curve_table, gaps_table
    from .udr import udr_table

__getattr__ = import_when_used(
    __name__,
    {
        "Table": "table",
        "all_tables": "tables",
        "bibtex": "citations",
        "collapse_table": "collapse",
        "comparison_table": "methods",
        "confirmation_table": "confirmation",
        "curve_table": "tables",
        "differences_table": "methods",
        "gaps_table": "tables",
        "other_curves_table": "others",
        "other_scores_table": "others",
        "published_table": "collapse",
        "ranking_table": "methods",
        "to_csv": "rendering",
        "to_latex": "latex",
        "to_markdown": "rendering",
        "to_text": "rendering",
        "udr_table": "udr",
        "undefined_table": "others",
        "write_tables": "rendering",
    },
)

__all__ = [
    "Table",
    "all_tables",
    "bibtex",
    "collapse_table",
    "comparison_table",
    "confirmation_table",
    "curve_table",
    "differences_table",
    "gaps_table",
    "other_curves_table",
    "other_scores_table",
    "published_table",
    "ranking_table",
    "to_csv",
    "to_latex",
    "to_markdown",
    "to_text",
    "udr_table",
    "undefined_table",
    "write_tables",
]
