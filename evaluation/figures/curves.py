"""Scores against β: curves with their seeds."""

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator

from ..naming import format_number
from ..representation.posterior import COLLAPSED
from ..statistics.labels import curve_label, describe_key
from .style import GREY, beta_axis, curve_styles, headline, new_figure, place_of, ramp, style

BELOW = ("nll", "kl")
# More curves in one panel cannot be told apart.
MOST_CURVES = 7


def plot_curves(cells, scores, metrics, title):
    """Metrics against β with NLL and KL below: λ on the left, models on the right.

    Parameters
    ----------
    cells, scores : DataFrame
        Of one data set and protocol, from `evaluation.statistics.cells.cells` and `tidy`.
    metrics : sequence of str
        Flat keys, a row of panels each.
    title : str

    Returns
    -------
    matplotlib.figure.Figure or None
        None where no run with β has any of the metrics.
    """
    known = cells[cells["beta"].notna() & (cells["n"] > 0) & (cells["curve"] != "betavae_first")]
    shown = [metric for metric in metrics if metric in set(known["metric"])]
    if not shown:
        return None
    present = set(known.loc[known["metric"].isin(shown), "curve"])
    below = [key for key in BELOW if key in set(known["metric"]) and key not in shown]
    rows = [*shown, *below]
    panels = _panels(present)
    heights = [2.0] * len(shown) + [1.0] * len(below)
    with style():
        figure, axes = new_figure(
            4.3 * len(panels) + 0.6 + 0.8 * (len(panels) == 1),
            1.45 * sum(heights) + 1.5,
            len(rows),
            len(panels),
            sharex="col",
            sharey="row",
            height_ratios=heights,
        )
        betas = known.loc[known["curve"].isin(present), "beta"].unique()
        by_row = _by_curve(known, scores)
        for column, (name, styles) in enumerate(panels):
            for row, key in enumerate(rows):
                _draw(axes[row, column], key, styles, by_row, betas)
            axes[0, column].set_title(name)
            beta_axis(axes[-1, column], betas)
            axes[-1, column].xaxis.label.set_visible(True)
        for row, key in enumerate(rows):
            _limits(axes[row], key, [styles for _, styles in panels], by_row)
            facts = describe_key(key)
            axes[row, 0].set_ylabel(facts.axis.replace(" (nats per", "\n(nats per"))
        _finish(figure, axes, title, panels)
    return figure


def _panels(curves):
    """Titles of the columns and, for each, the styles of its curves by λ and by model."""
    by_lambda = [c for c in curves if c == "betavae" or c.startswith("lambdabeta,lambda=")]
    by_lambda = sorted(by_lambda, key=lambda c: float(c.partition("=")[2] or 0))
    others = [c for c in curves if c not in by_lambda]
    panels = []
    if len(by_lambda) > 1 or (by_lambda and not others):
        shown = _picked(by_lambda)
        colours = ramp(len(shown))
        marks = "osD^vPX"
        panels.append(
            (
                "β-VAE (λ = 0) and λβ-VAE" if len(by_lambda) > 1 else curve_label(by_lambda[0]),
                {
                    curve: {"color": colour, "marker": marks[i % len(marks)], "linestyle": "-"}
                    for i, (curve, colour) in enumerate(zip(shown, colours, strict=True))
                },
            )
        )
    if others:
        plain = [c for c in by_lambda if c == "betavae"]
        styles = curve_styles([*plain, *others])
        panels.append(("Models", {c: styles[c] for c in _picked(list(styles))}))
    return panels


def _picked(curves):
    if len(curves) <= MOST_CURVES:
        return curves
    places = np.linspace(0, len(curves) - 1, MOST_CURVES).round().astype(int)
    return [curves[i] for i in places]


def _by_curve(cells, scores):
    """Cells and single values of each (metric, curve)."""
    kept = scores[scores["value"].notna() & scores["beta"].notna()]
    values = {
        key: (part["beta"].to_numpy(), part["value"].to_numpy())
        for key, part in kept.groupby(["metric", "curve"])
    }
    ordered = cells.sort_values("beta", kind="stable")
    return {
        key: (part, *values.get(key, (np.empty(0), np.empty(0))))
        for key, part in ordered.groupby(["metric", "curve"])
    }


def _draw(axis, key, styles, by_curve, betas):
    """Curves of one panel: band, line, means and the dots of the seeds beside them."""
    first = place_of(np.append(betas, 1.0))[:-1]
    place = dict(zip(betas, first, strict=True))
    shift = 0.22 / max(len(styles), 1)
    for i, (curve, look) in enumerate(styles.items()):
        if (key, curve) not in by_curve:
            continue
        part, seed_betas, values = by_curve[(key, curve)]
        x = np.array([place[b] for b in part["beta"]])
        offset = (i - (len(styles) - 1) / 2) * shift
        low, high = part["low"].to_numpy(), part["high"].to_numpy()
        axis.fill_between(x, low, high, color=look["color"], alpha=0.15, lw=0)
        axis.plot(
            x,
            part["mean"],
            color=look["color"],
            linestyle=look["linestyle"],
            marker=look["marker"],
            ms=4.5,
            lw=1.5,
            mec="white",
            mew=0.5,
            label=_short_label(curve),
            zorder=3,
        )
        dots = np.array([place[b] for b in seed_betas]) + offset
        axis.plot(dots, values, ".", color=look["color"], ms=4, alpha=0.6, mew=0, zorder=2)
    axis.grid(axis="y", color="#dddddd", lw=0.6)
    axis.set_axisbelow(True)


def _limits(axes, key, styles, by_curve):
    """Vertical limits of a row of panels: room for every dot and band, zero where it means none."""
    parts = [
        by_curve[(key, curve)] for look in styles for curve in look if (key, curve) in by_curve
    ]
    high = max(np.nanmax([*values, *part["high"], *part["mean"]]) for part, _, values in parts)
    facts = describe_key(key)
    for axis in axes:
        if key == "kl":
            _kl_axis(axis, high)
        elif facts.low == 0 and key != "nll" and high > 0:
            # An interval may reach below what the score can be.
            axis.set_ylim(-0.04 * high, 1.05 * high)


def _kl_axis(axis, largest):
    """Logarithmic above the KL below which a run counts as collapsed, and that line."""
    axis.set_yscale("symlog", linthresh=COLLAPSED, linscale=0.4)
    top = max(1.8 * largest, 0.3)
    axis.set_ylim(-0.02, top)
    axis.set_yticks([t for t in (0, 0.1, 1, 10, 100, 1000) if t < top])
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: format_number(y)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.axhline(COLLAPSED, color=GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)


def _short_label(curve):
    if curve == "betavae":
        return "β-VAE (λ = 0)"
    if curve.startswith("lambdabeta,lambda="):
        return f"λ = {curve.partition('=')[2]}"
    return curve_label(curve)


def _finish(figure, axes, title, panels):
    """Room for labels, one legend below each column, and the title."""
    height = figure.get_size_inches()[1]
    entries = max(len(styles) for _, styles in panels)
    lines = -(-entries // 3)
    bottom = 0.62 + 0.2 * lines
    figure.subplots_adjust(
        left=0.9 / figure.get_size_inches()[0],
        right=1 - 0.12 / figure.get_size_inches()[0],
        top=1 - 0.58 / height,
        bottom=bottom / height,
        hspace=0.14,
        wspace=0.07,
    )
    figure.align_ylabels(axes[:, 0])
    for column in range(len(panels)):
        box = axes[-1, column].get_position()
        handles, labels = axes[0, column].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="upper center",
            bbox_to_anchor=((box.x0 + box.x1) / 2, (bottom - 0.4) / height),
            ncols=min(3, len(labels)),
            columnspacing=1.2,
            handlelength=2.2,
        )
    headline(figure, title)
