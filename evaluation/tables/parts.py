"""Pieces that several tables share."""

from ..statistics.labels import describe_key
from .notes import ILLUSTRATIVE, UNEQUAL, stratum_notes

CHOICE = (
    "β and λ: the best of a sweep is chosen for each metric on half the seeds and reported on the "
    "other half; (best of N) states how many settings were tried. λβ-VAE means λ > 0."
)


def shown_metrics(cells, metrics):
    """Those of the metrics that have a score, with MIG's partial twin beside it."""
    known = {cell["metric"] for cell in cells if cell["n"]}
    wanted = [
        name for m in metrics for name in ((m, "mig_without_orientation") if m == "mig" else (m,))
    ]
    return [name for name in wanted if name in known]


def by_keys(records, *names):
    """Group records by some of their values, in order of appearance."""
    groups = {}
    for record in records:
        groups.setdefault(tuple(record[name] for name in names), []).append(record)
    return groups


def notes_of(summary, dataset, protocol, metrics):
    """`stratum_notes`, looked up once for each set of metrics."""
    key = ("notes", dataset, protocol, tuple(metrics))
    if key not in summary.parts:
        summary.parts[key] = stratum_notes(summary.part("runs", dataset, protocol), metrics)
    return summary.parts[key]


def heading(name):
    """Column head of a flat key: label, unit and arrow."""
    facts = describe_key(name)
    unit = f" [{facts.unit}]" if facts.unit else ""
    return f"{facts.label}{unit} {facts.arrow}".strip()


def with_identity(data, runs):
    """The data of a table with what identifies it in every row."""
    told = runs["dataset_identity"].dropna()
    return data.assign(
        dataset_version=runs["dataset_version"].iloc[0],
        dataset_identity=told.iloc[0] if len(told) else None,
    )


def mark_notes(records):
    """What the marks * and § mean, where a table has them."""
    notes = []
    if any(record["illustrative"] for record in records):
        notes.append(ILLUSTRATIVE)
    if any(record.get("unequal_steps") for record in records):
        notes.append(UNEQUAL)
    return notes


def step_mark(cells):
    """The mark of a method with fewer steps than the others."""
    return " §" if any(cell["unequal_steps"] for cell in cells) else ""


def collapsed_text(cells):
    """Collapsed runs of a setting over its runs whose KL is known."""
    known = [cell for cell in cells if cell["n_kl"]]
    if not known:
        return "–"
    cell = max(known, key=lambda cell: cell["n_kl"])
    return f"{int(cell['collapsed'])}/{int(cell['n_kl'])}"
