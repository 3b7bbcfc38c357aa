"""Whether the primary hypotheses of a standard benchmark hold on seeds that nobody had seen."""

from ..naming import write_spans
from ..reference.benchmarks import load_benchmark
from ..tables.collapse import p_text
from .wording import count, inline, join

# Hypotheses that a sentence names before it counts the rest.
NAMES = 2


def about_confirmation(summary, dataset, protocol):
    """Whether the hypotheses are confirmed, on which seeds, and which seeds suggested them.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str

    Returns
    -------
    list of str
        One sentence; none where no standard benchmark declares hypotheses, or none was tested.
    """
    rows = summary.part("confirmation", dataset, protocol).to_dict("records")
    if not rows:
        return []
    benchmark = load_benchmark(protocol)
    title, primary = benchmark.title, benchmark.primary
    suggested = [row for row in rows if not row["declared_before"]]
    new = [row for row in rows if row["declared_before"]]
    if not new:
        lacking = benchmark.datasets[dataset].confirmation_seeds
        return [
            f"Not confirmed yet: {title} declared these hypotheses after seeds "
            f"{suggested[0]['seeds']} were seen; seeds {write_spans(lacking)}, which nobody had "
            "seen, have no scores here."
        ]
    seeds = new[0]["seeds"]
    where = (
        f"Seeds {suggested[0]['seeds']} suggested the hypotheses of {title}; on the new seeds "
        f"{seeds}"
        if suggested
        else f"{title} declared its hypotheses before any of these seeds was seen; on seeds {seeds}"
    )
    declared = len(primary["metrics"]) * len(primary["curves"])
    return [f"{where}, {_outcome(summary, new, declared)}."]


def _outcome(summary, rows, declared):
    """How many of the declared peaks are confirmed, with their p-values."""
    tested = [row for row in rows if row["verdict"] in ("peak", "no peak shown")]
    shown = [row for row in tested if row["verdict"] == "peak"]
    rest = [row for row in tested if row["verdict"] != "peak"]
    if not tested:
        return "too few runs have scores to test them"
    total = count(declared, "declared peak")
    if len(shown) == declared:
        return f"all {total} are confirmed ({_p_range(shown)})"
    lacking = declared - len(tested)
    verb = "has" if lacking == 1 else "have"
    untested = f"; {lacking} {verb} too few runs for a test" if lacking else ""
    if not shown:
        text = f"none of the {total} is confirmed ({_p_range(rest)}){untested}"
        return text + _inside_text(rest)
    names = join(
        [
            f"{summary.describe(row['metric']).label} of {inline(row['curve_label'])}"
            for row in shown
        ],
        NAMES,
    )
    verb = "is" if len(shown) == 1 else "are"
    return f"{len(shown)} of {total} {verb} confirmed: {names} ({_p_range(shown)}){untested}"


def _inside_text(rows):
    """How many means are largest between the ends, although no test shows it."""
    inside = sum(row["peak_value"] not in (row["first_value"], row["last_value"]) for row in rows)
    symbols = {row["axis_label"] for row in rows}
    where = f"an intermediate {symbols.pop() if len(symbols) == 1 else 'value'}"
    if not inside:
        return f". No mean is largest at {where}"
    if len(rows) == 1:
        return f". The mean is largest at {where}"
    many = f"All {inside}" if inside == len(rows) else f"{inside} of {len(rows)}"
    return f". {many} means {'is' if inside == 1 else 'are'} largest at {where}"


def _p_range(rows):
    """The p-value of one test, or the range of those of several."""
    values = [row["p_peak_holm"] for row in rows]
    low, high = p_text(min(values)), p_text(max(values))
    return low if low == high else f"{low} to {high.split(' ')[-1]}"
