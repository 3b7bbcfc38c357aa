"""Every headline score at a glance: small multiples over what was swept."""

import dataclasses

import numpy as np
from matplotlib.lines import Line2D

from ..representation.posterior import COLLAPSED
from ..statistics.labels import describe_keys
from .axes import clip_to_range, find_limits, set_kl_axis, set_value_axis
from .style import (
    GREY,
    find_weights,
    label_curves,
    new_figure,
    pick_evenly,
    shorten_labels,
    style,
    style_curves,
    style_external,
    write_heading,
)

BELOW = ("nll", "kl")
# More curves, marks at the edge and rows from elsewhere in one panel cannot be told apart.
MOST_CURVES, MOST_MARKS, MOST_EXTERNAL = 7, 8, 4
# Seeds from which on a curve has a band.
BAND_FROM = 3
# Inches of the whole figure and panels side by side, on a page and on a telephone.
_WIDE, _NARROW = (12.4, 4), (4.1, 2)
# Of a legend: letters to an inch, and what an entry takes besides its own.
_LETTERS_PER_INCH, _HANDLE = 13, 7


@style()
def plot_overview(cells, metrics, title, *, best=None, external=None, axis="beta", narrow=False):
    """Draw a panel for every score against what was swept, and NLL and KL once after them.

    Parameters
    ----------
    cells : DataFrame
        Of one data set and protocol, from `evaluation.statistics.cells.compute_cells`: every
        setting. There is a curve for every method that was swept over `axis`.
    metrics : sequence of str
        Flat keys, a panel each.
    title : str
    best : DataFrame, optional
        `selected_cells` of the same data set and protocol: the setting that stands for each
        method. Methods without a curve over `axis` are marks with intervals at the right edge.
    external : DataFrame, optional
        Cells of representations from elsewhere, a row for each method and metric: a horizontal
        line, and a band where there is an interval, in every panel.
    axis : str, default "beta"
        What was swept, by its name in the column `axis`.
    narrow : bool, default False
        Two panels side by side instead of four, for a telephone.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where nothing was swept over `axis`.
    """
    known = cells[cells["axis_value"].notna() & (cells["n"] > 0) & (cells["axis"] == axis)]
    known = known[~known["role"].isin(("first", "external"))]
    known = known.sort_values("axis_value", kind="stable")
    keys = [key for key in (*metrics, *BELOW) if key in set(known["metric"])]
    if not set(keys) - set(BELOW):
        return None
    looks = style_curves(cells)
    curves = _style_lines(known, looks)
    best = _choose_marks(best, known)
    marks = _style_marks(best, cells, looks)
    lines = _style_external(external)
    width, columns = _NARROW if narrow else _WIDE
    columns = _count_columns(len(keys), columns)
    rows = -(-len(keys) // columns)
    symbol = known["axis_label"].iloc[0]
    legends, legend_rows = _arrange_legends(
        [*curves.values(), *lines.values()], [*marks.values()], symbol, width
    )
    height = (1.5 if narrow else 2.0) * rows + 0.5 + 0.19 * legend_rows
    figure, grid = new_figure(width, height, rows, columns, title)
    for panel in grid.flat[len(keys) :]:
        panel.remove()
    facts = describe_keys(known)
    for place, (panel, key) in enumerate(zip(grid.flat, keys, strict=False)):
        values = known["axis_value"].unique()
        places = set_value_axis(panel, values, symbol, logarithmic=True if axis == "beta" else None)
        of_key = [known[known["metric"] == key]]
        draw_curves(panel, of_key[0], facts[key], curves, places)
        if marks:
            of_key.append(best[(best["metric"] == key) & best["method"].isin(marks)])
            _draw_marks(panel, of_key[-1], facts[key], marks)
        if lines:
            of_key.append(external[external["metric"] == key])
            _draw_external(panel, of_key[-1], facts[key], lines)
        set_limits(panel, of_key, facts[key])
        panel.set_title(write_heading(facts[key], 40), fontsize=9)
        panel.grid(visible=True, axis="y")
        if place + columns < len(keys):
            panel.set_xlabel("")
    _add_legends(figure, legends)
    return figure


def _style_lines(known, looks):
    """Looks and labels of the curves, at most as many as can be told apart."""
    labels = label_curves(known, find_weights(known))
    return {c: looks[c] | {"label": labels[c]} for c in pick_evenly(list(labels), MOST_CURVES)}


def _choose_marks(best, known):
    """The rows of methods at their chosen settings that lie on none of the curves."""
    if best is None:
        return None
    best = best[(best["n"] > 0) & ~best["role"].isin(("first", "external"))]
    return best[~best["curve"].isin(known["curve"])]


def _style_marks(best, cells, looks):
    """Looks and labels of the methods at their chosen settings, as their first curves have them."""
    if best is None:
        return {}
    labels = shorten_labels(dict(zip(best["method"], best["method_label"], strict=True)))
    first = cells.drop_duplicates("method").set_index("method")["curve"]
    return {
        method: looks[first[method]] | {"linestyle": "none", "label": label}
        for method, label in list(labels.items())[:MOST_MARKS]
    }


def _style_external(external):
    """Looks and labels of rows from elsewhere."""
    if external is None:
        return {}
    external = external[external["n"] > 0]
    labels = shorten_labels(dict(zip(external["method"], external["method_label"], strict=True)))
    return {
        method: look | {"label": labels[method], "marker": ""}
        for method, look in style_external(list(labels)[:MOST_EXTERNAL]).items()
    }


def _count_columns(panels, most):
    """Panels side by side, so that few places of the last row stay empty."""
    if panels <= most:
        return panels
    return min(range(min(3, most), most + 1), key=lambda columns: (-panels % columns, -columns))


def draw_curves(panel, cells, facts, curves, places):
    """Draw the curves of one panel: bands, lines and means.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
    cells : DataFrame
        Of one metric, ascending by `axis_value`.
    facts : evaluation.statistics.labels.KeyFacts
    curves : dict of str to dict
        Colour, marker, line style and label by curve.
    places : dict of float to float
        Where each value lies on the axis.
    """
    for curve, look in curves.items():
        part = cells[cells["curve"] == curve]
        x = part["axis_value"].map(places)
        # Two seeds give an interval that covers every other curve, and says nothing.
        told = part["n"] >= BAND_FROM
        low = clip_to_range(part["low"].where(told), facts)
        high = clip_to_range(part["high"].where(told), facts)
        panel.fill_between(x, low, high, color=look["color"], alpha=0.13, lw=0)
        panel.plot(x, part["mean"], **look, ms=4.5, lw=1.5, mec="white", mew=0.5, zorder=3)


def _draw_marks(panel, cells, facts, marks):
    """Methods at their chosen settings, in a strip of its own at the right edge."""
    left, right = panel.get_xlim()
    step = 0.055 * (right - left)
    panel.axvline(right, color=GREY, lw=0.6, ls=(0, (1, 2)))
    panel.set_xlim(left, right + step * (len(marks) + 0.5))
    rows = cells.drop_duplicates("method").set_index("method")
    for place, (method, look) in enumerate(marks.items(), 1):
        if method not in rows.index:
            continue
        x, row = right + step * (place - 0.25), rows.loc[method]
        low, high = clip_to_range([row["low"], row["high"]], facts)
        panel.vlines(x, low, high, color=look["color"], lw=1.6, alpha=0.5)
        panel.plot(x, row["mean"], **look, ms=5, mec="white", mew=0.5, zorder=3)


def _draw_external(panel, cells, facts, lines):
    rows = cells.drop_duplicates("method").set_index("method")
    for method, look in lines.items():
        if method not in rows.index:
            continue
        row = rows.loc[method]
        low, high = clip_to_range([row["low"], row["high"]], facts)
        if low < high:
            panel.axhspan(low, high, color=look["color"], alpha=0.12, lw=0)
        panel.axhline(row["mean"], color=look["color"], linestyle=look["linestyle"], lw=1.6)


def set_limits(panel, parts, facts):
    """Set the vertical limits of a panel by all that it shows.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
    parts : list of DataFrame
        Cells of one metric.
    facts : evaluation.statistics.labels.KeyFacts
    """
    means = np.concatenate([part["mean"] for part in parts]).astype(float)
    if facts.name == "kl":
        set_kl_axis(panel, np.nanmax(means))
        where = panel.get_xlim()[0] + 0.01 * np.ptp(panel.get_xlim())
        panel.text(where, 0.4 * COLLAPSED, "collapsed", fontsize=6.5, color=GREY, va="center")
        return
    ends = np.concatenate([part[end] for part in parts for end in ("low", "high")])
    panel.set_ylim(find_limits(means, ends, facts))


@dataclasses.dataclass(frozen=True)
class _Legend:
    """Entries of one legend below a figure, and how many stand side by side."""

    title: str
    looks: list
    columns: int = 1


def _arrange_legends(lines, marks, symbol, width):
    """Legends of curves and of marks side by side, in as few rows as their letters allow.

    Returns
    -------
    list of _Legend
    int
        Their rows, with that of the titles.
    """
    legends = [_Legend(f"over {symbol}", lines)]
    if marks:
        legends.append(_Legend("right edge: at the chosen setting", marks))
    most = max(len(legend.looks) for legend in legends)
    for rows in range(1, most + 1):
        legends = [
            dataclasses.replace(legend, columns=-(-len(legend.looks) // rows)) for legend in legends
        ]
        if sum(map(_count_letters, legends)) <= width * _LETTERS_PER_INCH:
            break
    else:  # names that leave no room side by side
        legends = [_Legend(f"lines over {symbol}; right edge: chosen setting", lines + marks)]
        rows = len(legends[0].looks)
    # Legends of one height have their titles on one line.
    blank = {"label": " ", "linestyle": "none"}
    legends = [
        dataclasses.replace(one, looks=one.looks + [blank] * (rows - len(one.looks)))
        for one in legends
    ]
    return legends, 1 + rows


def _count_letters(legend):
    """Letters that a legend is wide."""
    longest = max(len(look["label"]) for look in legend.looks) + _HANDLE
    return max(legend.columns * longest, len(legend.title)) + 2


def _add_legends(figure, legends):
    for legend, side in zip(legends, ("left", "right"), strict=False):
        figure.legend(
            handles=[
                Line2D([], [], **look, ms=5, lw=1.5, mec="white", mew=0.5) for look in legend.looks
            ],
            title=legend.title,
            alignment="left",
            loc=f"outside lower {side}",
            ncols=legend.columns,
            columnspacing=1.2,
        )
