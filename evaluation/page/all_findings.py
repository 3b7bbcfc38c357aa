"""Every finding of a results folder in plain sentences, each with the numbers behind it."""

import numpy as np
import pandas as pd

from ..naming import format_number
from ..representation.posterior import COLLAPSED
from ..statistics.intervals import ILLUSTRATIVE_BELOW, paired_difference
from ..statistics.labels import HEADLINE
from ..tables.collapse import PEAKS, drop_text, p_text, range_text, value_text
from ..tables.notes import number_text
from ..tables.udr import best_text, choice_text, cost_text, same_setting
from ..tables.undefined import undefined_notes
from .confirming import about_confirmation
from .curves import about_idle_codes, main_curves
from .first_screen import RANKED
from .wording import count, join, signed, write_minus


def list_findings(summary, dataset, protocol):
    """What one data set and protocol show, in full; `findings.main_findings` has the chief ones.

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
    sentences += undefined_notes(summary, dataset, protocol, (*HEADLINE, *summary.own_keys))
    trends = summary.part("trends", dataset, protocol)
    for metric in (*PEAKS, *summary.own_keys):
        part = trends[(trends["metric"] == metric) & (trends["role"] != "first")]
        sentences += _about_peaks(part.to_dict("records"), summary.describe(metric))
    sentences += about_confirmation(summary, dataset, protocol)
    sentences += _about_collapse(cells, summary.describe("kl"))
    sentences += about_idle_codes(cells)
    sentences += _about_lambda(summary, dataset, protocol)
    sentences += _about_udr(summary, dataset, protocol)
    ranks = summary.ranks
    ranks = ranks[(ranks["dataset"] == dataset) & (ranks["protocol"] == protocol)]
    ranked = (*RANKED, *summary.own_keys)
    if not ranks.loc[ranks["metric"].isin(ranked), "rank"].notna().any():
        ranked = summary.other_keys
    return sentences + _about_ranks(
        [(summary.describe(name).label, ranks[ranks["metric"] == name]) for name in ranked]
    )


def _describe_runs(runs, cells):
    """What was run, and whether anything can be said about it."""
    row = runs.iloc[0]
    seeds = runs["seed"].dropna().nunique()
    methods = dict.fromkeys(runs["method_label"])
    text = f"{count(len(runs), 'run')} of {', '.join(methods)}"
    text += f" over {count(seeds, 'seed')}" if seeds else ", seeds not recorded"
    text += f"; the data are {row['dataset_kind']}." if row["dataset_kind"] != "unknown" else "."
    bad = int((runs["status"] != "scored").sum())
    if bad:
        text += f" {count(bad, 'run')} without scores: see the list below."
    if not cells["n"].gt(0).any():
        return text + " No score is known or defined: nothing can be said about these runs."
    if cells.loc[cells["n"] > 0, "illustrative"].all():
        text += (
            f" Fewer than {ILLUSTRATIVE_BELOW} seeds for each setting: everything below "
            "illustrates, nothing is tested and no winner is named."
        )
    return text


def _about_peaks(rows, facts):
    """A sentence for each curve; of related methods only that of the largest λ."""
    return [_about_peak(row, facts) for row in main_curves(rows)]


def _about_peak(row, facts):
    first, last, peak = row["first_value"], row["last_value"], row["peak_value"]
    symbol, at_peak, at_last = row["axis_label"], value_text(row, peak), value_text(row, last)
    subject = f"{facts.label} of {row['curve_label']}"
    if row["n_values"] < 2:
        single = format_number(peak)
        return f"{subject} is known at a single {symbol} ({single}): there is no curve to judge."
    mean = number_text(row["peak_mean"], facts)
    if row["verdict"] == "peak":
        text = (
            f"{subject} peaks at {at_peak} (mean {mean}; {_test_text(row)}) and falls by "
            f"{drop_text(row)} to {at_last}; it stays within 10 % of the peak for "
            f"{symbol} = {range_text(row)}."
        )
    elif row["range_low"] == first and row["range_open"]:
        text = (
            f"{subject} stays within 10 % of its largest mean ({mean} at {at_peak}) over every "
            f"{symbol} tried, {format_number(first)} to {format_number(last)}."
        )
    elif peak == last:
        text = (
            f"{subject} is largest at the largest {symbol} tried, {format_number(last)} "
            f"(mean {mean}): no fall was seen."
        )
    elif peak == first:
        text = (
            f"{subject} is largest at the smallest {symbol} tried, {format_number(first)} "
            f"(mean {mean}){_lower_text(row)}"
        )
        text += ": a fall, not a peak." if row["drop_low"] > 0 else "."
    else:
        text = f"{subject} is largest at {at_peak} (mean {mean}){_lower_text(row)}."
    if row["verdict"] == "too few seeds":
        text += f" Too few seeds for a test ({row['n']})."
    elif row["verdict"] == "no peak shown":
        text += f" A peak is not confirmed ({_test_text(row)})."
    for value, seeds in row["left_out"]:
        text += f" {value_text(row, value)} is left out: {seeds} of {row['n_asked']} seeds have it."
    return text


def _lower_text(row):
    """How much lower a score is at the largest value, or what was measured where it may not be."""
    at_last = value_text(row, row["last_value"])
    if row["drop_low"] > 0:
        return f", and lower by {drop_text(row)} at {at_last}"
    return f"; the drop to {at_last} is {write_minus(drop_text(row))}"


def _test_text(row):
    """The p-value, and the value that it belongs to where that is not the peak's."""
    tested = row["tested_value"]
    where = "" if tested == row["peak_value"] else f" at {value_text(row, tested)}"
    return f"peak test {p_text(row['p_peak_holm'])}{where}"


def _about_collapse(cells, facts):
    """Collapsed runs and KL at the largest value of every curve."""
    kl = cells[(cells["metric"] == "kl") & (cells["n"] > 0) & cells["axis_value"].notna()]
    kl = kl[kl["role"] != "first"]
    parts = []
    for _, part in kl.groupby(["curve", "axis"], sort=False):
        row = part.loc[part["axis_value"].idxmax()]
        collapsed = 0 if pd.isna(row["collapsed"]) else int(row["collapsed"])
        parts.append(
            f"{row['curve_label']} at {value_text(row, row['axis_value'])}: {collapsed} of "
            f"{int(row['n_kl'])} (mean KL {number_text(row['mean'], facts)} nats)"
        )
    if not parts:
        return []
    symbols = kl["axis_label"].unique()
    last = symbols[0] if len(symbols) == 1 else "value tried"
    return [
        f"Runs that collapsed (KL < {COLLAPSED:g} nats) at the largest {last} – {'; '.join(parts)}."
    ]


def _about_lambda(summary, dataset, protocol):
    """What the largest λ changes at the largest β, in one sentence."""
    found = compare_lambdas(summary, dataset, protocol)
    if found is None:
        return []
    beta, weight, changes = found
    parts = [_change_text(summary.describe(metric), change) for metric, change in changes.items()]
    return [
        f"At β = {format_number(beta)}, λ = {format_number(weight)} against λ = 0, paired by seed: "
        f"{'; '.join(parts)}."
    ]


def compare_lambdas(summary, dataset, protocol):
    """What the largest λ changes at the largest β, paired by seed, where nothing else differs.

    Returns
    -------
    (float, float, dict) or None
        β, λ, and for sampled I_m, MIG and NLL what `paired_difference` gives; None where no run
        with a λ has a partner without.
    """
    scores = summary.part("scores", dataset, protocol)
    related = scores[scores["reduces_to"].notna() & scores["beta"].notna()]
    related = related.assign(**{"lambda": related["lambda"].fillna(0.0)})
    with_lambda = related[related["lambda"] > 0]
    if with_lambda.empty:
        return None
    beta, weight = with_lambda["beta"].max(), with_lambda["lambda"].max()
    at = related[(related["beta"] == beta) & related["lambda"].isin((0.0, weight))]
    if at.groupby("lambda")["setting"].nunique().max() > 1:
        return None
    changes = {}
    for metric in ("mi_matched_sampled", "mig", "nll"):
        values = at[at["metric"] == metric].pivot_table(
            index="seed", columns="lambda", values="value"
        )
        if weight in values and 0.0 in values:
            change = paired_difference(values[weight], values[0.0])
            changes |= {metric: change} if change["n"] else {}
    return (beta, weight, changes) if changes else None


def _about_udr(summary, dataset, protocol):
    """What UDR chooses without labels, a sentence for each method, and what that costs."""
    choices = summary.part("udr_choices", dataset, protocol)
    choices = choices[(choices["form"] == "udr") & choices["metric"].isin(PEAKS)]
    sentences = []
    for _, rows in choices.groupby("method", sort=False):
        rows = rows.to_dict("records")
        first = rows[0]
        scores = "; ".join(_choice_cost(row, summary.describe(row["metric"])) for row in rows)
        sentences.append(
            f"Without labels, UDR would choose {choice_text(first)} of the {first['n_settings']} "
            f"settings of {first['method_label']} – {scores}."
        )
    return sentences


def _choice_cost(row, facts):
    """The score at UDR's choice, at the best setting, and how UDR orders the settings."""
    if np.isnan(row["chosen_mean"]):
        return f"{facts.label} has no score there"
    text = f"{facts.label} {number_text(row['chosen_mean'], facts)}"
    if same_setting(row):
        text += ", the best"
    else:
        best = number_text(row["best_mean"], facts)
        cost = cost_text(row, facts).replace("*", ", illustrative")
        text += f", best {best} at {best_text(row)}, {cost}"
    if np.isnan(row["correlation"]):
        return text
    return (
        f"{text}, rank correlation over settings {write_minus(format(row['correlation'], '+.2f'))}"
    )


def _change_text(facts, change):
    size = signed(change["difference"], facts) + (f" {facts.unit}" if facts.unit else "")
    if change["n"] < ILLUSTRATIVE_BELOW or not np.isfinite(change["low"]):
        return f"{facts.label} {size} ({count(change['n'], 'pair')}, illustrative)"
    interval = f"[{signed(change['low'], facts)}, {signed(change['high'], facts)}]"
    if change["low"] > 0 or change["high"] < 0:
        verb = "rises" if change["difference"] > 0 else "falls"
        return f"{facts.label} {verb}: {size} {interval}"
    return f"{facts.label} shows no clear change ({size} {interval})"


def _about_ranks(parts):
    """Who ranks first in each metric, or that nobody does."""
    sentences, illustrative = [], []
    for label, ranks in parts:
        ranked = ranks[ranks["rank"].notna()]
        if ranked.empty:
            continue
        first = ranked.loc[ranked["rank"] == ranked["rank"].min(), "method_label"]
        if (ranked["verdict"] == "illustrative").any():
            illustrative.append(f"{label}: {join(first)}")
            continue
        best = ranked.loc[ranked["p_best"].idxmax()]
        share = f"{100 * best['p_best']:.0f} % of resampled sets of seeds"
        if best["verdict"] == "winner":
            sentences.append(f"{label}: {best['method_label']} ranks first, in {share}.")
            continue
        tied = ranked.loc[ranked["verdict"] == "tied", "method_label"]
        sentences.append(
            f"{label}: no winner; {join(tied)} are tied ({best['method_label']} ranks first most "
            f"often, in {share})."
        )
    if illustrative:
        text = f"Best means, illustrative, no winner named – {'; '.join(illustrative)}."
        sentences.append(text)
    return sentences
