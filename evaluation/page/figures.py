"""Which figures a results folder gets, their captions, and what has to be read for them."""

import pandas as pd

from ..figures.curves import plot_curves
from ..figures.fronts import plot_front
from ..figures.grids import plot_agreement, plot_heat_maps
from ..figures.methods import plot_boxes, plot_methods
from ..figures.style import BAND, FORMATS, save_figure
from ..naming import file_name
from ..reference import paper_percent_change, percent_change
from ..representation.posterior import COLLAPSED
from ..statistics.labels import HEADLINE, curve_label, describe_key
from ..statistics.median_runs import median_runs
from .measures import latents_figure, matrix_figures

# From this many data sets × protocols on only the figures that matter most are drawn.
MANY = 7
# Rows of one figure of heat maps.
ROWS = 4


def draw_figures(summary, folder, formats=None, extent="auto", progress=None):
    """Draw every figure that the results allow.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    folder : str or Path
    formats : sequence of str, optional
        Of png, pdf and svg; the page embeds PNG. Default: PNG and PDF, but PNG alone where only
        the main figures are drawn.
    extent : str
        ``all``, ``main`` (curves of MIG and sampled I_m, heat maps of changes) or ``auto``: all
        for fewer than `MANY` data sets × protocols.
    progress : callable, optional
        ``progress(text)``.

    Returns
    -------
    list of dict
        `dataset` and `protocol` (`dataset` is None for figures of several), `name`, `title`,
        `caption`, `weight` (0 for what matters most) and `files` by format.
    """
    if extent == "auto":
        extent = "all" if len(summary.strata) < MANY else "main"
    every = extent == "all"
    formats = formats or (FORMATS if every else FORMATS[:1])
    medians = median_runs(summary.runs) if every else None
    made = []
    for dataset, protocol in summary.strata:
        if progress is not None:
            progress(f"figures of {dataset}, protocol {protocol}")
        for weight, (name, title, caption, figure) in enumerate(
            _of_stratum(summary, dataset, protocol, every, medians)
        ):
            if figure is None:
                continue
            stem = file_name(name, dataset, protocol)
            common = {"dataset": dataset, "protocol": protocol, "weight": weight}
            made.append(common | _saved(figure, folder, stem, formats, title, caption))
    for protocol, stem, title, caption, figure in _grids(summary, every):
        common = {"dataset": None, "protocol": protocol, "weight": 1}
        made.append(common | _saved(figure, folder, stem, formats, title, caption))
    return made


def _saved(figure, folder, name, formats, title, caption):
    files = save_figure(figure, folder, name, formats)
    return {"name": name, "title": title, "caption": caption, "files": files}


def _of_stratum(summary, dataset, protocol, every, medians):
    """(name, title, caption, figure or None) of one data set and protocol, lazily."""
    cells = summary.part("cells", dataset, protocol)
    scores = summary.part("scores", dataset, protocol)
    where = f"on {dataset}, protocol {protocol}"
    if not every:
        title = f"Scores against β {where}"
        caption = _curve_caption(describe_key("mig"), describe_key("mi_matched_sampled"))
        figure = plot_curves(cells, scores, ("mig", "mi_matched_sampled"), title)
        yield "curves", title, caption, figure
        return
    for metric in dict.fromkeys(("mig", "mi_matched_sampled", *HEADLINE)):
        facts = describe_key(metric)
        title = f"{facts.label} against β {where}"
        figure = plot_curves(cells, scores, (metric,), title)
        yield f"curve-{metric}", title, _curve_caption(facts), figure
    yield from latents_figure(summary, dataset, protocol, where)
    title = f"Reconstruction against disentanglement {where}"
    caption = (
        "Mean NLL and mean MIG over seeds of every setting; thin lines join the values of β of one "
        "curve in order. Dashed: the Pareto front, settings that no other beats in both. Means "
        "alone: neighbours on the front may not differ beyond the spread of their seeds."
    )
    yield "front-mig", title, caption, plot_front(cells, title)
    yield from matrix_figures(medians, dataset, protocol, where)
    title = f"Methods {where}"
    caption = (
        "Each method at the setting chosen for the metric (see the comparison table): mean, 95 % "
        "interval of the mean over the seeds that report, and these seeds as dots below."
    )
    yield (
        "methods",
        title,
        caption,
        plot_methods(
            summary.part("selected_cells", dataset, protocol),
            summary.part("selected", dataset, protocol),
            HEADLINE,
            title,
        ),
    )
    first = "betavae_first" in set(scores["curve"])
    curve = "betavae_first" if first else "betavae"
    title = f"Runs of the {curve_label(curve)} over β {where}"
    caption = (
        "Boxes: quartiles and median of single runs, whiskers to the last run within 1.5 box "
        "lengths, dots: every run."
        + (" First phase only, before the continuation." if first else "")
    )
    yield "boxes", title, caption, plot_boxes(scores, (*HEADLINE, "nll", "kl"), title, curve)
    title = f"Agreement between metrics {where}"
    caption = (
        "Spearman's rank correlation over all runs, every metric turned so that larger is better; "
        "– where fewer than 5 runs have both or one does not vary."
    )
    yield (
        "agreement",
        title,
        caption,
        plot_agreement(summary.part("agreement", dataset, protocol), title),
    )


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


def _grids(summary, every):
    """Heat maps over β and λ, data sets of one kind and protocol below each other."""
    changes = percent_change(summary.cells)
    changes = changes[changes["lambda"].notna()]
    for (protocol, kind), part in changes.groupby(["protocol", "dataset_kind"], sort=False):
        datasets = list(dict.fromkeys(part["dataset"]))
        for start in range(0, len(datasets), ROWS):
            names = datasets[start : start + ROWS]
            rows = part[part["dataset"].isin(names)]
            if len(rows[["beta", "lambda"]].drop_duplicates()) < 2:
                continue
            yield from _grid_pair(rows, protocol, kind, names, every)


def _grid_pair(rows, protocol, kind, names, every):
    what = f"{', '.join(names)} ({kind}), protocol {protocol}"
    caption = (
        "Mean over seeds of every (β, λ), β-VAE at λ = 0 and λβ-VAE above it, equal training steps."
    )
    title = f"Means over β and λ: {what}"
    figure = plot_heat_maps(rows, title) if every else None
    if figure is not None:
        yield protocol, file_name("grid-mean", *names, protocol), title, caption, figure
    title = f"Change against β = 1, λ = 0: {what}"
    caption = (
        "Change of the mean against (β, λ) = (1, 0) in percent, as arXiv:2602.09277 prints it. "
        "Blue is better, red worse; the colour follows the square root of the change. A small "
        "baseline makes large percentages: read them beside the means."
    )
    figure = plot_heat_maps(rows, title, column="percent_change")
    if figure is not None:
        yield protocol, file_name("grid-change", *names, protocol), title, caption, figure
    published = paper_percent_change()
    published = published[published["dataset"].isin(names)]
    quick = protocol.split("+")[0] == "quick"
    if kind == "genuine" and len(published) and not quick:
        published = pd.concat([published[published["dataset"] == name] for name in names])
        both = ", ".join(dict.fromkeys(published["dataset"]))
        title = f"Published change against β = 1, λ = 0: {both}"
        caption = (
            "The authors' grid in the same layout (arXiv:2602.09277, 10 seeds, scores of posterior "
            "means)."
        )
        figure = plot_heat_maps(published, title, column="percent_change")
        yield protocol, file_name("grid-published", *names, protocol), title, caption, figure
