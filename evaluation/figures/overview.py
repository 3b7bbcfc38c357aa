"""Every headline score at a glance: small multiples over what was swept."""

import dataclasses

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from ..representation.posterior import COLLAPSED
from ..statistics.labels import describe_keys
from .axes import clip_to_range, find_limits, set_kl_axis
from .curves import (
    BAND_FROM,
    BELOW,
    LETTERS_PER_INCH,
    MOST_CURVES,
    draw_curves,
    draw_levels,
    set_swept_axis,
    style_levels,
)
from .style import (
    GREY,
    WIDEST,
    find_weights,
    label_curves,
    new_figure,
    pick_evenly,
    shorten_labels,
    style,
    style_curves,
    write_heading,
)

# More marks at the edge cannot be told apart.
MOST_MARKS = 8
# Inches of the whole figure and panels side by side, on a page and on a telephone.
_WIDE, _NARROW = (WIDEST, 4), (4.1, 2)
# Of a legend's entry besides its letters, in letters.
_HANDLE = 7


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
    best = None if best is None else _choose_marks(best, known)
    marks = {} if best is None else _style_marks(best, cells)
    lines = {} if external is None else style_levels(external)
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
    letters, size = (28, 8) if narrow else (40, 9)  # of a heading
    for place, (panel, key) in enumerate(zip(grid.flat, keys, strict=False)):
        places = set_swept_axis(panel, known)
        parts = [known[known["metric"] == key]]
        draw_curves(panel, parts[0], facts[key], curves, places)
        for draw, part, styles in ((_draw_marks, best, marks), (draw_levels, external, lines)):
            if styles:
                parts.append(part[part["metric"] == key])
                draw(panel, parts[-1], facts[key], styles)
        set_limits(panel, parts, facts[key])
        panel.set_title(write_heading(facts[key], letters), fontsize=size)
        # Names of axes stand below the last panel of each column.
        panel.set_xlabel("" if place + columns < len(keys) else panel.get_xlabel())
    _add_legends(figure, legends)
    return figure


def _style_lines(known, looks):
    """Looks and labels of the curves, at most as many as can be told apart."""
    labels = label_curves(known, find_weights(known))
    return {c: looks[c] | {"label": labels[c]} for c in pick_evenly(list(labels), MOST_CURVES)}


def _choose_marks(best, known):
    """The rows of methods at their chosen settings that lie on none of the curves."""
    best = best[(best["n"] > 0) & ~best["role"].isin(("first", "external"))]
    best = best[~best["curve"].isin(known["curve"])]
    shown = list(dict.fromkeys(best["method"]))[:MOST_MARKS]
    return best[best["method"].isin(shown)]


def _style_marks(best, cells):
    """Looks and labels of the methods at their chosen settings, as their first curves have them."""
    # The colours of all curves come first: a method may have no cells but those.
    every = pd.concat([cells, best])
    looks, first = style_curves(every), every.drop_duplicates("method").set_index("method")["curve"]
    labels = shorten_labels(dict(zip(best["method"], best["method_label"], strict=True)))
    return {
        method: looks[first[method]] | {"linestyle": "none", "label": label}
        for method, label in labels.items()
    }


def _count_columns(panels, most):
    """Panels side by side, so that few places of the last row stay empty."""
    if panels <= most:
        return panels
    return min(range(min(3, most), most + 1), key=lambda columns: (-panels % columns, -columns))


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
        if row["n"] >= BAND_FROM:
            panel.vlines(x, low, high, color=look["color"], lw=1.6, alpha=0.5)
        panel.plot(x, row["mean"], **look, ms=5, mec="white", mew=0.5, zorder=3)


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
    told = [part[part["n"] >= BAND_FROM] for part in parts]
    ends = np.concatenate([part[end] for part in told for end in ("low", "high")])
    panel.set_ylim(find_limits(means, ends, facts, stretch=1.0))


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
        legends.append(_Legend("right edge: chosen setting", marks))
    most = max(len(legend.looks) for legend in legends)
    for rows in range(1, most + 1):
        legends = [
            dataclasses.replace(legend, columns=-(-len(legend.looks) // rows)) for legend in legends
        ]
        if sum(map(_count_letters, legends)) <= width * LETTERS_PER_INCH:
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
