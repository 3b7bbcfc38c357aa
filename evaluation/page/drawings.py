"""What is drawn of one data set and protocol, and of several, with the captions."""

import pandas as pd

from ..figures.curves import BAND_FROM, plot_curves
from ..figures.drawing import Drawing
from ..figures.fronts import plot_front
from ..figures.grids import plot_agreement, plot_heat_maps
from ..figures.methods import choose_boxed_curve, plot_boxes, plot_methods
from ..figures.overview import plot_overview
from ..figures.style import BAND
from ..reference import paper_percent_change, percent_change
from ..reference.agreement import trains_as_published
from ..representation.posterior import COLLAPSED
from ..statistics.labels import HEADLINE, describe_key
from .measures import latents_figure, matrix_figures

# Panels of the overview, in their order, and most of the user's own metrics after them.
OVERVIEW = (
    "mig",
    "sap",
    "dci_disentanglement",
    "dci_completeness",
    "mi_matched_sampled",
    "mi_matched",
)
OWN = 2
# Rows of one figure of heat maps.
ROWS = 4
# Panels of one figure of curves over what is not β.
PANELS = 3


def draw_stratum(summary, dataset, protocol, every, medians):
    """Draw what one data set and protocol allow, most important first, a figure at a time.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    every : bool
        All figures; else the main ones alone, see `evaluation.page.figures.draw_figures`.
    medians : DataFrame or None
        From `evaluation.statistics.median_runs.median_runs`; None without `every`.

    Yields
    ------
    Drawing
    """
    cells = summary.part("cells", dataset, protocol)
    scores = summary.part("scores", dataset, protocol)
    where = f"on {dataset}, protocol {protocol}"
    groups = _group_axes(cells)
    if groups:
        yield _draw_overview(summary, dataset, protocol, groups[0], where)
    if not every:
        caption = _curve_caption(describe_key("mig"), describe_key("mi_matched_sampled"))
        for axes, against, ending in groups[1:]:
            title = f"Scores against {against} {where}"
            figure = plot_curves(cells, scores, ("mig", "mi_matched_sampled"), title, axes)
            yield Drawing(f"curves{ending}", title, caption, figure)
        return
    metrics = (*HEADLINE, *summary.own_keys)
    for metric in dict.fromkeys(("mig", "mi_matched_sampled", *metrics)):
        facts = summary.describe(metric)
        for axes, against, ending in groups:
            title = f"{facts.label} against {against} {where}"
            figure = plot_curves(cells, scores, (metric,), title, axes)
            yield Drawing(f"curve-{metric}{ending}", title, _curve_caption(facts), figure)
    yield from latents_figure(summary, dataset, protocol, where)
    title = f"Reconstruction against disentanglement {where}"
    joined = " or ".join(against for _, against, _ in groups) or "β"
    caption = (
        "Mean NLL and mean MIG over seeds of every setting; thin lines join the values of "
        f"{joined} of one curve in order. Dashed: the Pareto front, settings that no other beats "
        "in both. Means alone: neighbours on the front may not differ beyond the spread of their "
        "seeds."
    )
    yield Drawing("front-mig", title, caption, plot_front(cells, title))
    yield from matrix_figures(medians, dataset, protocol, where)
    title = f"Methods {where}"
    caption = (
        "Each method at the setting chosen for the metric (see the comparison table): mean, 95 % "
        "interval of the mean over the seeds that report, cut where the range of the score or the "
        "panel ends, and these seeds as dots below."
    )
    selected_cells = summary.part("selected_cells", dataset, protocol)
    figure = plot_methods(
        selected_cells, summary.part("selected", dataset, protocol), metrics, title
    )
    yield Drawing("methods", title, caption, figure)
    curve = choose_boxed_curve(scores)
    boxed = scores[scores["curve"] == curve].iloc[0]
    title = f"Single runs of {boxed['curve_label']} over {boxed['axis_label'] or 'β'} {where}"
    caption = (
        "Boxes: quartiles and median of single runs, whiskers to the last run within 1.5 box "
        "lengths, dots: every run."
        + (" First phase only, before the continuation." if boxed["role"] == "first" else "")
    )
    figure = plot_boxes(scores, (*metrics, "nll", "kl"), title, curve)
    yield Drawing("boxes", title, caption, figure)
    title = f"Agreement between metrics {where}"
    caption = (
        "Spearman's rank correlation over all runs, every metric turned so that larger is better; "
        "– where fewer than 5 runs have both or one does not vary."
    )
    labels = {key: summary.describe(key).label for key in metrics}
    figure = plot_agreement(summary.part("agreement", dataset, protocol), title, labels)
    yield Drawing("agreement", title, caption, figure)


def _draw_overview(summary, dataset, protocol, group, where):
    """Every headline score over β, or over the first that was swept, and NLL and KL once."""
    cells = summary.part("cells", dataset, protocol)
    best = summary.part("selected_cells", dataset, protocol)
    axis = group[0][0]
    symbol = cells.loc[cells["axis"] == axis, "axis_label"].iloc[0]
    title = f"Scores against {symbol} {where}"
    metrics = (*OVERVIEW, *summary.own_keys[:OWN])
    wide, narrow = (
        plot_overview(cells, metrics, title, best=best, axis=axis, narrow=narrow)
        for narrow in (False, True)
    )
    caption = (
        f"Means over seeds of every setting. Bands and bars are 95 % intervals of the mean, from "
        f"{BAND_FROM} seeds on; they end with the range of the score or the panel. "
    )
    if set(best["axis"].dropna()) - {axis}:
        caption += (
            f"Right of the dotted line: methods that were not swept over {symbol}, at the setting "
            "chosen for the score, or by MIG for NLL and KL. "
        )
    caption += (
        f"Below {COLLAPSED:g} nats of KL a run counts as collapsed. Information of posterior means "
        "does not see a collapse; that of sampled codes does."
    )
    return Drawing("overview", title, caption, wide, narrow)


def _group_axes(cells):
    """What was swept, as it shares figures: β by itself, then the others side by side.

    Returns
    -------
    list of (list of str, str, str)
        Names of axes, how they are written, and the end of the figures' names.
    """
    known = cells[cells["axis_value"].notna()].drop_duplicates("axis")
    labels = dict(zip(known["axis"], known["axis_label"], strict=True))
    others = [name for name in labels if name != "beta"]
    groups = [["beta"]] if "beta" in labels else []
    groups += [others[start : start + PANELS] for start in range(0, len(others), PANELS)]
    return [
        (
            names,
            " and ".join(", ".join(labels[name] for name in names).rsplit(", ", 1)),
            "".join(f"-{name}" for name in names) if place else "",
        )
        for place, names in enumerate(groups)
    ]


def _curve_caption(*metrics):
    names = " and ".join(f"{facts.label} ({facts.variant})" for facts in metrics)
    text = f"{names}, with NLL and KL of the same runs below. {BAND}"
    text += f" Dotted: KL = {COLLAPSED:g} nats, below which a run counts as collapsed."
    keys = {facts.name for facts in metrics}
    if any(facts.metric == "mi" for facts in metrics):
        text += (
            " Information of posterior means ignores their scale and does not see a collapse: "
            "see the one of sampled codes."
        )
    if "mi_matched_sampled" in keys:
        text += " Information of sampled codes is what claims about collapse rest on."
    return text


def draw_grids(summary, every):
    """Draw heat maps over β and λ, data sets of one kind below each other.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    every : bool
        Means too; else the changes alone, and the published ones.

    Yields
    ------
    (str, list of str, Drawing)
        Protocol, data sets and drawing.
    """
    changes = percent_change(summary.cells)
    changes = changes[changes["lambda"].notna()]
    for (protocol, kind), part in changes.groupby(["protocol", "dataset_kind"], sort=False):
        datasets = list(dict.fromkeys(part["dataset"]))
        for start in range(0, len(datasets), ROWS):
            names = datasets[start : start + ROWS]
            rows = part[part["dataset"].isin(names)]
            if len(rows[["beta", "lambda"]].drop_duplicates()) < 2:
                continue
            for drawing in _draw_grid(rows, protocol, kind, names, every):
                yield protocol, names, drawing


def _draw_grid(rows, protocol, kind, names, every):
    """Means, changes, and the published changes where the data are genuine."""
    where = f"{', '.join(names)} ({kind}), protocol {protocol}"
    if every:
        title = f"Means over β and λ: {where}"
        caption = (
            "Mean over seeds of every (β, λ), β-VAE at λ = 0 and λβ-VAE above it, equal training "
            "steps."
        )
        yield Drawing("grid-mean", title, caption, plot_heat_maps(rows, title))
    title = f"Change against β = 1, λ = 0: {where}"
    caption = (
        "Change of the mean against (β, λ) = (1, 0) in percent, as arXiv:2602.09277 prints it. "
        "Blue is better, red worse; the colour follows the square root of the change. A small "
        "baseline makes large percentages: read them beside the means."
    )
    figure = plot_heat_maps(rows, title, column="percent_change")
    yield Drawing("grid-change", title, caption, figure)
    published = paper_percent_change()
    published = published[published["dataset"].isin(names)]
    if kind == "genuine" and len(published) and trains_as_published(protocol):
        published = pd.concat([published[published["dataset"] == name] for name in names])
        both = ", ".join(dict.fromkeys(published["dataset"]))
        title = f"Published change against β = 1, λ = 0: {both}"
        caption = (
            "The authors' grid in the same layout (arXiv:2602.09277, 10 seeds, scores of posterior "
            "means)."
        )
        figure = plot_heat_maps(published, title, column="percent_change")
        yield Drawing("grid-published", title, caption, figure)
