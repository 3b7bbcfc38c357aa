"""Read tables of scores and run records into frames."""

import hashlib
import json
import os
from pathlib import Path

import pandas as pd

from ..files import RecordError
from ..metrics import TRAINING_KEYS
from ..scoring.run_records import find_runs, read_run
from .labels import write_setting

TRAINING = (*TRAINING_KEYS, "bce_floor")
_ATTRIBUTES = ("dataset", "dataset_version", "preset", "tag", "model", "init", "seed", "steps")
RECORD_COLUMNS = (
    "folder",
    *_ATTRIBUTES,
    "beta",
    "lambda",
    "hyperparameters",
    "dataset_kind",
    "dataset_identity",
    "fingerprint",
    "notes",
    "pixels",
    "latent_size",
    "image_size",
    "run_status",
    "run_reason",
    "command",
    *TRAINING,
)


class ScoresError(ValueError):
    """Scores that cannot be read or belong together in no way."""


def read_scores(path):
    """Read a `scores.csv` that `bench evaluate` wrote.

    Parameters
    ----------
    path : str or Path
        The file, or the folder it lies in.

    Returns
    -------
    DataFrame
        One row a representation, as in the file, and the columns `file` and `folder`: absolute
        paths of the representation and of the folder that holds it.

    Raises
    ------
    ScoresError
        If there is no such table or it has no column `path`.
    """
    path = Path(path)
    path = path / "scores.csv" if path.is_dir() else path
    try:
        # Names like "NA" or "null" are names; only an empty cell is missing.
        text = dict.fromkeys(("path", "dataset", "preset", "tag", "model", "init"), str)
        wide = pd.read_csv(
            path,
            dtype=text | {"dataset_version": str},
            keep_default_na=False,
            na_values=[""],
            low_memory=False,
        )
    except FileNotFoundError:
        raise ScoresError(f"{path}: no such table; run bench evaluate first") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ScoresError(f"{path}: not a table of scores ({reason})") from None
    if "path" not in wide or wide["path"].isna().any():
        raise ScoresError(f"{path}: not a table of scores (it needs a column 'path')")
    base = os.path.abspath(path.parent)
    files = [os.path.normpath(os.path.join(base, text)) for text in wide["path"]]
    return wide.assign(file=files, folder=[os.path.dirname(file) for file in files])


def read_records(root):
    """Read every run.json below a folder.

    Parameters
    ----------
    root : str or Path

    Returns
    -------
    DataFrame
        One row a run, whatever became of it: `folder` (absolute), what was trained on what,
        `run_status` and `run_reason` (`unreadable` where the record is broken), the training
        results, and what is known of the data: `dataset_kind`, `dataset_identity` (text),
        `fingerprint` (hash of the identity), `notes` (one a line), `pixels`.
    """
    rows = []
    for folder in find_runs(root):
        where = {"folder": os.path.abspath(folder)}
        try:
            rows.append(where | _row_of(read_run(folder)))
        except RecordError as error:
            rows.append(where | {"run_status": "unreadable", "run_reason": str(error)})
        except FileNotFoundError:  # removed meanwhile
            continue
    return pd.DataFrame(rows, columns=list(RECORD_COLUMNS))


def _part(record, name):
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def _row_of(record):
    run, config, data = _part(record, "run"), _part(record, "config"), _part(record, "dataset")
    given = _part(run, "hyperparameters")
    phases = config.get("phases")
    final = _part(record, "final")
    notes = record.get("notes")
    return {
        "dataset": run.get("dataset") or data.get("name"),
        "dataset_version": data.get("version"),
        "dataset_kind": data.get("kind"),
        "dataset_identity": identity_text(data) if data else None,
        "fingerprint": _fingerprint(data) if data else None,
        "preset": run.get("preset"),
        "tag": run.get("tag") or None,
        "model": run.get("model"),
        "beta": given.get("beta"),
        "lambda": given.get("lambda"),
        "hyperparameters": write_setting(given),
        "init": run.get("init"),
        "seed": run.get("seed"),
        "steps": sum(phases) if isinstance(phases, list) else config.get("steps"),
        "notes": "\n".join(map(str, notes)) if isinstance(notes, list) else None,
        "pixels": record.get("pixels"),
        "latent_size": config.get("latent_size"),
        "image_size": config.get("image_size"),
        "run_status": record["status"],
        "run_reason": record.get("reason") or None,
        "command": record.get("command"),
        **{name: final.get(name) for name in TRAINING},
    }


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
