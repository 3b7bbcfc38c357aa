"""Grids of numbers: heat maps over β and λ, agreement between metrics."""

import dataclasses

import numpy as np
import seaborn as sns
from matplotlib.colors import FuncNorm, Normalize

from ..naming import format_number
from ..statistics.labels import describe_key
from .style import WIDEST, new_figure, style, write_heading, write_label

# Inches: of the narrowest and the widest cell, and of what stands beside the cells of a panel.
_CELL, _MARGIN = (0.36, 0.52), 0.55
GRID = ("nll", "sap", "mig", "mi_matched", "mi_matched_sampled")


@style()
def plot_heat_maps(changes, title, metrics=GRID, column="mean"):
    """Draw heat maps over β and λ: a row for every data set, a column for every metric.

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
    betas, lambdas = np.sort(known["beta"].unique()), np.sort(known["lambda"].unique())[::-1]
    columns, cell = _fit_columns(len(names), len(betas))
    lines = -(-len(names) // columns)  # of each data set
    figure, axes = new_figure(
        (cell * len(betas) + _MARGIN) * columns + 0.3,
        (0.36 * len(lambdas) + 0.85) * len(datasets) * lines + 0.5,
        len(datasets) * lines,
        columns,
        title,
    )
    for row, dataset in enumerate(datasets):
        panels = axes[row * lines : (row + 1) * lines].ravel()
        for axis in panels[len(names) :]:
            axis.remove()
        for axis, name in zip(panels, names, strict=False):
            facts = describe_key(name, known)
            part = known[(known["dataset"] == dataset) & (known["metric"] == name)]
            table = part.pivot_table(index="lambda", columns="beta", values=column)
            table = table.reindex(index=lambdas, columns=betas)
            if column == "mean":
                _draw_means(axis, table)
            else:
                _draw_changes(axis, table, facts.higher_is_better)
            percent = column != "mean"
            facts = dataclasses.replace(facts, unit="%") if percent else facts
            axis.set_title(write_heading(facts), fontsize=9)
            axis.set_xlabel("β")
            axis.set_ylabel(f"{write_label(dataset)}\nλ" if len(datasets) > 1 else "λ")
        for place, axis in enumerate(panels[: len(names)]):
            if place % columns:
                axis.set_ylabel("")
    return figure


def _fit_columns(panels, betas):
    """Panels side by side and the width of a cell, so that a page shows the figure in full size."""
    widest = max((WIDEST - 0.3) / panels - _MARGIN, 0) / betas
    if widest >= _CELL[0]:
        return panels, min(widest, _CELL[1])
    columns = max(int((WIDEST - 0.3) / (_CELL[0] * betas + _MARGIN)), 1)
    # As many in each row as can be.
    columns = -(-panels // -(-panels // columns))
    return columns, min(max(((WIDEST - 0.3) / columns - _MARGIN) / betas, _CELL[0]), _CELL[1])


def _draw_means(axis, table):
    """Coloured means with their numbers."""
    largest = np.nanmax(np.abs(table.to_numpy()), initial=0.0)
    decimals = 0 if largest >= 100 else 1 if largest >= 10 else 2
    low, high = np.nanmin(table.to_numpy()), np.nanmax(table.to_numpy())
    texts = table.map(lambda value: f"{value:.{decimals}f}")
    draw_cells(axis, table, texts, cmap="viridis", norm=Normalize(low, max(high, low + 1e-9)))


def _draw_changes(axis, table, higher_is_better):
    """Coloured changes in percent with their numbers."""
    # A change of 1,000 % must not drown one of 30 %: the scale is that of the square root.
    largest = max(np.nanmax(np.abs(table.to_numpy()), initial=0.0), 20.0)
    norm = FuncNorm((_signed_root, _signed_square), vmin=-largest, vmax=largest)
    texts = table.map(lambda value: f"{value:+.0f}" if abs(value) >= 0.5 else "0")
    colours = {True: "RdBu", False: "RdBu_r", None: "PuOr"}[higher_is_better]
    draw_cells(axis, table, texts, cmap=colours, norm=norm)


def _signed_root(value):
    return np.sign(value) * np.sqrt(np.abs(value))


def _signed_square(value):
    return np.sign(value) * np.square(value)


def draw_cells(axis, table, texts=None, size=6.5, **options):
    """A heat map of a frame: its labels at the axes, a dash and grey where there is no number."""
    labels = [
        [name if isinstance(name, str) else format_number(name) for name in names]
        for names in (table.columns, table.index)
    ]
    sns.heatmap(
        table.to_numpy(dtype=float),
        ax=axis,
        annot=False if texts is None else texts.replace("-", "−", regex=True).to_numpy(),
        fmt="",
        annot_kws={"fontsize": size},
        xticklabels=[write_label(label) for label in labels[0]],
        yticklabels=[write_label(label) for label in labels[1]],
        **{"cbar": False, **options},
    )
    axis.set_facecolor("#eeeeee")
    if texts is not None:
        for row, place in np.argwhere(~np.isfinite(table.to_numpy(dtype=float))):
            middle = (place + 0.5, row + 0.5)
            axis.text(*middle, "–", ha="center", va="center", fontsize=size + 0.5, color="#666666")
    axis.tick_params(length=0, labelsize=8)
    axis.tick_params(axis="y", labelrotation=0)


@style()
def plot_agreement(agreement, title, labels=None):
    """Draw Spearman's rank correlation between metrics over runs.

    Parameters
    ----------
    agreement : DataFrame
        Of one data set and protocol, from `evaluation.statistics.agreement.correlate_metrics`.
    title : str
    labels : dict of str to str, optional
        What users' metrics are called, by flat key.

    Returns
    -------
    matplotlib.figure.Figure or None
        None with fewer than two metrics, or without a single correlation.
    """
    labels = labels or {}
    names = list(dict.fromkeys(agreement["first"]))
    table = agreement.pivot_table(index="first", columns="second", values="correlation")
    if len(names) < 2 or not np.isfinite(table.to_numpy(dtype=float)).any():
        return None
    table = table.reindex(index=names, columns=names).astype(float)
    table.index = table.columns = [labels.get(name) or describe_key(name).label for name in names]
    figure, ((axis,),) = new_figure(0.5 * len(names) + 2.0, 0.5 * len(names) + 1.6, title=title)
    texts = table.map(lambda value: f"{value:.2f}")
    draw_cells(axis, table, texts, 8, cmap="RdBu", vmin=-1, vmax=1, square=True)
    axis.set_xticks(axis.get_xticks(), axis.get_xticklabels(), rotation=40, ha="right")
    return figure
