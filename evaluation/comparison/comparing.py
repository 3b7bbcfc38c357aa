"""Compare representations with a standard benchmark: score, place, and say where they stand."""

from __future__ import annotations

import dataclasses
import html
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from ..cores import count_cores
from ..files import RecordError
from ..naming import one_line
from ..reference.benchmarks import Benchmark, load_benchmark
from ..reference.shipped import find_scores
from ..scoring.scores_table import write_table
from ..statistics.cells import compute_cells, tidy
from ..statistics.labels import HEADLINE
from ..statistics.placing import place_methods
from ..statistics.ranking import rank_methods
from ..statistics.run_reading import ScoresError, read_scores
from ..statistics.run_table import metric_columns
from ..statistics.selection import select_settings
from ..statistics.shipped_runs import read_shipped
from ..statistics.summary import Summary, compute_selected_cells, summarise
from ..tables.latex import rows_to_latex
from ..tables.methods import comparison_table, ranking_table
from ..tables.table import Table
from .entries import ComparisonError, Entry
from .frames import choose_shipped, file_of, join_runs, read_own_records, refuse_other_data
from .scoring import score_entries
from .sentences import (
    describe_cells,
    describe_places,
    describe_refusals,
    describe_seeds,
    describe_training,
)
from .tables import CONTEXT, context_table, placing_table

NO_SCORES = "No scores of {title} on {names} ship with this version: rows stand by themselves."


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """Representations of somebody's beside the shipped scores of a standard benchmark.

    Attributes
    ----------
    benchmark : Benchmark
    entries : list of Entry
        Every file that was found: what its row is called, or why it is refused.
    summary : evaluation.statistics.summary.Summary
        Frames of the shipped runs and of the compared ones together.
    rows : dict of str to str
        Labels of the compared rows, by method.
    places, chances : DataFrame
        Where each row stands, and how probably it is better than each shipped method: see
        `evaluation.statistics.placing.place_methods`.
    sentences : list of str
        The same in words, one for each row, data set and headline metric.
    notes : list of str
        What has to be known of the comparison.
    refusals : list of str
        What is not compared and why.
    tables : list of evaluation.tables.table.Table
    latex : str
        Rows for a LaTeX table, with their columns in a comment.
    computed : int
        Scores that were computed for it; the others were up to date.
    problems : list of str
        Files that do not exist or could not be read or scored.
    output : Path or None
        Folder that it was written to.
    files : list of Path
        What was written there.
    """

    benchmark: Benchmark
    entries: list[Entry]
    summary: Summary = dataclasses.field(repr=False)
    rows: dict[str, str]
    places: pd.DataFrame = dataclasses.field(repr=False)
    chances: pd.DataFrame = dataclasses.field(repr=False)
    sentences: list[str]
    notes: list[str]
    refusals: list[str]
    tables: list[Table] = dataclasses.field(repr=False)
    latex: str
    computed: int
    problems: list[str]
    output: Path | None = None
    files: list[Path] = dataclasses.field(default_factory=list, repr=False)

    def __repr__(self) -> str:
        named = ", ".join(self.rows.values())
        lines = [f"Comparison of {named} with {self.benchmark.title}:", *self.sentences]
        return "\n".join([*lines, *self.refusals])

    def _repr_html_(self) -> str:
        shown = [_to_html(table) for table in self.tables if not table.secondary]
        words = "".join(f"<li>{html.escape(text)}</li>" for text in self.sentences)
        return "".join([*shown, f"<ul>{words}</ul>"])


def _to_html(table):
    def row(cells, tag):
        joined = "".join(
            f"<{tag}>{html.escape(cell).replace(chr(10), '<br>')}</{tag}>" for cell in cells
        )
        return f"<tr>{joined}</tr>"

    body = "".join(row(cells, "td") for cells in table.rows)
    return (
        f"<table><caption>{html.escape(table.title)}</caption>"
        f"<thead>{row(table.columns, 'th')}</thead><tbody>{body}</tbody></table>"
    )


def compare(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    benchmark: str = "db1",
    output: str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    jobs: int | None = None,
    figures: bool = True,
    formats: Iterable[str] = ("png", "pdf"),
    reference: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    progress: Callable[..., object] | None = None,
) -> Comparison:
    """Put representations beside the shipped scores of a standard benchmark.

    Files are scored first, where scores are missing or outdated. A file whose scores do not
    compare, because its data set, its sample or a metric's variant is another one, is refused with
    the reason; its row stays, with the cells that compare.

    Parameters
    ----------
    paths : str, Path or iterable of them
        Files, folders of files, or results folders of `bench train --benchmark`.
    benchmark : str, default "db1"
        A standard benchmark.
    output : path, optional
        A folder for tables, figures and `comparison.json`; nothing is written without it.
    name : str, optional
        What the row of the representations from elsewhere is called; by default what their
        attribute `model` says, else their files or folders.
    jobs : int, optional
        Processes that score; by default one a processor.
    figures : bool, default True
        Draw figures, where there is an output folder.
    formats : iterable of str, default ("png", "pdf")
        Of the figures.
    reference : (DataFrame, DataFrame), optional
        Compare with these in place of the shipped runs: scores and records, as
        `evaluation.statistics.shipped_runs.read_shipped` gives them.
    progress : callable, optional
        As `evaluation.evaluate_paths` takes it.

    Returns
    -------
    Comparison

    Raises
    ------
    ComparisonError
        If there is no representation, none of them compares, or the output folder holds something
        else or cannot be written, or if the shipped scores are damaged.
    ValueError
        For an unknown benchmark.
    """
    from .writing import check_output, write_comparison

    definition = load_benchmark(benchmark)
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    folder = None if output is None else check_output(Path(output))
    known = reference or _read_reference(benchmark)
    count = count_cores() if jobs is None else jobs
    with tempfile.TemporaryDirectory() as temporary:
        table = Path(temporary) / "scores.csv"
        scored = score_entries(given, definition, table.parent, name, count, progress)
        write_table(table, scored.table)
        mine = read_scores(table)
    mine = mine.drop(columns=[key for key in scored.other if key in mine])
    datasets = {entry.dataset for entry in scored.entries}
    shipped = choose_shipped(known, definition, datasets)
    records = read_own_records(scored.entries)
    entries = refuse_other_data(scored.entries, records, shipped)
    if all(entry.refusal for entry in entries):
        reasons = describe_refusals(entries)
        raise ComparisonError(f"nothing can be compared: {' '.join(reasons[:3])}")
    records = read_own_records(entries)
    datasets = {entry.dataset for entry in entries if not entry.refusal}
    shown = [entry for entry in entries if _is_shown(entry, datasets)]
    shipped = choose_shipped(known, definition, datasets)
    runs = join_runs(mine, shown, records, definition, shipped)
    comparison = _describe(runs, definition, dataclasses.replace(scored, entries=entries))
    if folder is None:
        return comparison
    return write_comparison(comparison, folder, tuple(formats) if figures else ())


def _read_reference(name):
    """The shipped runs of a benchmark, or None where no scores ship."""
    try:
        return read_shipped(name) if find_scores(name) else None
    except (RecordError, ScoresError) as error:
        raise ComparisonError(one_line(error)) from error


def _is_shown(entry, datasets):
    """Whether an entry has a row: compared, or refused beside others of its data set."""
    refused = not entry.trained_here and not entry.unreadable and entry.dataset in datasets
    return not entry.refusal or refused


def _describe(runs, benchmark, scored):
    """Everything that is said of the joined runs."""
    entries = _refuse_doubles(runs, scored.entries)
    mine = runs[runs["mine"]]
    own = dict(zip(mine["method"], mine["method_label"], strict=True))
    summary, biased = _summarise(runs, benchmark, set(own))
    places, chances = place_methods(summary.selected, set(own), HEADLINE)
    tables, latex = [], []
    for place in summary.strata:
        made = comparison_table(summary, *place)
        if made is None:
            continue
        ranking = ranking_table(summary, place[1], _kind(summary, place), place[0])
        placing = placing_table(summary, places, chances, *place)
        context = context_table(benchmark, place[0])
        if ranking is not None:
            title = ranking.title.replace("Ranking on", "Ranking of the shipped methods on", 1)
            ranking = dataclasses.replace(ranking, title=title)
        tables += [each for each in (made, placing, ranking, context) if each is not None]
        latex.append(rows_to_latex(made, set(own.values())))
    compared = [entry for entry in entries if not entry.refusal]
    lonely = runs.groupby("dataset", sort=False)["mine"].all()
    names = " and ".join(lonely.index[lonely])
    published = any(table.name.startswith("published") for table in tables)
    return Comparison(
        benchmark,
        entries,
        summary,
        own,
        places,
        chances,
        describe_places(summary, places, chances),
        [
            *([NO_SCORES.format(title=benchmark.title, names=names)] if names else []),
            *([CONTEXT] if published else []),
            *describe_training(compared, benchmark),
            *describe_seeds(summary, compared, set(own)),
            *describe_cells(summary, set(own), scored.other),
            *biased,
        ],
        describe_refusals(entries),
        tables,
        "\n".join(latex),
        scored.computed,
        scored.problems + describe_refusals([entry for entry in entries if entry.unreadable]),
    )


def _kind(summary, place):
    return summary.part("runs", *place)["dataset_kind"].iloc[0]


def _refuse_doubles(runs, entries):
    """Refuse the files whose seed another one of the same row has."""
    paths = {file_of(entry.path): one_line(entry.path, 120) for entry in entries}
    kept = {}
    refusals = {}
    for row in runs[runs["mine"]].to_dict("records"):
        key = tuple(row[name] for name in ("dataset", "method", "setting", "seed"))
        if row["status"] == "scored":
            kept[key] = paths[row["file"]]
        elif row["status"] == "duplicate":
            refusals[row["file"]] = (
                f"it is seed {row['seed']:.0f} of the row {row['method_label']}, as {kept[key]} "
                "is: remove one, or tell two methods apart by the attribute model"
            )
    return [
        dataclasses.replace(entry, refusal=refusals.get(file_of(entry.path), entry.refusal))
        for entry in entries
    ]


def _summarise(runs, benchmark, own):
    """Frames as `summarise` gives them, without what a comparison does not show."""
    known = set(metric_columns(runs))
    trained = [name for name in ("nll", "kl") if name in known]
    scores = tidy(runs, [*(name for name in benchmark.metrics if name in known), *trained])
    selected = select_settings(scores)
    # Best of a sweep on the same seeds looks better than it is.
    biased = selected["method"].isin(own) & selected["chosen"].str.endswith("(biased)")
    labels = dict.fromkeys(selected.loc[biased, "method_label"])
    notes = [
        f"{label}: several settings, of which the best cannot be chosen on half the seeds and "
        "reported on the other half, because no setting has two seeds: save more seeds of each, or "
        "compare one setting."
        for label in labels
    ]
    selected = selected[~biased]
    ranks = rank_methods(selected[selected["role"] != "external"])
    nothing = summarise(runs.iloc[:0], ())
    summary = dataclasses.replace(
        nothing,
        runs=runs,
        scores=scores,
        cells=compute_cells(scores),
        selected=selected,
        selected_cells=compute_selected_cells(selected),
        ranks=ranks,
        parts={},
    )
    return summary, notes
