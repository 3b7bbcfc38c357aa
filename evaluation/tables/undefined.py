"""Which scores are undefined, and why: each reason once."""

from collections import Counter
from collections.abc import Sequence

from ..statistics.labels import untwinned
from ..statistics.summary import Summary


def list_undefined(summary: Summary, dataset: str, protocol: str) -> list[dict]:
    """Undefined scores of one data set and protocol, those of one metric and reason together.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str

    Returns
    -------
    list of dict
        `metrics` (flat keys), `labels`, `n` runs for which they are undefined, of `runs` that were
        scored, and `reason`: the most frequent one, with the number of others.
    """
    key = ("undefined", dataset, protocol)
    if key not in summary.parts:
        summary.parts[key] = _find_undefined(summary, dataset, protocol)
    return summary.parts[key]


def _find_undefined(summary, dataset, protocol):
    scores = summary.part("scores", dataset, protocol)
    computed = scores[scores["status"].isin(("done", "undefined"))]
    runs = computed.groupby("metric")["status"].size()
    without = computed[computed["status"] == "undefined"]
    groups = {}
    for name, part in without.groupby("metric", sort=False):
        facts = summary.describe(name)
        reason = _most_frequent(part["reason"])
        found = groups.setdefault((len(part), int(runs[name]), reason), {})
        found.setdefault(facts.metric, []).append(name)
    return [
        {
            "metrics": [name for names in found.values() for name in names],
            "labels": _labels(summary, found),
            "n": n,
            "runs": total,
            "reason": reason,
        }
        for (n, total, reason), found in groups.items()
    ]


def _labels(summary, keys_of):
    """Labels of keys, by the metric that they belong to; a metric stands for its twins."""
    labels = []
    for metric, names in keys_of.items():
        base = untwinned(metric)
        if base != metric and base in keys_of:
            continue
        every = {fact.name for fact in summary.every_key if fact.metric == metric}
        shown = names[:1] if every <= set(names) else names  # the first key stands for all
        label = ", ".join(summary.describe(name).label for name in shown)
        twins = [name for name in keys_of if name != metric and untwinned(name) == metric]
        labels.append(f"{label} (also of sampled or active codes)" if twins else label)
    return labels


def _most_frequent(reasons):
    counts = Counter(text for text in reasons if isinstance(text, str) and text)
    if not counts:
        return "no reason stated"
    (text, _), *others = counts.most_common()
    more = len(others)
    return f"{text} (and {more} other reason{'s' * (more > 1)})" if more else text


def undefined_notes(
    summary: Summary, dataset: str, protocol: str, metrics: Sequence[str]
) -> list[str]:
    """One line for each reason why some of the metrics are undefined for every run.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    metrics : sequence of str
        Flat keys that a table would show.

    Returns
    -------
    list of str
    """
    notes = []
    for record in list_undefined(summary, dataset, protocol):
        names = [name for name in record["metrics"] if name in metrics]
        if names and record["n"] == record["runs"]:
            labels = ", ".join(summary.describe(name).label for name in names)
            notes.append(f"Undefined for every run: {labels} – {record['reason']}.")
    return notes
