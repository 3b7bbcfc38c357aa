"""The table of what choosing without labels, by UDR, gives and costs."""

from collections.abc import Sequence

import pandas as pd

from ..naming import file_name
from ..statistics.labels import HEADLINE
from ..statistics.summary import Summary
from ..statistics.udr_choice import ALL
from .notes import number_text
from .parts import by_keys, heading, mark_notes, notes_of, sources_of, with_identity
from .table import Compact, Table

PAPER = ("mig", "sap", "dci_disentanglement", "mi_matched_sampled")
_EXPLAINED = (
    "UDR compares the seeds of a setting with each other and needs no labels: it chooses the "
    "setting with the largest mean UDR. Best: the setting with the best mean of the metric among "
    "the same settings; since it is picked on the seeds that it is reported on, the cost is, if "
    "anything, too high. Cost: best − choice, paired by seed [95 % interval], pairs; positive is a "
    "loss. Mean: over all these settings, what a choice at random gives on average. ρ: Spearman's "
    "correlation between mean UDR and mean score over the settings, turned so that larger is "
    "better. Seeds with few active codes agree easily, so read UDR beside the active units."
)
_MANY = (
    "All methods: UDR chooses the method as well. UDRs of models with other losses or another "
    "number of codes need not compare."
)


def udr_table(
    summary: Summary, dataset: str, protocol: str, metrics: Sequence[str] | None = None
) -> Table | None:
    """UDR's choice for every method, the score there, the best, and the difference.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    metrics : sequence of str, optional
        By default the headline metrics and the user's own; where none of these has a score, the
        first keys of the other metrics.

    Returns
    -------
    Table or None
        None where UDR has nothing to choose: no method has two settings with a UDR.
    """
    frame = summary.part("udr_choices", dataset, protocol)
    if metrics is None:
        metrics = (*HEADLINE, *summary.own_keys)
        metrics = metrics if frame["metric"].isin(metrics).any() else summary.other_keys
    frame = frame[frame["metric"].isin(metrics)]
    if frame.empty:
        return None
    names = [name for name in metrics if name in set(frame["metric"])]
    paper = [name for name in (*PAPER, *summary.own_keys) if name in names] or names[: len(PAPER)]
    facts = {name: summary.describe(name) for name in names}
    records = frame.to_dict("records")
    rows, short = [], []
    for part in by_keys(records, "method", "form").values():
        own = {row["metric"]: row for row in part}
        label = f"{part[0]['method_label']}, {summary.describe(part[0]['form']).label}"
        choice = choice_text(part[0])
        count = _count_text(part[0])
        texts = [_cost_text(own.get(name), facts[name]) for name in names]
        rows.append((label, f"{choice}\n{count}", *texts))
        short.append(
            (
                label,
                choice.replace(", ", ",\n"),
                *(_short_text(own.get(name), facts[name]) for name in paper),
            )
        )
    place = dataset, protocol
    marks = mark_notes(records)
    explained = [_EXPLAINED, *([_MANY] if (frame["method"] == ALL).any() else [])]
    brief = [
        "Score at the setting that UDR chooses without labels (loss against the best setting, "
        "paired by seed).",
        *marks,
        *notes_of(summary, *place, paper, brief=True),
    ]
    heads = ("Method, form of UDR", "UDR chooses")
    forms = list(dict.fromkeys(frame["form"]))
    return Table(
        file_name("udr", *place),
        f"Choosing without labels on {dataset}, protocol {protocol}",
        (*heads, *(heading(facts[name]) for name in names)),
        tuple(rows),
        with_identity(frame.reset_index(drop=True), summary.part("runs", *place)),
        (*explained, *marks, *notes_of(summary, *place, [*forms, *names])),
        sources_of(summary, [dataset], protocol, {*frame["chosen_method"]}, [*forms, *names]),
        Compact((*heads, *(heading(facts[name]) for name in paper)), tuple(short), tuple(brief)),
        place,
    )


def choice_text(row):
    """What UDR chooses: the setting, with its method where UDR chooses that too."""
    label = row["chosen_setting_label"]
    return f"{row['chosen_method_label']}, {label}" if row["method"] == ALL else label


def best_text(row):
    """The best setting by a metric, written like `choice_text`."""
    label = row["best_setting_label"]
    return f"{row['best_method_label']}, {label}" if row["method"] == ALL else label


def _count_text(row):
    text = f"UDR {row['chosen_udr']:.3f}, {row['n_udr']} seeds\nof {row['n_settings']} settings"
    return f"{text}, {row['n_without']} without UDR" if row["n_without"] else text


def same_setting(row):
    """Whether UDR chooses the setting that is best by the metric."""
    chosen, best = ("chosen_method_label", "chosen_setting"), ("best_method_label", "best_setting")
    return [row[name] for name in chosen] == [row[name] for name in best]


def _cost_text(row, facts):
    if row is None:
        return "–"
    correlation = row["correlation"]
    tail = f"mean {number_text(row['mean_of_all'], facts)}"
    if not pd.isna(correlation):
        tail += f", ρ {correlation:+.2f} ({row['n_correlated']})".replace("-", "−")
    value = number_text(row["chosen_mean"], facts)
    if same_setting(row):
        return f"{value}, the best\n{tail}"
    best = f"best {number_text(row['best_mean'], facts)} ({best_text(row)})"
    return f"{value}\n{best}\n{cost_text(row, facts)}\n{tail}"


def cost_text(row, facts):
    """The cost with its interval and pairs, e.g. ``cost 0.031 [−0.002, 0.064], 10 pairs``."""
    if not row["n"]:
        return "cost unknown, no seed in common"
    star = "*" if row["illustrative"] else ""
    text = f"cost {_signed(row['cost'], facts)}"
    if not pd.isna(row["low"]) and not row["illustrative"]:
        text += f" [{_signed(row['low'], facts)}, {_signed(row['high'], facts)}]"
    return f"{text}, {row['n']} pair{'' if row['n'] == 1 else 's'}{star}"


def _signed(value, facts):
    return number_text(value, facts).replace("-", "−")


def _short_text(row, facts):
    if row is None or pd.isna(row["chosen_mean"]):
        return "–"
    value = number_text(row["chosen_mean"], facts)
    if same_setting(row):
        return f"{value}\n(0)"
    if not row["n"]:
        return value
    star = "*" if row["illustrative"] else ""
    return f"{value}\n({_signed(row['cost'], facts)}{star})"
