"""Figures whose numbers are in the runs' own files: KL of latents, and MI matrices."""

import numpy as np

from ..figures.drawing import Drawing
from ..figures.fronts import plot_latents
from ..figures.matrices import plot_mi_matrices
from ..naming import format_number
from ..representation.file_format import RepresentationError, read_representation
from ..representation.posterior import COLLAPSED, collapse_order, kl_per_latent
from ..scoring.score_files import read_score, scores_folder
from ..statistics.labels import curve_label, curve_order, describe_key

_LAMBDA = "lambdabeta,lambda="


def _compared(curves):
    """The β-VAE, the largest λ and the other models: what fits side by side."""
    by_lambda = sorted((c for c in curves if c.startswith(_LAMBDA)), key=curve_order)
    others = sorted(
        (c for c in curves if not c.startswith(_LAMBDA) and c != "betavae_first"), key=curve_order
    )
    return [*(c for c in others if c == "betavae"), *by_lambda[-1:],
            *(c for c in others if c != "betavae")][:4]  # fmt: skip


def latents_figure(summary, dataset, protocol, where):
    """The figure of the KL of single latents, where representations hold log-variances.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    where : str
        The end of the title.

    Yields
    ------
    Drawing
    """
    runs = summary.part("runs", dataset, protocol)
    runs = runs[runs["beta"].notna() & runs["file"].notna() & (runs["status"] == "scored")]
    curves = [c for c in _compared(set(runs["curve"])) if c == "betavae" or c.startswith(_LAMBDA)]
    orders, told = {}, []
    for curve in curves:
        found = _ranked_kl(runs[runs["curve"] == curve])
        if len(found) > 1:
            order = collapse_order(list(found), np.stack(list(found.values())))
            label = curve_label(curve)
            orders[label] = order
            told.append(f"{label}: {_order_text(order)}")
    title = f"KL of single latents {where}"
    caption = (
        "Measured KL of each latent's posterior from the prior, latents ranked within each run and "
        f"averaged over seeds. {'. '.join(told)}. In the linear-Gaussian model the directions of "
        "least variance are lost first; that the latents of a trained network vanish one after "
        "another is an analogy to it, not a proof."
    )
    yield Drawing("latents", title, caption, plot_latents(orders, title))


def _ranked_kl(runs):
    """β to the KL of ranked latents, mean over the seeds whose files can be read."""
    found = {}
    for beta, part in runs.groupby("beta"):
        rows = [_sorted_kl(path) for path in part["file"]]
        rows = [row for row in rows if row is not None]
        if rows and len({len(row) for row in rows}) == 1:
            found[beta] = np.mean(rows, axis=0)
    sizes = {len(row) for row in found.values()}
    return found if len(sizes) == 1 else {}


def _sorted_kl(path):
    try:
        representation = read_representation(path)
    except (RepresentationError, OSError):
        return None
    if representation.log_variances is None:
        return None
    return np.sort(kl_per_latent(representation.codes, representation.log_variances))[::-1]


def _order_text(order):
    counts = ", ".join(
        f"{count} at β = {format_number(beta)}"
        for beta, count in zip(order.betas, order.surviving, strict=True)
    )
    text = f"latents with at least {COLLAPSED:g} nats: {counts}"
    reached = order.survives_to[0]
    if reached == reached:
        text += f"; the strongest lasts to β = {format_number(reached)}"
    return text


def matrix_figures(medians, dataset, protocol, where):
    """The matrices of sampled codes and of means, from the score files of the median runs.

    Parameters
    ----------
    medians : DataFrame
        From `evaluation.statistics.median_runs.median_runs`.
    dataset, protocol : str
    where : str
        The end of the title.

    Yields
    ------
    Drawing
    """
    rows = medians[(medians["dataset"] == dataset) & (medians["protocol"] == protocol)]
    rows = rows[rows["beta"].notna() & rows["file"].notna()]
    curves = _compared(set(rows["curve"]))
    for metric, codes in (("mi_sampled", "sampled codes"), ("mi", "posterior means")):
        found, names, seeds = {}, None, set()
        for row in rows.to_dict("records"):
            if row["curve"] not in curves:
                continue
            record = read_score(scores_folder(row["file"]) / f"{metric}.json")
            matrix = _share(record)
            if matrix is None or (found and matrix.shape != next(iter(found.values())).shape):
                continue
            names = record["representation"].get("factor_names") or range(matrix.shape[1])
            found[(curve_label(row["curve"]), row["beta"])] = matrix
            seeds.add(row["median_by"])
        by = " or ".join(describe_key(s).label if s != "seed" else s for s in sorted(seeds))
        title = f"Information about each factor {where} ({codes})"
        caption = (
            f"Mutual information between every code and factor, {codes}, as a share of the "
            f"factor's entropy, for the run of the median seed of each setting (by {by}). Codes "
            "are sorted by the factor that they say most about."
        )
        order = {k: found[k] for k in sorted(found, key=lambda k: _place_of(k[0], curves))}
        figure = plot_mi_matrices(order, [str(name) for name in names or ()], title)
        yield Drawing(f"matrix-{metric}", title, caption, figure)


def _place_of(label, curves):
    return [curve_label(curve) for curve in curves].index(label)


def _share(record):
    """MI as a share of the factors' entropies, or None where the file does not have it."""
    if record is None or record["status"] != "done":
        return None
    matrix = record.get("matrix")
    entropy = (record.get("per_factor") or {}).get("entropy_nats")
    if not matrix or not entropy:
        return None
    matrix, entropy = np.array(matrix, dtype=float), np.array(entropy, dtype=float)
    if matrix.ndim != 2 or matrix.shape[1] != len(entropy):
        return None
    return np.nan_to_num(matrix / np.where(entropy > 0, entropy, np.nan))
