"""Pieces that several tables share."""

from ..statistics.labels import HEADLINE
from .citations import dataset_source
from .notes import (
    CLIPPED,
    ILLUSTRATIVE,
    UNEQUAL,
    general_notes,
    metric_notes,
    number_text,
    variant_notes,
)
from .table import Compact

_STEP_MARK = "\N{NO-BREAK SPACE}§"

CHOICE = (
    "Settings: the best of a sweep is chosen for each metric on half the seeds and reported on the "
    "other half, over everything that was swept; (best of N) states how many settings were tried. "
    "λβ-VAE means λ > 0."
)


def shown_metrics(summary, cells, metrics):
    """Those of the metrics that have a score, the user's own after ours, training measures last.

    MIG has beside it that over the identifiable factors.
    """
    known = {cell["metric"] for cell in cells if cell["n"]}
    training = [name for name in metrics if summary.describe(name).metric == "training"]
    ours = [name for name in metrics if name not in training]
    wanted = [name for m in ours for name in ((m, "mig_identifiable") if m == "mig" else (m,))]
    return [name for name in (*wanted, *summary.own_keys, *training) if name in known]


def has_headline(summary, dataset, protocol):
    """Whether one of the headline scores is defined, so that the other tables may be folded."""
    cells = summary.part("cells", dataset, protocol)
    return bool(cells.loc[cells["metric"].isin(HEADLINE), "n"].gt(0).any())


def by_keys(records, *names):
    """Group records by some of their values, in order of appearance."""
    groups = {}
    for record in records:
        groups.setdefault(tuple(record[name] for name in names), []).append(record)
    return groups


def by_method(summary, records):
    """Records of each method, methods in the order of the runs."""
    groups = by_keys(records, "method")
    if "order" not in summary.parts:
        methods = summary.runs["method"].drop_duplicates()
        summary.parts["order"] = {method: place for place, method in enumerate(methods)}
    order = summary.parts["order"]
    return sorted(groups.values(), key=lambda part: order[part[0]["method"]])


def notes_of(summary, dataset, protocol, metrics, brief=False):
    """`general_notes`, `metric_notes` and what was left out, made once for each set of metrics."""
    key = ("notes", dataset, protocol, tuple(metrics), brief)
    if key not in summary.parts:
        facts = [summary.describe_scored(name, dataset, protocol) for name in metrics]
        runs = summary.part("runs", dataset, protocol)
        general = ("notes", dataset, protocol, brief)
        if general not in summary.parts:
            summary.parts[general] = general_notes(runs, brief)
        summary.parts[key] = [
            *summary.parts[general],
            *metric_notes(runs, facts),
            *variant_notes(_set_aside(summary, dataset, protocol), facts),
        ]
        names = summary.runs.attrs.get("unidentifiable", {}).get(dataset)
        if names and "mig_identifiable" in metrics:
            summary.parts[key].append(
                f"MIG, identifiable factors: without {names}, which images do not determine."
            )
    return summary.parts[key]


def _set_aside(summary, dataset, protocol):
    """Scores that were left out for their variant."""
    if "set_aside" not in summary.parts:
        scores = summary.scores
        summary.parts["set_aside"] = scores[scores["status"] == "other variant"]
    scores = summary.parts["set_aside"]
    return scores[(scores["dataset"] == dataset) & (scores["protocol"] == protocol)]


def heading(facts):
    """Column head of a flat key: label, unit and arrow."""
    unit = f" [{facts.unit}]" if facts.unit else ""
    return f"{facts.label}{unit} {facts.arrow}".strip()


def sources_of(summary, datasets, protocol, methods, metrics):
    """What a table cites: (label, source) of its methods, metrics and data sets."""
    if "sources" not in summary.parts:
        columns = ["dataset", "protocol", "method", "method_label", "citation"]
        summary.parts["sources"] = summary.runs[columns].drop_duplicates()
    kept = summary.parts["sources"]
    kept = kept[kept["dataset"].isin(datasets) & (kept["protocol"] == protocol)]
    kept = kept[kept["method"].isin(methods)].drop_duplicates("method")
    facts = [summary.describe(name) for name in metrics]
    pairs = [
        *zip(kept["method_label"], kept["citation"], strict=True),
        *((fact.label, fact.citation) for fact in facts),
        *((dataset, dataset_source(dataset)) for dataset in datasets),
    ]
    return tuple((label, source) for label, source in pairs if source)


def with_identity(data, runs):
    """The data of a table with what identifies it in every row."""
    known = runs["dataset_identity"].dropna()
    return data.assign(
        dataset_version=runs["dataset_version"].iloc[0],
        dataset_identity=known.iloc[0] if len(known) else None,
    )


def mark_notes(records):
    """What the marks * and § mean, and that intervals were cut, where a table has them."""
    notes = []
    if any(record["illustrative"] for record in records):
        notes.append(ILLUSTRATIVE)
    if any(record.get("unequal_steps") for record in records):
        notes.append(UNEQUAL)
    if any(record.get("clipped") for record in records):
        notes.append(CLIPPED)
    return notes


def step_mark(cells):
    """The mark of a method with fewer steps than the others."""
    return _STEP_MARK if any(cell["unequal_steps"] for cell in cells) else ""


def method_of(row):
    """The label of the method that a row of a table is about, without a mark.

    Examples
    --------
    >>> method_of(("VAE" + step_mark([{"unequal_steps": True}]), "0.1"))
    'VAE'
    """
    return row[0].removesuffix(_STEP_MARK)


def collapsed_text(cells):
    """Collapsed runs of a setting over its runs whose KL is known."""
    known = [cell for cell in cells if cell["n_kl"]]
    if not known:
        return "–"
    cell = max(known, key=lambda cell: cell["n_kl"])
    return f"{int(cell['collapsed'])}/{int(cell['n_kl'])}"


def spread_text(cell, facts):
    """Mean ± standard deviation, as a paper prints it."""
    if cell is None or not cell["n"]:
        return "–"
    text = number_text(cell["mean"], facts)
    star = "*" if cell["illustrative"] else ""
    return f"{text} ± {number_text(cell['std'], facts)}{star}" if cell["n"] > 1 else text + star


def compact_spreads(summary, cells, place, metrics, heads, rows, more=()):
    """The compact form of a table of cells.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    cells : list of dict
        What the table shows.
    place : tuple of (str, str)
        Data set and protocol.
    metrics : sequence of str
        Flat keys, of which those that the table has are columns.
    heads : tuple of str
        Of the columns before them.
    rows : list of (tuple of str, dict of str to dict)
        Texts of these columns, and the cells of a row by metric.
    more : iterable of str
        Further notes.

    Returns
    -------
    Compact
    """
    cells = [cell for cell in cells if cell["metric"] in metrics and cell["n"]]
    known = {cell["metric"] for cell in cells}
    names = [name for name in metrics if name in known]
    facts = [summary.describe(name) for name in names]
    texts = [
        (*texts, *(spread_text(part.get(fact.name), fact) for fact in facts))
        for texts, part in rows
    ]
    counts = sorted({int(cell["n"]) for cell in cells})
    seeds = f"{counts[0]}–{counts[-1]}" if len(counts) > 1 else f"{counts[0]}" if counts else "no"
    notes = [
        f"Mean ± standard deviation over {seeds} seed{'' if counts == [1] else 's'}.",
        *more,
        *(note for note in mark_notes(cells) if note != CLIPPED),
        *notes_of(summary, *place, names, brief=True),
    ]
    return Compact((*heads, *map(heading, facts)), tuple(texts), tuple(notes))
