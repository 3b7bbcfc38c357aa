"""The trade-off between reconstruction and disentanglement, and the KL of single latents."""

import numpy as np
import pandas as pd
from matplotlib.transforms import Bbox

from ..naming import format_number
from ..statistics.labels import describe_key
from .axes import set_kl_axis, set_value_axis
from .style import (
    GREY,
    MARKERS,
    ORANGE,
    WIDEST,
    find_weights,
    label_curves,
    new_figure,
    pick_colours,
    style,
    style_curves,
    write_label,
)

# Letters of what was swept that fit beside a point.
LONGEST_SYMBOL = 6
# Where the name of a point may stand: offset in points and alignment, left above it first.
_PLACES = (
    ((-4, 3), "right", "baseline"),
    ((-6, 0), "right", "center"),
    ((4, 3), "left", "baseline"),
    ((-4, -3), "right", "top"),
    ((4, -3), "left", "top"),
    ((6, 0), "left", "center"),
)
# Half of a marker's side, in pixels of a figure before it is saved.
_MARKER = 3.5


def pareto_front(nll, score):
    """Which points no other beats in both.

    Parameters
    ----------
    nll : array_like of shape (n,)
        Lower is better.
    score : array_like of shape (n,)
        Higher is better.

    Returns
    -------
    ndarray of shape (n,), bool
        Equal points are both on the front; NaN is never.

    Examples
    --------
    >>> pareto_front([1.0, 2.0, 3.0], [0.1, 0.3, 0.2]).tolist()
    [True, True, False]
    """
    nll, score = np.asarray(nll, dtype=float), np.asarray(score, dtype=float)
    no_worse = (nll[:, None] <= nll) & (score[:, None] >= score)
    better = (nll[:, None] < nll) | (score[:, None] > score)
    return np.isfinite(nll) & np.isfinite(score) & ~(no_worse & better).any(axis=0)


@style()
def plot_front(cells, title, metric="mig"):
    """Draw the mean score against the mean NLL of every setting, and the front.

    Parameters
    ----------
    cells : DataFrame
        Of one data set and protocol, from `evaluation.statistics.cells.compute_cells`.
    title : str
    metric : str

    Returns
    -------
    matplotlib.figure.Figure or None
        None with fewer than two settings that have both.
    """
    both = front_cells(cells, metric)
    if len(both) < 2:
        return None
    labels = label_curves(both, find_weights(both))
    front = both[pareto_front(both["nll"], both[metric])].sort_values("nll")
    figure, ((axis,),) = new_figure(6.4, 4.3, title=title)
    looks = style_curves(cells)
    for curve, label in labels.items():
        part = both[both["curve"] == curve].sort_values("axis_value")
        look = looks[curve] | {"linestyle": "none"}
        axis.plot(part["nll"], part[metric], lw=0.7, alpha=0.45, color=look["color"])
        axis.plot(part["nll"], part[metric], **look, ms=6, mec="white", label=label)
    long, names = _name_values(axis, both, front, metric)
    axis.step(
        front["nll"],
        front[metric],
        where="post",
        color=ORANGE,
        lw=1.4,
        ls=(0, (5, 2)),
        zorder=1,
        label="Pareto front",
    )
    axis.set_xlabel("NLL (nats per image), lower is better")
    axis.set_ylabel(f"{write_label(describe_key(metric, cells).axis, 60)}, higher is better")
    letters = max((len(text.get_text()) for text in axis.texts), default=0)
    axis.margins(x=max(0.08, 0.02 * letters), y=0.08)  # labels of the front stand at its left
    title = f"numbers: {' or '.join(map(write_label, long))}" if long else None
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), title=title, alignment="left")
    _part_names(figure, names, both[["nll", metric]].to_numpy())
    return figure


def _part_names(figure, names, points):
    """Move names that lie on other names or on points; those without a free place are left out."""
    figure.draw_without_rendering()
    (axis,) = figure.axes
    inner = axis.get_window_extent()
    taken = [_around(place) for place in axis.transData.transform(points)]
    for name in names:
        for (x, y), side, height in _PLACES if name.get_ha() == "right" else _PLACES[::-1]:
            name.set(position=(x, y), ha=side, va=height)
            box = name.get_window_extent()
            inside = inner.x0 <= box.x0 and box.x1 <= inner.x1
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
        else:
            name.remove()


def _around(place):
    """The box of a marker."""
    return Bbox([place - _MARKER, place + _MARKER])


def _name_values(axis, both, front, metric):
    """Write what was swept beside the points of the front and the end of every curve.

    Returns the names that are too long to stand there: of these the value is written alone; and
    what was written, the front first.
    """
    last = both.sort_values("axis_value").groupby("curve").tail(1)
    named = both.loc[both.index.isin(front.index) | both.index.isin(last.index)]
    named = named[named["axis_value"].notna()]
    long = [name for name in dict.fromkeys(named["axis_label"]) if len(name) > LONGEST_SYMBOL]
    on_front = named.index.isin(front.index)
    texts = []
    for index, row in pd.concat([named[on_front], named[~on_front]]).iterrows():
        # Left above the front there is nothing, right below it the other points.
        left = index in front.index
        text = axis.annotate(
            ("" if row["axis_label"] in long else f"{row['axis_label']}=")
            + format_number(row["axis_value"]),
            (row["nll"], row[metric]),
            xytext=(0, 0),
            ha="right" if left else "left",
            textcoords="offset points",
            fontsize=6.5,
            color=GREY,
        )
        texts.append(text)
    return long, texts


def front_cells(cells, metric="mig"):
    """Set the means of NLL and of a metric side by side, a row for every setting.

    Parameters
    ----------
    cells : DataFrame
        Of one data set and protocol; first phases are left out.
    metric : str

    Returns
    -------
    DataFrame
        What tells a setting from others, `method`, `role`, `curve`, `curve_label`, `axis`,
        `axis_label`, `axis_value`, `setting`, `beta`, `lambda`, and its `nll`, `metric` by its
        name, `n` (the fewer seeds of the two).
    """
    keys = ["method", "role", "curve", "curve_label", "axis", "axis_label", "axis_value"]
    keys += ["setting", "beta", "lambda"]
    kept = cells[(cells["n"] > 0) & (cells["role"] != "first")]
    one = kept[kept["metric"] == "nll"][[*keys, "mean", "n"]]
    other = kept[kept["metric"] == metric][[*keys, "mean", "n"]]
    both = one.merge(other, on=keys, suffixes=("_nll", "_other"))
    both["n"] = both[["n_nll", "n_other"]].min(axis=1)
    both = both.rename(columns={"mean_nll": "nll", "mean_other": metric})
    return both[[*keys, "nll", metric, "n"]]


@style()
def plot_latents(orders, title, labels=None):
    """Draw the KL of the strongest latent, the second strongest, … against β, say.

    Parameters
    ----------
    orders : dict of str to evaluation.representation.posterior.CollapseOrder
        By name of the panel.
    title : str
    labels : dict of str to str, optional
        How what was swept is written, by name of the panel; β by default.

    Returns
    -------
    matplotlib.figure.Figure or None
        None without any.
    """
    if not orders:
        return None
    width = min(3.9 * len(orders) + 1.3, WIDEST)
    figure, (axes,) = new_figure(width, 3.9, 1, len(orders), title, sharey=True)
    largest = max(order.ranked.max() for order in orders.values())
    colours = pick_colours(max(order.ranked.shape[1] for order in orders.values()))
    for axis, (name, order) in zip(axes, orders.items(), strict=True):
        label = (labels or {}).get(name, "β")
        places = set_value_axis(
            axis, order.betas, label, logarithmic=True if label == "β" else None
        )
        for rank, values in enumerate(order.ranked.T):
            axis.plot(
                [places[beta] for beta in order.betas],
                values,
                color=colours[rank],
                marker=MARKERS[rank % len(MARKERS)],
                ms=4.5,
                mec="white",
                mew=0.5,
                lw=1.3,
                label=f"{rank + 1}",
            )
        set_kl_axis(axis, largest)
        axis.set_title(write_label(name))
    axes[0].set_ylabel("KL of one latent (nats)")
    widest = max(axes, key=lambda axis: len(axis.lines))
    figure.legend(*widest.get_legend_handles_labels(), title="rank", loc="outside right center")
    return figure
