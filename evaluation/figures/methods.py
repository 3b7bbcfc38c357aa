"""Single runs: boxes over what was swept, and methods at their chosen settings."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..naming import format_number
from ..statistics.labels import describe_key
from .axes import clip_to_range, find_limits
from .style import BLUE, GREY, ORANGE, new_figure, shorten_labels, style, write_heading, write_label

# That fit below a panel of boxes.
_LETTERS = 26


@style()
def plot_boxes(scores, metrics, title, curve):
    """Draw box plots of single runs over a curve, a panel for every metric.

    Parameters
    ----------
    scores : DataFrame
        Of one data set and protocol, from `tidy`.
    metrics : sequence of str
    title : str
    curve : str
        The curve whose runs are shown, for example of `choose_boxed_curve`.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where the curve has no score.
    """
    kept = scores[(scores["curve"] == curve) & scores["axis_value"].notna()]
    kept = kept[kept["value"].notna()]
    names = [name for name in metrics if name in set(kept["metric"])]
    if not names:
        return None
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure, axes = new_figure(2.5 * columns + 0.3, 2.3 * rows + 0.65, rows, columns, title)
    for axis in axes.flat[len(names) :]:
        axis.remove()
    for axis, name in zip(axes.flat, names, strict=False):
        part = kept[kept["metric"] == name]
        order = np.sort(part["axis_value"].unique())
        groups = [part.loc[part["axis_value"] == value, "value"].to_numpy() for value in order]
        _draw_boxes(axis, groups)
        texts = [format_number(value) for value in order]
        every = -(-sum(len(text) + 1 for text in texts) // _LETTERS)
        axis.set_xticks(range(len(order))[::every], texts[::every])
        facts = describe_key(name, part)
        label = write_label(part["axis_label"].iloc[0], 60)
        axis.set(xlabel=label, ylabel=write_label(facts.unit))
        axis.set_title(write_label(f"{facts.label} {facts.arrow}", 60))
    return figure


def _draw_boxes(axis, groups):
    """Boxes with every run as a dot, spread evenly within the box's width."""
    lines = {"color": GREY, "linewidth": 0.8}
    axis.boxplot(
        groups,
        positions=range(len(groups)),
        widths=0.6,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": "#cfe3f1", "edgecolor": GREY, "linewidth": 0.8},
        medianprops={"color": ORANGE, "linewidth": 1.6},
        whiskerprops=lines,
        capprops=lines,
    )
    for i, values in enumerate(groups):
        x = i + (np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else np.zeros(1))
        axis.plot(x, values, ".", color="black", ms=5, alpha=0.6, mew=0)


def choose_boxed_curve(scores):
    """The curve whose single runs are worth boxes: a first phase, else the first in order."""
    first = scores[scores["role"] == "first"]
    return (first if len(first) else scores)["curve"].iloc[0]


@style()
def plot_methods(cells, scores, metrics, title):
    """Draw methods at the setting that represents each, a panel for every metric.

    Parameters
    ----------
    cells, scores : DataFrame
        `selected_cells` and `selected` of one data set and protocol, see
        `evaluation.statistics.summary.Summary`.
    metrics : sequence of str
    title : str

    Returns
    -------
    matplotlib.figure.Figure or None
        None where nothing has a score.
    """
    known = cells[cells["n"] > 0]
    names = [name for name in metrics if name in set(known["metric"])]
    if not names:
        return None
    labels = dict(zip(known["method"], known["method_label"], strict=True))
    methods = list(labels)[::-1]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    height = (0.26 * len(methods) + 0.75) * rows + 0.45
    figure, axes = new_figure(2.6 * columns + 1.5, height, rows, columns, title, sharey=True)
    for axis in axes.flat[len(names) :]:
        axis.remove()
    for axis, name in zip(axes.flat, names, strict=False):
        _draw_methods(axis, known[known["metric"] == name], scores, name, methods)
    for axis in axes[:, 0]:
        axis.set_yticks(range(len(methods)), [write_label(labels[name]) for name in methods])
        axis.set_ylim(-0.6, len(methods) - 0.4)
    return figure


def _draw_methods(axis, cells, scores, name, methods):
    """Mean, interval and seeds of every method that has the metric."""
    facts = describe_key(name, cells)
    runs = scores[(scores["metric"] == name) & scores["value"].notna()]
    runs = runs[runs["method"].isin(cells["method"])]
    places = cells["method"].map(methods.index)
    axis.plot(
        runs["value"],
        runs["method"].map(methods.index) - 0.2,
        ".",
        color=GREY,
        ms=3.5,
        alpha=0.6,
        mew=0,
    )
    low, high = clip_to_range(cells["low"], facts), clip_to_range(cells["high"], facts)
    axis.hlines(places, low, high, color=BLUE, lw=2.2, alpha=0.55)
    axis.plot(cells["mean"], places, "o", color=BLUE, ms=5, mec="white", mew=0.6, zorder=3)
    axis.set_xlim(
        find_limits([*runs["value"], *cells["mean"]], [*low, *high], facts, from_zero=False)
    )
    axis.set_title(write_heading(facts), fontsize=9)
    axis.grid(visible=True, axis="x")
    # Few enough that the last label keeps its distance from the first of the next panel.
    axis.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axis.tick_params(axis="y", length=0)


@style()
def plot_standing(cells, metrics, title, *, marked=None, narrow=False):
    """Draw where every method stands by its mean: a panel for each metric, the best on top.

    Parameters
    ----------
    cells : DataFrame
        `selected_cells` of one data set and protocol, and the cells of representations from
        elsewhere, whose `role` is "external"; first phases are left out.
    metrics : sequence of str
        Flat keys.
    title : str
    marked : container of str, optional
        Methods that stand out; by default those from elsewhere.
    narrow : bool, default False
        One panel below the other, for a telephone.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where nothing has a score.
    """
    known = cells[(cells["n"] > 0) & (cells["role"] != "first")]
    names = [name for name in metrics if name in set(known["metric"])]
    if not names:
        return None
    labels = shorten_labels(dict(zip(known["method"], known["method_label"], strict=True)))
    if marked is None:
        marked = set(known.loc[known["role"] == "external", "method"])
    columns = 1 if narrow else min(3, len(names))
    rows = -(-len(names) // columns)
    most = known.groupby("metric")["method"].nunique()[names].max()
    height = (0.21 * most + 0.75) * rows + 0.45
    figure, axes = new_figure(4.1 * columns, height, rows, columns, title)
    for axis in axes.flat[len(names) :]:
        axis.remove()
    for axis, name in zip(axes.flat, names, strict=False):
        part = known[known["metric"] == name]
        _draw_standing(axis, part, describe_key(name, known), labels, marked)
        axis.set_ylim(most - 0.4, -0.6)
    return figure


def _draw_standing(axis, cells, facts, labels, marked):
    """Methods from the best down; those that stand out in another colour and marker."""
    quality = cells["mean"].to_numpy(dtype=float) * (facts.sign or 1)
    cells = cells.iloc[np.argsort(-quality, kind="stable")].drop_duplicates("method")
    low, high = clip_to_range(cells["low"], facts), clip_to_range(cells["high"], facts)
    means = cells["mean"].to_numpy(dtype=float)
    stars = np.array([method in marked for method in cells["method"]])
    # The first row of every panel is on one line, however many methods lack the metric.
    places = np.arange(len(cells))
    for rows, colour, marker, size in (
        (~stars, BLUE, "o", 5),
        (stars, ORANGE, "*", 9),
    ):
        look = {"color": colour, "marker": marker, "ms": size, "mec": "white", "mew": 0.5}
        axis.hlines(places[rows], low[rows], high[rows], color=colour, lw=2.2, alpha=0.5)
        axis.plot(means[rows], places[rows], ls="none", **look, zorder=3)
    axis.set_yticks(places, [labels[method] for method in cells["method"]])
    for text, star in zip(axis.get_yticklabels(), stars, strict=True):
        text.set_color(ORANGE if star else "black")
    axis.set_xlim(find_limits(means, [*low, *high], facts, stretch=1.0))
    axis.set_title(write_heading(facts), fontsize=9)
    axis.grid(visible=True, axis="x")
    # Few enough that the last label keeps its distance from the first of the next panel.
    axis.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axis.tick_params(axis="y", length=0)
