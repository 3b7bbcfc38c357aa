"""The report page: one HTML file that holds everything and asks the network for nothing."""

import importlib.resources
import json
import re
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from ..files import plain, write_atomically
from ..naming import format_number
from ..tables.citations import bibtex
from .all_findings import list_findings
from .choice import list_choices
from .figures import MANY
from .findings import main_findings
from .first_screen import compare_strata, describe_study, rank_compactly, study_notes
from .parts import Embedder, add_pictures, show_figure, theory_section
from .scores import explain_scores

# Rows of a table that a page shows; its CSV has all.
MOST_ROWS = 200
# Rows from which on a table scrolls by itself below its heads.
LONG = 25
# What a data set's part of the page consists of, with the headings.
PARTS = {
    "comparison": "Comparison of methods",
    "curves": "Curves",
    "trade-off": "Reconstruction against disentanglement",
    "factors": "Codes and factors",
    "pictures": "Pictures",
    "agreement": "Agreement",
    "scores": "What the scores mean",
}
# Tables, by how their names begin or, for curves over anything, by what they contain.
TABLES = {
    "comparison-": "comparison",
    "ranking-other-": "scores",
    "ranking-": "comparison",
    "differences-": "comparison",
    "collapse-": "curves",
    "confirmation-": "curves",
    "udr-": "agreement",
    "scores-": "scores",
    "details-": "scores",
    "undefined-": "scores",
    "-curves-other-": "scores",
    "-curves-": "curves",
}
# Of these a page shows the table open; of all others the name.
OPEN = ("comparison-", "-curves-")


@dataclass(frozen=True)
class WrittenPage:
    """A page that was written.

    Attributes
    ----------
    path : Path
    size : int
        Bytes.
    ignored : tuple of str
        One line for everything in `theory.json` and `pictures.json` that is not what it should be.
    """

    path: Path
    size: int
    ignored: tuple[str, ...]


def write_page(path, summary, tables, figures, reproduction, theory=None, pictures=None):
    """Write the page.

    Parameters
    ----------
    path : str or Path
        The HTML file; images left out for their size are linked relative to its folder.
    summary : evaluation.statistics.summary.Summary
    tables : list of evaluation.tables.table.Table
    figures : list of SavedFigure
        From `evaluation.page.figures.draw_figures`.
    reproduction : dict
        `commands` (list of str), `facts` (list of (name, text)) and `notes` (list of str).
    theory, pictures : str or Path, optional
        Folders with `theory.json` and `pictures.json` and the files that these name; where they
        are missing or unreadable the page has no such section.

    Returns
    -------
    WrittenPage
    """
    path = Path(path)
    embed = Embedder(path.parent)
    sections = {place: _stratum(summary, i, *place) for i, place in enumerate(summary.strata)}
    theory = theory_section(theory, embed)
    _add_figures(sections, figures, embed)
    shared = [_figure(f, embed) for f in figures if f.dataset is None]
    add_pictures(sections, pictures, embed, summary.runs)
    shared_tables = _add_tables(sections, tables)
    citations = dict.fromkeys(key for table in tables for key in table.citations)
    text = (
        _environment()
        .get_template("page.html.j2")
        .render(
            sections=list(sections.values()),
            overview=compare_strata(summary) if len(sections) > 1 else None,
            places={place: section["id"] for place, section in sections.items()},
            parts=PARTS,
            many=len(sections) >= MANY,
            theory=theory,
            shared_figures=shared,
            shared_tables=shared_tables,
            gaps=summary.gaps,
            reproduction=reproduction,
            references=bibtex(list(citations)) if citations else "",
            left_out=embed.left_out,
            ignored=embed.ignored,
            runs=len(summary.runs),
            css=_resource("page.css"),
            script=_resource("page.js"),
        )
    )
    data = text.encode()
    write_atomically(path, data)
    return WrittenPage(path, len(data), tuple(embed.ignored))


def _environment():
    folder = importlib.resources.files(__package__).joinpath("templates")
    source = {"page.html.j2": folder.joinpath("page.html.j2").read_text(encoding="utf-8")}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(source),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["lines"] = _lines
    environment.filters["data"] = _data
    environment.filters["num"] = format_number
    environment.filters["whole"] = _keep_together
    return environment


def _resource(name):
    folder = importlib.resources.files(__package__).joinpath("templates")
    return Markup(folder.joinpath(name).read_text(encoding="utf-8"))


# Blanks at which no line breaks: in "0.1 ± 0.2", "[0.1, 0.2]", "β = 8", "(best of 3)" and "MIG ↑".
CLOSE = re.compile(
    r" (?=[=±↑↓])|(?<=[=±]) |(?<=\(best) |(?<= of) (?=\d+\))|(?<=\d,) (?=[-−\d.]+\])"
)


def _lines(text):
    """Escape the text of a cell and turn its line breaks into HTML's; numbers stay in one piece."""
    return Markup("<br>").join(CLOSE.sub("\N{NO-BREAK SPACE}", str(text)).split("\n"))


def _keep_together(text):
    """A sentence whose settings (β = 8) and hyphened names (β-VAE) are not broken into lines."""
    words = re.split(
        r"(\S*\w-\w\S*)", str(text).replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    )
    parts = [
        Markup('<span class="whole">{}</span>').format(word)
        if place % 2 and len(word) < 24
        else word
        for place, word in enumerate(words)
    ]
    return Markup("").join(parts)


def _data(value):
    """JSON that is safe within a script element."""
    return Markup(json.dumps(plain(value)).replace("<", "\\u003c"))


def _stratum(summary, number, dataset, protocol):
    """What the page says about one data set and protocol, still without images and tables."""
    cells = summary.part("cells", dataset, protocol)
    runs = summary.part("runs", dataset, protocol)
    choice = list_choices(cells)
    return {
        "id": f"part-{number}",
        "title": f"{dataset}, protocol {protocol}",
        "study": describe_study(runs),
        "warnings": study_notes(runs),
        "findings": main_findings(summary, dataset, protocol),
        "all_findings": list_findings(summary, dataset, protocol),
        "ranking": rank_compactly(summary, dataset, protocol),
        "choice": choice,
        "plot": _plot(choice),
        "first": None,
        "figures": {part: [] for part in PARTS},
        "tables": {part: [] for part in PARTS},
        "pictures": [],
        "scores": explain_scores(summary, dataset, protocol),
    }


def _plot(choice):
    """Places of the slider's points in a drawing of 100 × 60 units."""
    if choice is None:
        return None
    nll = [point["nll"] for point in choice["points"]]
    score = [point["score"] for point in choice["points"]]
    wide = max(nll) - min(nll) or 1.0
    tall = max(score) - min(score) or 1.0
    return {
        "x": [round(8 + 84 * (value - min(nll)) / wide, 2) for value in nll],
        "y": [round(52 - 44 * (value - min(score)) / tall, 2) for value in score],
        "nll": (min(nll), max(nll)),
        "score": (min(score), max(score)),
    }


def _figure(entry, embed):
    return show_figure(entry.title, entry.caption, entry.files, embed, entry.narrow)


def _add_figures(sections, figures, embed):
    """Embed the figures of data sets, what matters most of all of them first.

    The first of each stands on top of its data set, every other one in its part.
    """
    for entry in sorted(figures, key=lambda entry: entry.weight):
        section = sections.get((entry.dataset, entry.protocol))
        if section is None:
            continue
        shown = _figure(entry, embed) | {"short": _shorten(entry.title, section)}
        if section["first"] is None:
            section["first"] = shown
        else:
            section["figures"][entry.part].append(shown)


def _shorten(title, section):
    """A title within the part of the page on a data set, whose name need not be said again."""
    return title.replace(f" on {section['title']}", "")


def _add_tables(sections, tables):
    """Give every table to its data set; the rest is returned by the name of its section."""
    shared = {"rankings": [], "published": [], "gaps": []}
    for table in tables:
        begins = next((b for b in TABLES if table.name.startswith(b)), None)
        begins = begins or next((b for b in TABLES if b[0] == "-" and b in table.name), None)
        shown = {
            "name": table.name,
            "title": table.title,
            "short": table.title,
            "columns": table.columns,
            "rows": table.rows[:MOST_ROWS],
            "more": max(0, len(table.rows) - MOST_ROWS),
            "long": len(table.rows) > LONG,
            "notes": table.notes,
            "open": not table.secondary and (begins in OPEN or TABLES.get(begins) == "scores"),
        }
        if table.place in sections:
            shown["short"] = _shorten(table.title, sections[table.place])
            sections[table.place]["tables"][TABLES.get(begins, "scores")].append(shown)
        elif table.name in shared:
            shared[table.name].append(shown | {"open": True})
        else:
            shared["rankings"].append(shown | {"open": not table.secondary})
    return shared
