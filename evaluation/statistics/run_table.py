"""One row for each run: what was asked, what became of it, and its scores."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from ..metrics import METRICS, TRAINING_KEYS
from ..reference.benchmarks import BENCHMARKS, load_benchmark
from ..representation.posterior import COLLAPSED
from ..scoring.run_records import describe_method
from ..scoring.scores_table import TRAINING_COLUMNS
from .labels import declared_keys, is_built_in
from .methods import add_methods
from .run_reading import RECORD_COLUMNS

GENUINE = ("dsprites", "shapes3d", "mpi3d_real")
RENDERED = ("sprites", "sprites-small", "rooms3d")


def run_table(scores=None, records=None):
    """Join scores and run records into one row for each run.

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
        - `source`: "bench" for runs that were trained here, else "external".
        - `protocol`: preset, or preset+tag; "unstated" for representations from elsewhere.
        - `method`, `method_label`, `curve`, `curve_label`, `axis`, `axis_label`, `setting`,
          `setting_label`, `reduces_to`, `role`, `citation`, `continued_by`: see
          `evaluation.statistics.methods`; `axis_value`: the run's value of the axis, NaN where it
          has none.
        - `steps`: NaN for representations from elsewhere, whatever their files say.
        - `unequal_steps`: whether its steps differ from the longest of data set and protocol.
        - `confirmation`: whether the run is of a confirmation seed of a standard benchmark, of a
          model that its primary hypotheses are about or that such a model continues, and stands
          beside runs of its table seeds. It tests these hypotheses and is no part of the table.
        - `collapsed`: 1.0 if KL < 0.1 nats, 0.0 if not, NaN if the KL is unknown.

        `attrs["metrics"]` are the declarations of the metrics, and `attrs["reference_values"]`,
        where the scores have them, the reference values of each data set's scores.
    """
    runs = _joined(scores, records)
    runs["preset"] = runs["preset"].fillna("unstated")
    runs["protocol"] = runs["preset"].where(runs["tag"].isna(), runs["preset"] + "+" + runs["tag"])
    _name_datasets(runs)
    for name in ("beta", "lambda", "seed", "steps", *TRAINING_COLUMNS):
        runs[name] = pd.to_numeric(runs[name], errors="coerce")
    runs["seed"] = runs["seed"].where(runs["seed"].between(0, 2**53) & (runs["seed"] % 1 == 0))
    runs["steps"] = runs["steps"].where(runs["source"] == "bench")
    runs["confirmation"] = _confirming(runs)
    longest = runs.groupby(["dataset", "protocol"])["steps"].transform("max")
    runs["unequal_steps"] = runs["steps"].notna() & (runs["steps"] < longest)
    runs["collapsed"] = (runs["kl"] < COLLAPSED).astype(float).where(runs["kl"].notna())
    declarations = _declarations(runs, other_hyperparameters(scores))
    _fill_settings(runs, declarations)
    runs = add_methods(runs, declarations).drop(columns=["declared", "resolved"])
    _refuse_doubles(runs)
    stated = {} if scores is None else scores.attrs
    runs.attrs["metrics"] = stated.get("metrics", {})
    if "reference_values" in stated:
        runs.attrs["reference_values"] = stated["reference_values"]
    return runs


def _confirming(runs):
    """Whether each run is of a confirmation seed, with the table that it confirms at hand."""
    later = pd.Series(False, runs.index)
    for name in BENCHMARKS:
        benchmark = load_benchmark(name)
        models = {curve["model"] for curve in benchmark.primary["curves"]}
        models |= {describe_method(model)["continues"] for model in models}
        asked = runs["protocol"].eq(name) & runs["source"].eq("bench") & runs["model"].isin(models)
        for dataset, declared in benchmark.datasets.items():
            own = asked & runs["dataset"].eq(dataset)
            seeds = own & runs["seed"].isin(declared.confirmation_seeds)
            if (own & ~seeds).any():
                later |= seeds
    return later


def _joined(scores, records):
    if records is None:
        records = pd.DataFrame(columns=list(RECORD_COLUMNS))
    if scores is None:
        scores = pd.DataFrame(columns=["path", "file", "folder"])
    own = [name for name in records if name != "folder" and name in scores]
    # Only the file that a run writes is the run's; others beside it are files of their own.
    run_file = [str(path).endswith("representation.h5") for path in scores["path"]]
    scores = scores.assign(folder=scores["folder"].where(run_file))
    runs = scores.merge(records, on="folder", how="outer", suffixes=("", "_recorded"))
    for name in own:  # what the run says about itself goes before what its file says
        recorded = runs.pop(f"{name}_recorded")
        runs[name] = recorded.astype(object).where(recorded.notna(), runs[name].astype(object))
    missing = [name for name in ("path", *RECORD_COLUMNS) if name not in runs]
    # A copy is in one piece, which hundreds of columns of scores are not.
    runs = runs.assign(**dict.fromkeys(missing)).copy()
    source = pd.Series(np.where(runs["run_status"].notna(), "bench", "external"), runs.index)
    runs["source"] = runs["source"].fillna(source) if "source" in runs else source
    recorded = runs["run_status"].where(runs["run_status"] != "done")
    scored = runs["path"].notna()
    runs["status"] = np.where(scored & recorded.isna(), "scored", "unscored")
    runs["status"] = recorded.astype(object).where(recorded.notna(), runs["status"])
    runs["status_reason"] = runs["run_reason"].where(recorded.notna())
    unscored = runs["status"] == "unscored"
    runs.loc[unscored, "status_reason"] = "trained, but bench evaluate has not scored it"
    runs["path"] = runs["path"].where(scored, runs["folder"])
    stems = runs["path"].map(lambda path: Path(str(path)).stem)
    runs["model"] = runs["model"].astype(object).where(runs["model"].notna(), stems)
    runs.loc[runs["status"] == "unreadable", "model"] = "unreadable"
    return runs


def other_hyperparameters(scores):
    """Columns with what was swept besides β and λ, where a table of scores has some.

    Parameters
    ----------
    scores : DataFrame or None
        From `evaluation.statistics.run_reading.read_scores`.

    Returns
    -------
    list of str
    """
    columns = [] if scores is None else list(scores.columns)
    if not {"seed", "source"} <= set(columns):
        return []
    return columns[columns.index("seed") + 1 : columns.index("source")]


def _declarations(runs, others):
    """What every run's model says about itself; hyperparameters become dicts everywhere."""
    stated = ["beta", "lambda", *others]
    # A column that takes the name of a score has a longer one.
    names = {name: re.sub(r"^(hyperparameter|setting)\.", "", name) for name in stated}
    known = {names[name]: _stated(runs[name]) for name in stated}
    rows = pd.DataFrame(known, runs.index, dtype=object).to_dict("records")
    runs["hyperparameters"] = [
        given if isinstance(given, dict) else {k: v for k, v in row.items() if v is not None}
        for given, row in zip(runs["hyperparameters"], rows, strict=True)
    ]
    return [
        declared if isinstance(declared, dict) else describe_method(model)
        for declared, model in zip(runs["declared"], runs["model"], strict=True)
    ]


def _stated(column):
    """A column of hyperparameters or settings: numbers, or names where it holds none at all."""
    numbers = pd.to_numeric(column, errors="coerce")
    if np.isfinite(numbers).any():
        return [float(number) if np.isfinite(number) else None for number in numbers]
    return [text if isinstance(text, str) else None for text in column]


def _fill_settings(runs, declarations):
    """What was swept besides hyperparameters, for every run of a model that it was swept for.

    A run at the preset's own value does not record it as swept; its configuration has it.
    """
    settings = [given if isinstance(given, dict) else {} for given in runs["settings"]]
    columns = (runs["dataset"], runs["protocol"], declarations)
    keys = [(*key, declared["name"]) for *key, declared in zip(*columns, strict=True)]
    swept = {}
    for key, given in zip(keys, settings, strict=True):
        swept.setdefault(key, {}).update(given)
    runs["settings"] = [
        {name: known[name] for name in swept[key] if name in known}
        for key, known in (
            (key, {**resolved, **given} if isinstance(resolved, dict) else given)
            for key, given, resolved in zip(keys, settings, runs["resolved"], strict=True)
        )
    ]


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
        version = runs.loc[rows, "dataset_version"].fillna("unknown").astype(str)
        suffix = "version " + version
        if len(prints):
            suffix = suffix + ", " + runs.loc[rows, "fingerprint"].fillna("unrecorded")
        runs.loc[rows, "dataset"] = name + " (" + suffix + ")"
    base = runs["dataset"].str.split(" (", n=1, regex=False).str[0]
    guess = np.select(
        [base.isin(GENUINE), base.isin(RENDERED)], ("genuine", "re-rendered"), "unknown"
    )
    runs["dataset_kind"] = runs["dataset_kind"].astype(object).fillna(pd.Series(guess, runs.index))


def _refuse_doubles(runs):
    """A seed counts once in its cell: what lies there a second time is shown, not used."""
    keys = ["dataset", "protocol", "method", "setting", "seed"]
    usable = runs["seed"].notna() & (runs["status"] == "scored")
    twice = runs[usable].duplicated(keys)
    rows = twice[twice].index
    runs.loc[rows, "status"] = "duplicate"
    runs.loc[rows, "status_reason"] = "the same data, setting and seed as another run"


def metric_columns(runs):
    """Flat keys among the columns of a table of scores.

    Built-in keys and the training keys that have a value come first, then those of users' metrics:
    the keys that the metrics beside the table declare, or, in tables of version 0.1.0, the numeric
    columns that follow the last built-in key up to `run_status`.

    Parameters
    ----------
    runs : DataFrame
        From `evaluation.statistics.run_reading.read_scores` or `run_table`.

    Returns
    -------
    list of str
    """
    built_in = [key.name for metric in METRICS.values() for key in metric.keys]
    keys = [name for name in (*built_in, "mig_identifiable") if name in runs]
    keys += [name for name in TRAINING_KEYS if name in runs and runs[name].notna().any()]
    columns = list(runs.columns)
    declared = declared_keys(runs.attrs.get("metrics", {}))
    if declared:
        users = [name for name in declared if name in columns]
    elif set(built_in) & set(columns) and "run_status" in columns:
        last = max(columns.index(name) for name in built_in if name in columns)
        users = columns[last + 1 : columns.index("run_status")]
    else:
        users = []
    numeric = [name for name in users if pd.api.types.is_numeric_dtype(runs[name])]
    return list(dict.fromkeys([*keys, *numeric]))


def own_keys(runs):
    """The first key of each metric that is not ours, as the scores at hand declare it.

    Parameters
    ----------
    runs : DataFrame
        From `run_table`.

    Returns
    -------
    tuple of str
        Of tables without declarations every such column.
    """
    declared = runs.attrs.get("metrics", {})
    names = [entry["keys"][0]["name"] for entry in declared.values() if entry["keys"]]
    names = names or metric_columns(runs)
    return tuple(n for n in names if n in runs and not is_built_in(n))
