"""Tables of the scores beside the headline ones, one row for each, and of what is undefined."""

import math

import pandas as pd

from ..naming import file_name, format_number
from ..statistics.summary import Summary
from .methods import chosen_text
from .notes import INTERVAL, cell_text, number_text
from .parts import (
    CHOICE,
    by_keys,
    by_method,
    compact_spreads,
    has_headline,
    heading,
    mark_notes,
    notes_of,
    sources_of,
    step_mark,
    with_identity,
)
from .table import Compact, Table
from .undefined import list_undefined

# Of a paper's table over a sweep: more columns do not fit.
MOST_COLUMNS = 4
_LED = "Scores without a direction are those of the setting chosen by MIG."


def other_scores_table(
    summary: Summary, dataset: str, protocol: str, detail: bool = False
) -> Table | None:
    """Scores by methods, one setting for each method: what the comparison has no room for.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    detail : bool, default False
        The further keys of metrics, and their forms for sampled and for active codes, instead of
        the first key of each metric.

    Returns
    -------
    Table or None
        None where nothing has such a score.
    """
    place = dataset, protocol
    keys = summary.detail_keys if detail else summary.other_keys
    cells = summary.records("selected_cells", *place)
    known = {cell["metric"] for cell in cells if cell["n"]}
    names = [name for name in keys if name in known]
    cells = [cell for cell in cells if cell["metric"] in names and cell["role"] != "first"]
    if not names or not cells:
        return None
    parts = by_method(summary, cells)
    methods = [part[0]["method"] for part in parts]
    heads = [part[0]["method_label"] + step_mark(part) for part in parts]
    own = {(cell["metric"], cell["method"]): cell for cell in cells}
    rows, short = [], []
    for name in names:
        facts = summary.describe_scored(name, *place)
        found = [own.get((name, method)) for method in methods]
        texts = [chosen_text(cell, facts) for cell in found]
        rows.append((heading(facts), facts.variant, range_text(facts), *texts))
        short.append((heading(facts), *(_folded_spread(cell, facts) for cell in found)))
    kind, title = (
        ("details", "Further values of the metrics") if detail else ("scores", "Other scores")
    )
    marks = mark_notes(cells)
    notes = [INTERVAL, CHOICE, _LED, *marks, *notes_of(summary, *place, names)]
    brief = [
        "Mean ± standard deviation over the seeds that report; settings are chosen for each score "
        "on the other half of the seeds.",
        *marks,
        *notes_of(summary, *place, names, brief=True),
    ]
    return Table(
        file_name(kind, *place),
        f"{title} on {dataset}, protocol {protocol}",
        ("Score", "Variant", "Range", *heads),
        tuple(rows),
        with_identity(pd.DataFrame(cells), summary.part("runs", *place)),
        tuple(notes),
        sources_of(summary, [dataset], protocol, methods, names),
        Compact(("Score", *heads), tuple(short), tuple(brief)),
        place,
        secondary=detail or has_headline(summary, *place),
    )


def range_text(facts):
    """The range of a key.

    Examples
    --------
    >>> from disentanglement_bench.evaluation.statistics.labels import describe_key
    >>> range_text(describe_key("mig")), range_text(describe_key("mi_matched"))
    ('0 … 1', '≥ 0')
    """
    low, high = (format_number(x) if math.isfinite(x) else "" for x in (facts.low, facts.high))
    if low and high:
        return f"{low} … {high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else "any"


def _folded_spread(cell, facts):
    if cell is None or not cell["n"]:
        return "–"
    star = "*" if cell["illustrative"] else ""
    text = f"{number_text(cell['mean'], facts)}{star}"
    return f"{text}\n± {number_text(cell['std'], facts)}" if cell["n"] > 1 else text


def other_curves_table(
    summary: Summary, dataset: str, protocol: str, axis: str = "beta"
) -> Table | None:
    """The scores beside the headline ones for every curve at every value.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    axis : str, default "beta"
        One of `summary.axes`.

    Returns
    -------
    Table or None
        None where nothing has such a score. It shows the first key of each metric; its data have
        all.
    """
    place = dataset, protocol
    every = {*summary.other_keys, *summary.detail_keys}
    cells = [
        cell
        for cell in summary.records("cells", *place)
        if cell["axis"] == axis and not pd.isna(cell["axis_value"]) and cell["metric"] in every
    ]
    known = {cell["metric"] for cell in cells if cell["n"]}
    names = [name for name in summary.other_keys if name in known]
    if not names:
        return None
    shown = [cell for cell in cells if cell["metric"] in names]
    rows, short = [], []
    for (_, value), part in by_keys(shown, "curve", "axis_value").items():
        own = {cell["metric"]: cell for cell in part}
        label = part[0]["curve_label"] + step_mark(part)
        texts = [cell_text(own[n], summary.describe(n)) if n in own else "–" for n in names]
        rows.append((label, format_number(value), *texts))
        short.append(((label, format_number(value)), own))
    symbol = cells[0]["axis_label"]
    methods = dict.fromkeys(cell["method"] for cell in shown)
    return Table(
        file_name(f"{axis}-curves-other", *place),
        f"Other scores over {symbol} on {dataset}, protocol {protocol}",
        ("Curve", symbol, *(heading(summary.describe(name)) for name in names)),
        tuple(rows),
        with_identity(pd.DataFrame(cells), summary.part("runs", *place)),
        (INTERVAL, *mark_notes(shown), *notes_of(summary, *place, names)),
        sources_of(summary, [dataset], protocol, methods, names),
        compact_spreads(summary, shown, place, names[:MOST_COLUMNS], ("Curve", symbol), short),
        place,
        secondary=has_headline(summary, *place),
    )


def undefined_table(summary: Summary, dataset: str, protocol: str) -> Table | None:
    """Which scores are undefined, for how many runs and why; each reason once.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str

    Returns
    -------
    Table or None
        None where every score that was computed is defined.
    """
    place = dataset, protocol
    records = list_undefined(summary, *place)
    if not records:
        return None
    rows = [(", ".join(r["labels"]), f"{r['n']} of {r['runs']}", r["reason"]) for r in records]
    data = pd.DataFrame(records).assign(
        metrics=[" ".join(record["metrics"]) for record in records],
        labels=[", ".join(record["labels"]) for record in records],
    )
    return Table(
        file_name("undefined", *place),
        f"Undefined scores on {dataset}, protocol {protocol}",
        ("Scores", "Runs", "Reason"),
        tuple(rows),
        with_identity(data, summary.part("runs", *place)),
        ("An undefined score counts as missing, never as 0: it enters no mean and no rank.",),
        place=place,
        secondary=True,
    )
