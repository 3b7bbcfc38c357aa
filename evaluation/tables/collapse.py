"""Tables of the findings over β: peak and collapse, and the published grid."""

import math

import pandas as pd

from ..naming import file_name, format_number
from ..reference import SOURCE, compare_with_paper
from ..statistics.labels import curve_label, describe_key
from .citations import citation_keys
from .notes import number_text
from .parts import (
    by_keys,
    collapsed_text,
    heading,
    mark_notes,
    notes_of,
    step_mark,
    with_identity,
)
from .rendering import Table


def collapse_table(summary, dataset, protocol, metric="mig"):
    """Peak, drop and range of one metric for every curve, and what is left at the largest β.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    metric : str

    Returns
    -------
    Table or None
        None where no curve has a score of the metric.
    """
    trends = summary.part("trends", dataset, protocol)
    trends = trends[trends["metric"] == metric]
    if trends.empty:
        return None
    found_rows = trends.to_dict("records")
    cells = by_keys(summary.records("cells", dataset, protocol), "curve", "beta")
    last = ("kl", "mi_matched_sampled", "mi_matched")
    rows, added, marked = [], [], False
    for row in found_rows:
        part = cells.get((row["curve"], row["last_beta"]), [])
        found = {cell["metric"]: cell for cell in part}
        mark = step_mark(part)
        marked |= bool(mark)
        texts = [_last_text(found.get(name)) for name in last]
        rows.append(
            (
                curve_label(row["curve"]) + mark,
                _peak_text(row),
                drop_text(row),
                _test_text(row),
                range_text(row),
                format_number(row["last_beta"]),
                *texts,
                collapsed_text(part),
            )
        )
        values = {f"last_{name}": found.get(name, {}).get("mean", math.nan) for name in last}
        known = [cell["collapsed"] for cell in part if cell["n_kl"]]
        added.append(values | {"last_collapsed": max(known, default=math.nan)})
    data = pd.concat([trends.reset_index(drop=True), pd.DataFrame(added)], axis=1)
    marks = mark_notes([*found_rows, {"illustrative": False, "unequal_steps": marked}])
    label = describe_key(metric).label
    names = [metric, *last]
    heads = (f"{label} peaks at β", "drop to largest β", "peak test", "effective β range")
    at_last = ("largest β", *(f"{heading(name)}\nat largest β" for name in last), "Collapsed")
    notes = [
        "Peak: β of the largest mean score, share of bootstrap draws that peak there. Drop: share "
        "of the peak lost at the largest β [95 % interval], the peak picked on half the seeds and "
        "the drop measured on the other. Peak test: one-sided, paired by seed, some β in between "
        "beats both ends; p after Holm over the tests of this data set and protocol. Effective "
        "range: span of tried β with a mean within 10 % of the peak; ≥ where the largest β is "
        "still within.",
        "Information of means does not see a collapse, because binning ignores their scale: judge "
        "it by the sampled one and by the KL.",
    ]
    return Table(
        file_name(f"collapse-{metric}", dataset, protocol),
        f"Peak and collapse of {label} on {dataset}, protocol {protocol}",
        ("Curve", *heads, *at_last),
        tuple(rows),
        with_identity(data, summary.part("runs", dataset, protocol)),
        (*notes, *marks, *notes_of(summary, dataset, protocol, names)),
        citation_keys(_methods(trends["curve"]), names, [dataset]),
    )


def _methods(curves):
    return list(dict.fromkeys(curve.partition(",")[0] for curve in curves))


def _last_text(cell):
    if cell is None or not cell["n"]:
        return "–"
    return number_text(cell["mean"], cell["metric"])


def _peak_text(row):
    text = format_number(row["peak_beta"])
    share = row["peak_share"]
    return f"{text} ({100 * share:.0f} %)" if share == share else text


def drop_text(row):
    """The drop of a row of `trend_table` in words, e.g. ``71 % [52, 90]``."""
    if row["drop"] != row["drop"]:
        return "–"
    text = f"{100 * row['drop']:.0f} %"
    if row["drop_low"] == row["drop_low"]:
        return f"{text} [{100 * row['drop_low']:.0f}, {100 * row['drop_high']:.0f}]"
    return f"{text} ({row['drop_kind']})"


def range_text(row):
    """The effective β range of a row of `trend_table`, e.g. ``≥ 2.0 octaves (8–32)``."""
    if row["octaves"] != row["octaves"]:
        return "–"
    low, high = format_number(row["range_low"]), format_number(row["range_high"])
    span = low if low == high else f"{low}–{high}"
    return f"{'≥ ' if row['range_open'] else ''}{row['octaves']:.1f} octaves ({span})"


def p_text(p):
    """A p-value.

    Examples
    --------
    >>> p_text(0.0312), p_text(1e-6)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _test_text(row):
    if row["p_peak_holm"] == row["p_peak_holm"]:
        return f"{row['verdict']}\n{p_text(row['p_peak_holm'])}"
    return row["verdict"] + ("*" if row["verdict"] == "too few seeds" else "")


def published_table(summary):
    """Agreement of our grid of changes with the published one.

    Returns
    -------
    Table or None
        None where there are no genuine data or no common cell.
    """
    grid, agreement = compare_with_paper(summary.cells)
    if agreement.empty:
        return None
    rows = [
        (
            row["dataset"],
            row["protocol"],
            heading(row["metric"]),
            str(row["n"]),
            "–" if not row["n"] else f"{100 * row['same_sign']:.0f} %",
            number_text(row["rank_correlation"], "mig"),
        )
        for row in agreement.to_dict("records")
    ]
    notes = [
        "Change of the mean against (β, λ) = (1, 0), ours and the published one, over the cells "
        "that both have; published values are means over 10 seeds of scores of posterior means.",
        f"Published: {SOURCE}.",
    ]
    for (dataset, protocol), part in agreement.groupby(["dataset", "protocol"], sort=False):
        names = list(part["metric"])
        more = notes_of(summary, dataset, protocol, names)
        notes += [note for note in more if note not in notes]
    columns = ("Data", "Protocol", "Metric", "Cells", "Same sign", "Rank correlation")
    keys = citation_keys(["lambdabeta"], set(agreement["metric"]), set(agreement["dataset"]))
    return Table(
        "published",
        "Agreement with the published grid of changes",
        columns,
        tuple(rows),
        grid.reset_index(drop=True),
        tuple(notes),
        keys,
    )
