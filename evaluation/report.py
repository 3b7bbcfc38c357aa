"""The report page: one HTML file that holds everything and asks the network for nothing."""

import base64
import importlib.resources
import json
from pathlib import Path

import jinja2
from markupsafe import Markup
from PIL import Image

from evaluation.citations import bibtex
from evaluation.labels import curve_label, method_label, setting_label
from evaluation.naming import format_number
from evaluation.records import RecordError, plain, read_json, write_atomically
from evaluation.report_choice import choices
from evaluation.report_summary import findings
from evaluation.table_parts import file_stem

# Bytes of pictures that a page takes in, before base64 adds a third.
FIGURE_BYTES = 5_500_000
PICTURE_BYTES = 3_000_000
ANIMATION_BYTES = 2_000_000
# Rows of a table that a page shows; its CSV has all.
MOST_ROWS = 200
# Of an inch of a figure: its letters of 9 points come out somewhat smaller than the text.
CSS_PIXELS = 105
_TYPES = {".png": "image/png", ".gif": "image/gif"}


def write_page(path, summary, tables, figures, reproduction, theory=None, pictures=None):
    """Write the page.

    Parameters
    ----------
    path : str or Path
        The HTML file; images left out for their size are linked relative to its folder.
    summary : evaluation.summary.Summary
    tables : list of evaluation.table_rendering.Table
    figures : list of dict
        From `evaluation.report_figures.draw_figures`.
    reproduction : dict
        `commands` (list of str), `facts` (list of (name, text)) and `notes` (list of str).
    theory, pictures : str or Path, optional
        Folders with `theory.json` and `pictures.json` and the files that these name; where they
        are missing or unreadable the page has no such section.

    Returns
    -------
    int
        Size of the page in bytes.
    """
    path = Path(path)
    embed = _Embedder(path.parent)
    sections = [_stratum(summary, i, *pair) for i, pair in enumerate(summary.strata)]
    theory = _theory(theory, embed)
    _add_figures(sections, figures, embed)
    shared = [_figure(f, embed) for f in figures if f["dataset"] is None]
    _add_pictures(sections, pictures, embed)
    shared_tables = _add_tables(sections, tables)
    citations = dict.fromkeys(key for table in tables for key in table.citations)
    text = (
        _environment()
        .get_template("page.html.j2")
        .render(
            sections=sections,
            theory=theory,
            shared_figures=shared,
            shared_tables=shared_tables,
            gaps=summary.gaps,
            reproduction=reproduction,
            references=bibtex(list(citations)) if citations else "",
            left_out=embed.left_out,
            runs=len(summary.runs),
            css=_resource("page.css"),
            script=_resource("page.js"),
        )
    )
    data = text.encode()
    write_atomically(path, data)
    return len(data)


def _environment():
    folder = importlib.resources.files("evaluation").joinpath("report_page")
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
    return environment


def _resource(name):
    folder = importlib.resources.files("evaluation").joinpath("report_page")
    return Markup(folder.joinpath(name).read_text(encoding="utf-8"))


def _lines(text):
    """Escape a text and turn its line breaks into HTML's."""
    return Markup("<br>").join(str(text).split("\n"))


def _data(value):
    """JSON that is safe within a script element."""
    return Markup(json.dumps(plain(value)).replace("<", "\\u003c"))


class _Embedder:
    """Turns image files into data URIs as long as there is room."""

    def __init__(self, folder):
        self.folder = folder
        self.room = {
            "figure": FIGURE_BYTES,
            "picture": PICTURE_BYTES,
            "animation": ANIMATION_BYTES,
        }
        self.left_out = []

    def __call__(self, path, kind="figure"):
        """A data URI; None where the file is missing or the page would grow too large."""
        try:
            size = path.stat().st_size
            if size > self.room[kind]:
                self.left_out.append(self.link(path))
                return None
            data = path.read_bytes()
        except OSError:
            return None
        self.room[kind] -= size
        return f"data:{_TYPES[path.suffix]};base64,{base64.b64encode(data).decode()}"

    def link(self, path):
        """Where a file lies, seen from the page."""
        try:
            return Path(path).relative_to(self.folder).as_posix()
        except ValueError:
            return Path(path).as_posix()


def _stratum(summary, number, dataset, protocol):
    """What the page says about one data set and protocol, still without images and tables."""
    cells = summary.part("cells", dataset, protocol)
    runs = summary.part("runs", dataset, protocol)
    choice = choices(cells)
    return {
        "id": f"part-{number}",
        "dataset": dataset,
        "protocol": protocol,
        "kind": runs["dataset_kind"].iloc[0],
        "title": f"{dataset}, protocol {protocol}",
        "findings": findings(summary, dataset, protocol),
        "choice": choice,
        "plot": _plot(choice),
        "figures": [],
        "tables": [],
        "pictures": [],
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


def _shown_width(path):
    """Width of a figure on the page in CSS pixels, the same size of letters for all; or None."""
    try:
        with Image.open(path) as image:
            return round(image.width / image.info.get("dpi", (160, 160))[0] * CSS_PIXELS)
    except OSError:
        return None


def _figure(entry, embed):
    files = entry["files"]
    png = Path(files["png"]) if "png" in files else None
    return {
        "title": entry["title"],
        "caption": entry["caption"],
        "uri": embed(png) if png else None,
        "width": _shown_width(png) if png else None,
        "links": [(kind.upper(), embed.link(file)) for kind, file in files.items()],
    }


def _add_figures(sections, figures, embed):
    """Embed the figures of data sets, what matters most of all of them first."""
    by_place = {(s["dataset"], s["protocol"]): s for s in sections}
    for entry in sorted(figures, key=lambda entry: entry["weight"]):
        section = by_place.get((entry["dataset"], entry["protocol"]))
        if section is not None:
            section["figures"].append(_figure(entry, embed))


def _add_tables(sections, tables):
    """Give every table to its data set; the rest is returned by the name of its section."""
    shared = {"rankings": [], "published": [], "gaps": []}
    for table in tables:
        shown = {
            "name": table.name,
            "title": table.title,
            "columns": table.columns,
            "rows": table.rows[:MOST_ROWS],
            "more": max(0, len(table.rows) - MOST_ROWS),
            "notes": table.notes,
        }
        own = [s for s in sections if table.name in _names_of(s)]
        if own:
            own[0]["tables"].append(shown)
        elif table.name in shared:
            shared[table.name].append(shown)
        else:
            shared["rankings"].append(shown)
    return shared


def _names_of(section):
    place = section["dataset"], section["protocol"]
    kinds = ("beta-curves", "collapse-mig", "comparison", "differences", "ranking")
    stems = (*kinds, "collapse-mi_matched_sampled")
    return {file_stem(*stem.split("|"), *place) for stem in stems}


def _theory(folder, embed):
    """The figures and table of `bench theory`, or None."""
    if folder is None:
        return None
    folder = Path(folder)
    try:
        data = read_json(folder / "theory.json")
        figures = [
            {
                "title": figure["title"],
                "caption": figure["caption"],
                "uri": embed(folder / figure["png"]),
                "width": _shown_width(folder / figure["png"]),
                "links": [(k.upper(), embed.link(folder / figure[k])) for k in ("png", "pdf")],
            }
            for figure in data["figures"]
        ]
        shown = [column for column in data["columns"] if column["key"] in _THEORY_COLUMNS]
        return {
            "figures": figures,
            "problems": data["problems"],
            "columns": shown,
            "rows": [[_theory_text(row.get(c["key"])) for c in shown] for row in data["rows"]],
            "largest_deviation": data["largest_deviation"],
            "notes": data["notes"],
            "command": data["command"],
        }
    except (FileNotFoundError, RecordError, KeyError, TypeError):
        return None


_THEORY_COLUMNS = (
    "problem",
    "beta",
    "lambda",
    "regime",
    "active",
    "information",
    "fixed_point_information",
    "nll",
    "fixed_point_nll",
    "fixed_point_deviation",
)


def _theory_text(value):
    if value is None:
        return "–"
    if isinstance(value, float):
        small = value != 0 and abs(value) < 1e-3
        return f"{value:.1e}" if small else f"{value:.4g}".replace("-", "−")
    return str(value)


def _add_pictures(sections, folder, embed):
    """Reconstructions and traversals of every setting; all strips come before any animation."""
    if folder is None:
        return
    folder = Path(folder)
    try:
        entries = read_json(folder / "pictures.json")["pictures"]
    except (FileNotFoundError, RecordError, KeyError, TypeError):
        return
    by_place = {(s["dataset"], s["protocol"]): s for s in sections}
    entries = [e for e in entries if (e["dataset"], e["protocol"]) in by_place]
    for entry in entries:
        shown = {
            "title": f"{method_label(entry['method'])}, {setting_label(entry['setting'])}",
            "label": curve_label(entry["curve"]),
            "seed": entry["seed"],
            "latents": [
                f"z{latent} {kl:.2f}"
                for latent, kl in zip(entry["latents"], entry["kl"], strict=True)
            ],
            "links": [(name, embed.link(folder / path)) for name, path in entry["files"].items()],
            "files": {name: folder / path for name, path in entry["files"].items()},
        }
        by_place[(entry["dataset"], entry["protocol"])]["pictures"].append(shown)
    shown = [picture for section in sections for picture in section["pictures"]]
    for name, kind in (
        ("reconstructions.png", "picture"),
        ("traversals.png", "picture"),
        ("traversals.gif", "animation"),
    ):
        for picture in shown:
            path = picture["files"].get(name)
            picture[name.replace(".", "_")] = embed(path, kind) if path else None
