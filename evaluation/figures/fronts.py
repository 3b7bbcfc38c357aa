"""The trade-off between reconstruction and disentanglement, and the KL of single latents."""

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator

from ..naming import format_number
from ..representation.posterior import COLLAPSED
from ..statistics.labels import curve_label, curve_order, describe_key
from .style import GREY, beta_axis, headline, new_figure, place_of, ramp, style

_MARKERS = "osD^vPX"


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


def plot_front(cells, title, metric="mig"):
    """Mean score against mean NLL of every setting, and the front.

    Parameters
    ----------
    cells : DataFrame
        Of one data set and protocol, from `evaluation.statistics.cells.cells`.
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
    curves = sorted(set(both["curve"]), key=curve_order)
    colours = ramp(len(curves))
    with style():
        figure, ((axis,),) = new_figure(6.4, 4.3)
        front = both[pareto_front(both["nll"], both[metric])].sort_values("nll")
        for i, curve in enumerate(curves):
            part = both[both["curve"] == curve].sort_values("beta")
            axis.plot(part["nll"], part[metric], lw=0.7, alpha=0.45, color=colours[i])
            axis.plot(
                part["nll"],
                part[metric],
                ls="",
                marker=_MARKERS[i % len(_MARKERS)],
                ms=6,
                mec="white",
                color=colours[i],
                label="β-VAE (λ = 0)" if curve == "betavae" else curve_label(curve),
            )
        _name_betas(axis, both, front, metric)
        axis.step(
            front["nll"],
            front[metric],
            where="post",
            color="#d55e00",
            lw=1.4,
            ls=(0, (5, 2)),
            zorder=1,
            label="Pareto front",
        )
        facts = describe_key(metric)
        axis.set_xlabel("NLL (nats per image), lower is better")
        axis.set_ylabel(f"{facts.axis}, higher is better")
        axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
        axis.margins(0.08)
        figure.subplots_adjust(left=0.1, right=0.68, top=0.88, bottom=0.12)
        headline(figure, title)
    return figure


def _name_betas(axis, both, front, metric):
    """Write β beside the points of the front and the end of every curve."""
    last = both.sort_values("beta").groupby("curve").tail(1)
    named = both.loc[both.index.isin(front.index) | both.index.isin(last.index)]
    for index, row in named[named["beta"].notna()].iterrows():
        # Left above the front there is nothing, right below it the other points.
        left = index in front.index
        axis.annotate(
            f"β={format_number(row['beta'])}",
            (row["nll"], row[metric]),
            xytext=(-4, 3) if left else (5, -2.5),
            ha="right" if left else "left",
            textcoords="offset points",
            fontsize=6.5,
            color=GREY,
        )


def front_cells(cells, metric="mig"):
    """Settings with the means of NLL and a metric side by side.

    Parameters
    ----------
    cells : DataFrame
        Of one data set and protocol; the first phase of a β-VAE is left out.
    metric : str

    Returns
    -------
    DataFrame
        `curve`, `setting`, `beta`, `lambda`, `nll`, `metric` by its name, `n` (the fewer seeds of
        the two).
    """
    keys = ["method", "curve", "setting", "beta", "lambda"]
    kept = cells[(cells["n"] > 0) & (cells["method"] != "betavae_first")]
    one = kept[kept["metric"] == "nll"][[*keys, "mean", "n"]]
    other = kept[kept["metric"] == metric][[*keys, "mean", "n"]]
    both = one.merge(other, on=keys, suffixes=("_nll", "_other"))
    both["n"] = both[["n_nll", "n_other"]].min(axis=1)
    both = both.rename(columns={"mean_nll": "nll", "mean_other": metric})
    return both[[*keys, "nll", metric, "n"]]


def plot_latents(orders, title):
    """KL of the strongest latent, the second strongest, … against β.

    Parameters
    ----------
    orders : dict of str to evaluation.representation.posterior.CollapseOrder
        By name of the panel.
    title : str

    Returns
    -------
    matplotlib.figure.Figure or None
        None without any.
    """
    if not orders:
        return None
    with style():
        figure, axes = new_figure(3.9 * len(orders) + 1.3, 3.9, 1, len(orders), sharey=True)
        largest = max(order.ranked.max() for order in orders.values())
        latents = max(order.ranked.shape[1] for order in orders.values())
        colours = ramp(latents)
        for axis, (name, order) in zip(axes[0], orders.items(), strict=True):
            x = place_of(order.betas)
            for rank in range(order.ranked.shape[1]):
                label = f"{rank + 1}" if axis is axes[0, -1] else None
                axis.plot(
                    x,
                    order.ranked[:, rank],
                    color=colours[rank],
                    marker=_MARKERS[rank % len(_MARKERS)],
                    ms=4.5,
                    mec="white",
                    mew=0.5,
                    lw=1.3,
                    label=label,
                )
            axis.axhline(COLLAPSED, color=GREY, lw=0.9, ls=(0, (2, 2)))
            axis.set_yscale("symlog", linthresh=COLLAPSED, linscale=0.5)
            axis.set_yticks([t for t in (0, 0.1, 1, 10, 100) if t < 2 * largest])
            axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: format_number(y)))
            axis.yaxis.set_minor_locator(NullLocator())
            axis.set_ylim(-0.005, max(1.6 * largest, 0.2))
            beta_axis(axis, order.betas)
            axis.set_title(name)
        axes[0, 0].set_ylabel("KL of one latent (nats)")
        handles, labels = axes[0, -1].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            title="rank",
            loc="center right",
            bbox_to_anchor=(1.0, 0.5),
            title_fontsize=8,
        )
        wide = figure.get_size_inches()[0]
        figure.subplots_adjust(
            left=0.65 / wide, right=1 - 0.75 / wide, top=0.83, bottom=0.14, wspace=0.08
        )
        headline(figure, title)
    return figure
