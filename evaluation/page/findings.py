"""The chief findings of a results folder: a few short sentences with numbers, by importance."""

import numpy as np
import pandas as pd

from ..naming import format_number, one_line
from ..representation.posterior import COLLAPSED
from ..statistics.intervals import ILLUSTRATIVE_BELOW
from ..tables.collapse import PEAKS, drop_text, p_text, value_text
from ..tables.notes import number_text
from ..tables.undefined import list_undefined
from .all_findings import about_idle_codes, compare_lambdas, main_curves
from .confirming import about_confirmation
from .first_screen import RANKED, ranked_metrics
from .wording import count, inline, join, signed, with_unit

# Sentences that a reader takes in at once.
MOST = 6
# Names that a sentence lists before it counts the rest.
NAMES = 3
# Two scores that order at least so many runs in opposite ways are worth a sentence.
CORRELATED = 10
OPPOSITE = -0.2
# Scores that are undefined in a smaller share of the runs are told last.
RARE = 0.05
# A choice without labels is worth one if it costs this share of the best score.
COSTLY = 0.25


def main_findings(summary, dataset, protocol):
    """What matters most about one data set and protocol.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str

    Returns
    -------
    list of str
        At most `MOST` sentences, one finding each: who is best, where scores peak, whether new
        seeds confirm it, what collapsed, what λ changes, what is undefined or missing, and what
        surprises; never empty.
    """
    place = dataset, protocol
    names = ranked_metrics(summary, *place)
    undefined, rarely_undefined = _about_undefined(summary, *place)
    if not names:
        return [
            "No score is known or defined, so nothing can be said about these runs.",
            *_about_gaps(summary, *place),
            *undefined,
            *rarely_undefined,
        ][:MOST]
    best = _about_best(summary, *place, names)
    peaks = _about_peaks(summary, *place)
    collapse = _about_collapse(summary, *place)
    missing = [*_about_gaps(summary, *place), *undefined, *_about_external(summary, *place)]
    groups = [
        best,
        peaks,
        about_confirmation(summary, *place),
        [*collapse, *about_idle_codes(summary.part("cells", *place))],
        _about_lambda(summary, *place),
        missing,
        _about_surprises(summary, *place),
    ]
    return [*_choose(groups), *rarely_undefined][:MOST]


def _choose(groups):
    """The first sentence of every group, then the second of each, as long as there is room."""
    depth = max(map(len, groups))
    turns = [(turn, place) for turn in range(depth) for place in range(len(groups))]
    kept = [(place, turn) for turn, place in turns if turn < len(groups[place])][:MOST]
    return [groups[place][turn] for place, turn in sorted(kept)]


def _about_best(summary, dataset, protocol, names):
    """Who is clearly best, and where nobody is."""
    ranks = summary.ranks
    ranks = ranks[(ranks["dataset"] == dataset) & (ranks["protocol"] == protocol)]
    ranks = ranks[ranks["metric"].isin(names[:4])]
    ranked = ranks[ranks["rank"].notna()]
    if ranked.empty:
        return [_why_unranked(summary, dataset, protocol, names)]
    means = _means(summary, dataset, protocol)
    winners, illustrative, open_ = {}, {}, {}
    for name in [name for name in names if name in set(ranked["metric"])]:
        part = ranked[ranked["metric"] == name]
        first = part[part["rank"] == part["rank"].min()].iloc[0]
        facts = summary.describe(name)
        mean = with_unit(means.get((name, first["method"]), np.nan), facts)
        own = f"{facts.label} ({mean})".replace(") (", ", ")
        if (part["verdict"] == "illustrative").any():
            illustrative.setdefault(first["method_label"], []).append(own)
        elif (part["verdict"] == "winner").any():
            winners.setdefault(first["method_label"], []).append(own)
        else:
            open_.setdefault(first["method_label"], []).append(own)
    sentences = []
    if winners:
        parts = [f"{label} is clearly best in {join(own)}" for label, own in winners.items()]
        sentences.append(f"{'; '.join(parts)}.")
    if open_:
        parts = [f"{label} has the best mean {join(own)}" for label, own in open_.items()]
        where = "In the other scores no" if winners else "No"
        sentences.append(
            f"{where} method is clearly best: {'; '.join(parts)}; but other seeds may change that."
        )
    if illustrative:
        parts = [f"{label} has the best mean {join(own)}" for label, own in illustrative.items()]
        sentences.append(
            f"{'; '.join(parts)}. Fewer than {ILLUSTRATIVE_BELOW} seeds are compared, so no winner "
            "is named."
        )
    return sentences


def _means(summary, dataset, protocol):
    """Means at the chosen settings, by metric and method."""
    cells = summary.part("selected_cells", dataset, protocol)
    return {(c["metric"], c["method"]): c["mean"] for c in cells.to_dict("records")}


def _why_unranked(summary, dataset, protocol, names):
    """Why there is no ranking at all, with the best mean where there is one method."""
    cells = summary.part("selected_cells", dataset, protocol)
    cells = cells[(cells["n"] > 0) & (cells["role"] != "first")]
    methods = cells["method"].nunique()
    facts = summary.describe(names[0])
    if methods > 1:
        if cells["n"].max() and summary.part("runs", dataset, protocol)["seed"].isna().all():
            reason = "no seed is recorded"
        elif not any(summary.describe(name).sign for name in names):
            reason = "no score declares whether higher or lower is better"
        else:
            reason = "they have no seeds in common"
        return f"The {methods} methods are not ranked, because {reason}."
    cells = cells if len(cells) else summary.part("cells", dataset, protocol)
    cells = cells[(cells["metric"] == names[0]) & (cells["n"] > 0)]
    if cells.empty:
        return "Nothing is ranked, because only runs of a first phase have scores."
    row = cells.loc[(cells["mean"] * (facts.sign or 1)).idxmax()]
    where = f" at {row['setting_label']}" if row["setting"] else ""
    return (
        f"{row['method_label']} is the only method, so nothing is ranked; its mean {facts.label} "
        f"is {with_unit(row['mean'], facts)}{where}."
    )


def _about_peaks(summary, dataset, protocol):
    """A sentence for each score: where it peaks inside the range tried, and where it does not."""
    trends = summary.part("trends", dataset, protocol)
    trends = trends[trends["role"] != "first"]
    told = trends[trends["primary"]] if trends["primary"].any() else trends
    chosen = [main_curves(told[told["metric"] == name].to_dict("records")) for name in PEAKS]
    chosen += [
        main_curves(trends[trends["metric"] == name].to_dict("records"))
        for name in summary.own_keys
    ]
    chosen = [rows for rows in chosen if rows]
    judged = [[row for row in rows if row["n_values"] > 2] for rows in chosen]
    sentences = [_peak_text(rows, summary.describe(rows[0]["metric"])) for rows in judged if rows]
    if chosen and not sentences:
        symbols = join(dict.fromkeys(row["axis_label"] for row in chosen[0]))
        return [
            f"Fewer than three values of {symbols} were run, so nothing can be said about a peak."
        ]
    return sentences


def _peak_text(rows, facts):
    """Where one score peaks, by how much it falls then, and where no peak is shown."""
    peaks = [row for row in rows if row["verdict"] == "peak"]
    rest = [row for row in rows if row["verdict"] == "no peak shown"]
    untested = [row for row in rows if row["verdict"] == "too few seeds"]
    parts = []
    if peaks:
        places = [f"{names} ({_p_text(own)})" for names, own in _by_peak(peaks).items()]
        parts.append(f"{facts.label} peaks {join(places, 2, 'other values')}, {_fall_text(peaks)}")
    if rest:
        names = join([inline(row["curve_label"]) for row in rest], NAMES, "more")
        subject = "no peak" if peaks else f"No peak of {facts.label} at an intermediate value"
        least = min(row["p_peak_holm"] for row in rest)
        test = "" if peaks else f" ({'smallest ' if len(rest) > 1 else ''}{p_text(least)})"
        parts.append(f"{subject} is shown for {names}{test}")
    return f"{'; '.join(parts)}." if parts else _untested_text(untested, facts)


def _by_peak(rows):
    """Rows of each value at which curves peak, by the words for value and curves."""
    places = {}
    for row in rows:
        places.setdefault(value_text(row, row["peak_value"]), []).append(row)
    return {
        f"at {at} for {join([inline(row['curve_label']) for row in own], NAMES, 'more')}": own
        for at, own in places.items()
    }


def _p_text(rows):
    """One p-value, or the largest of several."""
    low, high = (p_text(end(row["p_peak_holm"] for row in rows)) for end in (min, max))
    return high if low == high else high.replace("=", "≤")


def _fall_text(rows):
    """By how much the score of the first curve falls from its peak to the largest value."""
    row = rows[0]
    end = value_text(row, row["last_value"])
    whose = f" for {inline(row['curve_label'])}" if len(rows) > 1 else ""
    return f"and falls by {drop_text(row).split(' (')[0]} to {end}{whose}"


def _untested_text(rows, facts):
    """Where the largest mean is, of curves that have too few seeds for a test."""
    inside = [r for r in rows if r["peak_value"] not in (r["first_value"], r["last_value"])]
    text = f"Mean {facts.label} is largest {join(_by_peak(inside or rows), 2, 'other values')}"
    text += f", {_fall_text(inside)}" if inside else ", an end of the range tried"
    seeds = count(min(int(row["n"]) for row in rows), "seed")
    return f"{text}; {seeds} {'is' if seeds == '1 seed' else 'are'} too few for a test."


def _about_collapse(summary, dataset, protocol):
    """KL and sampled I_m at the largest value of the curve where least is left, and of the next."""
    cells = summary.part("cells", dataset, protocol)
    cells = cells[(cells["role"] != "first") & (cells["n"] > 0) & cells["axis_value"].notna()]
    ends = []
    for curve, axis in _curves(cells):
        part = cells[(cells["curve"] == curve) & (cells["axis"] == axis)]
        part = part[part["axis_value"] == part["axis_value"].max()]
        own = {row["metric"]: row for row in part.to_dict("records")}
        if "kl" in own and not pd.isna(own["kl"]["collapsed"]):
            ends.append(own)
    if not ends:
        return []
    fallen = [own for own in ends if own["kl"]["collapsed"]]
    if fallen:
        first = fallen[0]["kl"]
        at = value_text(first, first["axis_value"])
        parts = []
        for own in (own["kl"] for own in fallen):
            there = value_text(own, own["axis_value"])
            where = "" if there == at else f" at {there}"
            share = f"{int(own['collapsed'])} of {count(int(own['n_kl']), 'run')}"
            parts.append(f"{share} of {inline(own['curve_label'])}{where}")
        text = f"At {at}, {join(parts, 2, 'more curves')} collapsed (KL below {COLLAPSED:g} nats)"
        if "mi_matched_sampled" in fallen[0]:
            whose = f" of {inline(first['curve_label'])}" if len(fallen) > 1 else ""
            text += f"; I_m (sampled codes){whose} is "
            text += _text(summary, fallen[0]["mi_matched_sampled"])
        return [f"{text}."]
    lowest = min(ends, key=lambda own: own["kl"]["mean"])
    at = value_text(lowest["kl"], lowest["kl"]["axis_value"])
    text = (
        f"No run collapsed (KL below {COLLAPSED:g} nats) at the largest values tried; the lowest "
        f"mean KL is {_text(summary, lowest['kl'])}, of "
        f"{inline(lowest['kl']['curve_label'])} at {at}"
    )
    if "mi_matched_sampled" in lowest:
        text += f", where I_m (sampled codes) is {_text(summary, lowest['mi_matched_sampled'])}"
    return [f"{text}."]


def _curves(cells):
    """Curves that findings speak of, with their axes: of related methods the largest λ alone."""
    rows = cells.drop_duplicates(["curve", "axis"]).to_dict("records")
    return [(row["curve"], row["axis"]) for row in main_curves(rows)]


def _text(summary, cell):
    return with_unit(cell["mean"], summary.describe(cell["metric"]))


def _about_lambda(summary, dataset, protocol):
    """What the largest λ changes at the largest β."""
    found = compare_lambdas(summary, dataset, protocol)
    if found is None:
        return []
    beta, weight, changes = found
    effect = f"At β = {format_number(beta)}, λ = {format_number(weight)}"
    fewest = min(change["n"] for change in changes.values())
    groups = {"raises": [], "lowers": [], "changes": []}
    unclear = []
    for name, change in changes.items():
        facts = summary.describe(name)
        unit = f" {facts.unit}" if facts.unit else ""
        if fewest < ILLUSTRATIVE_BELOW or not np.isfinite(change["low"]):
            size = signed(change["difference"], facts)
            groups["changes"].append(f"{facts.label} by {size}{unit}")
        elif change["low"] > 0 or change["high"] < 0:
            ends = sorted((abs(change["low"]), abs(change["high"])))
            span = ", ".join(number_text(end, facts) for end in ends)
            size = f"{number_text(abs(change['difference']), facts)}{unit} [{span}]"
            verb = "raises" if change["difference"] > 0 else "lowers"
            groups[verb].append(f"{facts.label} by {size}")
        else:
            unclear.append(facts.label)
    parts = [f"{verb} {join(own)}" for verb, own in groups.items() if own]
    parts += [f"shows no clear effect on {join(unclear)}"] if unclear else []
    few = f" ({count(fewest, 'pair')} of runs: illustrative)" if groups["changes"] else ""
    return [f"{effect} {join(parts)}{few}."]


def _about_gaps(summary, dataset, protocol):
    """Runs that failed, have no scores or are missing."""
    gaps = summary.part("gaps", dataset, protocol)
    if gaps.empty:
        return []
    runs = len(summary.part("runs", dataset, protocol))
    missing = int((gaps["status"] == "missing").sum())
    bad = len(gaps) - missing
    parts = []
    if bad:
        failed = int((gaps["status"] == "failed").sum())
        how = "" if not failed else f" ({failed:,} failed)"
        parts.append(
            f"{bad:,} of {count(runs, 'run')} {'has' if bad == 1 else 'have'} no scores{how}"
        )
    if missing:
        parts.append(f"{count(missing, 'run')} {'is' if missing == 1 else 'are'} missing")
    return [f"{join(parts)}; they are listed under Failed and missing runs."]


def _about_undefined(summary, dataset, protocol):
    """Headline scores that are undefined, with the reason: often, and in a few runs only."""
    often, rarely = [], []
    for entry in list_undefined(summary, dataset, protocol):
        own = [name for name in entry["metrics"] if name in (*RANKED, *summary.own_keys)]
        if own:
            labels = join([summary.describe(name).label for name in own], NAMES)
            verb = "is" if len(own) == 1 else "are"
            sentences = rarely if entry["n"] < RARE * entry["runs"] else often
            sentences.append(
                f"{labels} {verb} undefined for {entry['n']:,} of {count(entry['runs'], 'run')}: "
                f"{one_line(entry['reason'], 100).rstrip('.')}."
            )
    return often, rarely


def _about_external(summary, dataset, protocol):
    """That something was trained elsewhere."""
    runs = summary.part("runs", dataset, protocol)
    labels = list(dict.fromkeys(runs.loc[runs["role"] == "external", "method_label"]))
    if not labels:
        return []
    verb = "was" if len(labels) == 1 else "were"
    return [f"{join(labels, NAMES)} {verb} trained elsewhere; how is unknown here."]


def _about_surprises(summary, dataset, protocol):
    """Scores that disagree, and a choice without labels that costs much."""
    sentences = []
    pairs = summary.part("agreement", dataset, protocol)
    pairs = pairs[pairs["first"].isin(RANKED) & pairs["second"].isin(RANKED)]
    pairs = pairs[(pairs["n"] >= CORRELATED) & (pairs["correlation"] < OPPOSITE)]
    if len(pairs):
        row = pairs.loc[pairs["correlation"].idxmin()]
        value = f"{row['correlation']:.2f}".replace("-", "−")
        sentences.append(
            f"{row['first_label']} and {row['second_label']} order the runs in opposite ways: "
            f"their rank correlation over {count(int(row['n']), 'run')} is {value}."
        )
    choices = summary.part("udr_choices", dataset, protocol)
    choices = choices[(choices["form"] == "udr") & (choices["metric"] == "mig")]
    choices = choices[choices["cost"] >= COSTLY * choices["best_mean"]]
    if len(choices):
        row = choices.loc[choices["cost"].idxmax()]
        facts = summary.describe("mig")
        sentences.append(
            f"Without labels, UDR would choose {row['chosen_setting_label']} for "
            f"{row['method_label']}, with a mean MIG of {number_text(row['chosen_mean'], facts)}; "
            f"the best setting has {number_text(row['best_mean'], facts)}."
        )
    return sentences
