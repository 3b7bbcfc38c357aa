"""A comparison in words: where each row stands, and what could not be compared."""

from __future__ import annotations

import math

import pandas as pd

from ..naming import one_line
from ..reference.benchmarks import Benchmark
from ..statistics.intervals import ILLUSTRATIVE_BELOW
from ..statistics.summary import Summary
from ..tables.notes import number_text
from .entries import Entry
from .tables import chance_text, place_text

# Files or rows that one sentence names.
NAMED = 3


def describe_places(summary: Summary, places: pd.DataFrame, chances: pd.DataFrame) -> list[str]:
    """One sentence for each row, data set and metric.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    places, chances : DataFrame
        From `evaluation.statistics.placing.place_methods`.

    Returns
    -------
    list of str
    """
    sentences = []
    for place in places.to_dict("records"):
        facts = summary.describe(place["metric"])
        unit = f" {facts.unit}" if facts.unit else ""
        runs = f"{place['n']} run{'s' * (place['n'] != 1)}"
        text = (
            f"{facts.label} on {place['dataset']}: {place['method_label']} has "
            f"{number_text(place['mean'], facts)}{unit} (mean of {runs}), rank "
            f"{place_text(place | {'illustrative': False})}"
        )
        own = chances[
            (chances["dataset"] == place["dataset"])
            & (chances["metric"] == place["metric"])
            & (chances["method"] == place["method"])
        ]
        known = [pair for pair in own.to_dict("records") if math.isfinite(pair["p_better"])]
        if known:
            parts = [f"{pair['other_label']} {chance_text(pair['p_better'])}" for pair in known]
            text += f"; probability of being better than {', '.join(parts)}"
            few = [pair for pair in own.to_dict("records") if math.isnan(pair["p_better"])]
            if few:
                named = ", ".join(f"{pair['other_label']} ({pair['n_other']})" for pair in few)
                text += f"; not ranked, with fewer than {ILLUSTRATIVE_BELOW} scores: {named}"
        elif place["n"] < ILLUSTRATIVE_BELOW:
            text += (
                f"; illustrative, because intervals need at least {ILLUSTRATIVE_BELOW} files of "
                "different seeds"
            )
        else:
            text += f"; illustrative, because no method reports on {ILLUSTRATIVE_BELOW} seeds"
        sentences.append(f"{text}.")
    return sentences


def describe_refusals(entries: list[Entry]) -> list[str]:
    """What is not compared and why, files with the same reason together.

    Parameters
    ----------
    entries : list of Entry

    Returns
    -------
    list of str
    """
    groups: dict[str, list[str]] = {}
    for entry in entries:
        if entry.refusal:
            groups.setdefault(entry.refusal, []).append(one_line(entry.path, 120))
    lines = []
    for reason, paths in groups.items():
        more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
        lines.append(f"{', '.join(paths[:NAMED])}{more}: {reason}.")
    return lines


def describe_cells(summary: Summary, own: set[str], other: dict[str, str]) -> list[str]:
    """Why cells of somebody's rows are empty or stand on fewer files, a reason each.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    own : set of str
        Methods.
    other : dict of str to str
        Keys that are not compared at all, and why.

    Returns
    -------
    list of str
    """
    scores = summary.scores
    rows = scores[scores["method"].isin(own) & scores["value"].isna()]
    rows = rows[~rows["status"].isin(("refused", "duplicate"))]
    groups: dict[tuple[str, str, str], dict[str, int]] = {}
    for (dataset, label, key), part in rows.groupby(
        ["dataset", "method_label", "metric"], sort=False
    ):
        facts = summary.describe(key)
        if facts.metric == "training":
            continue
        for reason, same in part.groupby(part["reason"].map(_reason), sort=False):
            reason = other.get(key, reason)
            if reason == "" and facts.metric.endswith("_sampled"):
                reason = "no log-variances are stored, from which codes are sampled"
            found = groups.setdefault((dataset, label, reason or "not computed"), {})
            found[facts.label] = max(found.get(facts.label, 0), len(same))
    lines = []
    for (dataset, label, reason), found in groups.items():
        count = max(found.values())
        files = "1 file" if count == 1 else f"{count} files"
        lines.append(f"{label} on {dataset}: {files} without {', '.join(found)}: {reason}.")
    return lines


def _reason(text):
    return one_line(text) if isinstance(text, str) else ""


def describe_seeds(summary: Summary, entries: list[Entry], own: set[str]) -> list[str]:
    """What makes more of the seeds that there are: said once a row.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    entries : list of Entry
        Those that are compared.
    own : set of str
        Methods of theirs.

    Returns
    -------
    list of str
    """
    outside = [entry for entry in entries if not entry.trained_here]
    names = {(entry.dataset, entry.model) for entry in outside}
    notes = []
    if len(names) == len(outside) > 1:
        notes.append(
            f"Each of {len(outside)} external files is a row of its own. If they are seeds of one "
            "method, say so with --name, or by names such as pca-seed-0.h5."
        )
    scores, selected = (each[each["value"].notna()] for each in (summary.scores, summary.selected))
    here = scores[scores["method"].isin(own) & scores["role"].ne("external")]
    shipped = selected[~selected["method"].isin(own)]
    for (dataset, method), rows in here.groupby(["dataset", "method"], sort=False):
        reported = selected[selected["dataset"].eq(dataset) & selected["method"].eq(method)]
        seeds = sorted(map(int, shipped.loc[shipped["dataset"] == dataset, "seed"].unique()))
        some, every = reported["seed"].nunique(), rows["seed"].nunique()
        if seeds and some < min(every, ILLUSTRATIVE_BELOW):
            notes.append(
                f"{rows['method_label'].iloc[0]} on {dataset} reports on {some} of its {every} "
                f"seeds. The shipped methods report on the seeds {', '.join(map(str, seeds))}, "
                "and choose their settings on the others: train all seeds of the benchmark."
            )
    return notes


def describe_training(entries: list[Entry], benchmark: Benchmark) -> list[str]:
    """What is known of the rows besides their scores: said once.

    Parameters
    ----------
    entries : list of Entry
        Those that are compared.
    benchmark : Benchmark

    Returns
    -------
    list of str
    """
    outside = [entry for entry in entries if not entry.trained_here]
    if not outside:
        return []
    notes = [
        "How external rows were trained is unknown: their data, steps and tuning may differ from "
        f"those of {benchmark.title}."
    ]
    own = sum(entry.own_sample for entry in outside)
    if own < len(outside):
        notes.append(
            f"{len(outside) - own} of {len(outside)} external files state no seed, or hold other "
            f"images than the evaluation sample of {benchmark.title} for it, drawn at random as "
            "far as their factors tell."
        )
    unchecked = sum(not entry.checked for entry in outside)
    if unchecked:
        notes.append(
            f"{unchecked} of {len(outside)} external files state no index, so that nothing tells "
            "whether codes and factors are in the same order."
        )
    return notes
