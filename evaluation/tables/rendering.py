"""How a table is written as Markdown, CSV and plain text, and all tables into a folder."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from tabulate import tabulate

from ..files import write_atomically
from .citations import bibtex
from .latex import to_latex
from .table import Table


def to_text(table: Table) -> str:
    """Table for a terminal, with its notes.

    Parameters
    ----------
    table : evaluation.tables.table.Table

    Returns
    -------
    str
    """
    grid = _grid(table, "simple", lambda text: text)
    return "\n".join([table.title, "", grid, *(f"  {note}" for note in table.notes)])


def _grid(table, style, escape):
    rows = [[escape(cell) for cell in row] for row in table.rows]
    heads = [escape(name) for name in table.columns]
    return tabulate(rows, heads, tablefmt=style, disable_numparse=True)


def to_markdown(table: Table) -> str:
    """Table in Markdown with notes and a folded BibTeX block.

    Parameters
    ----------
    table : evaluation.tables.table.Table

    Returns
    -------
    str
    """
    parts = [f"### {_markdown(table.title)}", _grid(table, "pipe", _markdown)]
    if table.notes:
        parts.append("\n".join(f"- {_markdown(note)}" for note in table.notes))
    if table.citations:
        # Folded on the sites that show Markdown: the entries are longer than the table.
        parts += [
            "<details>\n<summary>References (BibTeX)</summary>",
            f"```bibtex\n{bibtex(table.citations)}\n```",
            "</details>",
        ]
    return "\n\n".join(parts) + "\n"


def _markdown(text):
    text = text.replace("\\", "\\\\")
    for mark in "|*_`[]":
        text = text.replace(mark, "\\" + mark)
    return text.replace("<", "&lt;").replace("\n", "<br>")


def to_csv(table: Table) -> str:
    """The table's numbers as CSV, in full precision, notes and BibTeX keys in every row.

    Texts that a spreadsheet would take for a formula, because they begin with ``=``, ``+``,
    ``-``, ``@`` or a blank, get an apostrophe before them.

    Parameters
    ----------
    table : evaluation.tables.table.Table

    Returns
    -------
    str
    """
    data = table.data.assign(notes=" | ".join(table.notes), cite=" ".join(table.citations))
    for name in data.select_dtypes(exclude="number"):
        data[name] = data[name].map(_neutral)
    text = io.StringIO()
    data.to_csv(text, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    return text.getvalue()


def _neutral(value):
    if not isinstance(value, str):
        return value
    value = value.replace("\r", " ")  # which readers of CSV take for the end of a row
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", " ") else value


def write_tables(tables: Iterable[Table], folder: str | os.PathLike[str]) -> list[Path]:
    """Write every table as `.md`, `.tex` and `.csv`, and `references.bib` for all of them.

    Parameters
    ----------
    tables : iterable of evaluation.tables.table.Table
    folder : str or Path
        Made if it is missing; files of the same names are replaced.

    Returns
    -------
    list of Path
    """
    folder, written, keys = Path(folder), [], {}
    for table in tables:
        keys.update(dict.fromkeys(table.citations))
        for suffix, render in ((".md", to_markdown), (".tex", to_latex), (".csv", to_csv)):
            path = folder / f"{table.name}{suffix}"
            write_atomically(path, render(table))
            written.append(path)
    if keys:
        write_atomically(folder / "references.bib", bibtex(keys) + "\n")
        written.append(folder / "references.bib")
    return written
