"""Tables of the findings over a sweep: peak and collapse, and the published grid."""

import math
import re
import textwrap
from functools import partial
from typing import Any

import pandas as pd

from ..naming import file_name, format_number
from ..reference import SOURCE, compare_with_paper
from ..statistics.summary import Summary
from .notes import number_text
from .parts import (
    by_keys,
    collapsed_text,
    heading,
    mark_notes,
    notes_of,
    sources_of,
    step_mark,
    with_identity,
)
from .table import Compact, Table

PEAKS = ("mig", "mi_matched_sampled")
_LAST = ("kl", "mi_matched_sampled", "mi_matched")


def collapse_table(
    summary: Summary, dataset: str, protocol: str, metric: str = "mig"
) -> Table | None:
    """Peak, drop and range of one metric for every curve, and what is left at its largest value.

    Where all curves go over one hyperparameter or setting, the heads name it; else each cell does.

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
    place = dataset, protocol
    trends = summary.part("trends", *place)
    trends = trends[trends["metric"] == metric]
    if trends.empty:
        return None
    cells = by_keys(summary.records("cells", *place), "curve", "axis", "axis_value")
    facts = {name: summary.describe(name) for name in (metric, *_LAST)}
    label = facts[metric].label
    records = trends.to_dict("records")
    axes = dict.fromkeys(trends["axis_label"])
    symbol = next(iter(axes)) if len(axes) == 1 else "value"
    rows, short, added, marked = [], [], [], False
    methods: dict[str, Any] = {}
    for row in records:
        part = cells.get((row["curve"], row["axis"], row["last_value"]), [])
        own = {cell["metric"]: cell for cell in part}
        mark = step_mark(part)
        marked |= bool(mark)
        methods |= dict.fromkeys(cell["method"] for cell in part)
        last = [_last_text(own.get(name), facts[name]) for name in _LAST]
        write = format_number if len(axes) == 1 else partial(value_text, row)
        test = verdict_text(row)
        if row["family"]:
            test += f"\n{row['question']}"
        shape = (peak_text(row, write), drop_text(row), test, range_text(row))
        if len(axes) > 1:
            shape = (*shape[:3], f"{row['axis_label']} = {shape[3]}")
        end = (write(row["last_value"]), *last, collapsed_text(part))
        rows.append((row["curve_label"] + mark, *shape, *end))
        short.append((row["curve_label"] + mark, *map(_fold, shape), last[0], end[-1]))
        values = {f"last_{name}": own.get(name, {}).get("mean", math.nan) for name in _LAST}
        known = [cell["collapsed"] for cell in part if cell["n_kl"]]
        added.append(values | {"last_collapsed": max(known, default=math.nan)})
    data = pd.concat([trends.reset_index(drop=True), pd.DataFrame(added)], axis=1)
    heads = (
        f"{label} peaks at {symbol}",
        f"drop to largest {symbol}",
        "peak test",
        f"effective {symbol} range" if len(axes) == 1 else "effective range",
    )
    at_last = [f"{heading(facts[name])}\nat largest {symbol}" for name in _LAST]
    tests = describe_test(symbol) + _adjustment(records)
    marks = [
        *mark_notes([*records, {"illustrative": False, "unequal_steps": marked}]),
        *left_out_notes(records),
    ]
    notes = [
        f"{describe_peak(symbol)} {tests} Effective range: tried values around the peak with a "
        f"mean within 10 % of it, and their span in octaves; ≥ where the largest {symbol} is still "
        "within. All of a curve is made of the seeds that have every value used.",
        "Information of means does not see a collapse, because binning ignores their scale: judge "
        "it by the sampled one and by the KL. Collapsed: runs with a KL below 0.1 nats. A loss "
        "that prescribes the KL, like AnnealedVAE's, can keep it above that in codes without "
        "information: then only the information of sampled codes shows it.",
    ]
    names = [metric, *_LAST]
    brief = [
        "Peak: share of bootstrap draws that peak there. Drop [95 % interval]: cross-fitted.",
        tests,
        *marks,
        *notes_of(summary, *place, [metric], brief=True),
    ]
    return Table(
        file_name(f"collapse-{metric}", *place),
        f"Peak and collapse of {label} on {dataset}, protocol {protocol}",
        ("Curve", *heads, f"largest {symbol}", *at_last, "Collapsed"),
        tuple(rows),
        with_identity(data, summary.part("runs", *place)),
        (*notes, *marks, *notes_of(summary, *place, names)),
        sources_of(summary, [dataset], protocol, methods, names),
        Compact(("Curve", *heads, at_last[0], "Collapsed"), tuple(short), tuple(brief)),
        place,
    )


def _fold(text):
    """A cell in lines short enough for a paper's column."""
    lines = re.sub(r" (?=[(\[])", "\n", text).split("\n")
    lines = [re.sub(r"(?<=[=≥,]) (?=-?\d)| (?==)", "\N{NO-BREAK SPACE}", line) for line in lines]
    return "\n".join(part for line in lines for part in textwrap.wrap(line, 10))


def left_out_notes(records):
    """Which values of a curve too few seeds have, for rows of `describe_trends`."""
    parts = [
        f"{row['curve_label']} at {value_text(row, value)} ({seeds} of {row['n_asked']} seeds)"
        for row in records
        for value, seeds in row["left_out"]
    ]
    return [f"Left out, because too few seeds have it: {'; '.join(parts)}."] if parts else []


def _last_text(cell, facts):
    if cell is None or not cell["n"]:
        return "–"
    return number_text(cell["mean"], facts)


def value_text(row, value):
    """A value of the axis of a row of `describe_trends`, or of a cell.

    Examples
    --------
    >>> value_text({"axis_label": "γ"}, 40.0)
    'γ = 40'
    """
    return f"{row['axis_label']} = {format_number(value)}"


def peak_text(row, write=format_number):
    """The value of the largest mean of a row of `describe_trends`, with its share of draws."""
    text = write(row["peak_value"])
    share = row["peak_share"]
    return text if pd.isna(share) else f"{text} ({100 * share:.0f} %)"


def drop_text(row):
    """The drop of a row of `describe_trends` in words, e.g. ``71 % [52, 90]``."""
    if pd.isna(row["drop"]):
        return "–"
    text = f"{100 * row['drop']:.0f} %"
    if pd.isna(row["drop_low"]):
        return f"{text} ({row['drop_kind']})"
    return f"{text} [{100 * row['drop_low']:.0f}, {100 * row['drop_high']:.0f}]"


def range_text(row):
    """The effective range of a row of `describe_trends`, values of what was swept.

    Examples
    --------
    >>> range_text({"range_low": 8.0, "range_high": 32.0, "octaves": 2.0, "range_open": True})
    '8–32 (≥ 2.0 octaves)'
    >>> range_text({"range_low": 8.0, "range_high": 8.0, "octaves": 0.0, "range_open": False})
    '8 alone'
    """
    if pd.isna(row["range_low"]):
        return "–"
    low, high = format_number(row["range_low"]), format_number(row["range_high"])
    if low == high:
        return f"{low} alone{', the largest tried' if row['range_open'] else ''}"
    least = "≥ " if row["range_open"] else ""
    if pd.isna(row["octaves"]):  # from zero on
        return f"{least}{low}–{high}"
    return f"{low}–{high} ({least}{row['octaves']:.1f} octaves)"


def p_text(p):
    """A p-value.

    Examples
    --------
    >>> p_text(0.0312), p_text(1e-6)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def verdict_text(row):
    """The verdict of a row of `describe_trends`, with the p-value and the value it belongs to."""
    if pd.isna(row["p_peak_holm"]):
        return row["verdict"] + ("*" if row["verdict"] == "too few seeds" else "")
    tested = value_text(row, row["tested_value"])
    return f"{row['verdict']}\n{p_text(row['p_peak_holm'])} ({tested})"


def describe_peak(symbol):
    """What a peak and a drop are, in a note; `symbol` is how the axis is written."""
    return (
        f"Peak: {symbol} of the largest mean score, share of bootstrap draws that peak there. "
        f"Drop: share of the peak lost at the largest {symbol} [95 % interval], the peak picked "
        "on half the seeds and the drop measured on the other."
    )


def describe_test(symbol):
    """What the peak test asks, in a note; `symbol` is how the axis is written."""
    return (
        f"Peak test: does some {symbol} between the smallest and the largest score above both? The "
        "differences to both ends are tested together, one-sided and paired by seed (max-T, whose "
        f"chance distribution comes from flipping signs of whole seeds); the {symbol} that p "
        "belongs to stands beside it."
    )


def _adjustment(records):
    """How p-values are adjusted, for rows of `describe_trends`."""
    sizes = {row["question"]: int(row["family"]) for row in records if row["family"]}
    if not sizes:
        return ""
    families = " and ".join(
        f"within the {size} {question} tests" if size > 1 else f"within the one {question} test"
        for question, size in sizes.items()
    )
    return (
        f" p is adjusted by Holm's method {families} of this data set and protocol. "
        "Primary: declared to be the question; all others are asked besides."
    )


def published_table(summary: Summary) -> Table | None:
    """Agreement of our grid of changes with the published one.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary

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
            heading(summary.describe(row["metric"])),
            str(row["n"]),
            "–" if not row["n"] else f"{100 * row['same_sign']:.0f} %",
            "–" if pd.isna(row["rank_correlation"]) else f"{row['rank_correlation']:.3f}",
        )
        for row in agreement.to_dict("records")
    ]
    notes = [
        "Change of the mean against (β, λ) = (1, 0), ours and the published one, over the cells "
        "that both have; published values are means over 10 seeds of scores of posterior means.",
        f"Published: {SOURCE}.",
    ]
    sources: dict[str, Any] = {}
    for (dataset, protocol), part in agreement.groupby(["dataset", "protocol"], sort=False):
        names = list(part["metric"])
        notes += notes_of(summary, dataset, protocol, names)
        methods = summary.part("runs", dataset, protocol)["method"]
        sources |= dict.fromkeys(sources_of(summary, [dataset], protocol, methods, names))
    columns = ("Data", "Protocol", "Metric", "Cells", "Same sign", "Rank correlation")
    return Table(
        "published",
        "Agreement with the published grid of changes",
        columns,
        tuple(rows),
        grid.reset_index(drop=True),
        tuple(dict.fromkeys(notes)),
        tuple(sources),
    )
