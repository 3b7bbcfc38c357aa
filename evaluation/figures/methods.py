"""Single runs: boxes over β, and methods at their chosen settings."""

import numpy as np

from ..naming import format_number
from ..statistics.labels import describe_key, method_label, method_order
from .style import GREY, headline, new_figure, style


def plot_boxes(scores, metrics, title, curve="betavae_first"):
    """Box plots of single runs per β, a panel a metric.

    Parameters
    ----------
    scores : DataFrame
        Of one data set and protocol, from `tidy`.
    metrics : sequence of str
    title : str
    curve : str
        The curve whose runs are shown.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where the curve has no score.
    """
    kept = scores[(scores["curve"] == curve) & scores["value"].notna() & scores["beta"].notna()]
    names = [name for name in metrics if name in set(kept["metric"])]
    if not names:
        return None
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    with style():
        figure, axes = new_figure(2.5 * columns + 0.3, 2.3 * rows + 0.65, rows, columns)
        for axis in axes.flat[len(names) :]:
            axis.remove()
        for axis, name in zip(axes.flat, names, strict=False):
            part = kept[kept["metric"] == name]
            betas = np.sort(part["beta"].unique())
            groups = [part.loc[part["beta"] == beta, "value"].to_numpy() for beta in betas]
            _box(axis, groups)
            axis.set_xticks(range(len(betas)), [format_number(beta) for beta in betas])
            axis.set_xlabel("β")
            facts = describe_key(name)
            axis.set_title(f"{facts.label} {facts.arrow}".strip())
            axis.set_ylabel(facts.unit)
        figure.subplots_adjust(
            left=0.07, right=0.99, wspace=0.32, hspace=0.5, **_vertical(figure, 0.62, 0.5)
        )
        headline(figure, title)
    return figure


def _box(axis, groups):
    """Boxes with every run as a dot, spread evenly within the box's width."""
    axis.boxplot(
        groups,
        positions=range(len(groups)),
        widths=0.6,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": "#cfe3f1", "edgecolor": GREY, "linewidth": 0.8},
        medianprops={"color": "#d55e00", "linewidth": 1.6},
        whiskerprops={"color": GREY, "linewidth": 0.8},
        capprops={"color": GREY, "linewidth": 0.8},
    )
    for i, values in enumerate(groups):
        x = i + (np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else np.zeros(1))
        axis.plot(x, values, ".", color="black", ms=3.5, alpha=0.6, mew=0)


def _vertical(figure, top, bottom):
    height = figure.get_size_inches()[1]
    return {"top": 1 - top / height, "bottom": bottom / height}


def plot_methods(cells, scores, metrics, title):
    """Methods at the setting that represents each, a panel a metric.

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
    methods = sorted(set(known["method"]), key=method_order)[::-1]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    with style():
        height = (0.3 * len(methods) + 0.85) * rows + 0.45
        figure, axes = new_figure(2.6 * columns + 1.5, height, rows, columns, sharey=True)
        for axis in axes.flat[len(names) :]:
            axis.remove()
        for axis, name in zip(axes.flat, names, strict=False):
            _draw_methods(axis, known[known["metric"] == name], scores, name, methods)
        for axis in axes[:, 0]:
            axis.set_yticks(range(len(methods)), [method_label(m) for m in methods])
            axis.set_ylim(-0.6, len(methods) - 0.4)
        figure.subplots_adjust(
            left=1.45 / figure.get_size_inches()[0],
            right=0.985,
            wspace=0.12,
            hspace=0.85 / (0.3 * len(methods)),
            **_vertical(figure, 0.6, 0.42),
        )
        headline(figure, title)
    return figure


def _draw_methods(axis, cells, scores, name, methods):
    values = scores[(scores["metric"] == name) & scores["value"].notna()]
    for row in cells.to_dict("records"):
        y = methods.index(row["method"])
        dots = values.loc[values["method"] == row["method"], "value"]
        axis.plot(dots, [y - 0.2] * len(dots), ".", color=GREY, ms=3.5, alpha=0.6, mew=0)
        if row["low"] == row["low"]:
            axis.plot([row["low"], row["high"]], [y, y], color="#0072b2", lw=2.2, alpha=0.55)
        axis.plot(row["mean"], y, "o", color="#0072b2", ms=5, mec="white", mew=0.6, zorder=3)
    facts = describe_key(name)
    unit = f" ({facts.unit})" if facts.unit else ""
    axis.set_title(f"{facts.label}{unit} {facts.arrow}".strip(), fontsize=9)
    axis.grid(axis="x", color="#dddddd", lw=0.6)
    axis.set_axisbelow(True)
    axis.tick_params(axis="y", length=0)
