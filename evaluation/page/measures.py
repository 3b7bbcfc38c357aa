"""Figures whose numbers are in the runs' own files: KL of latents, and MI matrices."""

import numpy as np
import pandas as pd

from ..figures.drawing import Drawing
from ..figures.fronts import plot_latents
from ..figures.matrices import plot_mi_matrices
from ..naming import format_number
from ..representation.file_format import RepresentationError, read_representation
from ..representation.posterior import COLLAPSED, collapse_order, kl_per_latent
from ..scoring.score_files import read_score, scores_folder
from ..statistics.labels import describe_key


def _choose_curves(runs):
    """Labels of the curves that fit side by side, by curve.

    The plain form of related methods, that of the largest λ, and then the other models.
    """
    curves = runs[runs["role"] != "first"].drop_duplicates("curve")
    related = curves["reduces_to"].notna()
    plain = ~curves["curve"].str.contains(",")
    chosen = [curves[related & plain], curves[related & ~plain].iloc[-1:], curves[~related]]
    chosen = pd.concat(chosen).iloc[:4]
    return dict(zip(chosen["curve"], chosen["curve_label"], strict=True))


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
    runs = runs[runs["axis_value"].notna() & runs["file"].notna() & (runs["status"] == "scored")]
    orders, symbols, texts = {}, {}, []
    for curve, label in _choose_curves(runs[runs["reduces_to"].notna()]).items():
        part = runs[runs["curve"] == curve]
        ranked = _rank_kl(part)
        if len(ranked) > 1:
            order = collapse_order(list(ranked), np.stack(list(ranked.values())))
            orders[label], symbols[label] = order, part["axis_label"].iloc[0]
            texts.append(f"{label}: {_order_text(order, symbols[label])}")
    title = f"KL of single latents {where}"
    caption = (
        "Measured KL of each latent's posterior from the prior, latents ranked within each run and "
        f"averaged over seeds. {'. '.join(texts)}. In the linear-Gaussian model the directions of "
        "least variance are lost first; that the latents of a trained network vanish one after "
        "another is an analogy to it, not a proof."
    )
    yield Drawing("latents", title, caption, plot_latents(orders, title, symbols))


def _rank_kl(runs):
    """Value of β, say, to the KL of ranked latents, mean over the seeds whose files can be read."""
    ranked = {}
    for value, part in runs.groupby("axis_value"):
        rows = [_sort_kl(path) for path in part["file"]]
        rows = [row for row in rows if row is not None]
        if rows and len({len(row) for row in rows}) == 1:
            ranked[value] = np.mean(rows, axis=0)
    sizes = {len(row) for row in ranked.values()}
    return ranked if len(sizes) == 1 else {}


def _sort_kl(path):
    try:
        representation = read_representation(path)
    except (RepresentationError, OSError):
        return None
    if representation.log_variances is None:
        return None
    return np.sort(kl_per_latent(representation.codes, representation.log_variances))[::-1]


def _order_text(order, symbol):
    counts = ", ".join(
        f"{count} at {symbol} = {format_number(value)}"
        for value, count in zip(order.betas, order.surviving, strict=True)
    )
    text = f"latents with at least {COLLAPSED:g} nats: {counts}"
    reached = order.survives_to[0]
    if not np.isnan(reached):
        text += f"; the strongest lasts to {symbol} = {format_number(reached)}"
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
    rows = rows[rows["axis_value"].notna() & rows["file"].notna()]
    for metric, codes in (("mi_sampled", "sampled codes"), ("mi", "posterior means")):
        for place, (axis, part) in enumerate(rows.groupby("axis", sort=False)):
            matrices, names, chosen_by = _read_matrices(part, metric)
            by = " or ".join(n if n == "seed" else describe_key(n).label for n in sorted(chosen_by))
            symbol = part["axis_label"].iloc[0]
            over = f", over {symbol}" if place else ""
            title = f"Information about each factor{over} {where} ({codes})"
            caption = (
                f"Mutual information between every code and factor, {codes}, as a share of the "
                f"factor's entropy, for the run of the median seed of each setting (by {by}). "
                "Codes are sorted by the factor that they say most about."
            )
            figure = plot_mi_matrices(matrices, names, title, symbol)
            name = "-".join(["matrix", metric, *([axis] if place else [])])
            yield Drawing(name, title, caption, figure)


def _read_matrices(rows, metric):
    """Matrices of the curves over one axis that fit a figure, by label of curve and value."""
    curves = _choose_curves(rows)
    matrices, names, chosen_by = {}, (), set()
    for row in rows.to_dict("records"):
        if row["curve"] not in curves:
            continue
        record = read_score(scores_folder(row["file"]) / f"{metric}.json")
        matrix = _share(record)
        factors = {known.shape[1] for known in matrices.values()}
        if matrix is None or (factors and matrix.shape[1] not in factors):
            continue
        names = record["representation"].get("factor_names") or range(matrix.shape[1])
        matrices[row["curve"], row["axis_value"]] = matrix
        chosen_by.add(row["median_by"])
    ordered = {
        (label, value): matrix
        for curve, label in curves.items()
        for (other, value), matrix in matrices.items()
        if other == curve
    }
    return ordered, [str(name) for name in names], chosen_by


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
