"""Somebody's scores and the shipped ones in one frame, one row a run."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

import pandas as pd

from ..naming import one_line
from ..reference.benchmarks import Benchmark
from ..scoring.run_records import describe_method
from ..statistics.labels import describe_key
from ..statistics.run_reading import RECORD_COLUMNS, identity_text, read_records
from ..statistics.run_table import run_table
from .entries import Entry


def choose_shipped(scores: pd.DataFrame | None, benchmark: Benchmark) -> pd.DataFrame | None:
    """The shipped scores of the seeds that make the standard table.

    Parameters
    ----------
    scores : DataFrame or None
        From `evaluation.reference.load_scores`.
    benchmark : Benchmark

    Returns
    -------
    DataFrame or None
        With `file` and `folder`, as `evaluation.statistics.run_reading.read_scores` has them.
    """
    if scores is None:
        return None
    listed = pd.Series(False, scores.index)
    for name, dataset in benchmark.datasets.items():
        listed |= scores["dataset"].eq(name) & scores["seed"].isin(dataset.seeds)
    kept = scores[listed].reset_index(drop=True)
    # These folders exist nowhere, so that no run of anybody's lies in one of them.
    files = "shipped:" + kept["path"].astype(str)
    versions = kept["dataset"].map({k: v.version for k, v in benchmark.datasets.items()})
    folders = files.map(posixpath.dirname)
    return kept.assign(file=files, folder=folders, dataset_version=versions)


def describe_shipped(scores: pd.DataFrame, provenance: dict | None) -> pd.DataFrame:
    """What the records of the shipped runs said about data and models.

    Parameters
    ----------
    scores : DataFrame
        From `choose_shipped`.
    provenance : dict or None
        From `evaluation.reference.load_provenance`: `methods` by model, `datasets` by name.

    Returns
    -------
    DataFrame
        As `evaluation.statistics.run_reading.read_records` gives them.
    """
    known = provenance or {}
    methods, datasets = known.get("methods", {}), known.get("datasets", {})
    rows = []
    for row in scores[["folder", "dataset", "model"]].to_dict("records"):
        method = {**describe_method(row["model"]), **methods.get(row["model"], {})}
        about = datasets.get(row["dataset"], {})
        identity = about.get("identity") or {}
        rows.append(
            {
                "folder": row["folder"],
                "declared": method,
                "dataset_kind": identity.get("kind"),
                "dataset_identity": identity_text(identity) if identity else None,
                "notes": "\n".join(map(one_line, about.get("notes", []))) or None,
            }
        )
    return pd.DataFrame(rows, columns=list(RECORD_COLUMNS))


def join_runs(
    mine: pd.DataFrame,
    entries: list[Entry],
    benchmark: Benchmark,
    shipped: pd.DataFrame | None,
    provenance: dict | None = None,
) -> pd.DataFrame:
    """One row for each run: the shipped ones on the data sets of somebody's files, and these.

    Parameters
    ----------
    mine : DataFrame
        Scores of the entries that are compared, from `read_scores`.
    entries : list of Entry
        Those that are compared, and those that are refused and shall be shown without scores.
    benchmark : Benchmark
    shipped : DataFrame or None
        From `choose_shipped`.
    provenance : dict, optional

    Returns
    -------
    DataFrame
        From `run_table`, and `mine`: whether the row is one of the entries.
    """
    by_file = {file_of(entry.path): entry for entry in entries}
    mine = _relabel(mine, by_file, benchmark)
    datasets = {entry.dataset for entry in entries}
    frames, records = [mine], [_read_own_records(entries)]
    if shipped is not None:
        shipped = shipped[shipped["dataset"].isin(datasets)]
        frames.insert(0, shipped)
        records.insert(0, describe_shipped(shipped, provenance))
    scores = _stack(frames).infer_objects()
    scores.attrs["metrics"] = mine.attrs.get("metrics", {})
    runs = run_table(scores, _stack(records))
    runs["mine"] = runs["file"].isin(by_file)
    refused = {file: entry.refusal for file, entry in by_file.items() if entry.refusal}
    hit = runs["file"].isin(refused)
    runs.loc[hit, "status"] = "refused"
    runs.loc[hit, "status_reason"] = runs.loc[hit, "file"].map(refused)
    # What is compared lies in one data set and protocol, whoever describes it how.
    first = runs.groupby("dataset")["dataset_kind"].transform("first")
    runs["dataset_kind"] = first
    return runs


def _relabel(mine, by_file, benchmark):
    """Rows of entries under the benchmark's protocol; those of refused ones are added."""
    missing = [file for file in by_file if file not in set(mine["file"])]
    added = pd.DataFrame({"file": missing})
    added["path"] = added["folder"] = added["file"]
    attrs = mine.attrs
    mine = pd.concat([mine, added], ignore_index=True) if missing else mine.copy()
    mine.attrs = attrs
    entries = [by_file[file] for file in mine["file"]]
    outside = pd.Series([not entry.trained_here for entry in entries], mine.index)
    stated = {
        "model": [entry.model for entry in entries],
        "dataset": [entry.dataset for entry in entries],
        "dataset_version": [benchmark.datasets[entry.dataset].version for entry in entries],
        "seed": [entry.seed for entry in entries],
        "preset": benchmark.name,
        "tag": None,
        "source": ["external" if each else "bench" for each in outside],
    }
    for column, values in stated.items():
        known = pd.Series(values, mine.index, dtype=object)
        if column in mine and column not in ("source", "tag"):
            mine[column] = mine[column].astype(object).where(~outside, known)
        else:
            mine[column] = known
    return mine


def _read_own_records(entries):
    frames = [read_records(entry.path.parent) for entry in entries if entry.trained_here]
    return _stack(frames) if frames else pd.DataFrame(columns=list(RECORD_COLUMNS))


def _stack(frames):
    """Frames below each other; what is swept stands between `seed` and `source` in all of them."""
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    columns = dict.fromkeys(name for frame in frames for name in frame)
    if {"seed", "source"} <= set(columns):
        swept = {}
        for frame in frames:
            names = list(frame)
            swept |= dict.fromkeys(names[names.index("seed") + 1 : names.index("source")])
        rest = [name for name in columns if name not in swept]
        place = rest.index("source")
        columns = [*rest[:place], *swept, *rest[place:]]
    stacked = pd.concat([frame.astype(object) for frame in frames], ignore_index=True)
    return stacked[list(columns)]


def set_variants_aside(runs: pd.DataFrame, benchmark: Benchmark) -> pd.DataFrame:
    """Take the scores out whose metric has another variant than the benchmark's.

    Parameters
    ----------
    runs : DataFrame
        From `join_runs`.
    benchmark : Benchmark

    Returns
    -------
    DataFrame
        Where a score was taken out, the status of its metric is ``other variant`` and `reasons`
        says which.
    """
    runs = runs.copy()
    known = runs["reasons"] if "reasons" in runs else pd.Series(None, runs.index)
    runs["reasons"] = known.astype(object)
    keys_of: dict[tuple[str, str], list[str]] = {}
    for key, wanted in benchmark.metrics.items():
        keys_of.setdefault((describe_key(key).metric, wanted), []).append(key)
    for (metric, wanted), keys in keys_of.items():
        if f"{metric}_variant" not in runs:
            continue
        stated = runs[f"{metric}_variant"]
        other = runs["mine"] & stated.notna() & (stated != wanted)
        for row in runs.index[other]:
            text = (
                f"{', '.join(keys)}: scored as {one_line(stated[row], 80)} while "
                f"{benchmark.title} compares {wanted}"
            )
            said = runs.at[row, "reasons"]
            runs.at[row, "reasons"] = f"{text}; {said}" if isinstance(said, str) else text
        runs.loc[other, [key for key in keys if key in runs]] = float("nan")
        runs.loc[other, f"{metric}_status"] = "other variant"
        runs.loc[other, f"{metric}_variant"] = wanted
    return runs


def file_of(path: Path) -> str:
    """A path as the column `file` has it."""
    return os.path.abspath(path)
