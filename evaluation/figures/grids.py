"""Grids: heat maps over β and λ, mutual-information matrices, agreement between metrics."""

import numpy as np
import seaborn as sns
from matplotlib.colors import FuncNorm, Normalize

from ..naming import format_number
from ..statistics.labels import describe_key
from .style import headline, new_figure, style

GRID = ("nll", "sap", "mig", "mi_matched", "mi_matched_sampled")


def plot_heat_maps(changes, title, metrics=GRID, column="mean"):
    """Heat maps over β and λ: a row a data set, a column a metric.

    Parameters
    ----------
    changes : DataFrame
        Of one protocol, from `evaluation.reference.percent_change`, or anything with `dataset`,
        `metric`, `beta`, `lambda` and `column`.
    title : str
    metrics : sequence of str
    column : str
        ``mean`` or ``percent_change``; the latter is coloured by sign, red where a score is worse.

    Returns
    -------
    matplotlib.figure.Figure or None
        None where there is no number.
    """
    known = changes[np.isfinite(changes[column].astype(float)) & changes["lambda"].notna()]
    names = [name for name in metrics if name in set(known["metric"])]
    if not names:
        return None
    datasets = list(dict.fromkeys(known["dataset"]))
    betas, lambdas = np.sort(known["beta"].unique()), np.sort(known["lambda"].unique())
    wide = 0.52 * len(betas) + 0.75
    tall = 0.36 * len(lambdas) + 0.85
    with style():
        figure, axes = new_figure(
            wide * len(names) + 0.75, tall * len(datasets) + 0.5, len(datasets), len(names)
        )
        for row, dataset in enumerate(datasets):
            for place, name in enumerate(names):
                axis = axes[row, place]
                part = known[(known["dataset"] == dataset) & (known["metric"] == name)]
                _heat(axis, _table(part, column, betas, lambdas), name, column)
                _name_grid(axis, betas, lambdas)
                facts = describe_key(name)
                unit = f" ({'%' if column != 'mean' else facts.unit})" if facts.unit else ""
                unit = " (%)" if column != "mean" else unit
                axis.set_title(f"{facts.label}{unit} {facts.arrow}".strip(), fontsize=9)
                if place == 0:
                    axis.set_ylabel(f"{dataset}\nλ" if len(datasets) > 1 else "λ")
                axis.set_xlabel("β")
        height = figure.get_size_inches()[1]
        figure.subplots_adjust(
            left=0.62 / figure.get_size_inches()[0],
            right=0.99,
            top=1 - 0.62 / height,
            bottom=0.45 / height,
            wspace=0.28,
            hspace=0.85 / (0.36 * len(lambdas)),
        )
        headline(figure, title)
    return figure


def _table(part, column, betas, lambdas):
    table = np.full((len(lambdas), len(betas)), np.nan)
    rows = np.searchsorted(lambdas, part["lambda"])
    table[rows, np.searchsorted(betas, part["beta"])] = part[column]
    return table


def _heat(axis, table, name, column):
    """Coloured cells with their numbers."""
    change = column != "mean"
    finite = table[np.isfinite(table)]
    if change:
        # A change of 1,000 % must not drown one of 30 %: the scale is that of the square root.
        largest = max(np.abs(finite).max(initial=0.0), 20.0)
        norm = FuncNorm((_signed_root, _signed_square), vmin=-largest, vmax=largest)
        better = describe_key(name).higher_is_better
        colours = sns.color_palette("RdBu" if better else "RdBu_r", as_cmap=True)
    else:
        low = finite.min() if len(finite) else 0.0
        norm = Normalize(low, max(finite.max(initial=low), low + 1e-9))
        colours = sns.color_palette("viridis", as_cmap=True)
    colours = colours.with_extremes(bad="#eeeeee")
    axis.imshow(table, cmap=colours, norm=norm, aspect="auto", origin="lower")
    decimals = _decimals(finite, change)
    for (row, place), value in np.ndenumerate(table):
        if not np.isfinite(value):
            axis.text(place, row, "–", ha="center", va="center", fontsize=7, color="#666666")
            continue
        text = f"{value:{'+' if change else ''}.{decimals}f}".replace("-", "−")
        text = text if float(f"{value:.{decimals}f}") else f"{0:.{decimals}f}"
        dark = np.dot(colours(norm(value))[:3], (0.299, 0.587, 0.114)) < 0.5
        colour = "white" if dark else "black"
        axis.text(place, row, text, ha="center", va="center", fontsize=6.5, color=colour)


def _signed_root(value):
    return np.sign(value) * np.sqrt(np.abs(value))


def _signed_square(value):
    return np.sign(value) * np.square(value)


def _decimals(values, change):
    largest = np.abs(values).max(initial=0.0)
    if change:
        return 0
    return 0 if largest >= 100 else 1 if largest >= 10 else 2


def _name_grid(axis, betas, lambdas):
    axis.set_xticks(range(len(betas)), [format_number(b) for b in betas], fontsize=8)
    axis.set_yticks(range(len(lambdas)), [format_number(w) for w in lambdas], fontsize=8)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)


def plot_mi_matrices(matrices, factors, title):
    """Mutual information between codes and factors as a share of each factor's entropy.

    Parameters
    ----------
    matrices : dict of (str, float) to ndarray of shape (D, K)
        By (name of the row, β): MI/H, codes in any order; they are sorted by their best factor.
    factors : sequence of str
        K names.
    title : str

    Returns
    -------
    matplotlib.figure.Figure or None
        None without matrices.
    """
    if not matrices:
        return None
    names = list(dict.fromkeys(name for name, _ in matrices))
    betas = sorted({beta for _, beta in matrices})
    codes, width = next(iter(matrices.values())).shape
    with style():
        figure, axes = new_figure(
            (0.2 * width + 0.45) * len(betas) + 1.5,
            (0.115 * codes + 0.32) * len(names) + 1.45,
            len(names),
            len(betas),
        )
        shown = None
        for row, name in enumerate(names):
            for place, beta in enumerate(betas):
                axis = axes[row, place]
                if (name, beta) not in matrices:
                    axis.set(xticks=[], yticks=[], frame_on=False)
                    continue
                matrix = matrices[(name, beta)]
                shown = axis.imshow(
                    _by_factor(matrix), cmap="viridis", vmin=0, vmax=1, aspect="auto"
                )
                axis.set_xticks([])
                axis.set_yticks([])
                if row == len(names) - 1 or (names[row + 1], beta) not in matrices:
                    axis.set_xticks(range(width), factors, rotation=90, fontsize=7)
                if row == 0:
                    axis.set_title(f"β = {format_number(beta)}", fontsize=9)
            axes[row, 0].set_ylabel(name, fontsize=8)
        wide, height = figure.get_size_inches()
        figure.subplots_adjust(
            left=0.42 / wide, right=1 - 0.95 / wide, top=1 - 0.62 / height, bottom=0.85 / height
        )
        bar = figure.add_axes((1 - 0.75 / wide, 0.85 / height, 0.12 / wide, 1 - 1.47 / height))
        figure.colorbar(shown, cax=bar, label="MI / H(factor)")
        headline(figure, title)
    return figure


def _by_factor(matrix):
    """Codes sorted by the factor that they say most about, the strongest of each first."""
    best, strength = matrix.argmax(axis=1), matrix.max(axis=1)
    return matrix[np.lexsort((-strength, best))]


def plot_agreement(agreement, title):
    """Spearman's rank correlation between metrics over runs.

    Parameters
    ----------
    agreement : DataFrame
        Of one data set and protocol, from `evaluation.statistics.cells.metric_agreement`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure or None
        None with fewer than two metrics, or without a single correlation.
    """
    names = list(dict.fromkeys(agreement["first"]))
    table = agreement.pivot_table(index="first", columns="second", values="correlation")
    if len(names) < 2 or not np.isfinite(table.to_numpy(dtype=float)).any():
        return None
    table = table.reindex(index=names, columns=names).to_numpy(dtype=float)
    labels = [describe_key(name).label for name in names]
    with style():
        side = 0.5 * len(names)
        figure, ((axis,),) = new_figure(side + 2.0, side + 2.0)
        colours = sns.color_palette("RdBu", as_cmap=True).with_extremes(bad="#eeeeee")
        axis.imshow(table, cmap=colours, vmin=-1, vmax=1)
        for (row, place), value in np.ndenumerate(table):
            text = f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "–"
            colour = "white" if abs(value) > 0.7 else "black"
            axis.text(place, row, text, ha="center", va="center", fontsize=8, color=colour)
        axis.set_xticks(range(len(names)), labels, rotation=40, ha="right", fontsize=8)
        axis.set_yticks(range(len(names)), labels, fontsize=8)
        axis.tick_params(length=0)
        for spine in axis.spines.values():
            spine.set_visible(False)
        wide, height = figure.get_size_inches()
        figure.subplots_adjust(
            left=1.75 / wide, right=1 - 0.2 / wide, top=1 - 0.5 / height, bottom=1.45 / height
        )
        headline(figure, title)
    return figure
