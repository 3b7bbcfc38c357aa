"""Weighing reconstruction against disentanglement: augmented Tchebycheff scalarisation."""

import numpy as np

from ..figures.fronts import front_cells, pareto_front
from ..figures.style import find_weights, label_curves
from ..naming import format_number

# Weight of the sum: among settings equal in the worst term it decides.
RHO = 0.05


def scale_means(values, higher_is_better):
    """Min–max scale means so that the best is 1 and the worst 0; all 1 where none differ.

    Examples
    --------
    >>> scale_means([10.0, 20.0, 15.0], False).tolist()
    [1.0, 0.0, 0.5]
    """
    values = np.asarray(values, dtype=float)
    values = values if higher_is_better else -values
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.ones_like(values)


def list_choices(cells, metric="mig"):
    """List the settings among which the page's slider chooses.

    The slider takes the setting with the smallest max(w (1 − a), (1 − w)(1 − b)) +
    ρ ((1 − a) + (1 − b)) for scaled scores a and NLLs b and the weight w (Steuer and Choo 1983).
    Unlike a weighted sum this reaches every point of the Pareto front.

    Parameters
    ----------
    cells : DataFrame
        Of one data set and protocol, from `evaluation.statistics.cells.compute_cells`.
    metric : str

    Returns
    -------
    dict or None
        `points`: settings of the curves over λ, or, where there is only one, of the other models,
        each with `curve`, `label`, `axis`, `axis_value`, `place` (``"β = 8"``), `nll`, `score`,
        `nll_scaled`, `score_scaled`, `n` and `front`; `grids`, one for all curves over the same,
        each with `label` (β, say), `values` and `rows` (label, and index of a point or None for
        each value); and `rho`. None with fewer than two settings.
    """
    both = front_cells(cells, metric)
    both = both[both["axis_value"].notna()]
    weights = find_weights(both[both["role"] != "scratch"])
    family = both["curve"].isin(weights.index)
    both = both[family] if family.sum() > 1 else both[~family]
    if len(both) < 2:
        return None
    both = both.drop_duplicates(["curve", "axis_value"]).reset_index(drop=True)
    both["nll_scaled"] = scale_means(both["nll"], False)
    both["score_scaled"] = scale_means(both[metric], True)
    both["front"] = pareto_front(both["nll"], both[metric])
    both["label"] = both["curve"].map(label_curves(both, weights))
    both["place"] = both["axis_label"] + " = " + both["axis_value"].map(format_number)
    grids = [_make_grid(part) for _, part in both.groupby("axis", sort=False)]
    shown = ["curve", "label", "axis", "axis_value", "place", "nll", "nll_scaled", "score_scaled"]
    points = both.rename(columns={metric: "score"})[[*shown, "score", "n", "front"]]
    return {"points": points.to_dict("records"), "grids": grids, "rho": RHO}


def _make_grid(points):
    """Where the points of curves over the same stand: a row a curve, a column a value."""
    values = sorted(points["axis_value"].unique())
    place = {(row.curve, row.axis_value): row.Index for row in points.itertuples()}
    labels = dict(zip(points["curve"], points["label"], strict=True))
    rows = [
        {"label": label, "points": [place.get((curve, value)) for value in values]}
        for curve, label in labels.items()
    ]
    return {"label": points["axis_label"].iloc[0], "values": values, "rows": rows}
