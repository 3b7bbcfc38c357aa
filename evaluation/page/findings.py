"""The findings of a results folder in plain sentences, each with the numbers behind it."""

import numpy as np

from ..naming import format_number
from ..statistics.intervals import ILLUSTRATIVE_BELOW, paired_difference
from ..statistics.labels import curve_label, describe_key, method_label, method_order
from ..tables.collapse import drop_text, p_text, range_text
from ..tables.notes import number_text

PEAKS = ("mig", "mi_matched_sampled")
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
    found = [_what(runs, cells)]
    trends = summary.part("trends", dataset, protocol)
    for metric in PEAKS:
        part = trends[(trends["metric"] == metric) & (trends["curve"] != "betavae_first")]
        found += _about_peaks(part.to_dict("records"))
    found += _about_collapse(cells)
    found += _about_lambda(summary.part("scores", dataset, protocol))
    ranks = summary.ranks
    mine = ranks[(ranks["dataset"] == dataset) & (ranks["protocol"] == protocol)]
    return found + _about_ranks([mine[mine["metric"] == metric] for metric in RANKED])


def _what(runs, cells):
    row = runs.iloc[0]
    seeds = runs["seed"].dropna().nunique()
    methods = sorted(set(runs["method"]), key=method_order)
    text = f"{_count(len(runs), 'run')} of {', '.join(map(method_label, methods))}"
    text += f" over {_count(seeds, 'seed')}" if seeds else ", seeds not recorded"
    text += f"; the data are {row['dataset_kind']}." if row["dataset_kind"] != "unknown" else "."
    bad = int((runs["status"] != "scored").sum())
    if bad:
        text += f" {_count(bad, 'run')} without scores: see the list below."
    if not cells["n"].gt(0).any():
        return text + " No score is known or defined: nothing can be said about these runs."
    if cells.loc[cells["n"] > 0, "illustrative"].all():
        text += (
            f" Fewer than {ILLUSTRATIVE_BELOW} seeds a setting: everything below illustrates, "
            "nothing is tested and no winner is named."
        )
    return text


def _count(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _about_peaks(rows):
    """A sentence for the β-VAE, the largest λ and every other model."""
    by_lambda = [row for row in rows if row["curve"].startswith("lambdabeta,lambda=")]
    dropped = {row["curve"] for row in by_lambda[:-1]}
    return [_about_peak(row) for row in rows if row["curve"] not in dropped]


def _about_peak(row):
    label, name = describe_key(row["metric"]).label, curve_label(row["curve"])
    first, last, peak = (format_number(row[k]) for k in ("first_beta", "last_beta", "peak_beta"))
    what = f"{label} of {name}"
    if row["n_betas"] < 2:
        return f"{what} is known at a single β ({peak}): there is no curve to judge."
    mean = number_text(row["peak_mean"], row["metric"])
    if row["verdict"] == "peak":
        return (
            f"{what} peaks at β = {peak} (mean {mean}; peak test {p_text(row['p_peak_holm'])}) and "
            f"falls by {drop_text(row)} to β = {last}; it stays within 10 % of the peak over "
            f"{range_text(row)}."
        )
    if row["range_low"] == row["first_beta"] and row["range_open"]:
        text = (
            f"{what} stays within 10 % of its largest mean ({mean} at β = {peak}) over every β "
            f"tried, {first} to {last}."
        )
    elif row["peak_beta"] == row["last_beta"]:
        text = f"{what} is largest at the largest β tried, {last} (mean {mean}): no fall was seen."
    elif row["peak_beta"] == row["first_beta"]:
        text = (
            f"{what} is largest at the smallest β tried, {first} (mean {mean}), and lower by "
            f"{drop_text(row)} at β = {last}: a fall, not a peak."
        )
    else:
        text = (
            f"{what} is largest at β = {peak} (mean {mean}) and lower by {drop_text(row)} at "
            f"β = {last}."
        )
    if row["verdict"] == "too few seeds":
        return f"{text} Too few seeds for a test ({row['n']})."
    if row["p_peak_holm"] == row["p_peak_holm"]:
        return f"{text} A peak is not confirmed (peak test {p_text(row['p_peak_holm'])})."
    return text


def _about_collapse(cells):
    """Collapsed runs and KL at the largest β."""
    kl = cells[(cells["metric"] == "kl") & (cells["n"] > 0) & cells["beta"].notna()]
    kl = kl[kl["curve"] != "betavae_first"]
    parts = []
    for curve, part in kl.groupby("curve", sort=False):
        row = part.loc[part["beta"].idxmax()]
        collapsed = int(row["collapsed"]) if row["collapsed"] == row["collapsed"] else 0
        parts.append(
            f"{curve_label(curve)} at β = {format_number(row['beta'])}: {collapsed} of "
            f"{int(row['n_kl'])} (mean KL {number_text(row['mean'], 'kl')} nats)"
        )
    if not parts:
        return []
    return [f"Runs that collapsed (KL < 0.1 nats) at the largest β – {'; '.join(parts)}."]


def _about_lambda(scores):
    """What the largest λ changes at the largest β, paired by seed."""
    family = scores[scores["method"].isin(("vae", "betavae", "lambdabeta"))]
    family = family[family["beta"].notna() & family["lambda"].notna()]
    with_lambda = family[family["lambda"] > 0]
    if with_lambda.empty:
        return []
    beta, weight = with_lambda["beta"].max(), with_lambda["lambda"].max()
    at = family[family["beta"] == beta]
    parts = []
    for metric in ("mi_matched_sampled", "mig", "nll"):
        values = at[at["metric"] == metric].pivot_table(
            index="seed", columns="lambda", values="value"
        )
        if weight not in values or 0.0 not in values:
            continue
        parts.append(_change_text(metric, paired_difference(values[weight], values[0.0])))
    parts = [part for part in parts if part]
    if not parts:
        return []
    return [
        f"At β = {format_number(beta)}, λ = {format_number(weight)} against λ = 0, paired by seed: "
        f"{'; '.join(parts)}."
    ]


def _change_text(metric, found):
    if not found["n"]:
        return ""
    facts = describe_key(metric)
    size = _signed(found["difference"], metric) + (f" {facts.unit}" if facts.unit else "")
    if found["n"] < ILLUSTRATIVE_BELOW or not np.isfinite(found["low"]):
        return f"{facts.label} {size} ({_count(found['n'], 'pair')}, illustrative)"
    interval = f"[{_signed(found['low'], metric)}, {_signed(found['high'], metric)}]"
    if found["low"] > 0 or found["high"] < 0:
        verb = "rises" if found["difference"] > 0 else "falls"
        return f"{facts.label} {verb}: {size} {interval}"
    return f"{facts.label} shows no clear change ({size} {interval})"


def _signed(value, metric):
    text = number_text(abs(value), metric)
    return f"{'−' if value < 0 else '+'}{text}"


def _about_ranks(parts):
    """Who ranks first in each metric, or that nobody does."""
    found, illustrative = [], []
    for ranks in parts:
        ranked = ranks[ranks["rank"].notna()]
        if ranked.empty:
            continue
        label = describe_key(ranked["metric"].iloc[0]).label
        first = ranked.loc[ranked["rank"] == ranked["rank"].min(), "method"].map(method_label)
        if (ranked["verdict"] == "illustrative").any():
            illustrative.append(f"{label}: {_and(first)}")
            continue
        best = ranked.loc[ranked["p_best"].idxmax()]
        share = f"P(best) {best['p_best']:.2f}"
        if best["verdict"] == "winner":
            found.append(f"{label}: {method_label(best['method'])} ranks first, {share}.")
            continue
        tied = ranked.loc[ranked["verdict"] == "tied", "method"].map(method_label)
        found.append(
            f"{label}: no winner; {_and(tied)} are tied (largest {share}, "
            f"{method_label(best['method'])})."
        )
    if illustrative:
        found.append(f"Best means, illustrative, no winner named – {'; '.join(illustrative)}.")
    return found


def _and(names):
    names = list(names)
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""
