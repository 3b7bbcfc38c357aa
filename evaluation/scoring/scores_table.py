"""One wide table: a row for each representation, a column for each flat key."""

import contextlib
import dataclasses
import io
import json
import os
from pathlib import Path

from ..files import RecordError, write_atomically, write_json
from ..metrics import METRICS, TRAINING_KEYS, MetricError
from ..naming import one_line
from ..schema import SchemaError, name, number, whole
from .reading import read_each
from .run_records import read_run

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
TABLE_SCHEMA_VERSION = 1
_FIXED = ("path", *RUN_COLUMNS, "source", "steps", *TRAINING_COLUMNS, "run_status", "reasons")
# What a file that no run wrote may say about itself, and of which type.
_STATED = {
    "dataset_version": name,
    "preset": name,
    "tag": name,
    "model": name,
    "beta": number(),
    "lambda": number(),
    "init": name,
    "seed": whole(0),
}
# Spreadsheets take text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclasses.dataclass(frozen=True)
class Table:
    """The rows of scores.csv and what its columns mean.

    Attributes
    ----------
    columns : list of str
        In order.
    rows : list of dict
        Undefined and missing numbers are None.
    metrics : dict of str to dict
        Declaration of every metric that has columns.
    problems : list of (Path, str)
        Run records and score files that cannot be used.
    """

    columns: list
    rows: list
    metrics: dict
    problems: list


def make_table(scored, root, metrics):
    """Collect what is known of each representation: its run, its attributes, its scores.

    Parameters
    ----------
    scored : iterable of (Path, Stored or None, tuple of str)
        Each representation with its scores, None where there are none, and why it could not be
        scored.
    root : Path
        Folder that the column `path` is relative to.
    metrics : list of Metric
        Asked for; these and those that `bench evaluate` computes unasked have columns even where
        nothing has their scores.

    Returns
    -------
    Table
    """
    scored, problems = list(scored), []
    declared = _choose_metrics(scored, metrics)
    for path, stored, _ in scored:
        for metric, score in stored.scores.items() if stored else ():
            if metric not in declared:
                declared[metric] = score.declaration or _guess_declaration(score)
        problems += [(path, line) for line in (stored.broken if stored else ())]
    owners = _own_columns(declared)
    rows, configs, own_columns, swept, attributes = [], [], {}, {}, {}
    runs = read_each(_read_run_of, [path for path, *_ in scored])
    for (path, stored, reasons), run in zip(scored, runs, strict=True):
        about, own, chosen, config, problem = run
        row = {"path": Path(os.path.relpath(path, root or ".")).as_posix()}
        problems += [(path, problem)] if problem else []
        about, free = _add_attributes(about, own, chosen, stored)
        for key, value in own.items():
            column = key if key not in owners else f"hyperparameter.{key}"
            own_columns[column] = row[column] = value
        swept |= {key: key if key not in owners else f"setting.{key}" for key in chosen}
        attributes |= dict.fromkeys(free)
        configs.append(config)
        rows.append(row | about | free | _scores(stored, declared, owners, reasons))
    # Runs at the protocol's own value name no setting: their configuration says what it is.
    for row, config in zip(rows, configs, strict=True):
        row |= {column: config[key] for key, column in swept.items() if key in config}
    keys = [key["name"] for metric, each in declared.items() for key in each["keys"]
            if owners[key["name"]] == metric]  # fmt: skip
    columns = [
        "path",
        *RUN_COLUMNS,
        *dict.fromkeys([*own_columns, *swept.values()]),
        "source",
        *attributes,
        "steps",
        *TRAINING_COLUMNS,
        *keys,
        "run_status",
        *(f"{metric}_status" for metric in declared),
        *(f"{metric}_variant" for metric in declared),
        "reasons",
    ]
    return Table(columns, rows, declared, problems)


def _choose_metrics(scored, metrics):
    """Declarations of the metrics that have columns, as far as we know them."""
    asked = {each.name: each for metric in metrics for each in (metric, *metric.twins)}
    stored = {name for _, known, _ in scored if known for name in known.scores}
    shown = [m for m in METRICS.values() if m.default or m.name in asked or m.name in stored]
    return {metric.name: metric.declaration() for metric in (*shown, *asked.values())}


def check_names(metrics):
    """Refuse metrics of users whose columns would have the names of others.

    Parameters
    ----------
    metrics : list of Metric

    Raises
    ------
    MetricError
    """
    for metric in metrics:
        for key in metric.keys:
            if key.name in _FIXED or key.name.startswith("attribute."):
                raise MetricError(
                    f"metric {metric.name!r} has a key {key.name!r}, which is another column of "
                    "scores.csv: rename it"
                )


def _guess_declaration(score):
    """What can be said of a user's metric whose score file, an older one, declares nothing."""
    unknown = {"description": "", "unit": "", "higher_is_better": None, "low": None, "high": None}
    keys = [{"name": key, "label": key, **unknown} for key in score.values]
    return {"variant": score.variant, "citation": "", "keys": keys}


def _own_columns(declared):
    """Which metric each column of scores belongs to: the first that declares it, "" for none."""
    owners = dict.fromkeys(_FIXED, "")
    for metric, each in declared.items():
        for key in each["keys"]:
            owners.setdefault(key["name"], metric)
        for ending in ("status", "variant"):
            owners.setdefault(f"{metric}_{ending}", "")
    return owners


def _read_run_of(path):
    """What the run.json of a representation says of it.

    Only the file that a run writes is the run's; others beside it are files of their own.

    Returns
    -------
    about : dict
        Flat.
    own, chosen, config : dict
        Hyperparameters, settings of a sweep, and configuration; empty where no run wrote it.
    problem : str or None
        Why it cannot be read.
    """
    if path.name != "representation.h5":
        return {"source": "external"}, {}, {}, {}, None
    try:
        record = read_run(path.parent / "run.json")
    except FileNotFoundError:
        return {"source": "external"}, {}, {}, {}, None
    except RecordError as error:
        return {"source": "bench"}, {}, {}, {}, str(error)
    run, config = record["run"], record["config"]
    settings = dict(run.get("hyperparameters", {}))
    about = {column: run.get(column) for column in RUN_COLUMNS}
    about |= {key: settings.pop(key, None) for key in ("beta", "lambda")}
    about |= {
        "dataset_version": record["dataset"].get("version"),
        "source": "bench",
        "steps": sum(config["phases"]) if "phases" in config else config.get("steps"),
        "run_status": record["status"],
    }
    about |= {key: record["final"].get(key) for key in TRAINING_COLUMNS}
    return about, settings, run.get("settings", {}), config, None


def _add_attributes(about, own, chosen, stored):
    """Add what a representation says of itself; what has no column of its own is free-form.

    What a run's record says, `about` it, of its `own` hyperparameters and of the settings `chosen`
    in a sweep, is not said again. Hyperparameters that an external file states are added to `own`.
    """
    if stored is None:
        return about, {}
    attributes = dict(stored.attributes)
    about = {**about, "dataset": about.get("dataset") or stored.dataset or None}
    if about["source"] == "external":
        for column, check in _STATED.items():
            with contextlib.suppress(SchemaError, KeyError):
                check(attributes[column], column)
                about[column] = attributes.pop(column)
        given = _read_hyperparameters(attributes.get("hyperparameters"))
        if given:
            del attributes["hyperparameters"]
        about |= {key: given.pop(key) for key in ("beta", "lambda") if key in given}
        own.update(given)
    else:  # what the run's record says again
        for column in (*RUN_COLUMNS, *own, *chosen):
            attributes.pop(column, None)
    return about, {
        f"attribute.{key}": one_line(value, 1000) if isinstance(value, str) else value
        for key, value in attributes.items()
    }


def _read_hyperparameters(text):
    """Hyperparameters that a file states as JSON, name to number; nothing else."""
    try:
        given = json.loads(text)
        for key, value in given.items():
            name(key, "hyperparameters")
            number()(value, "hyperparameters")
        return given
    except (TypeError, ValueError, AttributeError, RecursionError):
        return {}


def _scores(stored, declared, owners, problems):
    """Flat keys, a status and a variant for each metric, and one column of reasons."""
    row, keys_by_reason = {}, {}
    scores = stored.scores if stored else {}
    for metric in declared:
        score = scores.get(metric)
        if score is None:
            continue
        row |= {key: value for key, value in score.values.items() if owners.get(key) == metric}
        row[f"{metric}_status"] = score.status
        row[f"{metric}_variant"] = score.variant
        for key, reason in score.reasons.items():
            keys_by_reason.setdefault(reason, []).append(key)
    reasons = [f"{', '.join(keys)}: {reason}" for reason, keys in keys_by_reason.items()]
    row["reasons"] = one_line("; ".join([*reasons, *problems]), 2000) or None
    return row


def write_table(path, table):
    """Write the rows as CSV, and the declarations of their metrics as JSON beside it, atomically.

    Numbers are written in full precision, None as an empty cell. Text that a spreadsheet would take
    for a formula gets a leading apostrophe, which `restore_text` takes away.

    Parameters
    ----------
    path : str or Path
    table : Table

    Raises
    ------
    OSError
        That names the file.
    """
    write_atomically(path, write_rows(table.columns, table.rows))
    about = {"schema_version": TABLE_SCHEMA_VERSION, "metrics": table.metrics}
    write_json(Path(path).with_suffix(".metrics.json"), about)


def write_rows(columns, rows):
    """Write rows as the text of a table of scores.

    Parameters
    ----------
    columns : list of str
    rows : list of dict

    Returns
    -------
    str
    """
    text = io.StringIO()
    text.write(",".join(map(_cell, columns)) + "\n")
    for row in rows:
        text.write(",".join(_cell(row.get(column)) for column in columns) + "\n")
    return text.getvalue()


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, float | int):
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(value)
    if text.startswith(_FORMULA):
        text = f"'{text}"
    quoted = '"' in text or "," in text or "\n" in text or "\r" in text
    return '"' + text.replace('"', '""') + '"' if quoted else text


def restore_text(text):
    """Text as it was before it was written to a table.

    Examples
    --------
    >>> restore_text("'=1+1"), restore_text("plain")
    ('=1+1', 'plain')
    """
    return text[1:] if text.startswith("'") else text
