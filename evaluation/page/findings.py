"""The findings of a results folder in plain sentences, each with the numbers behind it."""

import numpy as np
import pandas as pd

from ..naming import format_number
from ..statistics.intervals import ILLUSTRATIVE_BELOW, paired_difference
from ..tables.collapse import PEAKS, drop_text, p_text, range_text
from ..tables.notes import number_text

RANKED = ("mig", "sap", "dci_disentanglement", "mi_matched_sampled")


def findings(summary, dataset, protocol):
    """What one data set and protocol show.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str

    Returns
    -------
    list of str
        Sentences; never empty.
    """
    runs = summary.part("runs", dataset, protocol)
    cells = summary.part("cells", dataset, protocol)
    sentences = [_describe_runs(runs, cells)]
    trends = summary.part("trends", dataset, protocol)
    for metric in (*PEAKS, *summary.own_keys):
        part = trends[(trends["metric"] == metric) & (trends["role"] != "first")]
        sentences += _about_peaks(part.to_dict("records"), summary.describe(metric))
    sentences += _about_collapse(cells, summary.describe("kl"))
    sentences += _about_lambda(summary, dataset, protocol)
    ranks = summary.ranks
    ranks = ranks[(ranks["dataset"] == dataset) & (ranks["protocol"] == protocol)]
    ranked = (*RANKED, *summary.own_keys)
    return sentences + _about_ranks(
        [(summary.describe(name).label, ranks[ranks["metric"] == name]) for name in ranked]
    )


def _describe_runs(runs, cells):
    """What was run, and whether anything can be said about it."""
    row = runs.iloc[0]
    seeds = runs["seed"].dropna().nunique()
    methods = dict.fromkeys(runs["method_label"])
    text = f"{_count(len(runs), 'run')} of {', '.join(methods)}"
    text += f" over {_count(seeds, 'seed')}" if seeds else ", seeds not recorded"
    text += f"; the data are {row['dataset_kind']}." if row["dataset_kind"] != "unknown" else "."
    bad = int((runs["status"] != "scored").sum())
    if bad:
        text += f" {_count(bad, 'run')} without scores: see the list below."
    if not cells["n"].gt(0).any():
        return text + " No score is known or defined: nothing can be said about these runs."
    if cells.loc[cells["n"] > 0, "illustrative"].all():
        text += (
            f" Fewer than {ILLUSTRATIVE_BELOW} seeds for each setting: everything below "
            "illustrates, nothing is tested and no winner is named."
        )
    return text


def _count(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _about_peaks(rows, facts):
    """A sentence for each curve; of related methods only that of the largest λ."""
    last = {(row["reduces_to"], row["curve"].split(",")[0]): row["curve"] for row in rows}
    return [
        _about_peak(row, facts)
        for row in rows
        if pd.isna(row["reduces_to"])
        or row["curve"] == last[row["reduces_to"], row["curve"].split(",")[0]]
    ]


def _about_peak(row, facts):
    first, last, peak = (format_number(row[k]) for k in ("first_beta", "last_beta", "peak_beta"))
    subject = f"{facts.label} of {row['curve_label']}"
    if row["n_betas"] < 2:
        return f"{subject} is known at a single β ({peak}): there is no curve to judge."
    mean = number_text(row["peak_mean"], facts)
    if row["verdict"] == "peak":
        text = (
            f"{subject} peaks at β = {peak} (mean {mean}; {_test_text(row)}) and falls by "
            f"{drop_text(row)} to β = {last}; it stays within 10 % of the peak for "
            f"β = {range_text(row)}."
        )
    elif row["range_low"] == row["first_beta"] and row["range_open"]:
        text = (
            f"{subject} stays within 10 % of its largest mean ({mean} at β = {peak}) over every β "
            f"tried, {first} to {last}."
        )
    elif row["peak_beta"] == row["last_beta"]:
        text = (
            f"{subject} is largest at the largest β tried, {last} (mean {mean}): no fall was seen."
        )
    elif row["peak_beta"] == row["first_beta"]:
        text = (
            f"{subject} is largest at the smallest β tried, {first} (mean {mean}), and lower by "
            f"{drop_text(row)} at β = {last}: a fall, not a peak."
        )
    else:
        text = (
            f"{subject} is largest at β = {peak} (mean {mean}) and lower by {drop_text(row)} at "
            f"β = {last}."
        )
    if row["verdict"] == "too few seeds":
        text += f" Too few seeds for a test ({row['n']})."
    elif row["verdict"] == "no peak shown":
        text += f" A peak is not confirmed ({_test_text(row)})."
    for beta, seeds in row["left_out"]:
        text += (
            f" β = {format_number(beta)} is left out: {seeds} of {row['n_asked']} seeds have it."
        )
    return text


def _test_text(row):
    """The p-value, and the β that it belongs to where that is not the peak's."""
    tested = row["tested_beta"]
    where = "" if tested == row["peak_beta"] else f" at β = {format_number(tested)}"
    return f"peak test {p_text(row['p_peak_holm'])}{where}"


def _about_collapse(cells, facts):
    """Collapsed runs and KL at the largest β."""
    kl = cells[(cells["metric"] == "kl") & (cells["n"] > 0) & cells["beta"].notna()]
    kl = kl[kl["role"] != "first"]
    parts = []
    for _, part in kl.groupby("curve", sort=False):
        row = part.loc[part["beta"].idxmax()]
        collapsed = 0 if pd.isna(row["collapsed"]) else int(row["collapsed"])
        parts.append(
            f"{row['curve_label']} at β = {format_number(row['beta'])}: {collapsed} of "
            f"{int(row['n_kl'])} (mean KL {number_text(row['mean'], facts)} nats)"
        )
    if not parts:
        return []
    return [f"Runs that collapsed (KL < 0.1 nats) at the largest β – {'; '.join(parts)}."]


def _about_lambda(summary, dataset, protocol):
    """What the largest λ changes at the largest β, paired by seed."""
    scores = summary.part("scores", dataset, protocol)
    related = scores[scores["reduces_to"].notna() & scores["beta"].notna()]
    related = related.assign(**{"lambda": related["lambda"].fillna(0.0)})
    with_lambda = related[related["lambda"] > 0]
    if with_lambda.empty:
        return []
    beta, weight = with_lambda["beta"].max(), with_lambda["lambda"].max()
    at = related[related["beta"] == beta]
    parts = []
    for metric in ("mi_matched_sampled", "mig", "nll"):
        values = at[at["metric"] == metric].pivot_table(
            index="seed", columns="lambda", values="value"
        )
        if weight not in values or 0.0 not in values:
            continue
        change = paired_difference(values[weight], values[0.0])
        parts.append(_change_text(summary.describe(metric), change))
    parts = [part for part in parts if part]
    if not parts:
        return []
    return [
        f"At β = {format_number(beta)}, λ = {format_number(weight)} against λ = 0, paired by seed: "
        f"{'; '.join(parts)}."
    ]


def _change_text(facts, change):
    if not change["n"]:
        return ""
    size = _signed(change["difference"], facts) + (f" {facts.unit}" if facts.unit else "")
    if change["n"] < ILLUSTRATIVE_BELOW or not np.isfinite(change["low"]):
        return f"{facts.label} {size} ({_count(change['n'], 'pair')}, illustrative)"
    interval = f"[{_signed(change['low'], facts)}, {_signed(change['high'], facts)}]"
    if change["low"] > 0 or change["high"] < 0:
        verb = "rises" if change["difference"] > 0 else "falls"
        return f"{facts.label} {verb}: {size} {interval}"
    return f"{facts.label} shows no clear change ({size} {interval})"


def _signed(value, facts):
    return f"{'−' if value < 0 else '+'}{number_text(abs(value), facts)}"


def _about_ranks(parts):
    """Who ranks first in each metric, or that nobody does."""
    sentences, illustrative = [], []
    for label, ranks in parts:
        ranked = ranks[ranks["rank"].notna()]
        if ranked.empty:
            continue
        first = ranked.loc[ranked["rank"] == ranked["rank"].min(), "method_label"]
        if (ranked["verdict"] == "illustrative").any():
            illustrative.append(f"{label}: {_join(first)}")
            continue
        best = ranked.loc[ranked["p_best"].idxmax()]
        share = f"P(best) {best['p_best']:.2f}"
        if best["verdict"] == "winner":
            sentences.append(f"{label}: {best['method_label']} ranks first, {share}.")
            continue
        tied = ranked.loc[ranked["verdict"] == "tied", "method_label"]
        sentences.append(
            f"{label}: no winner; {_join(tied)} are tied (largest {share}, {best['method_label']})."
        )
    if illustrative:
        text = f"Best means, illustrative, no winner named – {'; '.join(illustrative)}."
        sentences.append(text)
    return sentences


def _join(names):
    names = list(names)
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
