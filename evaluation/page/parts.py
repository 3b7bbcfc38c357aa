"""Parts of the report page that are read from files: images, theory and pictures."""

import base64
from pathlib import Path

from PIL import Image

from ..statistics.axes import setting_label
from .manifests import read_pictures, read_theory

# Bytes of pictures that a page takes in, before base64 adds a third.
FIGURE_BYTES = 5_500_000
PICTURE_BYTES = 3_000_000
ANIMATION_BYTES = 2_000_000
# Of an inch of a figure: its letters of 9 points come out somewhat smaller than the text.
CSS_PIXELS = 105
_TYPES = {".png": "image/png", ".gif": "image/gif"}


class Embedder:
    """Turns image files into data URIs as long as there is room.

    Parameters
    ----------
    folder : Path
        Folder of the page.

    Attributes
    ----------
    left_out : list of str
        Files for which there was no room.
    ignored : list of str
        One line for everything in files beside the page that is not what it should be.
    """

    def __init__(self, folder):
        self.folder = folder
        self.room = {
            "figure": FIGURE_BYTES,
            "picture": PICTURE_BYTES,
            "animation": ANIMATION_BYTES,
        }
        self.left_out = []
        self.ignored = []

    def __call__(self, path, kind="figure"):
        """A data URI; None where the file is missing or the page would grow too large."""
        try:
            if path.suffix not in _TYPES:
                return None
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


def shown_width(path):
    """Width of a PNG file in CSS pixels, so that all letters have one size; None if unreadable."""
    try:
        with Image.open(path) as image:
            return round(image.width / image.info.get("dpi", (160, 160))[0] * CSS_PIXELS)
    except (OSError, ValueError, ArithmeticError, Image.DecompressionBombError):
        return None


def show_figure(title, caption, files, embed, narrow=None):
    """A figure for the template: its PNG files embedded, and links to all but the narrow one."""
    png = files.get("png")
    uri = embed(png) if png else None
    return {
        "title": title,
        "short": title,
        "caption": caption,
        "uri": uri,
        "width": shown_width(png) if png else None,
        "narrow": embed(narrow["png"]) if narrow and uri else None,
        "links": [(kind.upper(), embed.link(file)) for kind, file in files.items()],
    }


def theory_section(folder, embed):
    """The figures and table of `bench theory`.

    Parameters
    ----------
    folder : str, Path or None
        With `theory.json`.
    embed : Embedder

    Returns
    -------
    dict or None
        For the template; None where there is nothing that can be read.
    """
    data, ignored = read_theory(Path(folder)) if folder is not None else (None, [])
    embed.ignored += ignored
    if data is None:
        return None
    figures = []
    for figure in data["figures"]:
        files = {kind: Path(folder, figure[kind]) for kind in ("png", "pdf")}
        figures.append(show_figure(figure["title"], figure["caption"], files, embed))
    columns = [column for column in data["columns"] if column["key"] in _THEORY_COLUMNS]
    return {
        "figures": figures,
        "columns": columns,
        "rows": [[_write_cell(row.get(c["key"])) for c in columns] for row in data["rows"]],
        "largest_deviation": data["largest_deviation"],
        "notes": data["notes"],
        "command": data["command"],
    }


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


def _write_cell(value):
    if value is None:
        return "–"
    if isinstance(value, float):
        small = value != 0 and abs(value) < 1e-3
        return f"{value:.1e}" if small else f"{value:.4g}".replace("-", "−")
    return str(value)


def add_pictures(sections, folder, embed, runs):
    """Reconstructions and traversals of every setting; all strips come before any animation.

    Parameters
    ----------
    sections : dict of (str, str) to dict
        By data set and protocol; each is given its `pictures`.
    folder : str, Path or None
        With `pictures.json`.
    embed : Embedder
    runs : DataFrame
        From `evaluation.statistics.cells.collect`, for the labels of methods and curves.
    """
    if folder is None:
        return
    methods = dict(zip(runs["method"], runs["method_label"], strict=True))
    curves = dict(zip(runs["curve"], runs["curve_label"], strict=True))
    folder = Path(folder)
    entries, ignored = read_pictures(folder)
    embed.ignored += ignored
    for entry in entries:
        section = sections.get((entry["dataset"], entry["protocol"]))
        if section is None:
            continue
        shown = {
            "title": ", ".join(
                [methods.get(entry["method"], entry["method"]), setting_label(entry["setting"])]
            ),
            "label": curves.get(entry["curve"], entry["curve"]),
            "seed": entry["seed"],
            "latents": [
                f"z{latent} {kl:.2f}"
                for latent, kl in zip(entry["latents"], entry["kl"], strict=True)
            ],
            "links": [(name, embed.link(folder / path)) for name, path in entry["files"].items()],
            "files": {name: folder / path for name, path in entry["files"].items()},
        }
        section["pictures"].append(shown)
    shown = [picture for section in sections.values() for picture in section["pictures"]]
    for name, kind in (
        ("reconstructions.png", "picture"),
        ("traversals.png", "picture"),
        ("traversals.gif", "animation"),
    ):
        for picture in shown:
            path = picture["files"].get(name)
            picture[name.replace(".", "_")] = embed(path, kind) if path else None
