"""One row a run: what was asked, what became of it, and its scores."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.labels import curve_order, method_order, write_setting
from evaluation.metrics import METRICS, TRAINING_KEYS
from evaluation.records import RecordError, find_runs, read_run

GENUINE = ("dsprites", "shapes3d", "mpi3d_real")
RENDERED = ("sprites", "sprites-small", "rooms3d")
TRAINING = (*TRAINING_KEYS, "bce_floor")
COLLAPSED_KL = 0.1
_ATTRIBUTES = ("dataset", "dataset_version", "preset", "tag", "model", "init", "seed", "steps")
_RECORD_COLUMNS = (
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
        One row a representation, as in the file, and the column `folder`: the absolute path of
        the folder that holds the representation.

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
    if "path" not in wide:
        raise ScoresError(f"{path}: not a table of scores (it has no column 'path')")
    base = os.path.abspath(path.parent)
    folders = {
        text: os.path.dirname(os.path.normpath(os.path.join(base, text)))
        for text in wide["path"].dropna().unique()
    }
    return wide.assign(folder=wide["path"].map(folders))


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
    return pd.DataFrame(rows, columns=list(_RECORD_COLUMNS))


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


def run_table(scores=None, records=None):
    """Join scores and run records into one row a run.

    Parameters
    ----------
    scores : DataFrame, optional
        From `read_scores`. A row whose `folder` has a record belongs to that run; others are
        representations from elsewhere and count as runs of their own.
    records : DataFrame, optional
        From `read_records`.

    Returns
    -------
    DataFrame
        The columns of both, and:

        - `status`: scored, unscored (trained but not in the scores), failed, interrupted,
          running, unreadable, duplicate; `status_reason`: why.
        - `dataset`: a label unique to one identity; versions that share a name are told apart.
        - `dataset_kind`: genuine, re-rendered, added, plugin or unknown.
        - `protocol`: preset, or preset+tag; "unstated" for representations from elsewhere.
        - `method`: every run has exactly one: vae (β = 1, λ = 0), betavae (λ = 0), lambdabeta
          (λ > 0), lambdabeta_scratch, betatcvae, betavae_first (fewer steps than the longest run
          of its data set and protocol), or another model's name.
        - `curve`: what a β curve is drawn of: the method and every hyperparameter but β; β = 1 of
          the β-VAE's curve is the VAE.
        - `setting`: all hyperparameters as text.
        - `unequal_steps`: whether its steps differ from the longest of data set and protocol.
        - `collapsed`: 1.0 if KL < 0.1 nats, 0.0 if not, NaN if the KL is unknown.
    """
    runs = _joined(scores, records)
    runs["preset"] = runs["preset"].fillna("unstated")
    runs["protocol"] = runs["preset"].where(runs["tag"].isna(), runs["preset"] + "+" + runs["tag"])
    _name_datasets(runs)
    for name in ("beta", "lambda", "seed", "steps", *TRAINING):
        runs[name] = pd.to_numeric(runs[name], errors="coerce")
    _name_methods(runs)
    runs["collapsed"] = (runs["kl"] < COLLAPSED_KL).astype(float).where(runs["kl"].notna())
    runs = _sorted(runs)
    _refuse_doubles(runs)
    return runs


def _joined(scores, records):
    if records is None:
        records = pd.DataFrame(columns=list(_RECORD_COLUMNS))
    if scores is None:
        scores = pd.DataFrame(columns=["path", "folder"])
    own = [name for name in records if name != "folder" and name in scores]
    runs = scores.merge(records, on="folder", how="outer", suffixes=("", "_recorded"))
    for name in own:  # what the run says about itself goes before what its file says
        recorded = runs.pop(f"{name}_recorded")
        runs[name] = recorded.astype(object).where(recorded.notna(), runs[name].astype(object))
    missing = [name for name in ("path", *_RECORD_COLUMNS) if name not in runs]
    runs = runs.assign(**dict.fromkeys(missing))
    recorded = runs["run_status"].where(runs["run_status"] != "done")
    scored = runs["path"].notna()
    runs["status"] = np.where(scored & recorded.isna(), "scored", "unscored")
    runs["status"] = recorded.astype(object).where(recorded.notna(), runs["status"])
    runs["status_reason"] = runs["run_reason"].where(recorded.notna())
    unscored = runs["status"] == "unscored"
    runs.loc[unscored, "status_reason"] = "trained, but bench evaluate has not scored it"
    runs["path"] = runs["path"].where(scored, runs["folder"])
    return runs


def _name_datasets(runs):
    runs["dataset"] = runs["dataset"].fillna("unknown")
    for name, rows in runs.groupby("dataset").groups.items():
        prints = runs.loc[rows, "fingerprint"].dropna().unique()
        versions = runs.loc[rows, "dataset_version"].dropna().unique()
        if len(prints) == 1 or (not len(prints) and len(versions) <= 1):
            for column in ("dataset_version", "dataset_kind", "dataset_identity", "notes"):
                known = runs.loc[rows, column].dropna()
                if len(known):
                    runs.loc[rows, column] = runs.loc[rows, column].fillna(known.iloc[0])
            continue
        told = runs.loc[rows, "dataset_version"].fillna("unknown").astype(str)
        told = "version " + told
        if len(prints):
            told = told + ", " + runs.loc[rows, "fingerprint"].fillna("unrecorded")
        runs.loc[rows, "dataset"] = name + " (" + told + ")"
    base = runs["dataset"].str.split(" (", n=1, regex=False).str[0]
    guess = np.select([base.isin(GENUINE), base.isin(RENDERED)], GUESSES, "unknown")
    runs["dataset_kind"] = runs["dataset_kind"].astype(object).fillna(pd.Series(guess, runs.index))


GUESSES = ("genuine", "re-rendered")


def _name_methods(runs):
    stems = runs["path"].map(lambda path: Path(str(path)).stem)
    runs["model"] = runs["model"].astype(object).where(runs["model"].notna(), stems)
    runs.loc[runs["status"] == "unreadable", "model"] = "unreadable"
    longest = runs.groupby(["dataset", "protocol"])["steps"].transform("max")
    runs["unequal_steps"] = runs["steps"].notna() & (runs["steps"] < longest)
    model, beta = runs["model"], runs["beta"]
    plain = runs["lambda"].fillna(0) == 0
    zoo = model.isin(("vae", "betavae", "lambdabeta"))
    first = model.eq("betavae") & runs["unequal_steps"]
    choices = [
        first,
        zoo & plain & (model.eq("vae") | beta.eq(1)),
        zoo & plain,
        model.eq("lambdabeta") & runs["init"].eq("scratch"),
    ]
    names = ["betavae_first", "vae", "betavae", "lambdabeta_scratch"]
    runs["method"] = np.select(choices, names, model)
    runs.loc[model.eq("vae") & beta.isna(), "beta"] = 1.0
    runs.loc[zoo & plain, "lambda"] = 0.0
    zoo_plain = zoo & plain
    runs["setting"] = [
        given
        if isinstance(given, str) and not no_penalty
        else write_setting({"beta": beta, "lambda": None if no_penalty else lambda_})
        for given, no_penalty, beta, lambda_ in zip(
            runs["hyperparameters"], zoo_plain, runs["beta"], runs["lambda"], strict=True
        )
    ]
    base = pd.Series(np.where(runs["method"] == "vae", "betavae", runs["method"]), runs.index)
    unique = {text: _without_beta(text) for text in runs["setting"].unique()}
    rest = runs["setting"].map(unique)
    runs["curve"] = base.where(rest == "", base.astype(str) + "," + rest)


def _without_beta(setting):
    return ",".join(part for part in setting.split(",") if part and not part.startswith("beta="))


def _sorted(runs):
    methods = {name: i for i, name in enumerate(sorted(set(runs["method"]), key=method_order))}
    curves = {name: i for i, name in enumerate(sorted(set(runs["curve"]), key=curve_order))}
    keys = runs.assign(_m=runs["method"].map(methods), _c=runs["curve"].map(curves))
    order = keys.sort_values(
        ["dataset", "protocol", "_m", "_c", "beta", "setting", "seed", "path"], kind="stable"
    ).index
    return runs.loc[order].reset_index(drop=True)


def _refuse_doubles(runs):
    """A seed counts once in its cell: what lies there a second time is shown, not used."""
    keys = ["dataset", "protocol", "method", "setting", "seed"]
    usable = runs["seed"].notna() & (runs["status"] == "scored")
    twice = runs[usable].duplicated(keys)
    rows = twice[twice].index
    runs.loc[rows, "status"] = "duplicate"
    runs.loc[rows, "status_reason"] = "the same data, setting and seed as another run"


def metric_columns(scores):
    """Flat keys among the columns of a table of scores.

    Built-in and training keys come first, then the numeric columns that follow the last built-in
    key up to `run_status`, which are those of users' metrics.

    Parameters
    ----------
    scores : DataFrame
        From `read_scores` or `run_table`.

    Returns
    -------
    list of str
    """
    built_in = [key.name for metric in METRICS.values() for key in metric.keys]
    found = [name for name in (*built_in, *TRAINING_KEYS) if name in scores]
    columns = list(scores.columns)
    if built_in[-1] in columns and "run_status" in columns:
        start, end = columns.index(built_in[-1]) + 1, columns.index("run_status")
        found += [
            name
            for name in columns[start:end]
            if name not in found and pd.api.types.is_numeric_dtype(scores[name])
        ]
    return found
