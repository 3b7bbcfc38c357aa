"""Every table of a report, and the two that belong to no other room: curves and gaps."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..naming import file_name, format_number
from ..statistics.summary import Summary
from .collapse import PEAKS, collapse_table, published_table
from .confirmation import confirmation_table
from .methods import comparison_table, differences_table, ranking_table
from .notes import INTERVAL, cell_text
from .others import other_curves_table, other_scores_table, undefined_table
from .parts import (
    by_keys,
    collapsed_text,
    compact_spreads,
    heading,
    mark_notes,
    notes_of,
    shown_metrics,
    sources_of,
    step_mark,
    with_identity,
)
from .table import Table
from .udr import udr_table

COLLAPSED_NOTE = "Collapsed: runs with KL < 0.1 nats."
CURVES = ("mig", "sap", "dci_disentanglement", "mi_matched_sampled", "nll", "kl")


def curve_table(
    summary: Summary,
    dataset: str,
    protocol: str,
    axis: str = "beta",
    metrics: Sequence[str] = CURVES,
) -> Table | None:
    """Every curve at every value of what it is drawn over: what was measured before any choice.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    axis : str, default "beta"
        A hyperparameter or swept setting, one of `summary.axes`.
    metrics : sequence of str

    Returns
    -------
    Table or None
        None where no curve is drawn over this or nothing has a score.
    """
    cells = summary.records("cells", dataset, protocol)
    cells = [c for c in cells if c["axis"] == axis and not pd.isna(c["axis_value"])]
    names = shown_metrics(summary, cells, metrics)
    if not names:
        return None
    cells = [cell for cell in cells if cell["metric"] in names]
    rows, short = [], []
    for (_, place), part in by_keys(cells, "curve", "axis_value").items():
        own = {cell["metric"]: cell for cell in part}
        texts = [cell_text(own[n], summary.describe(n)) if n in own else "–" for n in names]
        label = part[0]["curve_label"] + step_mark(part)
        rows.append((label, format_number(place), *texts, collapsed_text(part)))
        short.append(((label, format_number(place)), own))
    place, symbol = (dataset, protocol), cells[0]["axis_label"]
    paper = ("mig", *summary.own_keys[:1], "mi_matched_sampled", "nll", "kl")
    notes = [INTERVAL, COLLAPSED_NOTE]
    if axis == "beta":
        notes[1] = f"β = 1 of the β-VAE is the VAE. {COLLAPSED_NOTE}"
    methods = dict.fromkeys(cell["method"] for cell in cells)
    return Table(
        file_name(f"{axis}-curves", *place),
        f"Scores over {symbol} on {dataset}, protocol {protocol}",
        ("Curve", symbol, *(heading(summary.describe(name)) for name in names), "Collapsed"),
        tuple(rows),
        with_identity(pd.DataFrame(cells), summary.part("runs", *place)),
        tuple(notes + mark_notes(cells) + notes_of(summary, *place, names)),
        sources_of(summary, [dataset], protocol, methods, names),
        compact_spreads(summary, cells, place, paper, ("Curve", symbol), short),
        place,
    )


def gaps_table(summary: Summary) -> Table | None:
    """Runs that failed, were not scored or are missing.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary

    Returns
    -------
    Table or None
        None where nothing is missing.
    """
    gaps = summary.gaps
    if gaps.empty:
        return None
    rows = [
        (
            row["dataset"],
            row["protocol"],
            row["method_label"],
            row["setting_label"],
            "–" if pd.isna(row["seed"]) else str(int(row["seed"])),
            row["status"],
            "" if pd.isna(row["reason"]) else str(row["reason"]),
        )
        for row in gaps.to_dict("records")
    ]
    columns = ("Data", "Protocol", "Method", "Setting", "Seed", "Status", "Reason")
    note = "Missing: other settings of the same data set and protocol have this seed."
    return Table("gaps", "Failed and missing runs", columns, tuple(rows), gaps, (note,))


def all_tables(summary: Summary) -> list[Table]:
    """Every table that the results allow.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary

    Returns
    -------
    list of Table
        No two of them share a name.
    """
    tables = []
    for place in summary.strata:
        tables += [curve_table(summary, *place, axis) for axis in summary.axes(*place)]
        tables += [collapse_table(summary, *place, metric) for metric in PEAKS]
        tables += [collapse_table(summary, *place, metric) for metric in summary.own_keys]
        tables.append(confirmation_table(summary, *place))
        tables.append(comparison_table(summary, *place))
        tables.append(differences_table(summary, *place))
        tables.append(udr_table(summary, *place))
        tables.append(other_scores_table(summary, *place))
        tables += [other_curves_table(summary, *place, axis) for axis in summary.axes(*place)]
        tables.append(other_scores_table(summary, *place, detail=True))
        tables.append(undefined_table(summary, *place))
    scopes = summary.ranks[["protocol", "dataset_kind", "dataset"]].drop_duplicates()
    for protocol, kind, dataset in scopes.itertuples(index=False, name=None):
        tables.append(ranking_table(summary, protocol, kind, dataset))
        tables.append(ranking_table(summary, protocol, kind, dataset, others=True))
    tables += [published_table(summary), gaps_table(summary)]
    named: dict[str, Any] = {}
    for table in tables:
        if table is not None:
            name = table.name if table.name not in named else file_name(table.name, taken=named)
            named[name] = dataclasses.replace(table, name=name)
    return list(named.values())
