"""From run tables to tidy scores, cells and gaps; nothing is imputed and no variants are mixed."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .intervals import ILLUSTRATIVE_BELOW, LEVEL, mean_intervals
from .labels import FACTS, declared_keys, describe_key, is_built_in
from .reference_values import add_identifiable
from .run_reading import ScoresError, read_records, read_scores
from .run_table import metric_columns, run_table

STRATUM = ["dataset", "dataset_kind", "protocol"]
_METHOD = ["method", "method_label", "role", "citation"]
_CURVE = ["curve", "curve_label", "axis", "axis_label", "reduces_to"]
CELL = [
    *STRATUM,
    *_METHOD,
    *_CURVE,
    "axis_value",
    "setting",
    "setting_label",
    "beta",
    "lambda",
]
_METRIC = ["metric", "variant", *FACTS]
_RUN = [*CELL, "init", "seed", "steps", "unequal_steps", "collapsed", "path"]


def collect(root: str | os.PathLike[str]) -> pd.DataFrame:
    """Read everything below a folder: every run's record, and the scores beside it.

    Parameters
    ----------
    root : str or Path
        A results folder with runs, or a `scores.csv`, or a folder that holds one.

    Returns
    -------
    DataFrame
        From `run_table`, one row for each run; `attrs["root"]` is the folder.

    Raises
    ------
    ScoresError
        If there is neither a run nor a table of scores.
    """
    root = Path(root)
    if root.is_file():
        scores, records, base = read_scores(root), read_records(root.parent), root.parent
    else:
        if not root.is_dir():
            raise ScoresError(f"{root}: no such folder; name a results folder or a scores.csv")
        places = (root / "scores.csv", root / "runs" / "scores.csv")
        tables = [path for path in places if path.exists()]
        scores, records = read_scores(tables[0]) if tables else None, read_records(root)
        base = root
    if (scores is None or scores.empty) and records.empty:
        raise ScoresError(f"{root}: holds no run; run bench train and bench evaluate first")
    runs = add_identifiable(run_table(scores, records))
    runs.attrs["root"] = os.path.abspath(base)
    return runs


def tidy(
    runs: pd.DataFrame, metrics: Sequence[str] | None = None, confirmation: bool = False
) -> pd.DataFrame:
    """One row for each run and metric.

    Parameters
    ----------
    runs : DataFrame
        From `run_table` or `collect`.
    metrics : list of str, optional
        Flat keys; all that the table has by default.
    confirmation : bool, default False
        The runs of confirmation seeds instead of all others.

    Returns
    -------
    DataFrame
        `dataset`, `dataset_kind`, `protocol`, `method`, `method_label`, `role`, `citation`,
        `curve`, `curve_label`, `axis`, `axis_label`, `reduces_to`, `axis_value`, `setting`,
        `setting_label`, `beta`, `lambda`, `init`, `seed`, `steps`, `unequal_steps`, `collapsed`,
        `path` as in `run_table`; `metric` (flat key), `variant`,
        and what the metric declares of the key: `metric_label`, `unit`, `higher_is_better`,
        `minimum`, `maximum`; `value` (float, NaN where there is none), `status` (done, undefined,
        missing for a metric that was not computed, other variant, or the run's own status when it
        has no scores) and `reason`.

        Scores of one metric in another variant than most of its data set and protocol have no
        value here: they do not compare with the rest.
    """
    runs = runs[runs["confirmation"] == confirmation]
    keys = metric_columns(runs) if metrics is None else list(metrics)
    declared = declared_keys(runs.attrs.get("metrics", {}))
    reasons = runs["reasons"] if "reasons" in runs else pd.Series(None, runs.index, dtype=object)
    explained = reasons.notna()
    parts = []
    for key in keys:
        facts = describe_key(key) if is_built_in(key) else declared.get(key) or describe_key(key)
        part = runs[_RUN].copy()
        part["metric"] = key
        variants = runs.get(f"{facts.metric}_variant")
        part["variant"] = (
            facts.variant if variants is None else variants.astype(object).fillna(facts.variant)
        )
        part["metric_label"], part["unit"] = facts.label, facts.unit
        part["higher_is_better"] = pd.Series(facts.higher_is_better, runs.index, dtype=object)
        part["minimum"], part["maximum"] = facts.low, facts.high
        if key == "nll":
            part["minimum"] = find_least_nll(runs).fillna(facts.low)
        value = pd.to_numeric(runs[key], errors="coerce") if key in runs else np.nan
        value = pd.Series(value, runs.index, dtype=float)
        usable = ("scored", "unscored") if facts.metric == "training" else ("scored",)
        scored = runs["status"].isin(usable)
        part["value"] = value.where(scored & np.isfinite(value))
        stated = runs.get(f"{facts.metric}_status")
        stated = pd.Series(None, runs.index, dtype=object) if stated is None else stated
        stated = stated.astype(object).where(stated.notna() & ~stated.eq("done"), "missing")
        status = pd.Series(np.where(part["value"].notna(), "done", stated), runs.index)
        part["status"] = status.where(scored, runs["status"])
        part["reason"] = runs["status_reason"].where(~scored).astype(object)
        without = scored & part["value"].isna() & explained
        part.loc[without, "reason"] = [_reason(text, key) for text in reasons[without]]
        if variants is not None:
            _set_variants_aside(part, facts.variant)
        parts.append(part)
    if not parts:
        return pd.DataFrame(columns=[*_RUN, *_METRIC, "value", "status", "reason"])
    scores = pd.concat(parts, ignore_index=True)
    scores.attrs = dict(runs.attrs)
    return scores


def find_least_nll(runs: pd.DataFrame) -> pd.Series:
    """The entropy of the targets, which no NLL of the same data and protocol falls below.

    Parameters
    ----------
    runs : DataFrame
        From `run_table`. The entropy differs a little with the images of a seed: the least counts.

    Returns
    -------
    Series
        In nats, by the index of `runs`; NaN where it is unknown, or a measured NLL contradicts it.
    """
    if not {"bce_floor", "nll"} <= set(runs):
        return pd.Series(np.nan, runs.index)
    known = runs[STRATUM].copy()
    known["floor"] = pd.to_numeric(runs["bce_floor"], errors="coerce")
    known["nll"] = pd.to_numeric(runs["nll"], errors="coerce")
    groups = known.groupby(STRATUM, dropna=False, sort=False)
    floor, least = groups["floor"].transform("min"), groups["nll"].transform("min")
    return floor.where(np.isfinite(floor) & ~(least < floor))


def _set_variants_aside(part, declared):
    """Take the values out whose variant is not that of most scores of data set and protocol."""
    known = part[part["value"].notna()]
    if known["variant"].nunique() < 2:
        return
    for _, rows in known.groupby(STRATUM, sort=False, dropna=False):
        counts = rows["variant"].value_counts()
        if len(counts) < 2:
            continue
        most = counts[counts == counts.max()].index
        kept = declared if declared in most else most[0]
        others = rows.index[rows["variant"] != kept]
        part.loc[others, "value"] = np.nan
        part.loc[others, "status"] = "other variant"
        part.loc[others, "reason"] = [
            f"scored as {variant}, while most runs here are scored as {kept}"
            for variant in part.loc[others, "variant"]
        ]
        part.loc[rows.index, "variant"] = kept


def _reason(text, key):
    """What the column `reasons` says about one key."""
    for part in text.split("; "):
        names, _, why = part.partition(": ")
        if key in names.split(", "):
            return why
    return None


def compute_cells(scores: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Statistics over seeds of every setting, metric and variant.

    Parameters
    ----------
    scores : DataFrame
        From `tidy`.
    level : float

    Returns
    -------
    DataFrame
        What tells a cell from others, as in `tidy`; `mean`, `std`, `low`, `high` as
        `mean_intervals` gives them, but no interval leaves the range of its score (`clipped` says
        where one would have); `n` seeds used, `n_asked` (every seed that a run trained here has
        in the data set and protocol was asked for of every setting; representations from
        elsewhere ask only for themselves), `n_failed` (runs with a record but without this
        score), `collapsed` (number of runs with KL < 0.1 nats; NaN where none is known), `n_kl`
        (runs whose KL is known), `steps` (the largest), `unequal_steps`, `illustrative` (fewer
        than 5 seeds). The order is that of `scores`.
    """
    keys = [*CELL, *_METRIC]
    numeric = [
        "n",
        "mean",
        "std",
        "low",
        "high",
        "n_asked",
        "n_failed",
        "collapsed",
        "n_kl",
        "steps",
    ]
    if scores.empty:
        return pd.DataFrame(columns=[*keys, *numeric, "clipped", "unequal_steps", "illustrative"])
    grouped = scores.groupby(keys, dropna=False, sort=False)
    table = grouped.agg(
        rows=("value", "size"),
        collapsed=("collapsed", "sum"),
        n_kl=("collapsed", "count"),
        steps=("steps", "max"),
        unequal_steps=("unequal_steps", "any"),
    ).reset_index()
    table["collapsed"] = table["collapsed"].where(table["n_kl"] > 0)
    values = _packed(scores["value"].to_numpy(), grouped.ngroup().to_numpy(), len(table))
    for name, column in mean_intervals(values, level).items():
        table[name] = column
    beyond = table["low"].lt(table["minimum"]) | table["high"].gt(table["maximum"])
    # A mean out of range says that its metric declares too narrow a one.
    table["clipped"] = beyond & table["mean"].between(table["minimum"], table["maximum"])
    for name in ("low", "high"):
        held = table[name].clip(table["minimum"], table["maximum"])
        table[name] = table[name].where(~table["clipped"], held)
    own = scores[scores["role"] != "external"]
    asked = own.groupby(STRATUM, dropna=False)["seed"].nunique().rename("n_asked").reset_index()
    table = table.merge(asked, on=STRATUM, how="left")
    asked = table["n_asked"].where(table["role"] != "external", 0).fillna(0)
    table["n_asked"] = np.maximum(asked, table["rows"]).astype(int)
    table["n_failed"] = table.pop("rows") - table["n"]
    table["illustrative"] = table["n"] < ILLUSTRATIVE_BELOW
    return table[[*keys, *numeric, "clipped", "unequal_steps", "illustrative"]]


def _packed(values, groups, count):
    """Values of each group in a row of its own, padded with NaN; shape (count, largest group)."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups, minlength=count)
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(values), dtype=int)
    place[order] = np.arange(len(values)) - np.repeat(starts, sizes)
    packed = np.full((count, sizes.max()), np.nan)
    packed[groups, place] = values
    return packed


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """Scores of one metric over what was swept.

    Attributes
    ----------
    key : dict
        `dataset`, `dataset_kind`, `protocol`, `curve`, `curve_label`, `axis`, `axis_label`,
        `reduces_to`, `role`, `metric`, `variant`.
    places : ndarray, shape (B,)
        Values of the axis: β, say.
        Ascending.
    seeds : ndarray, shape (n,)
        Ascending.
    values : ndarray, shape (n, B)
        NaN where a run or its score is missing.
    """

    key: dict
    places: np.ndarray
    seeds: np.ndarray
    values: np.ndarray


def gather_curves(scores, metrics=None):
    """Matrices of seeds by values of the axis, for every curve and metric.

    Parameters
    ----------
    scores : DataFrame
        From `tidy`; runs without a value of the axis or a seed are left out.
    metrics : list of str, optional
        All by default.

    Returns
    -------
    list of Curve
        In the order of `scores`. A curve has the values that at least one run was asked for.
    """
    keys = [*STRATUM, *_CURVE, "role", "metric", "variant"]
    kept = scores[scores["axis_value"].notna() & scores["seed"].notna()]
    kept = kept[kept["status"] != "duplicate"]
    if metrics is not None:
        kept = kept[kept["metric"].isin(metrics)]
    if kept.empty:
        return []
    columns = {name: kept[name].to_numpy() for name in ("axis_value", "seed", "value", *keys)}
    groups = kept.groupby(keys, dropna=False, sort=False).indices
    gathered = []
    for rows in sorted(groups.values(), key=lambda rows: rows[0]):
        places, column = np.unique(columns["axis_value"][rows], return_inverse=True)
        seeds, row = np.unique(columns["seed"][rows], return_inverse=True)
        values = np.full((len(seeds), len(places)), np.nan)
        value = columns["value"][rows]
        known = np.isfinite(value)
        values[row[known], column[known]] = value[known]
        key = {name: columns[name][rows[0]] for name in keys}
        gathered.append(Curve(key, places, seeds.astype(int), values))
    return gathered
