"""A table, and how it is written as Markdown, LaTeX, CSV and plain text."""

import csv
import dataclasses
import io
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from ..files import write_atomically
from .citations import bibtex

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "→": r"$\rightarrow$",
    "β": r"$\beta$",
    "λ": r"$\lambda$",
    "γ": r"$\gamma$",
    "Σ": r"$\Sigma$",
    "σ": r"$\sigma$",
    "μ": r"$\mu$",
    "²": r"$^2$",
    "−": r"$-$",
    "–": "--",
    "—": "---",
    "…": r"\dots{}",
    "§": r"\S{}",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "’": "'",
    "“": "``",
    "”": "''",
    "\N{NO-BREAK SPACE}": "~",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A table as people read it, and the same numbers as data.

    Attributes
    ----------
    name : str
        File stem.
    title : str
    columns : tuple of str
    rows : tuple of tuple of str
        Texts; a line break within a cell is a newline.
    data : DataFrame
        The numbers behind it, one row a number or comparison: what the CSV holds.
    notes : tuple of str
        What has to stand below: data, protocol, seeds, variants, reference values.
    citations : tuple of str
        BibTeX keys.
    """

    name: str
    title: str
    columns: tuple
    rows: tuple
    data: pd.DataFrame
    notes: tuple = ()
    citations: tuple = ()


def to_text(table):
    """Table for a terminal, with its notes.

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


def to_markdown(table):
    """Table in Markdown with notes and a BibTeX block.

    Returns
    -------
    str
    """
    parts = [f"### {_markdown(table.title)}", _grid(table, "pipe", _markdown)]
    if table.notes:
        parts.append("\n".join(f"- {_markdown(note)}" for note in table.notes))
    if table.citations:
        parts.append(f"```bibtex\n{bibtex(table.citations)}\n```")
    return "\n\n".join(parts) + "\n"


def _markdown(text):
    text = text.replace("\\", "\\\\")
    for mark in "|*_`[]":
        text = text.replace(mark, "\\" + mark)
    return text.replace("<", "&lt;").replace("\n", "<br>")


def to_latex(table):
    """Table in LaTeX: a float with booktabs rules, notes below and BibTeX as comments.

    Needs the packages booktabs and graphicx; a table wider than the line is scaled down to it.

    Returns
    -------
    str
    """
    align = "l" + "c" * (len(table.columns) - 1)
    lines = [
        "% \\usepackage{booktabs,graphicx}",
        "\\begin{table}[htbp]",
        "\\centering",
        f"\\caption{{{latex_escape(table.title)}}}",
        f"\\label{{tab:{table.name}}}",
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        f"\\begin{{tabular}}{{{align}}}",
        "\\toprule",
        " & ".join(_latex_cell(name) for name in table.columns) + " \\\\",
        "\\midrule",
        *(" & ".join(_latex_cell(cell) for cell in row) + " \\\\" for row in table.rows),
        "\\bottomrule",
        "\\end{tabular}}",
    ]
    if table.notes:
        notes = "\\\\\n".join(_latex_line(note) for note in table.notes)
        lines.append(f"\\par\\smallskip\\parbox{{\\linewidth}}{{\\footnotesize {notes}}}")
    lines.append("\\end{table}")
    if table.citations:
        lines += [f"% {line}".rstrip() for line in bibtex(table.citations).split("\n")]
    return "\n".join(lines) + "\n"


def _latex_cell(text):
    lines = [_latex_line(line) for line in text.split("\n")]
    if len(lines) == 1:
        return lines[0]
    return "\\begin{tabular}[t]{@{}c@{}}" + " \\\\ ".join(lines) + "\\end{tabular}"


def _latex_line(text):
    """Escaped text that a line break before it does not take for its own argument."""
    return ("{}" if text.startswith(("[", "*")) else "") + latex_escape(text)


def latex_escape(text):
    """Escape text for LaTeX; what its default fonts lack is written as its code point.

    Examples
    --------
    >>> print(latex_escape("β = 4 & 50 % of x_1"))
    $\\beta$ = 4 \\& 50 \\% of x\\_1
    """
    return "".join(_latex_character(character) for character in text.replace("\n", " "))


def _latex_character(character):
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii():
        return character if character.isprintable() else " "
    if "\u00c0" <= character <= "\u017e":
        return character
    return f"[U+{ord(character):04X}]"


def to_csv(table):
    """The table's numbers as CSV, in full precision, notes and BibTeX keys in every row.

    Returns
    -------
    str
    """
    data = table.data.assign(notes=" | ".join(table.notes), cite=" ".join(table.citations))
    text = io.StringIO()
    data.to_csv(text, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    return text.getvalue()


def write_tables(tables, folder):
    """Write every table as `.md`, `.tex` and `.csv`, and `references.bib` for all of them.

    Parameters
    ----------
    tables : iterable of Table
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
