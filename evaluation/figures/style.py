"""Figures of a report: one style, colours that survive grey print, and how files are written."""

import contextlib
import io
import textwrap
from pathlib import Path

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from PIL import Image

from ..files import write_atomically
from ..naming import format_number
from ..statistics.labels import curve_order

FORMATS = ("png", "pdf")
DPI = 160
GREY = "#555555"
LARGEST_TITLE, SMALLEST_TITLE = 12.0, 8.0
BAND = (
    "Dots are single runs (seeds), lines join means, bands are 95 % intervals of the mean over "
    "seeds (Student's t below 10 seeds, bootstrap from 10; none for a single seed)."
)
# Okabe and Ito's colours without yellow, which is too pale on white.
_MODELS = ("#000000", "#d55e00", "#0072b2", "#cc79a7", "#009e73", "#e69f00", "#56b4e9")
_MARKERS = "osD^vPX"
_RC = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.titlelocation": "left",
    "text.usetex": False,
    "axes.unicode_minus": True,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


@contextlib.contextmanager
def style():
    """The style of every figure, whatever the user's own settings say; undone at the end."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(sns.axes_style("ticks") | _RC)
        yield


def new_figure(width, height, rows=1, columns=1, **options):
    """A figure that pyplot does not know of, with a grid of axes.

    Parameters
    ----------
    width, height : float
        Inches.
    rows, columns : int
    **options
        Passed on to `matplotlib.figure.Figure.subplots`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : ndarray of Axes, shape (rows, columns)
    """
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save_figure(figure, folder, name, formats=FORMATS, dpi=DPI):
    """Write a figure in several formats, each whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    folder : str or Path
    name : str
        File name without extension.
    formats : sequence of str
        Of png, pdf and svg. PNG files have 256 colours, a third of the size.
    dpi : int

    Returns
    -------
    dict of str to Path
        By format.
    """
    paths = {}
    for kind in formats:
        paths[kind] = Path(folder) / f"{name}.{kind}"
        buffer = io.BytesIO()
        with style():
            if kind == "png":
                figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})
                buffer = _palette_png(buffer, dpi)
            else:
                # Without a date the same numbers give the same file.
                key = {"pdf": "CreationDate", "svg": "Date"}[kind]
                figure.savefig(buffer, format=kind, dpi=dpi, metadata={key: None})
        write_atomically(paths[kind], buffer.getvalue())
    return paths


def _palette_png(file, dpi):
    """A PNG file reduced to 256 colours."""
    image = Image.open(file).convert("RGB")
    image = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # The reduction makes white a shade darker than the paper or page around the figure.
    palette = np.array(image.getpalette()).reshape(-1, 3)
    palette[palette.min(axis=1) >= 250] = 255
    image.putpalette(palette.ravel().tolist())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", dpi=(dpi, dpi), compress_level=6)
    return buffer


def ramp(count):
    """Ordered colours that differ in lightness, shape (count, 4)."""
    return sns.color_palette("viridis", as_cmap=True)(np.linspace(0, 0.8, max(count, 1)))


def curve_styles(curves):
    """How curves of several methods are drawn: colour, marker and dash differ together.

    Parameters
    ----------
    curves : iterable of str

    Returns
    -------
    dict of str to dict
        `color`, `marker` and `linestyle` of each curve, in the order of legends.
    """
    ordered = sorted(set(curves), key=curve_order)
    dashes = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))
    return {
        curve: {
            "color": _MODELS[i % len(_MODELS)],
            "marker": _MARKERS[i % len(_MARKERS)],
            "linestyle": dashes[i % len(dashes)],
        }
        for i, curve in enumerate(ordered)
    }


def beta_axis(axis, betas, label=True):
    """Make the horizontal axis one of β on a log2 scale, ticks at the values tried.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    betas : iterable of float
        At least 0; a β of 0 is set one octave below the smallest positive one.
    label : bool
    """
    betas = sorted(set(betas))
    axis.xaxis.set_major_locator(FixedLocator(spread(place_of(betas))))
    axis.xaxis.set_minor_locator(NullLocator())
    known = dict(zip(np.round(place_of(betas), 9), betas, strict=True))
    axis.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: format_number(known.get(round(x, 9), 2.0**x)))
    )
    places = place_of(betas)
    if len(places):
        axis.set_xlim(places[0] - 0.45, places[-1] + 0.45)
    if label:
        axis.set_xlabel("β (log2 scale)")


def place_of(betas):
    """Where values of β lie on the axis: log2, and 0 one octave below the rest.

    Examples
    --------
    >>> place_of([0.0, 1.0, 8.0]).tolist()
    [-1.0, 0.0, 3.0]
    """
    betas = np.asarray(betas, dtype=float)
    positive = betas[betas > 0]
    smallest = positive.min() if len(positive) else 2.0
    return np.log2(np.where(betas > 0, betas, smallest / 2))


def spread(places, least=0.55):
    """Those of ascending positions that leave room for their labels; first and last stay."""
    kept = []
    for place in places:
        if not kept or place - kept[-1] >= least:
            kept.append(place)
    if len(places) and kept[-1] != places[-1]:
        kept = [*(k for k in kept[:-1] if places[-1] - k >= least), places[-1]]
    return kept


def headline(figure, title):
    """Title of a whole figure, at the left; smaller, then on two lines, where it is too long."""
    height = figure.get_size_inches()[1]
    # Not bold: embedding a second font takes as long as drawing the rest of a PDF.
    text = figure.suptitle(
        title, x=0.012, y=1 - 0.08 / height, ha="left", va="top", fontsize=LARGEST_TITLE
    )
    share = 0.976 * figure.bbox.width / text.get_window_extent().width
    if share < 1:
        size = max(LARGEST_TITLE * share, SMALLEST_TITLE)
        text.set_fontsize(size)
        share *= LARGEST_TITLE / size
    if share < 1:
        text.set_text(textwrap.fill(title, max(10, int(0.95 * share * len(title)))))
