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
    style,
    style_curves,
    write_label,
)

BELOW = ("nll", "kl")
# More curves in one panel cannot be told apart.
MOST_CURVES = 7
# Colours and dashes of methods that are horizontal lines; those of curves are other ones.
LEVELS = (
    ("#8b0a50", (0, (5, 1.5))),
    ("#5b3a29", (0, (1, 1))),
    ("#3b3b98", (0, (5, 1.5, 1, 1.5))),
    ("#6b8e23", (0, (3, 1))),
)
# Inches; a page shows wider figures smaller, and their letters with them.
WIDEST = 9.6
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
    curves = _group_by_curve(known, scores)
    facts = describe_keys(known)
    levels = known.iloc[:0] if levels is None else levels[levels["n"] > 0]
    figure, grid = new_figure(
        min(4.3 * len(panels) + 0.6 + 0.8 * (len(panels) == 1), WIDEST),
        1.45 * sum(heights) + 1.5,
        len(rows),
        len(panels),
        title,
        sharex="col",
        sharey="row",
        height_ratios=heights,
    )
    for column, (name, heading, styles) in enumerate(panels):
        places = _set_axis(grid[-1, column], name, known[known["axis"] == name])
        for row, key in enumerate(rows):
            _draw_curves(grid[row, column], facts[key], styles, curves, places)
            _draw_levels(grid[row, column], facts[key], levels)
        grid[0, column].set_title(heading)
        _add_legend(grid[:, column])
    for row, key in enumerate(rows):
        _set_limits(grid[row], facts[key], curves, levels)
        grid[row, 0].set_ylabel(
            write_label(facts[key].axis, 60).replace(" (nats per", "\n(nats per")
        )
    figure.align_ylabels(grid[:, 0])
    return figure


def _set_axis(axis, name, cells):
    """The axis of a column: β is always on a log2 scale."""
    label = cells["axis_label"].iloc[0]
    return set_value_axis(
        axis, cells["axis_value"].unique(), label, logarithmic=True if name == "beta" else None
    )


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


def _group_by_curve(cells, scores):
    """Cells and single runs of each (metric, curve)."""
    scores = scores[scores["value"].notna() & scores["axis_value"].notna()]
    runs = dict(iter(scores.groupby(["metric", "curve"])))
    return {
        key: (part, runs.get(key, scores.iloc[:0]))
        for key, part in cells.sort_values("axis_value", kind="stable").groupby(["metric", "curve"])
    }


def _draw_curves(axis, facts, styles, curves, places):
    """Curves of one panel: band, line, means and the dots of the seeds beside them."""
    shift = 0.22 / max(len(styles), 1)
    for i, (curve, look) in enumerate(styles.items()):
        if (facts.name, curve) not in curves:
            continue
        part, runs = curves[facts.name, curve]
        x = part["axis_value"].map(places)
        low, high = clip_to_range(part["low"], facts), clip_to_range(part["high"], facts)
        axis.fill_between(x, low, high, color=look["color"], alpha=0.15, lw=0)
        axis.plot(
            x,
            part["mean"],
            **look,
            ms=4.5,
            lw=1.5,
            mec="white",
            mew=0.5,
            zorder=3,
        )
        dots = runs["axis_value"].map(places) + (i - (len(styles) - 1) / 2) * shift
        axis.plot(dots, runs["value"], ".", color=look["color"], ms=4, alpha=0.6, mew=0, zorder=2)
    axis.grid(visible=True, axis="y")


def _draw_levels(axis, facts, levels):
    """Methods without a place on the axis: the mean across the panel, and its interval."""
    shown = levels.drop_duplicates("method")["method"].tolist()[: len(LEVELS)]
    for method, (colour, dashes) in zip(shown, LEVELS, strict=False):
        own = levels[(levels["method"] == method) & (levels["metric"] == facts.name)]
        for cell in own.to_dict("records"):
            label = write_label(cell["method_label"])
            axis.axhline(cell["mean"], color=colour, ls=dashes, lw=1.8, zorder=4, label=label)
            low, high = clip_to_range([cell["low"], cell["high"]], facts)
            if np.isfinite(low):
                axis.axhspan(low, high, color=colour, alpha=0.12, lw=0, zorder=1)


def _set_limits(axes, facts, curves, levels):
    """Vertical limits of a row of panels, from the curves that figures of these frames draw."""
    parts = [pair for (metric, _), pair in curves.items() if metric == facts.name]
    level = levels[levels["metric"] == facts.name]
    points = np.concatenate([level["mean"], *([*p["mean"], *r["value"]] for p, r in parts)])
    drawn = [*(part for part, _ in parts), level]
    ends = np.concatenate([[*part["low"], *part["high"]] for part in drawn])
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
