"""One wide table: a row for each representation, a column for each flat key."""

import csv
import io
import os
from pathlib import Path

from ..files import RecordError, write_atomically
from ..metrics import TRAINING_KEYS, with_twins
from .run_records import read_run
from .score_files import Source, is_current, read_score, scores_folder

RUN_COLUMNS = (
    "dataset",
    "dataset_version",
    "preset",
    "tag",
    "model",
    "beta",
    "lambda",
    "init",
    "seed",
)
TRAINING_COLUMNS = (*TRAINING_KEYS, "bce_floor")


def make_rows(outcomes, root, metrics):
    """Collect runs' attributes and scores.

    Parameters
    ----------
    outcomes : iterable of Outcome
    root : Path
        Folder that the column `path` is relative to.
    metrics : list of Metric
        Whose scores to show; sampled twins are added.

    Returns
    -------
    rows : list of dict
        Undefined and missing numbers are None.
    problems : list of (Path, str)
        Run records that cannot be read; their rows go without run attributes.
    """
    rows, problems = [], []
    for outcome in outcomes:
        row = {"path": Path(os.path.relpath(outcome.path, root or ".")).as_posix()}
        records = _records(outcome.path, metrics)
        try:
            row.update(_run_attributes(outcome.path))
        except RecordError as error:
            problems.append((outcome.path, str(error)))
        known = [record for record in records.values() if isinstance(record, dict)]
        if known:
            about = known[0]["representation"]
            own = {"dataset": about.get("dataset") or None, **(about.get("attributes") or {})}
            for name, value in own.items():
                if row.get(name) is None:
                    row[name] = value
        row.update(_scores(records, outcome))
        rows.append(row)
    return rows, problems


def _records(path, metrics):
    """Score records by metric: None where there is none, "outdated" where the codes changed."""
    try:
        source = Source.of(path)
    except OSError:
        return {}
    records = {}
    for metric in with_twins(metrics, True):
        record = read_score(scores_folder(path) / metric.file_name)
        if record is not None and not is_current(record, record["request"], source):
            record = record if record["status"] == "failed" else "outdated"
        records[metric.name] = record
    return records


def _run_attributes(path):
    """What run.json says about a run, flat; nothing for a stray file."""
    try:
        record = read_run(path.parent / "run.json")
    except FileNotFoundError:
        return {}
    run, config = _part(record, "run"), _part(record, "config")
    run = dict(run)
    hyperparameters = run.pop("hyperparameters", None)
    phases = config.get("phases")
    steps = sum(phases) if isinstance(phases, list) else config.get("steps")
    return {
        "dataset_version": _part(record, "dataset").get("version"),
        **run,
        **(hyperparameters if isinstance(hyperparameters, dict) else {}),
        "steps": steps,
        "run_status": record["status"],
        **{name: _part(record, "final").get(name) for name in TRAINING_COLUMNS},
    }


def _part(record, name):
    """A dict inside a record, empty where there is none."""
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def _scores(records, outcome):
    """Flat keys, a status a metric, and one column of reasons."""
    row, reasons = {}, []
    for name, record in records.items():
        if not isinstance(record, dict):
            row[f"{name}_status"] = record
            continue
        row.update(record["values"])
        row[f"{name}_status"] = record["status"]
        reasons += [f"{key}: {reason}" for key, reason in record["reasons"].items()]
    row["reasons"] = "; ".join([*reasons, *outcome.problems]) or None
    return row


def columns_of(rows, metrics):
    """Column names in order: path, run, steps, training, scores, statuses, reasons.

    Attributes that only some rows have come after the run's own.
    """
    metrics = with_twins(metrics, True)
    keys = [key.name for metric in metrics for key in metric.keys]
    statuses = [f"{metric.name}_status" for metric in metrics]
    last = (*TRAINING_COLUMNS, *keys, "run_status", *statuses, "reasons")
    taken = {"path", "steps", *RUN_COLUMNS, *last}
    others = dict.fromkeys(name for row in rows for name in row if name not in taken)
    return ["path", *RUN_COLUMNS, *others, "steps", *last]


def write_table(path, rows, metrics):
    """Write rows as CSV, atomically; numbers in full precision, None as an empty cell.

    Parameters
    ----------
    path : str or Path
    rows : list of dict
    metrics : list of Metric
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns_of(rows, metrics), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())
