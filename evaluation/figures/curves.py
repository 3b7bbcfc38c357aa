"""Scores against what was swept: curves with their seeds."""

import numpy as np

from ..naming import format_number
from ..statistics.labels import describe_keys
from .axes import clip_to_range, find_limits, set_kl_axis, set_value_axis
from .style import (
    find_weights,
    label_curves,
    new_figure,
    pick_evenly,
    shorten_labels,
    style,
    style_curves,
    style_external,
    write_label,
)

BELOW = ("nll", "kl")
# More curves in one panel cannot be told apart.
MOST_CURVES = 7
# More horizontal lines, of methods without a place on the axis.
MOST_LEVELS = 4
# Seeds from which on a curve has a band: that of two covers every other curve, and says nothing.
BAND_FROM = 3
# Inches of the whole figure, however many panels.
WIDE = 9.6
# Of a legend; names that leave no room for a second column stand below each other.
LETTERS_PER_INCH = 13


@style()
def plot_curves(cells, scores, metrics, title, axes=None, levels=None):
    """Draw metrics against what was swept, with NLL and KL below.

    Curves over β have a panel of the λ and one of the models; those over anything else have one
    panel for each. All figures of the same frames have the same vertical limits.

    Parameters
    ----------
    cells, scores : DataFrame
        Of one data set and protocol, from `evaluation.statistics.cells.compute_cells` and `tidy`.
    metrics : sequence of str
        Flat keys, a row of panels each.
    title : str
    axes : sequence of str, optional
        What was swept, by its names in the column `axis`; all by default.
    levels : DataFrame, optional
        Cells of methods that lie at no place of an axis: a horizontal line and band each.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where no run on such a curve has any of the metrics.
    """
    known = cells[cells["axis_value"].notna() & (cells["n"] > 0)]
    known = known[known["role"] != "first"]
    shown = known[known["metric"].isin(metrics)]
    looks = style_curves(cells)
    every = {
        name: _choose_panels(shown[shown["axis"] == name], looks)
        for name in sorted(dict.fromkeys(shown["axis"]), key=lambda name: name != "beta")
    }
    names = list(every) if axes is None else axes
    panels = [(name, *panel) for name in names for panel in every.get(name, ())]
    if not panels:
        return None
    drawn = {curve for each in every.values() for _, styles in each for curve in styles}
    known = known[known["curve"].isin(drawn)]
    present = set(known.loc[known["axis"].isin(names), "metric"])
    metrics = [key for key in metrics if key in present]
    rows = [*metrics, *(key for key in BELOW if key in present and key not in metrics)]
    heights = [2.0 if key in metrics else 1.0 for key in rows]
    by_metric = _split_by_metric(known, scores)
    facts = describe_keys(known)
    levels = known.iloc[:0] if levels is None else levels[levels["n"] > 0]
    level_styles = style_levels(levels)
    figure, grid = new_figure(
        min(4.3 * len(panels) + 0.6 + 0.8 * (len(panels) == 1), WIDE),
        1.45 * sum(heights) + 1.5,
        len(rows),
        len(panels),
        title,
        sharex="col",
        sharey="row",
        height_ratios=heights,
    )
    for column, (name, heading, styles) in enumerate(panels):
        places = set_swept_axis(grid[-1, column], known[known["axis"] == name])
        for row, key in enumerate(rows):
            means, runs = by_metric[key]
            draw_curves(grid[row, column], means, facts[key], styles, places)
            _draw_seeds(grid[row, column], runs, styles, places)
            draw_levels(grid[row, column], levels, facts[key], level_styles)
        grid[0, column].set_title(heading)
        _add_legend(grid[:, column])
    for row, key in enumerate(rows):
        means, runs = by_metric[key]
        _set_limits(grid[row], facts[key], [means, levels[levels["metric"] == key]], runs)
        grid[row, 0].set_ylabel(
            write_label(facts[key].axis, 60).replace(" (nats per", "\n(nats per")
        )
    figure.align_ylabels(grid[:, 0])
    return figure


def set_swept_axis(axis, cells):
    """Make the horizontal axis one of all values in cells of one axis; β is on a log2 scale.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    cells : DataFrame

    Returns
    -------
    dict of float to float
        Where each value lies on the axis.
    """
    logarithmic = True if cells["axis"].iloc[0] == "beta" else None
    values, label = cells["axis_value"].unique(), cells["axis_label"].iloc[0]
    return set_value_axis(axis, values, label, logarithmic=logarithmic)


def _choose_panels(cells, looks):
    """Titles of the columns of one axis and, for each, the styles of its curves.

    Over β those of different λ stand apart from the models.
    """
    methods = dict(zip(cells["curve"], cells["method_label"], strict=True))
    scratch = set(cells.loc[cells["role"] == "scratch", "curve"])
    weights = find_weights(cells)
    labels = label_curves(cells, weights)
    over_beta = cells["axis"].iloc[0] == "beta"
    by_lambda = [curve for curve in weights.index if curve not in scratch] if over_beta else []
    others = [curve for curve in methods if curve not in by_lambda]
    panels = []
    if len(by_lambda) > 1 or (by_lambda and not others):
        shown = pick_evenly(by_lambda, MOST_CURVES)
        styles = {curve: looks[curve] for curve in shown}
        several = sum(not weights[curve] for curve in shown) > 1
        names = [methods[c] if weights[c] or several else labels[c] for c in shown]
        title = write_label(" and ".join(dict.fromkeys(names)), 60)
        panels.append((title, _name(styles, labels, weights)))
    if others:
        plain = [curve for curve in by_lambda if not weights[curve]]
        shown = list(dict.fromkeys([*plain, *others]))
        styles = {curve: looks[curve] for curve in pick_evenly(shown, MOST_CURVES)}
        names = dict.fromkeys(methods[curve] for curve in styles)
        title = "Models" if over_beta or len(names) > 2 else " and ".join(names)
        panels.append((write_label(title, 60), _name(styles, labels)))
    return panels


def _name(styles, labels, weights=None):
    """The same styles with the labels of their curves; λ alone where the title names the method."""
    short = (
        {c: f"λ = {format_number(weights[c])}" for c in styles if weights[c]}
        if weights is not None
        else {}
    )
    if len(set(short.values())) < len(short):  # they differ in something else as well
        short = {}
    return {
        curve: {**look, "label": short.get(curve, labels[curve])} for curve, look in styles.items()
    }


def _split_by_metric(cells, scores):
    """Cells and the single runs on the same curves, by metric."""
    scores = scores[scores["value"].notna() & scores["axis_value"].notna()]
    scores = scores[scores["curve"].isin(cells["curve"])]
    runs = dict(iter(scores.groupby("metric")))
    return {
        key: (part, runs.get(key, scores.iloc[:0]))
        for key, part in cells.sort_values("axis_value", kind="stable").groupby("metric")
    }


def draw_curves(axis, cells, facts, styles, places):
    """Draw the curves of one panel: band, line and means.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    cells : DataFrame
        Of one metric, ascending by `axis_value`.
    facts : evaluation.statistics.labels.KeyFacts
    styles : dict of str to dict
        Colour, marker, line style and label by curve; the others are not drawn.
    places : dict of float to float
        Where each value lies on the axis.
    """
    parts = dict(iter(cells.groupby("curve")))
    for curve, look in styles.items():
        if curve not in parts:
            continue
        part = parts[curve]
        x = part["axis_value"].map(places)
        told = part["n"] >= BAND_FROM
        low, high = (clip_to_range(part[end].where(told), facts) for end in ("low", "high"))
        axis.fill_between(x, low, high, color=look["color"], alpha=0.15, lw=0)
        axis.plot(x, part["mean"], **look, ms=4.5, lw=1.5, mec="white", mew=0.5, zorder=3)
    axis.grid(visible=True, axis="y")


def style_levels(cells):
    """Looks and labels of methods that are horizontal lines, at most as many as can be told apart.

    Parameters
    ----------
    cells : DataFrame
        With `method`, `method_label` and `n`.

    Returns
    -------
    dict of str to dict
        Colour, marker, line style and label by method.
    """
    cells = cells[cells["n"] > 0]
    labels = shorten_labels(dict(zip(cells["method"], cells["method_label"], strict=True)))
    return {
        method: look | {"label": labels[method], "marker": ""}
        for method, look in style_external(list(labels)[:MOST_LEVELS]).items()
    }


def draw_levels(axis, cells, facts, styles):
    """Draw methods that lie at no place of the axis: the mean across the panel, and its interval.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    cells : DataFrame
        A row for each method and metric.
    facts : evaluation.statistics.labels.KeyFacts
    styles : dict of str to dict
        From `style_levels`.
    """
    cells = cells[cells["metric"] == facts.name].drop_duplicates("method").set_index("method")
    for method, look in styles.items():
        if method not in cells.index:
            continue
        row = cells.loc[method]
        low, high = clip_to_range([row["low"], row["high"]], facts)
        if row["n"] >= BAND_FROM and low < high:
            axis.axhspan(low, high, color=look["color"], alpha=0.12, lw=0, zorder=1)
        line = {name: look[name] for name in ("color", "linestyle", "label")}
        axis.axhline(row["mean"], lw=1.6, zorder=4, **line)


def _draw_seeds(axis, runs, styles, places):
    """Dots of single runs beside the means of their curves."""
    shift = 0.22 / max(len(styles), 1)
    for i, (curve, look) in enumerate(styles.items()):
        mine = runs[runs["curve"] == curve]
        x = mine["axis_value"].map(places) + (i - (len(styles) - 1) / 2) * shift
        axis.plot(x, mine["value"], ".", color=look["color"], ms=4, alpha=0.6, mew=0, zorder=2)


def _set_limits(axes, facts, parts, runs):
    """Vertical limits of a row of panels, from all that figures of these frames draw."""
    points = np.concatenate([*(part["mean"] for part in parts), runs["value"]])
    told = [part[part["n"] >= BAND_FROM] for part in parts]
    ends = np.concatenate([part[end] for part in told for end in ("low", "high")])
    for axis in axes:
        if facts.name == "kl":
            set_kl_axis(axis, np.nanmax(points))
        else:
            axis.set_ylim(find_limits(points, ends, facts))


def _add_legend(axes):
    """One legend below a column, of the curves of all its panels."""
    entries = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    longest = max(map(len, entries), default=0) + 6  # its handle and the space beside it
    width = axes[-1].get_figure().get_figwidth() / axes[-1].get_gridspec().ncols
    axes[-1].legend(
        list(entries.values()),
        list(entries),
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=4.2,  # below the axis' label
        ncols=max(1, min(3, len(entries), int(width * LETTERS_PER_INCH / longest))),
        columnspacing=1.2,
        handlelength=2.2,
    )
