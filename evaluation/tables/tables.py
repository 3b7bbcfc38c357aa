"""The tables of a report: β curves, comparison, ranking, differences, and what is missing."""

import dataclasses

import numpy as np
import pandas as pd

from ..naming import file_name, format_number
from ..statistics.labels import HEADLINE, curve_label, method_label, method_order, setting_label
from ..statistics.selection import describe_choice
from .citations import citation_keys
from .collapse import collapse_table, published_table
from .notes import ILLUSTRATIVE, INTERVAL, cell_text, number_text
from .parts import (
    CHOICE,
    by_keys,
    collapsed_text,
    heading,
    mark_notes,
    notes_of,
    shown_metrics,
    step_mark,
    with_identity,
)
from .rendering import Table

COMPARED = (*HEADLINE, "nll", "kl")
CURVES = ("mig", "sap", "dci_disentanglement", "mi_matched_sampled", "nll", "kl")
PEAKS = ("mig", "mi_matched_sampled")


def comparison_table(summary, dataset, protocol, metrics=COMPARED):
    """Methods by metrics on one data set, one setting a method.

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
    names = shown_metrics(cells, metrics)
    if not names:
        return None
    cells = [cell for cell in cells if cell["metric"] in names]
    rows = []
    groups = by_keys(cells, "method")
    for (method,) in sorted(groups, key=lambda key: method_order(key[0])):
        part = {cell["metric"]: cell for cell in groups[(method,)]}
        row = [method_label(method) + step_mark(part.values())]
        for name in names:
            cell = part.get(name)
            row.append(
                "–"
                if cell is None
                else f"{cell_text(cell)}\n{describe_choice(cell['setting'], cell['chosen'])}"
            )
        rows.append((*row, collapsed_text([part[names[0]]] if names[0] in part else [])))
    notes = [
        INTERVAL,
        CHOICE,
        "NLL, KL and collapsed runs (KL < 0.1 nats) are those of the setting chosen by MIG.",
    ]
    return Table(
        file_name("comparison", dataset, protocol),
        f"Comparison on {dataset}, protocol {protocol}",
        ("Method", *map(heading, names), "Collapsed"),
        tuple(rows),
        with_identity(pd.DataFrame(cells), summary.part("runs", dataset, protocol)),
        tuple(notes + mark_notes(cells) + notes_of(summary, dataset, protocol, names)),
        citation_keys([cell["method"] for cell in cells], names, [dataset]),
    )


def ranking_table(summary, protocol, kind, dataset="all", metrics=HEADLINE):
    """Mean rank, its interval and P(best) of methods by metrics.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    protocol, kind : str
        Genuine and re-rendered data never share a ranking.
    dataset : str
        A name, or "all" for the mean over data sets.
    metrics : sequence of str

    Returns
    -------
    Table or None
        None where no method has a score.
    """
    ranks = summary.ranks
    every = ranks[(ranks["protocol"] == protocol) & (ranks["dataset_kind"] == kind)]
    ranks = every[(every["dataset"] == dataset) & every["metric"].isin(metrics)]
    if not ranks["rank"].notna().any():
        return None
    names = [name for name in metrics if name in set(ranks["metric"])]
    methods = sorted(set(ranks["method"]), key=method_order)
    found = {(row["method"], row["metric"]): row for row in ranks.to_dict("records")}
    rows = []
    for method in methods:
        texts = [_rank_text(found.get((method, name))) for name in names]
        rows.append((method_label(method), *texts))
    datasets = list(dict.fromkeys(every.loc[every["dataset"] != "all", "dataset"]))
    datasets = datasets if dataset == "all" else [dataset]
    notes = [
        "Rank of the mean score (1 is best) [95 % bootstrap interval], P(best): share of bootstrap "
        "draws in which the method ranks first; the same seeds are drawn for all methods. A winner "
        "is named only where P(best) > 0.95 with at least 5 shared seeds; tied: the rank interval "
        "reaches that of the best.",
        CHOICE,
    ]
    if (ranks["n"] < 5).any():
        notes.append(ILLUSTRATIVE)
    for name in datasets:
        more = notes_of(summary, name, protocol, names)
        notes += [note for note in more if note not in notes]
    named = ("ranking", dataset) if dataset != "all" else (f"ranking-all-{kind}",)
    where = dataset if dataset != "all" else f"{len(datasets)} data sets ({kind})"
    return Table(
        file_name(*named, protocol),
        f"Ranking on {where}, protocol {protocol}",
        ("Method", *map(heading, names)),
        tuple(rows),
        ranks.reset_index(drop=True),
        tuple(notes),
        citation_keys(methods, names, datasets),
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


def beta_curve_table(summary, dataset, protocol, metrics=CURVES):
    """Every curve at every β: what was measured before anything was chosen.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    metrics : sequence of str

    Returns
    -------
    Table or None
        None where no run has β or no score.
    """
    cells = summary.records("cells", dataset, protocol)
    cells = [cell for cell in cells if cell["beta"] == cell["beta"]]
    names = shown_metrics(cells, metrics)
    if not names:
        return None
    cells = [cell for cell in cells if cell["metric"] in names]
    rows = []
    for (curve, beta), part in by_keys(cells, "curve", "beta").items():
        found = {cell["metric"]: cell_text(cell) for cell in part}
        texts = [found.get(name, "–") for name in names]
        mark = step_mark(part)
        rows.append((curve_label(curve) + mark, format_number(beta), *texts, collapsed_text(part)))
    notes = [
        INTERVAL,
        "β = 1 of the β-VAE is the VAE. Collapsed: runs with KL < 0.1 nats.",
    ]
    return Table(
        file_name("beta-curves", dataset, protocol),
        f"Scores over β on {dataset}, protocol {protocol}",
        ("Curve", "β", *map(heading, names), "Collapsed"),
        tuple(rows),
        with_identity(pd.DataFrame(cells), summary.part("runs", dataset, protocol)),
        tuple(notes + mark_notes(cells) + notes_of(summary, dataset, protocol, names)),
        citation_keys([cell["method"] for cell in cells], names, [dataset]),
    )


def differences_table(summary, dataset, protocol, metrics=HEADLINE):
    """Paired differences between the methods of one data set.

    Returns
    -------
    Table or None
        None with fewer than two methods.
    """
    frame = summary.part("differences", dataset, protocol)
    frame = frame[frame["metric"].isin(metrics) & (frame["n"] > 0)]
    if frame.empty:
        return None
    names = [name for name in metrics if name in set(frame["metric"])]
    pairs = frame.to_dict("records")
    rows = []
    for (first, second), part in by_keys(pairs, "first", "second").items():
        found = {pair["metric"]: _difference_text(pair) for pair in part}
        texts = [found.get(name, "–") for name in names]
        rows.append((f"{method_label(first)} − {method_label(second)}", *texts))
    notes = [
        "Mean difference paired by seed [95 % interval], P: chance that a run of the first method "
        "beats one of the second (ties half), pairs. Intervals are not adjusted for the number of "
        "comparisons. Differences are turned so that positive speaks for the first.",
        CHOICE,
    ]
    return Table(
        file_name("differences", dataset, protocol),
        f"Differences between methods on {dataset}, protocol {protocol}",
        ("Difference", *map(heading, names)),
        tuple(rows),
        with_identity(frame.reset_index(drop=True), summary.part("runs", dataset, protocol)),
        tuple(notes + mark_notes(pairs) + notes_of(summary, dataset, protocol, names)),
        citation_keys({*frame["first"], *frame["second"]}, names, [dataset]),
    )


def _difference_text(row):
    key = row["metric"]
    text = f"{row['difference']:+.3f}" if row["n"] else "–"
    if row["n"] > 1:
        text += f" [{number_text(row['low'], key)}, {number_text(row['high'], key)}]"
    star = "*" if row["illustrative"] else ""
    return f"{text}\nP {row['improvement']:.2f}, {row['n']} pairs{star}"


def gaps_table(summary):
    """Runs that failed, were not scored or are missing.

    Returns
    -------
    Table or None
        None where nothing is missing.
    """
    gaps = summary.gaps
    if gaps.empty:
        return None
    rows = []
    for row in gaps.to_dict("records"):
        seed = "–" if pd.isna(row["seed"]) else str(int(row["seed"]))
        reason = "" if pd.isna(row["reason"]) else str(row["reason"])
        setting = setting_label(row["setting"])
        rows.append(
            (
                row["dataset"],
                row["protocol"],
                method_label(row["method"]),
                setting,
                seed,
                row["status"],
                reason,
            )
        )
    columns = ("Data", "Protocol", "Method", "Setting", "Seed", "Status", "Reason")
    note = "Missing: other settings of the same data set and protocol have this seed."
    return Table("gaps", "Failed and missing runs", columns, tuple(rows), gaps, (note,))


def all_tables(summary):
    """Every table that the results allow.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary

    Returns
    -------
    list of Table
    """
    made = []
    for dataset, protocol in summary.strata:
        made.append(beta_curve_table(summary, dataset, protocol))
        made += [collapse_table(summary, dataset, protocol, metric) for metric in PEAKS]
        made.append(comparison_table(summary, dataset, protocol))
        made.append(differences_table(summary, dataset, protocol))
    scopes = summary.ranks[["protocol", "dataset_kind", "dataset"]].drop_duplicates()
    for protocol, kind, dataset in scopes.itertuples(index=False, name=None):
        made.append(ranking_table(summary, protocol, kind, dataset))
    made += [published_table(summary), gaps_table(summary)]
    return _with_own_names([table for table in made if table is not None])


def _with_own_names(tables):
    """Number the names of tables whose data sets differ only in what file names leave out."""
    seen, found = {}, []
    for table in tables:
        seen[table.name] = count = seen.get(table.name, 0) + 1
        name = table.name if count == 1 else f"{table.name}-{count}"
        found.append(dataclasses.replace(table, name=name))
    return found
