"""Rows that others handed in, as they are shown: scores as found, training as stated."""

import re
from statistics import fmean, stdev

from ..naming import one_line
from ..scoring.score_files import versions
from ..scoring.standard import require_metrics
from .manifest import LEAST_SEEDS


def describe_rows(verification):
    """Write the rows of a verified archive in Markdown.

    Parameters
    ----------
    verification : Verification

    Returns
    -------
    str
        A table of means and standard deviations over seeds, of the scores that were found, and
        what the authors say about each method.
    """
    title = verification.benchmark.title
    failing = sum(not comparison.holds for comparison in verification.comparisons)
    wrong = f"{failing} stated score{' does' if failing == 1 else 's do'} not hold"
    verdict = f"**{wrong}.**" if failing else "All stated scores hold."
    lines = [
        f"# External rows of {title}",
        "",
        f"Handed in as an archive with the SHA-256 {verification.sha256} and scored again with "
        f"{_write_versions(versions())}. {verdict} Scores are the ones that were found: mean ± "
        "standard deviation over seeds. What was trained, and how, is as its authors state it; "
        "nobody else has trained it again.",
        "",
        *_tabulate(verification),
    ]
    for method in verification.methods:
        lines += _describe_method(method)
    return "\n".join(lines) + "\n"


def _tabulate(verification):
    """A line for each score and a column for each row of the table."""
    metrics = require_metrics(verification.benchmark)
    keys = {key.name: key for metric in metrics.values() for key in metric.keys}
    labels = {method.name: method.label for method in verification.methods}
    values = {(each.member, each.key): each.found for each in verification.comparisons}
    headings, columns = [], []
    for row in verification.rows:
        enough = "" if row.ranked else f"; illustrative, fewer than {LEAST_SEEDS}"
        parts = [f"{labels[row.method]} (external)", row.setting, row.dataset]
        seeds = "1 seed" if len(row.seeds) == 1 else f"{len(row.seeds)} seeds"
        parts.append(f"{seeds}{enough}")
        headings.append(_escape(", ".join(filter(None, parts))))
        names = [
            name
            for name, member in verification.members.items()
            if (member.method, member.dataset, member.setting)
            == (row.method, row.dataset, row.setting)
        ]
        columns.append(
            [_summarise([values[n, k] for n in names]) for k in verification.benchmark.metrics]
        )
    yield "| " + " | ".join(["score", *headings]) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for key, *cells in zip(verification.benchmark.metrics, *columns, strict=True):
        yield "| " + " | ".join([_escape(keys[key].label), *cells]) + " |"


def _summarise(values):
    """Mean and standard deviation of what is defined."""
    defined = [value for value in values if value is not None]
    if not defined:
        return "–"
    few = f" ({len(defined)} of {len(values)})" if len(defined) < len(values) else ""
    spread = f" ± {stdev(defined):.3f}" if len(defined) > 1 else ""
    return f"{fmean(defined):.3f}{spread}{few}"


def _describe_method(method):
    """What the authors say, foreign text being text and nothing else."""
    training = method.training
    facts = {
        "Method": method.description,
        "Code": method.code,
        "Training": training["summary"],
        "Trained on": training["data"],
        "Steps": training["steps"],
        "Hyperparameters": ", ".join(f"{k} = {v}" for k, v in method.hyperparameters.items()),
        "Tuning": training["tuning"],
        "Settings tried": training["settings_tried"],
        "Contact": method.contact,
        "Licence": method.licence,
    }
    yield from ["", f"## {_escape(method.label)} ({_escape(method.name)})", ""]
    for name, value in facts.items():
        if value != "":
            yield f"- {name}: {_escape(value)}"
    # An indented block has no end that the text itself could hold, as a fence of backticks has.
    yield from ["", *(f"    {one_line(line, 500)}" for line in method.citation.strip().split("\n"))]


def _escape(text):
    """Foreign text on one line, without any meaning in Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]<>|&~])", r"\\\1", one_line(text, 4000))


def _write_versions(numbers):
    return ", ".join(f"{name} {number}" for name, number in numbers.items() if number)
