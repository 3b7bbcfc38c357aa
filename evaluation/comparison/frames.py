"""Somebody's scores and the shipped ones in one frame, one row a run."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pandas as pd

from ..reference.benchmarks import Benchmark
from ..statistics.run_reading import RECORD_COLUMNS, read_records
from ..statistics.run_table import run_table
from .entries import Entry


def choose_shipped(
    reference: tuple[pd.DataFrame, pd.DataFrame] | None, benchmark: Benchmark, datasets: set[str]
) -> list[pd.DataFrame]:
    """The shipped runs of some data sets whose seeds make the standard table.

    Parameters
    ----------
    reference : (DataFrame, DataFrame) or None
        Scores and records, as `evaluation.statistics.shipped_runs.read_shipped` gives them; None
        where no scores ship.
    benchmark : Benchmark
    datasets : set of str

    Returns
    -------
    list of DataFrame
        The scores and the records; empty where there are none.
    """
    if reference is None:
        return []
    scores, records = reference
    listed = pd.Series(False, scores.index)
    for name, dataset in benchmark.datasets.items():
        if name in datasets:
            listed |= scores["dataset"].eq(name) & scores["seed"].isin(dataset.seeds)
    scores = scores[listed]
    if scores.empty:
        return []
    return [scores, records[records["folder"].isin(scores["folder"])]]


def refuse_other_data(
    entries: list[Entry], records: pd.DataFrame, shipped: list[pd.DataFrame]
) -> list[Entry]:
    """Refuse runs whose records say that the images of their data set were other ones.

    Parameters
    ----------
    entries : list of Entry
    records : DataFrame
        Of the runs that were trained here.
    shipped : list of DataFrame
        From `choose_shipped`.

    Returns
    -------
    list of Entry
    """
    if not shipped or records.empty:
        return entries
    known = shipped[1].drop_duplicates("dataset").set_index("dataset")["fingerprint"].to_dict()
    prints = dict(zip(records["folder"], records["fingerprint"], strict=True))
    text = (
        "its record says that the images of its data set are not those of the shipped runs (other "
        "version or renderer): train it with the version of disentanglement-bench that they name"
    )
    checked = []
    for entry in entries:
        wanted, own = known.get(entry.dataset), prints.get(file_of(entry.path.parent))
        other = not entry.refusal and entry.trained_here and wanted and own != wanted
        checked.append(dataclasses.replace(entry, refusal=text) if other else entry)
    return checked


def join_runs(
    mine: pd.DataFrame,
    entries: list[Entry],
    records: pd.DataFrame,
    benchmark: Benchmark,
    shipped: list[pd.DataFrame],
) -> pd.DataFrame:
    """One row for each run: the shipped ones, and somebody's representations.

    Parameters
    ----------
    mine : DataFrame
        Scores of the entries, from `read_scores`.
    entries : list of Entry
        Those that are compared, and those that are refused and shall be shown without scores.
    records : DataFrame
        Of the entries that were trained here.
    benchmark : Benchmark
    shipped : list of DataFrame
        From `choose_shipped`.

    Returns
    -------
    DataFrame
        From `run_table`, and `mine`: whether the row is one of the entries.
    """
    by_file = {file_of(entry.path): entry for entry in entries}
    mine = _relabel(mine[mine["file"].isin(by_file)], by_file, benchmark)
    scores = _stack([*shipped[:1], mine]).infer_objects()
    scores.attrs |= mine.attrs
    if shipped:
        scores.attrs |= shipped[0].attrs
    runs = run_table(scores, _stack([*shipped[1:], records]))
    runs["mine"] = runs["file"].isin(by_file)
    refused = {file: entry.refusal for file, entry in by_file.items() if entry.refusal}
    hit = runs["file"].isin(refused)
    runs.loc[hit, "status"] = "refused"
    runs.loc[hit, "status_reason"] = runs.loc[hit, "file"].map(refused)
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


def read_own_records(entries: list[Entry]) -> pd.DataFrame:
    """The records of the runs that were trained here.

    Parameters
    ----------
    entries : list of Entry
        Those that are refused have none.

    Returns
    -------
    DataFrame
        From `evaluation.statistics.run_reading.read_records`.
    """
    folders = [e.path.parent for e in entries if e.trained_here and not e.refusal]
    nothing = pd.DataFrame(columns=list(RECORD_COLUMNS))
    return _stack([nothing, *map(read_records, folders)])


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


def file_of(path: Path) -> str:
    """A path as the column `file` has it."""
    return os.path.abspath(path)
