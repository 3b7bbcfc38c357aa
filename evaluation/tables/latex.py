"""Tables for a paper: LaTeX that a plain article compiles with booktabs alone."""

import re
import textwrap
from collections.abc import Collection

from .citations import SOFTWARE, STUDY, is_key
from .parts import method_of
from .table import Table

# Characters on one line of a column's head, and of a row's.
HEAD_WIDTH, LABEL_WIDTH = 10, 16
_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "varepsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "varphi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Ξ": "Xi",
    "Π": "Pi",
    "Σ": "Sigma",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
}
# A Greek or capital letter with a subscript, as in λ_od and C_max; other names stay names.
_SUBSCRIPT = re.compile(rf"(?<!\w)([A-Z{''.join(_GREEK)}])_([A-Za-z0-9]+)(?!\w)")
_OPERATORS = {"max": r"\max", "min": r"\min"}
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
    **{letter: f"$\\{name}$" for letter, name in _GREEK.items()},
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


def rows_to_latex(table: Table, labels: Collection[str]) -> str:
    """Some rows of a table for another one, with their columns in a comment.

    Parameters
    ----------
    table : evaluation.tables.table.Table
    labels : collection of str
        What stands in the first column of the rows.

    Returns
    -------
    str
        A comment, and a line for each row.
    """
    shown = table.compact or table
    heads = " & ".join(latex_escape(name.replace("\n", " ")) for name in shown.columns)
    rows = [row for row in shown.rows if method_of(row) in labels]
    lines = [" & ".join(_line(cell.replace("\n", " ")) for cell in row) + " \\\\" for row in rows]
    return "\n".join([f"% {latex_escape(table.title)}: {heads}", *lines]) + "\n"


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

    A Greek or capital letter with a subscript becomes a formula.

    Examples
    --------
    >>> print(latex_escape("β = 4 & 50 % of x_1"))
    $\\beta$ = 4 \\& 50 \\% of x\\_1
    >>> print(latex_escape("C_max = 25, λ_od = 2"))
    $C_{\\max}$ = 25, $\\lambda_{od}$ = 2
    """
    parts = _SUBSCRIPT.split(text.replace("\n", " "))
    escaped = ["".join(map(_character, plain)) for plain in parts[::3]]
    formulas = map(_subscript, parts[1::3], parts[2::3])
    return "".join(part for pair in zip(escaped, [*formulas, ""], strict=True) for part in pair)


def _subscript(letter, below):
    letter = f"\\{_GREEK[letter]}" if letter in _GREEK else letter
    return f"${letter}_{{{_OPERATORS.get(below, below)}}}$"


def _character(character):
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii():
        return character if character.isprintable() else " "
    if "\u00c0" <= character <= "\u017e" and character not in _LACKING:
        return character
    return f"[U+{ord(character):04X}]"
