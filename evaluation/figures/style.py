"""What all figures share: style, size, colours, titles and labels."""

import contextlib
import textwrap
import warnings

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..naming import one_line

GREY, BLUE, ORANGE = "#555555", "#0072b2", "#d55e00"
MARKERS = "osD^vPX"
# Inches: on a page of 1,400 pixels such a figure has letters of the size of the text.
WIDEST = 12.4
LARGEST_TITLE, SMALLEST_TITLE = 12.0, 8.0
BAND = (
    "Dots are single runs (seeds), lines join means, bands are 95 % intervals of the mean over "
    "seeds (Student's t below 10 seeds, bootstrap from 10; none below 3). Bands end with the range "
    "of the score; one much wider than its dots runs out of the panel."
)
# Of models: from Okabe and Ito and from Tol, without yellow, which is too pale on white, and the
# colours below. Seven colours and six markers tell 42 models apart.
_MODELS = ("#000000", "#009e73", "#cc79a7", "#e69f00", "#882255", "#999933", "#777777")
_MODEL_MARKERS = "osDPXp"
# Of related curves of ascending λ, light to dark, and of what was trained elsewhere.
_WEIGHTS, _WEIGHT_MARKERS = ("#6db9ea", BLUE, "#2b1f7a"), "^v<>"
_EXTERNAL_MARKERS = "*hd8"
_DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))
_RC = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "legend.fontsize": 8.0,
    "legend.title_fontsize": 8.0,
    "legend.frameon": False,
    "axes.titlelocation": "left",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "text.usetex": False,
    # Names from outside may hold dollar signs and backslashes.
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


@contextlib.contextmanager
def style():
    """Draw in the style of all figures, whatever the user's own settings; undone at the end."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(sns.axes_style("ticks") | _RC)
        yield


def new_figure(width, height, rows=1, columns=1, title="", **options):
    """Make a figure that pyplot does not know of, with a grid of axes and room for all labels.

    Parameters
    ----------
    width, height : float
        Inches.
    rows, columns : int
    title : str
        Of the whole figure.
    **options
        Passed on to `matplotlib.figure.Figure.subplots`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : ndarray of Axes, shape (rows, columns)
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
    if title:
        set_title(figure, title)
    return figure, axes


def set_title(figure, title):
    """Title a whole figure, at the left; smaller, then on several lines, where it is too long."""
    title = one_line(title, 400)
    # Not bold: embedding a second font takes as long as drawing the rest of a PDF.
    text = figure.suptitle(title, x=0.012, ha="left", fontsize=LARGEST_TITLE)
    share = 0.976 * figure.bbox.width / text.get_window_extent().width
    if share < 1:
        size = max(LARGEST_TITLE * share, SMALLEST_TITLE)
        text.set_fontsize(size)
        share *= LARGEST_TITLE / size
    if share < 1:
        width = max(10, int(0.95 * share * len(title)))
        text.set_text(textwrap.fill(title, width, max_lines=5, placeholder=" …"))


def write_label(text, limit=34):
    """A name from outside as a figure may show it: one short line, which no legend leaves out."""
    text = one_line(text, limit)
    return f" {text}" if text.startswith("_") else text


def write_heading(facts, limit=60):
    """The heading of a panel that shows a score: its label, unit and direction.

    Parameters
    ----------
    facts : evaluation.statistics.labels.KeyFacts
    limit : int, default 60
        Letters.
    """
    label = facts.label
    if facts.unit:
        # One pair of brackets is enough: I_m (means, nats).
        inside = label.endswith(")")
        label = f"{label[:-1]}, {facts.unit})" if inside else f"{label} ({facts.unit})"
    return write_label(f"{label} {facts.arrow}".rstrip(), limit)


def shorten_labels(labels):
    """Names of one legend, as short as they may be and still told apart.

    Examples
    --------
    >>> shorten_labels({"a": "name " * 8 + "of a", "b": "name " * 8 + "of b"})["a"]
    'name name name n…e name name of a'
    """
    for limit in (34, 60, 120, 300):
        short = {name: write_label(label, limit) for name, label in labels.items()}
        if len(set(short.values())) == len(set(labels.values())):
            break
    return short


def label_curves(cells, weights):
    """Name curves in a legend, with λ = 0 where others of their family have a λ.

    Parameters
    ----------
    cells : DataFrame
        With `curve` and `curve_label`.
    weights : mapping of str to float
        λ of every curve that has one.

    Returns
    -------
    dict of str to str
        By curve, in order of appearance.
    """
    known = cells.drop_duplicates("curve")
    labels = shorten_labels(dict(zip(known["curve"], known["curve_label"], strict=True)))
    plain = {curve for curve in labels if weights.get(curve) == 0 and "lambda=" not in curve}
    return {c: f"{label} (λ = 0)" if c in plain else label for c, label in labels.items()}


def find_weights(cells):
    """λ of every curve that has one.

    Parameters
    ----------
    cells : DataFrame
        With `curve` and `lambda`.

    Returns
    -------
    Series
        By curve, ascending.
    """
    return cells.groupby("curve", sort=False)["lambda"].max().dropna().sort_values(kind="stable")


def pick_colours(count):
    """Ordered colours that differ in lightness, so they survive grey print; shape (count, 4)."""
    return sns.color_palette("viridis", as_cmap=True)(np.linspace(0, 0.8, max(count, 1)))


def style_curves(cells):
    """Say how every curve is drawn: colour, marker and dash differ together.

    The same frame gives a curve the same look in every figure. Models have colours of their own,
    curves of one model that differ in λ share a colour that darkens with λ, and what was trained
    elsewhere is orange.

    Parameters
    ----------
    cells : DataFrame
        With `curve`, `axis`, `lambda` and `role`.

    Returns
    -------
    dict of str to dict
        `color`, `marker` and `linestyle` of each curve.
    """
    known = cells.drop_duplicates("curve")
    # Curves over β come first: most figures show them alone; few show a first phase.
    order = 1 * (known["axis"] != "beta") + 2 * (known["role"] == "first")
    known = known.loc[order.sort_values(kind="stable").index]
    roles = dict(zip(known["curve"], known["role"], strict=True))
    over_beta = set(known.loc[known["axis"] == "beta", "curve"])
    weights = find_weights(cells)
    weighted = [c for c in weights.index if weights[c] and roles[c] == "" and c in over_beta]
    external = [curve for curve, role in roles.items() if role == "external"]
    models = [curve for curve in roles if curve not in {*weighted, *external}]
    looks = {
        curve: (_MODELS[i % len(_MODELS)], _MODEL_MARKERS[i % len(_MODEL_MARKERS)], i)
        for i, curve in enumerate(models)
    }
    ramp = [BLUE] if len(weighted) == 1 else sns.blend_palette(_WEIGHTS, len(weighted)).as_hex()
    for i, curve in enumerate(weighted):
        looks[curve] = (ramp[i], _WEIGHT_MARKERS[i % len(_WEIGHT_MARKERS)], 0)
    return {
        curve: {"color": colour, "marker": marker, "linestyle": _DASHES[dash % len(_DASHES)]}
        for curve, (colour, marker, dash) in looks.items()
    } | style_external(external)


def style_external(names):
    """Say how what was trained elsewhere is drawn: orange, never with a full line.

    Parameters
    ----------
    names : sequence of str
        Of curves or methods.

    Returns
    -------
    dict of str to dict
        `color`, `marker` and `linestyle` of each.
    """
    return {
        name: {
            "color": ORANGE,
            "marker": _EXTERNAL_MARKERS[i % len(_EXTERNAL_MARKERS)],
            "linestyle": _DASHES[1:][i % len(_DASHES[1:])],
        }
        for i, name in enumerate(names)
    }


def pick_evenly(names, most):
    """At most so many of several names, the first and the last among them.

    Examples
    --------
    >>> pick_evenly([1, 2, 3, 4, 5], 3)
    [1, 3, 5]
    """
    if len(names) <= most:
        return names
    return [names[i] for i in np.linspace(0, len(names) - 1, most).round().astype(int)]
