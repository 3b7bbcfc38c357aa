"""The picture of the result: scores rise and fall with β, and information with them."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..statistics.labels import describe_keys
from .curves import draw_curves, set_swept_axis
from .overview import set_limits
from .style import (
    ORANGE,
    find_weights,
    label_curves,
    new_figure,
    pick_evenly,
    style,
    style_curves,
    write_heading,
)

SHOWN = ("mig", "mi_matched_sampled", "kl")
# Values of λ that the picture has room for.
MOST_WEIGHTS = 4
# Share of its largest information below which a model has lost most of it.
LOST = 0.5


@style()
def plot_headline(cells, title=""):
    """Draw MIG, information of sampled codes and KL against β, for the β-VAE and the λβ-VAE.

    The region where the mean information of the β-VAE has fallen below half of its largest is
    shaded; between two values of β it begins where the line that joins them crosses the half.

    Parameters
    ----------
    cells : DataFrame
        Of one data set and protocol, from `evaluation.statistics.cells.compute_cells`.
    title : str

    Returns
    -------
    matplotlib.figure.Figure or None
        None where no β-VAE was trained at several β. At 160 dots per inch it is 1,200 pixels wide.
    """
    known = cells[cells["axis_value"].notna() & (cells["n"] > 0) & (cells["axis"] == "beta")]
    known = known[(known["role"] == "") & known["metric"].isin(SHOWN)]
    known = known.sort_values("axis_value", kind="stable")
    weights = find_weights(known)
    plain = [curve for curve in weights.index if not weights[curve]][:1]
    weighted = [curve for curve in weights.index if weights[curve]]
    keys = [key for key in SHOWN if key in set(known["metric"])]
    if not plain or known.loc[known["curve"] == plain[0], "axis_value"].nunique() < 2:
        return None
    labels, looks = label_curves(known, weights), style_curves(cells)
    curves = {
        curve: looks[curve] | {"label": labels[curve]}
        for curve in [*plain, *pick_evenly(weighted, MOST_WEIGHTS)]
    }
    known = known[known["curve"].isin(curves)]
    figure, (panels,) = new_figure(7.5, 2.95 + 0.3 * bool(title), 1, len(keys), title)
    facts = describe_keys(known)
    for panel, key in zip(panels, keys, strict=True):
        part = known[known["metric"] == key]
        places = set_swept_axis(panel, known)
        draw_curves(panel, part, facts[key], curves, places)
        set_limits(panel, [part], facts[key])
        panel.set_title(write_heading(facts[key]), fontsize=9)
    lost = find_loss(known[known["curve"] == plain[0]], places)
    handles = [Line2D([], [], **look, ms=5, lw=1.5, mec="white") for look in curves.values()]
    if lost is not None:
        shade = {"color": ORANGE, "alpha": 0.13, "lw": 0}
        for panel in panels:
            panel.axvspan(lost, panel.get_xlim()[1], zorder=0, **shade)
        label = f"{labels[plain[0]]} has lost more than half of its largest I_m"
        handles.append(Patch(label=label, **shade))
    # Two curves and the shade fill a line.
    columns = len(handles) if len(handles) < 4 else -(-len(handles) // 2)
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, columnspacing=1.2)
    return figure


def find_loss(cells, places, metric="mi_matched_sampled"):
    """Where on the axis the information of a curve falls below half of its largest, and stays.

    Parameters
    ----------
    cells : DataFrame
        Of one curve, ascending by `axis_value`.
    places : dict of float to float
        Where each value lies on the axis.
    metric : str

    Returns
    -------
    float or None
        None where at the last value more than half is left, or nothing is known.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"axis_value": [1.0, 8.0, 32.0], "mean": [2.0, 4.0, 0.0]})
    >>> find_loss(cells.assign(metric="mi_matched_sampled"), {1.0: 0.0, 8.0: 3.0, 32.0: 5.0})
    4.0
    """
    rows = cells[(cells["metric"] == metric) & cells["mean"].notna()]
    means = rows["mean"].to_numpy(dtype=float)
    if not len(means) or means[-1] >= LOST * means.max():
        return None
    x = rows["axis_value"].map(places).to_numpy(dtype=float)
    half = LOST * means.max()
    last = int(np.flatnonzero(means >= half)[-1])
    share = (means[last] - half) / (means[last] - means[last + 1])
    return float(x[last] + share * (x[last + 1] - x[last]))
