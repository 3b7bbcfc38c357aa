"""Every statistic of a results folder, computed once and shared by tables, figures and page."""

import contextlib
import dataclasses
import time
from collections.abc import Mapping, Sequence

import pandas as pd

from .agreement import correlate_metrics
from .cells import STRATUM, compute_cells, tidy
from .confirm import confirm_primary
from .gaps import find_gaps
from .labels import (
    HEADLINE,
    KeyFacts,
    declared_keys,
    describe_key,
    describe_keys,
    first_keys,
    is_built_in,
    restate_variant,
)
from .ranking import compare_methods, rank_methods
from .run_table import own_keys
from .selection import select_settings
from .trend_table import describe_trends
from .udr_choice import FORMS, describe_udr_choices


@dataclasses.dataclass(frozen=True, eq=False)
class Summary:
    """Statistics of a results folder.

    Attributes
    ----------
    runs : DataFrame
        From `evaluation.statistics.cells.collect`, without the runs of confirmation seeds.
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
    udr_choices : DataFrame
        From `describe_udr_choices`; without rows where no run has a UDR.
    confirmation : DataFrame
        From `confirm_primary`; without rows where nothing is of a standard benchmark. All else is
        made without the confirmation seeds.
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
    udr_choices: pd.DataFrame
    confirmation: pd.DataFrame
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

    def describe_scored(self, name: str, dataset: str, protocol: str) -> KeyFacts:
        """`describe`, with the variant that the scores of a data set and protocol have.

        It says more than the metric declares where factors were put into bins or left out.
        """
        if "variants" not in self.parts:
            known = self.scores[self.scores["value"].notna()]
            first = known.drop_duplicates(["dataset", "protocol", "metric"])
            places = zip(first["dataset"], first["protocol"], first["metric"], strict=True)
            self.parts["variants"] = dict(zip(places, first["variant"], strict=True))
        stated = self.parts["variants"].get((dataset, protocol, name))
        return restate_variant(self.describe(name), stated)

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The first key of each of the user's metrics; tables and figures show it after ours."""
        if "own_keys" not in self.parts:
            self.parts["own_keys"] = own_keys(self.runs)
        return self.parts["own_keys"]

    @property
    def every_key(self) -> list[KeyFacts]:
        """Every flat key of the scores, in order."""
        if "every_key" not in self.parts:
            names = dict.fromkeys(self.scores["metric"])
            self.parts["every_key"] = [self.describe(name) for name in names]
        return self.parts["every_key"]

    @property
    def other_keys(self) -> tuple[str, ...]:
        """First keys of the built-in metrics that are not among the headline ones."""
        present = {facts.name for facts in self.every_key}
        return tuple(name for name in first_keys() if name in present)

    @property
    def detail_keys(self) -> tuple[str, ...]:
        """Every further key of a metric, and of its twins; none that training measures."""
        others = {*HEADLINE, *self.own_keys, *self.other_keys, "mig_identifiable"}
        return tuple(
            facts.name
            for facts in self.every_key
            if facts.metric != "training" and facts.name not in others
        )

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
        headline metrics and the first key of each of the user's own. The first keys of all other
        metrics but UDR are ranked too, and compared with its choice.
    choose_by, fixed
        As in `evaluation.statistics.selection.select_settings`.

    Returns
    -------
    Summary
    """
    wanted = (*HEADLINE, *own_keys(runs), *first_keys()) if metrics is None else tuple(metrics)
    # UDRs of different models need not compare.
    ranked = [name for name in wanted if name not in FORMS]
    metrics = (*HEADLINE, *own_keys(runs)) if metrics is None else tuple(metrics)
    seconds: dict[str, float] = {}
    with _timed(seconds, "confirmation"):
        confirmation = confirm_primary(runs)
        runs = runs[~runs["confirmation"]].reset_index(drop=True)
    with _timed(seconds, "tidy"):
        scores = tidy(runs)
    with _timed(seconds, "cells"):
        every = compute_cells(scores)
    with _timed(seconds, "selection"):
        selected = select_settings(scores, None, choose_by, fixed)
        chosen = compute_selected_cells(selected)
    with _timed(seconds, "ranking"):
        ranks = rank_methods(selected, ranked)
        differences = compare_methods(selected, metrics)
    with _timed(seconds, "trends"):
        trends = describe_trends(scores, metrics)
    with _timed(seconds, "agreement"):
        agreement = correlate_metrics(scores, [*metrics, "nll"])
    with _timed(seconds, "UDR"):
        choices = describe_udr_choices(scores, ranked)
    gaps = find_gaps(runs)
    return Summary(
        runs,
        scores,
        every,
        selected,
        chosen,
        ranks,
        differences,
        trends,
        agreement,
        gaps,
        choices,
        confirmation,
        seconds,
    )


def compute_selected_cells(selected: pd.DataFrame) -> pd.DataFrame:
    """Cells of the settings that report, with how each was chosen.

    Parameters
    ----------
    selected : DataFrame
        From `evaluation.statistics.selection.select_settings`.

    Returns
    -------
    DataFrame
        From `compute_cells`, with `chosen` and `n_settings`.
    """
    keys = [*STRATUM, "method", "metric", "variant", "setting"]
    how = selected[[*keys, "chosen", "n_settings"]].drop_duplicates(keys)
    return compute_cells(selected).merge(how, on=keys, how="left")


@contextlib.contextmanager
def _timed(seconds, name):
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began
