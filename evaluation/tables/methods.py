"""Tables of methods: comparison, ranking and paired differences."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..naming import file_name
from ..statistics.labels import HEADLINE
from ..statistics.selection import describe_choice
from ..statistics.summary import Summary
from .notes import ILLUSTRATIVE, INTERVAL, UNEQUAL, cell_text, number_text
from .parts import (
    CHOICE,
    by_keys,
    by_method,
    collapsed_text,
    compact_spreads,
    has_headline,
    heading,
    mark_notes,
    notes_of,
    shown_metrics,
    sources_of,
    step_mark,
    with_identity,
)
from .table import Compact, Table
from .undefined import undefined_notes

COMPARED = (*HEADLINE, "nll", "kl")
# What fits the column of a paper; the user's own metrics follow.
PAPER = ("mig", "sap", "dci_disentanglement", "mi_matched_sampled")


def comparison_table(
    summary: Summary, dataset: str, protocol: str, metrics: Sequence[str] = COMPARED
) -> Table | None:
    """Methods by metrics on one data set, one setting for each method.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    metrics : sequence of str

    Returns
    -------
    Table or None
        None where there is no score at all.
    """
    cells = summary.records("selected_cells", dataset, protocol)
    names = shown_metrics(summary, cells, metrics)
    if not names:
        return None
    cells = [cell for cell in cells if cell["metric"] in names]
    rows, short, settings = [], [], []
    for part in by_method(summary, cells):
        label = part[0]["method_label"] + step_mark(part)
        own = {cell["metric"]: cell for cell in part}
        texts = [chosen_text(own.get(name), summary.describe(name)) for name in names]
        rows.append((label, *texts, collapsed_text([own[names[0]]] if names[0] in own else [])))
        if part[0]["role"] == "first":
            continue
        short.append(((label,), own))
        if part[0]["role"] != "external" or part[0]["setting"]:
            settings.append(_settings_text(summary, part))
    place = dataset, protocol
    compact = compact_spreads(
        summary,
        cells,
        place,
        (*PAPER, *summary.own_keys, "nll"),
        ("Method",),
        short,
        [
            "Settings are chosen for each metric on half the seeds and reported on the other half "
            f"(in brackets: how many were tried): {'; '.join(settings)}."
        ],
    )
    notes = [
        INTERVAL,
        CHOICE,
        "NLL, KL and collapsed runs (KL < 0.1 nats) are those of the setting chosen by MIG.",
        *undefined_notes(summary, *place, metrics),
    ]
    methods = dict.fromkeys(cell["method"] for cell in cells)
    return Table(
        file_name("comparison", *place),
        f"Comparison on {dataset}, protocol {protocol}",
        ("Method", *(heading(summary.describe(name)) for name in names), "Collapsed"),
        tuple(rows),
        with_identity(pd.DataFrame(cells), summary.part("runs", *place)),
        tuple(notes + mark_notes(cells) + notes_of(summary, *place, names)),
        sources_of(summary, [dataset], protocol, methods, names),
        compact,
        place,
    )


def chosen_text(cell, facts):
    """A cell of a comparison, with its setting and how that was chosen."""
    if cell is None:
        return "–"
    if cell["role"] == "external" and not cell["setting"]:  # what it was trained with is unknown
        return cell_text(cell, facts)
    return f"{cell_text(cell, facts)}\n{describe_choice(cell['setting_label'], cell['chosen'])}"


def _settings_text(summary, cells):
    """A method's chosen settings in a few words: one for all metrics, or each with its own."""
    shown = [c for c in cells if c["metric"] in (*PAPER, *summary.own_keys)] or cells
    label = cells[0]["method_label"]
    tried = max(int(cell["n_settings"]) for cell in shown)
    count = f" ({tried})" if tried > 1 else ""
    if len({cell["setting"] for cell in shown}) == 1:
        return f"{label} {shown[0]['setting_label']}{count}"
    parts = [f"{summary.describe(c['metric']).label} {c['setting_label']}" for c in shown]
    return f"{label}{count}: {', '.join(parts)}"


def ranking_table(
    summary: Summary,
    protocol: str,
    kind: str,
    dataset: str = "all",
    metrics: Sequence[str] | None = None,
    others: bool = False,
) -> Table | None:
    """Mean rank, its interval and P(best) of methods by metrics.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    protocol, kind : str
        Genuine and re-rendered data never share a ranking.
    dataset : str
        A name, or "all" for the mean over data sets.
    metrics : sequence of str, optional
        By default the headline metrics and the user's own.
    others : bool, default False
        The first keys of all other metrics instead, in a table that a page folds.

    Returns
    -------
    Table or None
        None where no method has a score.
    """
    if metrics is None:
        metrics = summary.other_keys if others else (*HEADLINE, *summary.own_keys)
    ranks = summary.ranks
    every = ranks[(ranks["protocol"] == protocol) & (ranks["dataset_kind"] == kind)]
    ranks = every[(every["dataset"] == dataset) & every["metric"].isin(metrics)]
    if not ranks["rank"].notna().any():
        return None
    names = [name for name in metrics if name in set(ranks["metric"])]
    paper = [name for name in (*PAPER, *summary.own_keys) if name in names] or names[: len(PAPER)]
    groups = by_method(summary, ranks.to_dict("records"))
    rows, short = [], []
    for part in groups:
        label = part[0]["method_label"] + step_mark(part)
        own = {row["metric"]: row for row in part}
        rows.append((label, *(_rank_text(own.get(name)) for name in names)))
        short.append((label, *(_short_rank(own.get(name)) for name in paper)))
    datasets = list(dict.fromkeys(every.loc[every["dataset"] != "all", "dataset"]))
    datasets = datasets if dataset == "all" else [dataset]
    marks = [ILLUSTRATIVE] if (ranks["n"] < 5).any() else []
    marks += [UNEQUAL] if ranks["unequal_steps"].any() else []
    notes = [
        "Rank of the mean score (1 is best) [95 % bootstrap interval], P(best): share of bootstrap "
        "draws in which the method ranks first; the same seeds are drawn for all methods. A winner "
        "is named only where P(best) > 0.95 with at least 5 shared seeds; tied: the rank interval "
        "reaches that of the best.",
        CHOICE,
        *marks,
    ]
    brief = ["Rank of the mean score (1 is best) [95 % bootstrap interval].", *marks]
    for name in datasets:
        notes += notes_of(summary, name, protocol, names)
        brief += notes_of(summary, name, protocol, paper, brief=True)
    notes, brief = list(dict.fromkeys(notes)), list(dict.fromkeys(brief))
    heads = {name: heading(summary.describe(name)) for name in names}
    stem = "ranking-other" if others else "ranking"
    kinds = (stem, dataset) if dataset != "all" else (f"{stem}-all-{kind}",)
    where = dataset if dataset != "all" else f"{len(datasets)} data sets ({kind})"
    methods = dict.fromkeys(ranks["method"])
    return Table(
        file_name(*kinds, protocol),
        f"Ranking{' by other scores' if others else ''} on {where}, protocol {protocol}",
        ("Method", *heads.values()),
        tuple(rows),
        ranks.reset_index(drop=True),
        tuple(notes),
        sources_of(summary, datasets, protocol, methods, names),
        Compact(("Method", *(heads[name] for name in paper)), tuple(short), tuple(brief)),
        None if dataset == "all" else (dataset, protocol),
        secondary=others and any(has_headline(summary, name, protocol) for name in datasets),
    )


def _rank_text(row):
    if row is None:
        return "–"
    if not np.isfinite(row["rank"]):
        return f"not ranked:\n{row['reason']}"
    text = f"{row['rank']:.2g}"
    if np.isfinite(row["rank_low"]):
        text += f" [{row['rank_low']:.2g}, {row['rank_high']:.2g}]"
        text += f"\nP(best) {row['p_best']:.2f}"
    verdict = "illustrative*" if row["verdict"] == "illustrative" else row["verdict"]
    return f"{text}\n{verdict}" if verdict else text


def _short_rank(row):
    if row is None or not np.isfinite(row["rank"]):
        return "–"
    star = "*" if row["verdict"] == "illustrative" else ""
    text = f"{row['rank']:.2g}{star}"
    if np.isfinite(row["rank_low"]):
        text += f" [{row['rank_low']:.2g}, {row['rank_high']:.2g}]"
    return text


def differences_table(
    summary: Summary, dataset: str, protocol: str, metrics: Sequence[str] | None = None
) -> Table | None:
    """Paired differences between the methods of one data set.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    metrics : sequence of str, optional
        By default the headline metrics and the user's own.

    Returns
    -------
    Table or None
        None with fewer than two methods.
    """
    metrics = (*HEADLINE, *summary.own_keys) if metrics is None else metrics
    frame = summary.part("differences", dataset, protocol)
    frame = frame[frame["metric"].isin(metrics) & (frame["n"] > 0)]
    if frame.empty:
        return None
    names = [name for name in metrics if name in set(frame["metric"])]
    facts = {name: summary.describe(name) for name in names}
    paper = [name for name in (*PAPER, *summary.own_keys) if name in names]
    pairs = frame.to_dict("records")
    rows, short = [], []
    for part in by_keys(pairs, "first", "second").values():
        label = f"{part[0]['first_label']} − {part[0]['second_label']}{step_mark(part)}"
        own = {pair["metric"]: pair for pair in part}
        rows.append((label, *(_difference_text(own.get(n), facts[n]) for n in names)))
        short.append((label, *(_short_difference(own.get(n), facts[n]) for n in paper)))
    place = dataset, protocol
    marks = mark_notes(pairs)
    notes = [
        "Mean difference paired by seed [95 % interval], P: chance that a run of the first method "
        "beats one of the second (ties half), pairs. Intervals are not adjusted for the number of "
        "comparisons. Differences are turned so that positive speaks for the first.",
        CHOICE,
        *marks,
    ]
    brief = [
        "Mean difference paired by seed [95 % interval], not adjusted for the number of "
        "comparisons; positive speaks for the first method.",
        *marks,
        *notes_of(summary, *place, paper, brief=True),
    ]
    heads = [heading(facts[name]) for name in paper]
    return Table(
        file_name("differences", *place),
        f"Differences between methods on {dataset}, protocol {protocol}",
        ("Difference", *(heading(facts[name]) for name in names)),
        tuple(rows),
        with_identity(frame.reset_index(drop=True), summary.part("runs", *place)),
        tuple(notes + notes_of(summary, *place, names)),
        sources_of(summary, [dataset], protocol, {*frame["first"], *frame["second"]}, names),
        Compact(("Difference", *heads), tuple(short), tuple(brief)),
        place,
    )


def _difference_text(row, facts):
    if row is None:
        return "–"
    star = "*" if row["illustrative"] else ""
    first, _, rest = _short_difference(row | {"illustrative": False}, facts).partition("\n")
    pairs = f"{row['n']} pair{'s' * (row['n'] != 1)}{star}"
    return f"{first}{' ' + rest if rest else ''}\nP {row['improvement']:.2f}, {pairs}"


def _short_difference(row, facts):
    if row is None:
        return "–"
    text = f"{row['difference']:+.3f}" + ("*" if row["illustrative"] else "")
    if row["n"] > 1:
        text += f"\n[{number_text(row['low'], facts)}, {number_text(row['high'], facts)}]"
    return text
