"""What a reader sees first: what was run, who ranks where, and one row for each data set."""

import numpy as np
import pandas as pd

from ..naming import format_number
from ..statistics.intervals import ILLUSTRATIVE_BELOW
from ..tables.notes import number_text, warning_notes
from ..tables.parts import by_method
from .wording import count, join

# One score of each kind; the user's own follow.
RANKED = ("mig", "sap", "dci_disentanglement", "mi_matched_sampled")
# Columns that fit beside the findings.
COLUMNS = 5
MARKS = {"winner": "best", "tied": "tied"}
UNRANKED = "no rank"


def ranked_metrics(summary, dataset, protocol):
    """The scores that the first screen shows: headline ones and the user's own, else the others.

    Returns
    -------
    list of str
        Flat keys with a score; empty where nothing is defined.
    """
    cells = summary.part("selected_cells", dataset, protocol)
    known = set(cells.loc[cells["n"] > 0, "metric"])
    wanted = [name for name in (*RANKED, *summary.own_keys) if name in known]
    return wanted or [name for name in summary.other_keys if name in known]


def rank_compactly(summary, dataset, protocol):
    """Methods by scores: the mean at the chosen setting, its interval and the rank.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str

    Returns
    -------
    dict or None
        `columns` (headings), `rows` (each a `label` and `cells` with `mean`, `interval`, `rank`
        (or `UNRANKED`, where others are ranked) and `mark`: "best", "tied" or empty), in the order
        of their mean rank, and `notes`; None where no method has a score.
    """
    names = ranked_metrics(summary, dataset, protocol)[:COLUMNS]
    cells = [c for c in summary.records("selected_cells", dataset, protocol) if c["n"]]
    cells = [c for c in cells if c["metric"] in names and c["role"] != "first"]
    if not cells:
        return None
    ranks = {(row["metric"], row["method"]): row for row in _ranks_of(summary, dataset, protocol)}
    ranked = {name for (name, _), row in ranks.items() if not np.isnan(row["rank"])}
    rows = []
    for part in by_method(summary, cells):
        own = {cell["metric"]: cell for cell in part}
        places = [ranks.get((name, part[0]["method"])) for name in names]
        known = [row["rank"] for row in places if row is not None and not np.isnan(row["rank"])]
        shown = [
            _cell(own.get(name), row, summary.describe(name), name in ranked)
            for name, row in zip(names, places, strict=True)
        ]
        mean_rank = np.mean(known) if known else np.inf
        rows.append({"label": part[0]["method_label"], "cells": shown, "mean_rank": mean_rank})
    shown = [row for (name, _), row in ranks.items() if name in names]
    columns = []
    for name in names:
        facts = summary.describe(name)
        unit = f" [{facts.unit}]" if facts.unit else ""
        columns.append({"label": facts.label + unit, "lower": facts.higher_is_better is False})
    return {
        "columns": columns,
        "rows": sorted(rows, key=lambda row: row["mean_rank"]),
        "notes": _ranking_notes(cells, shown),
    }


def _ranks_of(summary, dataset, protocol):
    ranks = summary.ranks
    here = (ranks["dataset"] == dataset) & (ranks["protocol"] == protocol)
    return ranks[here].to_dict("records")


def _cell(cell, row, facts, ranked):
    """Texts of one method and a score by which methods are ranked, or none is."""
    if cell is None:
        return {"mean": "–", "interval": "", "rank": "", "mark": ""}
    interval = ""
    if not np.isnan(cell["low"]):
        interval = f"{number_text(cell['low'], facts)} to {number_text(cell['high'], facts)}"
    rank, mark = "", ""
    if row is not None and not np.isnan(row["rank"]):
        rank, mark = format_number(row["rank"]), MARKS.get(row["verdict"], "")
    elif row is not None and ranked:
        rank = UNRANKED
    mean = number_text(cell["mean"], facts)
    return {"mean": mean, "interval": interval, "rank": rank, "mark": mark}


def _ranking_notes(cells, ranks):
    """How to read the compact ranking, as far as it needs saying."""
    interval = (
        "" if all(np.isnan(cell["low"]) for cell in cells) else ", its 95 % interval below it,"
    )
    notes = [f"Mean over seeds{interval} and the rank of the mean; 1 is best."]
    if len({cell["method"] for cell in cells}) > 1:
        notes.append("Methods stand in the order of their mean rank over these scores.")
    known = {row["verdict"] for row in ranks}
    chosen = [cell["chosen"] for cell in cells if cell["n_settings"] > 1]
    if any(how.endswith("held-out seeds") for how in chosen):
        notes.append(
            "Each method stands at its best setting for each score; half of the seeds chose it and "
            "the other half are reported."
        )
    if any(how.endswith("(biased)") for how in chosen):
        notes.append(
            "With too few seeds the same ones choose the best setting and are reported, so that "
            "these means are too good."
        )
    without = [row["reason"] for row in ranks if row["verdict"] == "not ranked"]
    if without and len(without) < len(ranks):
        few = all(str(reason).startswith("fewer than") for reason in without)
        why = "too few of its seeds have the score" if few else "the table of the ranking says why"
        notes.append(f"{UNRANKED.capitalize()}: {why}.")
    if "tied" in known:
        notes.append(
            "Tied: the 95 % interval of its rank overlaps that of the first. Two tied "
            "methods may still differ: see Differences between methods."
        )
    if "winner" in known:
        notes.append("Best: first in more than 95 % of resampled sets of seeds.")
    if "illustrative" in known:
        text = f"Illustrative: fewer than {ILLUSTRATIVE_BELOW} seeds, so no winner is named."
        notes.append(text)
    return notes


def describe_study(runs):
    """What was run on one data set and protocol, in one sentence.

    Parameters
    ----------
    runs : DataFrame
        Rows of `run_table` of one data set and protocol.

    Returns
    -------
    str
    """
    shown = runs[runs["role"] != "first"]
    shown = shown if len(shown) else runs
    parts = []
    for _, part in shown.groupby(shown["axis"].fillna(""), sort=False):
        parts.append(f"{_methods_text(part)}{_values_text(part)}")
    row = runs.iloc[0]
    kind = row["dataset_kind"]
    data = row["dataset"] + (f" ({kind} data)" if kind != "unknown" else "")
    text = f"{count(len(runs), 'run')} on {data}, protocol {row['protocol']}: {'; '.join(parts)}"
    return f"{text}; {_seeds_text(shown)}{_steps_text(shown)}."


def _methods_text(part):
    weights = sorted({w for w in part["lambda"].dropna() if w > 0})
    names = []
    for _, rows in part.groupby("method", sort=False):
        own = sorted({w for w in rows["lambda"].dropna() if w > 0})
        several = own and own == weights and rows["axis"].iloc[0] != "lambda"
        more = f" (λ = {join(map(format_number, own), 6)})" if several else ""
        names.append(rows["method_label"].iloc[0] + more)
    return join(names, 8, "more methods")


def _values_text(part):
    values = sorted(part["axis_value"].dropna().unique())
    if not values:
        return ""
    symbol = part.loc[part["axis_value"].notna(), "axis_label"].iloc[0]
    return f" at {symbol} = {join(map(format_number, values), 7)}"


def _seeds_text(runs):
    known = runs[runs["seed"].notna()]
    if known.empty:
        return "seeds not recorded"
    each = known.groupby(["method", "setting"], sort=False)["seed"].nunique()
    few, many = int(each.min()), int(each.max())
    return (
        f"{few} to {many} seeds for each setting" if few != many else f"{count(few, 'seed')} each"
    )


def _steps_text(runs):
    steps = sorted(runs["steps"].dropna().unique())
    if not steps:
        return ""
    if len(steps) > 1:
        return f", {int(steps[0]):,} to {int(steps[-1]):,} training steps"
    return f", {int(steps[0]):,} training steps"


def study_notes(runs):
    """What limits every number on the page: that data or protocol do not compare with papers'."""
    return warning_notes(runs, brief=True)


def compare_strata(summary):
    """A row for each data set and protocol: runs, seeds, and who is first in each score.

    Returns
    -------
    dict
        `columns`, and `rows`, each with `place` (data set and protocol), `runs`, `seeds` and
        `cells` (texts).
    """
    metrics = {place: ranked_metrics(summary, *place) for place in summary.strata}
    names = list(dict.fromkeys(name for own in metrics.values() for name in own))[:COLUMNS]
    rows = []
    for place in summary.strata:
        runs = summary.part("runs", *place)
        ranks = pd.DataFrame(_ranks_of(summary, *place), columns=summary.ranks.columns)
        cells = [_first_text(ranks[ranks["metric"] == name]) for name in names]
        rows.append(
            {
                "place": place,
                "runs": f"{len(runs):,}",
                "seeds": str(runs["seed"].dropna().nunique() or "–"),
                "cells": cells,
            }
        )
    return {"columns": [summary.describe(name).label for name in names], "rows": rows}


def _first_text(ranks):
    """Who is first in one score, and whether that is sure."""
    ranked = ranks[ranks["rank"].notna()]
    if ranked.empty:
        return "–"
    first = ranked[ranked["rank"] == ranked["rank"].min()]
    verdict = first["verdict"].iloc[0]
    how = {"winner": "best", "illustrative": "illustrative"}.get(verdict, "tied")
    return f"{join(first['method_label'], 2)} ({how})"
