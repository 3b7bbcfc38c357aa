"""Every statistic of a results folder, computed once and shared by tables, figures and page."""

import contextlib
import dataclasses
import time
from collections.abc import Mapping, Sequence

import pandas as pd

from .agreement import correlate_metrics
from .cells import STRATUM, compute_cells, tidy
from .gaps import find_gaps
from .labels import HEADLINE, KeyFacts, declared_keys, describe_key, describe_keys, is_built_in
from .ranking import compare_methods, rank_methods
from .run_table import own_keys
from .selection import select_settings
from .trend_table import describe_trends


@dataclasses.dataclass(frozen=True, eq=False)
class Summary:
    """Statistics of a results folder.

    Attributes
    ----------
    runs : DataFrame
        From `evaluation.statistics.cells.collect`.
    scores : DataFrame
        From `tidy`.
    cells : DataFrame
        From `compute_cells`: every setting.
    selected : DataFrame
        From `select_settings`: the rows that report one setting for each method.
    selected_cells : DataFrame
        `compute_cells` of those, with `chosen` and `n_settings`; `n_asked` counts the seeds that
        report.
    ranks, differences, trends, agreement, gaps : DataFrame
        From `rank_methods`, `compare_methods`, `describe_trends`, `correlate_metrics` (of the
        headline metrics and NLL) and `find_gaps`.
    seconds : dict of str to float
        How long each part took.
    parts : dict
        What `part`, `records` and tables have looked up before.
    """

    runs: pd.DataFrame
    scores: pd.DataFrame
    cells: pd.DataFrame
    selected: pd.DataFrame
    selected_cells: pd.DataFrame
    ranks: pd.DataFrame
    differences: pd.DataFrame
    trends: pd.DataFrame
    agreement: pd.DataFrame
    gaps: pd.DataFrame
    seconds: dict
    parts: dict = dataclasses.field(default_factory=dict, repr=False)

    def part(self, name: str, dataset: str, protocol: str) -> pd.DataFrame:
        """Rows of a frame that belong to one data set and protocol.

        Parameters
        ----------
        name : str
            An attribute that is a frame, e.g. "cells".
        dataset, protocol : str

        Returns
        -------
        DataFrame
        """
        frame = getattr(self, name)
        if name not in self.parts:
            groups = frame.groupby(["dataset", "protocol"], sort=False)
            self.parts[name] = {key: frame.iloc[rows] for key, rows in groups.indices.items()}
        return self.parts[name].get((dataset, protocol), frame.iloc[:0])

    def records(self, name: str, dataset: str, protocol: str) -> list[dict]:
        """The same rows as a list of dict, which is quicker to go through."""
        key = (name, dataset, protocol)
        if key not in self.parts:
            self.parts[key] = self.part(*key).to_dict("records")
        return self.parts[key]

    def describe(self, name: str) -> KeyFacts:
        """What a flat key's metric declares of it, also one of a user's metric.

        Returns
        -------
        evaluation.statistics.labels.KeyFacts
        """
        if "facts" not in self.parts:
            declared = declared_keys(self.runs.attrs.get("metrics", {}))
            own = {name: declared[name] for name in declared if not is_built_in(name)}
            self.parts["facts"] = describe_keys(self.scores) | own
        return self.parts["facts"].get(name) or describe_key(name)

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The first key of each of the user's metrics; tables and figures show it after ours."""
        if "own_keys" not in self.parts:
            self.parts["own_keys"] = own_keys(self.runs)
        return self.parts["own_keys"]

    def axes(self, dataset: str, protocol: str) -> dict[str, str]:
        """What curves of one data set and protocol are drawn over.

        Returns
        -------
        dict of str to str
            How each axis is written, by its name, in the order of the runs.
        """
        runs = self.part("runs", dataset, protocol)
        runs = runs[runs["axis_value"].notna()].drop_duplicates("axis")
        return dict(zip(runs["axis"], runs["axis_label"], strict=True))

    @property
    def strata(self) -> list[tuple[str, str]]:
        """(dataset, protocol) pairs in order."""
        pairs = self.runs[["dataset", "protocol"]].drop_duplicates()
        return list(pairs.itertuples(index=False, name=None))


def summarise(
    runs: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    choose_by: str | None = None,
    fixed: Mapping[str, str] | None = None,
) -> Summary:
    """Compute every statistic.

    Parameters
    ----------
    runs : DataFrame
        From `evaluation.statistics.cells.collect`.
    metrics : sequence of str, optional
        Flat keys to rank, compare and test for peaks; cells are made of all. By default the
        headline metrics and the first key of each of the user's own.
    choose_by, fixed
        As in `evaluation.statistics.selection.select_settings`.

    Returns
    -------
    Summary
    """
    metrics = (*HEADLINE, *own_keys(runs)) if metrics is None else tuple(metrics)
    seconds: dict[str, float] = {}
    with _timed(seconds, "tidy"):
        scores = tidy(runs)
    with _timed(seconds, "cells"):
        every = compute_cells(scores)
    with _timed(seconds, "selection"):
        selected = select_settings(scores, None, choose_by, fixed)
        chosen = compute_cells(selected)
        keys = [*STRATUM, "method", "metric", "variant", "setting"]
        how = selected[[*keys, "chosen", "n_settings"]].drop_duplicates(keys)
        chosen = chosen.merge(how, on=keys, how="left")
    with _timed(seconds, "ranking"):
        ranks = rank_methods(selected, metrics)
        differences = compare_methods(selected, metrics)
    with _timed(seconds, "trends"):
        trends = describe_trends(scores, metrics)
    with _timed(seconds, "agreement"):
        agreement = correlate_metrics(scores, [*metrics, "nll"])
    gaps = find_gaps(runs)
    return Summary(
        runs, scores, every, selected, chosen, ranks, differences, trends, agreement, gaps, seconds
    )


@contextlib.contextmanager
def _timed(seconds, name):
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began
