"""Read tables of scores and run records into frames."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from .. import schema
from ..files import RecordError, read_json
from ..naming import one_line
from ..scoring.run_records import find_runs, read_run
from ..scoring.scores_table import TRAINING_COLUMNS, restore_text

_TEXT = ("path", "dataset", "dataset_version", "preset", "tag", "model", "init", "source")
_BOUND = schema.optional(schema.number())
_KEY = schema.record(
    {"name": schema.name, "low": _BOUND, "high": _BOUND},
    label=schema.text(200),
    description=schema.text(2000),
    unit=schema.text(200),
    higher_is_better=schema.optional(schema.truth),
)
_METRICS = schema.record(
    {
        "metrics": schema.mapping(
            schema.record(
                {"variant": schema.name, "keys": schema.list_of(_KEY, 1000)},
                citation=schema.text(5000),
            )
        )
    }
)


class ScoresError(ValueError):
    """Scores that cannot be read or belong together in no way."""


class Uncopied(dict):
    """What metrics declare, say: one object of all frames that are made of one.

    pandas copies the attributes of a frame, to their last entry, at every step of every frame.
    """

    def __deepcopy__(self, memo):
        return self


def read_scores(path):
    """Read a `scores.csv` that `bench evaluate` wrote.

    Parameters
    ----------
    path : str or Path
        The file, or the folder it lies in.

    Returns
    -------
    DataFrame
        One row for each representation, as in the file, and the columns `file` and `folder`:
        absolute paths of the representation and of the folder that holds it. `attrs["metrics"]`
        are the declarations of the metrics, by name, that lie beside it; empty where there are
        none, as with tables of version 0.1.0.

    Raises
    ------
    ScoresError
        If there is no such table, it has no column `path`, or the declarations are broken.
    """
    path = Path(path)
    path = path / "scores.csv" if path.is_dir() else path
    try:
        # Names like "NA" or "null" are names; only an empty cell is missing.
        wide = pd.read_csv(
            path,
            dtype=dict.fromkeys(_TEXT, str),
            keep_default_na=False,
            na_values=[""],
            low_memory=False,
        )
    except FileNotFoundError:
        raise ScoresError(f"{path}: no such table; run bench evaluate first") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ScoresError(f"{path}: not a table of scores ({one_line(error)})") from None
    if "path" not in wide or wide["path"].isna().any():
        raise ScoresError(f"{path}: not a table of scores (it needs a column 'path')")
    wide = wide.rename(columns=restore_text)
    texts = {
        column: [restore_text(v) if isinstance(v, str) else v for v in wide[column]]
        for column in wide.select_dtypes(exclude=["number", "bool"])
    }
    wide = wide.assign(**texts).copy()  # as one block: pandas warns of many single columns
    base = os.path.abspath(path.parent)
    files = [os.path.normpath(os.path.join(base, text)) for text in wide["path"]]
    wide = wide.assign(file=files, folder=[os.path.dirname(file) for file in files])
    wide.attrs["metrics"] = Uncopied(_read_declarations(path.with_suffix(".metrics.json")))
    return wide


def _read_declarations(path):
    try:
        record = read_json(path)
        _METRICS(record, "")
    except FileNotFoundError:
        return {}
    except (RecordError, schema.SchemaError) as error:
        raise ScoresError(
            f"{path}: does not describe metrics ({one_line(error)}); run bench evaluate again"
        ) from None
    return record["metrics"]


def read_records(root):
    """Read every run.json below a folder.

    Parameters
    ----------
    root : str or Path

    Returns
    -------
    DataFrame
        One row for each run, whatever became of it: `folder` (absolute), what was trained on what
        (`hyperparameters` and `settings`, those of the protocol that were swept, are dicts;
        `resolved` are all settings that are numbers or names, `declared` what the model says about
        itself), `run_status` and `run_reason` (`unreadable` where the record is broken), the
        training results, and what is known of the data: `dataset_kind`, `dataset_identity` (text),
        `fingerprint` (hash of the identity), `notes` (one on each line), `pixels`.
    """
    rows = []
    for folder in find_runs(root):
        where = {"folder": os.path.abspath(folder)}
        try:
            rows.append(where | row_of(read_run(folder)))
        except RecordError as error:
            rows.append(where | {"run_status": "unreadable", "run_reason": one_line(error)})
        except FileNotFoundError:  # removed meanwhile
            continue
    return pd.DataFrame(rows, columns=list(RECORD_COLUMNS))


def row_of(record):
    """What tables and figures need of a run's record, as one flat row of `read_records`.

    Parameters
    ----------
    record : dict
        As `evaluation.scoring.run_records.read_run` gives it.

    Returns
    -------
    dict
    """
    run, config, data = record["run"], record["config"], record["dataset"]
    given = run.get("hyperparameters", {})
    steps = sum(config["phases"]) if "phases" in config else config.get("steps")
    return {
        "dataset": run.get("dataset") or data.get("name"),
        "dataset_version": data.get("version"),
        "preset": run.get("preset"),
        "tag": run.get("tag") or None,
        "model": run.get("model"),
        "init": run.get("init"),
        "seed": run.get("seed"),
        "steps": steps,
        "beta": given.get("beta"),
        "lambda": given.get("lambda"),
        "hyperparameters": given,
        "settings": run.get("settings") or {},
        "resolved": {k: v for k, v in config.items() if type(v) in (int, float, str)},
        "declared": record["method"],
        "dataset_kind": data.get("kind"),
        "dataset_identity": identity_text(data) if data else None,
        "fingerprint": _fingerprint(data) if data else None,
        "notes": "\n".join(map(one_line, record["notes"])) or None,
        "pixels": record.get("pixels"),
        "latent_size": config.get("latent_size"),
        "image_size": config.get("image_size"),
        "run_status": record["status"],
        "run_reason": record["reason"] or None,
        "command": record.get("command"),
        **{name: record["final"].get(name) for name in TRAINING_COLUMNS},
    }


# What a record that says nothing gives: the columns are named in one place.
_NOTHING: dict[str, Any] = {key: {} for key in ("run", "config", "dataset", "method", "final")}
RECORD_COLUMNS = ("folder", *row_of(_NOTHING | {"notes": [], "status": "", "reason": ""}))


def _fingerprint(identity):
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def identity_text(identity):
    """A data set's identity on one line, hashes shortened.

    Examples
    --------
    >>> identity_text({"name": "toy", "version": "1", "kind": "genuine", "md5": "0123456789abcdef"})
    'toy, version 1, genuine, md5 0123456789ab'
    """
    parts = [str(identity.get("name", "unnamed"))]
    if identity.get("version") is not None:
        parts.append(f"version {identity['version']}")
    if identity.get("kind"):
        parts.append(str(identity["kind"]))
    for key in ("sha256", "md5"):
        if identity.get(key):
            parts.append(f"{key} {str(identity[key])[:12]}")
            break
    if identity.get("renderer"):
        parts.append(f"renderer {identity['renderer']}")
    return ", ".join(parts)
