"""Matrices of codes by factors: one with its numbers, or mutual information over what was swept."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..naming import format_number
from .grids import draw_cells
from .style import WIDEST, new_figure, style, write_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure


@style()
def plot_matrix(
    matrix: Any,
    factor_names: Sequence[str] | None = None,
    title: str = "",
    *,
    code_names: Sequence[str] | None = None,
    label: str | None = None,
    sort: bool = False,
) -> Figure:
    """Draw one matrix of codes by factors with its numbers: information, importances, scores.

    Parameters
    ----------
    matrix : array_like of shape (D, K), or Score
        Codes by factors, or a score that has such a `matrix`. NaN is drawn as a gap.
    factor_names : sequence of str, optional
        K names; factor 0, factor 1, … by default.
    title : str
    code_names : sequence of str, optional
        D names; z0, z1, … by default.
    label : str, optional
        What the numbers are, for the colour bar; the name of the score's metric by default.
    sort : bool, default False
        Sort codes by the factor that they say most about.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no matrix, or the names do not fit it.

    Examples
    --------
    >>> figure = plot_matrix([[0.9, 0.0], [0.1, 0.7]], ["shape", "scale"], label="MI (nats)")
    >>> [text.get_text() for text in figure.axes[0].get_xticklabels()]
    ['shape', 'scale']
    """
    score = matrix if hasattr(matrix, "matrix") else None
    if score is not None:
        matrix, label = score.matrix, score.metric if label is None else label
        if matrix is None:
            raise ValueError(f"the score {score.metric!r} has no matrix of codes by factors")
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"expected a matrix of codes by factors, got the shape {matrix.shape}")
    names = []
    for given, count, kind, letter in zip(
        (code_names, factor_names),
        matrix.shape,
        ("codes", "factors"),
        ("z", "factor "),
        strict=True,
    ):
        known = [f"{letter}{i}" for i in range(count)] if given is None else list(map(str, given))
        if len(known) != count:
            raise ValueError(f"expected {count} names of {kind}, got {len(known)}")
        names.append(known)
    table = pd.DataFrame(matrix, *names)
    table = table.iloc[order_codes(matrix)] if sort else table
    # Room for the longest names, which a figure cuts at 34 letters.
    lengths = [min(max(map(len, known)), 34) * 0.08 for known in names]
    wide = 0.55 * matrix.shape[1] + 1.4 + lengths[0]
    tall = 0.3 * matrix.shape[0] + 0.9 + lengths[1]
    figure, ((axis,),) = new_figure(wide, tall, title=title)
    texts = table.map(lambda value: f"{value:.2f}")
    low = min(np.nanmin(matrix, initial=0.0), 0.0)
    bar = {"label": write_label(label or ""), "aspect": 30}
    draw_cells(axis, table, texts, 8, cmap="viridis", vmin=low, cbar=True, cbar_kws=bar)
    axis.tick_params(axis="x", labelrotation=90 if matrix.shape[1] > 1 else 0)
    return figure


@style()
def plot_mi_matrices(matrices, factors, title, label="β"):
    """Draw mutual information between codes and factors as a share of each factor's entropy.

    Parameters
    ----------
    matrices : dict of (str, float) to ndarray of shape (D, K)
        By (name of the row, value of what was swept): MI/H, codes in any order; they are sorted by
        their best factor.
    factors : sequence of str
        K names.
    title : str
    label : str, default "β"
        How what was swept is written.

    Returns
    -------
    matplotlib.figure.Figure or None
        None without matrices.
    """
    if not matrices:
        return None
    names = list(dict.fromkeys(name for name, _ in matrices))
    values = sorted({value for _, value in matrices})
    codes, width = np.max([matrix.shape for matrix in matrices.values()], axis=0)
    factors = [write_label(name) for name in factors]
    # Narrower where there are many, as far as the names of factors fit.
    room = max((WIDEST - 1.5) / len(values), 0.11 * width + 0.45)
    figure, axes = new_figure(
        min(0.2 * width + 0.6, room) * len(values) + 1.5,
        (0.115 * codes + 0.32) * len(names) + 1.45,
        len(names),
        len(values),
        title,
    )
    for row, name in enumerate(names):
        for place, value in enumerate(values):
            axis = axes[row, place]
            if (name, value) not in matrices:
                axis.set(xticks=[], yticks=[], frame_on=False)
                continue
            matrix = matrices[name, value]
            mesh = axis.pcolormesh(
                matrix[order_codes(matrix)], cmap="viridis", vmin=0, vmax=1, rasterized=True
            )
            axis.invert_yaxis()
            order = [f"z{code}" for code in order_codes(matrix)]
            axis.set_yticks(np.arange(len(order)) + 0.5, order, fontsize=5)
            axis.set_xticks([])
            axis.tick_params(length=0, pad=1)
            if row == len(names) - 1 or (names[row + 1], value) not in matrices:
                axis.set_xticks(np.arange(width) + 0.5, factors, rotation=90, fontsize=7)
                axis.tick_params(length=0)
        axes[row, 0].set_ylabel(textwrap.fill(write_label(name, 60), 18), fontsize=8)
    for place, value in enumerate(values):
        axes[0, place].set_title(f"{write_label(label)} = {format_number(value)}", fontsize=9)
    figure.colorbar(mesh, ax=axes, label="MI / H(factor)", aspect=40, pad=0.02)
    return figure


def order_codes(matrix):
    """Numbers of the codes by the factor that they say most about, the strongest first."""
    matrix = np.nan_to_num(matrix)
    return np.lexsort((-matrix.max(axis=1), matrix.argmax(axis=1)))
