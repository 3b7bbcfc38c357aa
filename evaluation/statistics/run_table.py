"""One row a run: what was asked, what became of it, and its scores."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..metrics import METRICS, TRAINING_KEYS
from .labels import curve_order, method_order, write_setting
from .run_reading import RECORD_COLUMNS, TRAINING

GENUINE = ("dsprites", "shapes3d", "mpi3d_real")
RENDERED = ("sprites", "sprites-small", "rooms3d")
COLLAPSED_KL = 0.1


def run_table(scores=None, records=None):
    """Join scores and run records into one row a run.

    Parameters
    ----------
    scores : DataFrame, optional
        From `evaluation.statistics.run_reading.read_scores`. A row whose `folder` has a record
        belongs to that run; others are representations from elsewhere and count as runs of their
        own.
    records : DataFrame, optional
        From `evaluation.statistics.run_reading.read_records`.

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
        records = pd.DataFrame(columns=list(RECORD_COLUMNS))
    if scores is None:
        scores = pd.DataFrame(columns=["path", "folder"])
    own = [name for name in records if name != "folder" and name in scores]
    runs = scores.merge(records, on="folder", how="outer", suffixes=("", "_recorded"))
    for name in own:  # what the run says about itself goes before what its file says
        recorded = runs.pop(f"{name}_recorded")
        runs[name] = recorded.astype(object).where(recorded.notna(), runs[name].astype(object))
    missing = [name for name in ("path", *RECORD_COLUMNS) if name not in runs]
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
    guess = np.select(
        [base.isin(GENUINE), base.isin(RENDERED)], ("genuine", "re-rendered"), "unknown"
    )
    runs["dataset_kind"] = runs["dataset_kind"].astype(object).fillna(pd.Series(guess, runs.index))


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

    Built-in keys and the training keys that have a value come first, then the numeric columns
    that follow the last built-in key up to `run_status`, which are those of users' metrics.

    Parameters
    ----------
    scores : DataFrame
        From `evaluation.statistics.run_reading.read_scores` or `run_table`.

    Returns
    -------
    list of str
    """
    built_in = [key.name for metric in METRICS.values() for key in metric.keys]
    found = [name for name in (*built_in, "mig_without_orientation") if name in scores]
    found += [name for name in TRAINING_KEYS if name in scores and scores[name].notna().any()]
    columns = list(scores.columns)
    if built_in[-1] in columns and "run_status" in columns:
        start, end = columns.index(built_in[-1]) + 1, columns.index("run_status")
        found += [
            name
            for name in columns[start:end]
            if name not in found and pd.api.types.is_numeric_dtype(scores[name])
        ]
    return found
