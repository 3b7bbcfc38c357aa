"""What `bench evaluate` shows at its end: a table of scores, and what has no value."""

from tabulate import tabulate

from ...evaluation.metrics import choose_metrics, default_metrics
from ...evaluation.naming import one_line

SHOWN_ROWS = 40
SHOWN_COLUMNS = 10


def show_scores(rows, names=None):
    """The headline key of every metric, one line for each representation, as text.

    Of many representations the first ones, and of many by many metrics the first metrics alone.

    Parameters
    ----------
    rows : list of dict
        Of scores.csv.
    names : tuple of str, optional
        Metrics asked for; the default ones where none were.

    Returns
    -------
    str
    """
    keys = [key for key in _headline_keys(names) if any(row.get(key) is not None for row in rows)]
    blocks = [keys[start : start + SHOWN_COLUMNS] for start in range(0, len(keys), SHOWN_COLUMNS)]
    shown = rows[:SHOWN_ROWS]
    if len(shown) * len(blocks) > SHOWN_ROWS:
        blocks = blocks[:1]
    text = "\n\n".join(
        tabulate(
            [
                [one_line(row["path"].removesuffix("/representation.h5"))]
                + ["-" if row.get(key) is None else f"{row[key]:.3f}" for key in block]
                for row in shown
            ],
            ["representation", *(key.replace("_", "\n") for key in block)],
            disable_numparse=True,
            colalign=["left", *["right"] * len(block)],
        )
        for block in blocks or [[]]
    )
    left_out = {
        "Representations": len(rows) - len(shown),
        "Scores of each": len(keys) - sum(map(len, blocks)),
    }
    more = " ".join(f"{what} not shown: {count}." for what, count in left_out.items() if count)
    return f"{text}\n{more}" if more else text


def _headline_keys(names):
    """The first key of each metric asked for, and of its sampled twin."""
    chosen = choose_metrics(default_metrics() if names is None else names)
    return [each.keys[0].name for metric in chosen for each in (metric, *metric.twins)]


def tell_undefined(report, names=None):
    """Which of the metrics asked for have no value somewhere, and where it says why.

    A comparison of seeds that nobody asked for is left out: one seed alone is no surprise.

    Parameters
    ----------
    report : evaluation.scoring.Report
    names : tuple of str, optional
        Metrics asked for; the default ones where none were.

    Returns
    -------
    str or None
    """
    chosen = choose_metrics(default_metrics() if names is None else names)
    chosen = [metric for metric in chosen if names is not None or not metric.grouped]
    rows_of = {
        metric.name: [row for row in report.rows if row.get(f"{metric.name}_status") == "undefined"]
        for own in chosen
        for metric in (own, *own.twins)
    }
    counts = [f"{name} ({len(rows)})" for name, rows in rows_of.items() if rows]
    if not counts:
        return None
    line = f"Note: undefined, at least in parts, for so many representations: {', '.join(counts)}."
    # A file of scores that others wrote may leave its reasons out.
    told = next((row for rows in rows_of.values() for row in rows if row["reasons"]), None)
    if told is None:
        return line
    where = f"The column reasons of {report.table} says why, for" if report.table else "For"
    return (
        f"{line} {where} example "
        f"{one_line(told['path'])}: {one_line(_shorten_keys(told['reasons']), 300)}"
    )


def _shorten_keys(reasons):
    """The reasons of a row; of the keys that share the first one, the first alone."""
    keys, _, rest = reasons.partition(": ")
    return f"{keys.split(', ')[0]}: {rest}"
