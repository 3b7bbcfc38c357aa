"""The chief findings of a results folder: a few short sentences with numbers, by importance."""

import numpy as np

from ..naming import format_number, one_line
from ..statistics.intervals import ILLUSTRATIVE_BELOW
from ..tables.notes import number_text
from ..tables.undefined import list_undefined
from .all_findings import compare_lambdas
from .confirming import about_confirmation
from .curves import about_collapse, about_idle_codes, about_peaks
from .first_screen import COLUMNS, RANKED, ranked_metrics
from .wording import NAMES, count, join, signed, with_unit, write_minus

# Sentences that a reader takes in at once.
MOST = 6
# Two scores that order at least so many runs in opposite ways, and not by chance, are worth a
# sentence.
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
    peaks = about_peaks(summary, *place)
    collapse = about_collapse(summary, *place)
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
    ranks = ranks[ranks["metric"].isin(names[:COLUMNS])]
    ranked = ranks[ranks["rank"].notna()]
    if ranked.empty:
        return [_why_unranked(summary, dataset, protocol, names)]
    means = _means(summary, dataset, protocol)
    winners, illustrative, open_ = {}, {}, {}
    for name in [name for name in names if name in set(ranked["metric"])]:
        part = ranked[ranked["metric"] == name]
        first = part[part["rank"] == part["rank"].min()]
        facts = summary.describe(name)
        mean = with_unit(means.get((name, first["method"].iloc[0]), np.nan), facts)
        # One pair of brackets is enough: I_m (sampled codes, 1.2 nats).
        own = f"{facts.label} ({mean})".replace(") (", ", ")
        every = int((ranks["metric"] == name).sum())
        if len(part) < every:
            own = f"{own[:-1]}, where {len(part)} of {every} methods have a rank)"
        if (part["verdict"] == "illustrative").any():
            found = illustrative
        elif (part["verdict"] == "winner").any():
            found = winners
        else:
            found = open_
        found.setdefault(tuple(first["method_label"]), []).append(own)
    sentences = []
    if winners:
        parts = [
            f"{join(labels)} is clearly best in {join(own)}" for labels, own in winners.items()
        ]
        sentences.append(f"{'; '.join(parts)}.")
    if open_:
        where = "In the other scores no" if winners else "No"
        sentences.append(
            f"{where} method is clearly best: {_best_means(open_)}; but other seeds may change "
            "that."
        )
    if illustrative:
        sentences.append(
            f"{_best_means(illustrative)}. Fewer than {ILLUSTRATIVE_BELOW} seeds are compared, so "
            "no winner is named."
        )
    return sentences


def _best_means(found):
    """Scores by the labels of the methods with the best mean, which equal ones share."""
    parts = []
    for labels, own in found.items():
        verb = "has" if len(labels) == 1 else "share"
        parts.append(f"{join(labels, NAMES, 'more methods')} {verb} the best mean {join(own)}")
    return "; ".join(parts)


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
        if summary.part("runs", dataset, protocol)["seed"].isna().all():
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
    # Fisher's z of a rank correlation has about the variance 1.06/(n − 3).
    chance = np.tanh(1.96 * np.sqrt(1.06 / (pairs["n"] - 3).clip(lower=1)))
    opposite = pairs["correlation"] < np.minimum(OPPOSITE, -chance)
    pairs = pairs[(pairs["n"] >= CORRELATED) & opposite]
    if len(pairs):
        row = pairs.loc[pairs["correlation"].idxmin()]
        value = write_minus(f"{row['correlation']:.2f}")
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
