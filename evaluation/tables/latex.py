"""Tables for a paper: LaTeX that a plain article compiles with booktabs alone."""

import textwrap

from .citations import SOFTWARE, STUDY, is_key
from .table import Table

# Characters on one line of a column's head, and of a row's.
HEAD_WIDTH, LABEL_WIDTH = 10, 16
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
# Letters whose accents LaTeX's default font encoding does not have.
_LACKING = "ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲų"


def to_latex(table: Table) -> str:
    """Table in LaTeX: a float with booktabs rules, in the compact form, sources as ``\\cite``.

    Parameters
    ----------
    table : evaluation.tables.table.Table

    Returns
    -------
    str
        Needs ``\\usepackage{booktabs}`` and a bibliography made from the `references.bib` that
        lies beside the tables.
    """
    shown = table.compact or table
    align = "l" + "c" * (len(shown.columns) - 1)
    heads = ["\n".join(_fold(name)) for name in shown.columns]
    lines = [
        "% \\usepackage{booktabs}, \\bibliography{references}",
        "\\begin{table}[htbp]",
        "\\centering",
        f"\\caption{{{latex_escape(table.title)}}}",
        f"\\label{{tab:{table.name}}}",
        "\\footnotesize",
        "\\setlength{\\tabcolsep}{2.5pt}",
        f"\\begin{{tabular}}{{{align}}}",
        "\\toprule",
        " & ".join([_cell(heads[0], "b", "l"), *(_cell(name, "b") for name in heads[1:])])
        + " \\\\",
        "\\midrule",
        *(" & ".join(_row(row)) + " \\\\" for row in shown.rows),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    notes = [latex_escape(note) for note in shown.notes]
    notes += [_sources(table)] if table.sources else []
    if notes:
        text = "\n".join(notes)
        lines.append(f"\\par\\smallskip\\parbox{{\\linewidth}}{{\\scriptsize {text}}}")
    return "\n".join([*lines, "\\end{table}"]) + "\n"


def _fold(head):
    """Lines of a column's head."""
    parts = [textwrap.wrap(line, HEAD_WIDTH, break_long_words=False) for line in head.split("\n")]
    lines = [line for part in parts for line in part]
    if len(lines) > 1 and len(lines[-1]) == 1 and len(lines[-2]) < HEAD_WIDTH:  # an arrow alone
        lines[-2:] = [" ".join(lines[-2:])]
    return lines


def _row(texts):
    label, *cells = texts
    label = "\n".join(textwrap.wrap(label, LABEL_WIDTH) or [""])
    return [_cell(label, "t", "l"), *(_cell(text, "t") for text in cells)]


def _sources(table):
    parts = [
        f"{latex_escape(', '.join(labels))} {_cite(source)}"
        for source, labels in table.cited.items()
    ]
    by = f"Computed with \\cite{{{SOFTWARE}}} after the protocol of \\cite{{{STUDY}}}."
    return f"Sources: {'; '.join(parts)}. {by}" if parts else by


def _cite(source):
    return f"\\cite{{{source}}}" if is_key(source) else f"({latex_escape(source)})"


def _cell(text, place, side="c"):
    lines = [_line(line) for line in text.split("\n")]
    if len(lines) == 1:
        return lines[0]
    return (
        f"\\begin{{tabular}}[{place}]{{@{{}}{side}@{{}}}}" + " \\\\ ".join(lines) + "\\end{tabular}"
    )


def _line(text):
    """Escaped text that a line break before it does not take for its own argument."""
    text = latex_escape(text).strip()
    return ("{}" if text.startswith(("[", "*")) else "") + text


def latex_escape(text):
    """Escape text for LaTeX; what its default fonts lack is written as its code point.

    Examples
    --------
    >>> print(latex_escape("β = 4 & 50 % of x_1"))
    $\\beta$ = 4 \\& 50 \\% of x\\_1
    """
    return "".join(_character(character) for character in text.replace("\n", " "))


def _character(character):
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii():
        return character if character.isprintable() else " "
    if "\u00c0" <= character <= "\u017e" and character not in _LACKING:
        return character
    return f"[U+{ord(character):04X}]"
