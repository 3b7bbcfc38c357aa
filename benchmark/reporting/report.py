"""What `bench report` does: statistics, tables, figures, pictures and the page."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...evaluation.naming import one_line, unknown_name
from ..console import echo_first
from ..errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    from ...evaluation.page.figures import SavedFigure
    from ...evaluation.statistics.summary import Summary
    from ...evaluation.tables.table import Table

EXTENTS = ("auto", "all", "main", "none")
KINDS = ("png", "pdf", "svg")
# By which a page of a report is known, and the bytes within which it stands.
_TITLE = b"<title>Disentanglement benchmark report</title>"
_HEAD = 2**16


@dataclass(frozen=True, eq=False)
class Report:
    """What `make_report` made.

    Attributes
    ----------
    page : Path
    size : int
        Of the page, in bytes.
    summary : evaluation.statistics.summary.Summary
    tables : list of evaluation.tables.table.Table
    figures : list of evaluation.page.figures.SavedFigure
    skipped : list of str
        Why pictures are missing.
    ignored : list of str
        What `theory.json` and `pictures.json` hold that is not what it should be, a line each.
    seconds : dict of str to float
        How long each part took.
    """

    page: Path
    size: int
    summary: Summary = field(repr=False)
    tables: list[Table] = field(repr=False)
    figures: list[SavedFigure] = field(repr=False)
    skipped: list[str]
    ignored: list[str]
    seconds: dict[str, float]


def report(
    results: str | PathLike[str], output: str | PathLike[str] | None = None, **options: Any
) -> Path:
    """Turn everything below a folder into tables, figures and a page.

    Parameters
    ----------
    results : path
        A results folder, or a `scores.csv`.
    output : path, optional
        Default: ``report`` below the results.
    **options
        `choose_by`, `fixed`, `pictures`, `figures`, `formats`, `data_dir` and `progress`, as in
        `make_report`, which also gives the statistics, tables and figures.

    Returns
    -------
    Path
        Of the page, index.html; tables, figures and pictures lie in folders beside it.

    Raises
    ------
    BenchError
        Where there is nothing to report, an option names nothing that exists, or the folder cannot
        be written or holds somebody else's page.
    """
    return make_report(results, output, **options).page


def make_report(
    results: str | PathLike[str] | None = None,
    output: str | PathLike[str] | None = None,
    *,
    benchmark: str | None = None,
    confirmation: bool = False,
    choose_by: str | None = None,
    fixed: dict[str, str] | None = None,
    pictures: bool = True,
    figures: str = "auto",
    formats: Sequence[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Turn everything below a folder into tables, figures and a page.

    Parameters
    ----------
    results : path, optional
        A results folder, or a `scores.csv`.
    output : path, optional
        Default: ``report`` below the results.
    benchmark : str, optional
        A standard benchmark whose shipped scores are reported, in place of results.
    confirmation : bool, default False
        Of the benchmark, the confirmation seeds in place of those that make its table.
    choose_by : str, optional
        The metric by which settings are chosen; each by itself by default.
    fixed : dict of str to str, optional
        Method to setting, where nothing is to be chosen.
    pictures : bool, default True
        Draw reconstructions and traversals from checkpoints.
    figures : str, default "auto"
        ``all``, ``main``, ``none`` or ``auto``, see `evaluation.page.figures.draw_figures`.
    formats : sequence of str, optional
        Of the figures, of png, pdf and svg; png is always among them, because the page needs it.
        Default: png and pdf, but png alone where only the main figures are drawn.
    data_dir : path, optional
        Of the data sets, for pictures.
    progress : callable, optional
        ``progress(text)``.

    Returns
    -------
    Report

    Raises
    ------
    BenchError
        As `report`.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "imports"):
        from ...evaluation.page.figures import draw_figures, draw_headlines
        from ...evaluation.page.page import write_page
        from ...evaluation.statistics.cells import collect
        from ...evaluation.statistics.run_reading import ScoresError
        from ...evaluation.statistics.shipped_runs import collect_shipped
        from ...evaluation.statistics.summary import summarise
        from ...evaluation.tables.rendering import write_tables
        from ...evaluation.tables.tables import all_tables
        from .reproduction import describe_reproduction, describe_shipped

    for name, value in (("figures", figures), *(("formats", kind) for kind in formats or ())):
        known = EXTENTS if name == "figures" else KINDS
        if value not in known:
            raise BenchError(unknown_name(f"value of {name}", str(value), known), exit_code=2)
    source = _choose_source(results, benchmark)
    folder = _choose_output(source, output)
    _check_page(folder / "index.html")
    try:
        with _timed(seconds, "reading"):
            if isinstance(source, Path):
                runs = collect(source)
            else:
                runs = collect_shipped(source.name, confirmation)
        _check_choice(runs, choose_by, fixed or {})
        with _timed(seconds, "statistics"):
            summary = summarise(runs, choose_by=choose_by, fixed=fixed)
    except ScoresError as error:
        raise BenchError(str(error)) from None
    try:
        with _timed(seconds, "tables"):
            tables = all_tables(summary)
            write_tables(tables, folder / "tables")
        with _timed(seconds, "figures"):
            wanted = tuple(dict.fromkeys(("png", *formats))) if formats else None
            drawn = (
                []
                if figures == "none"
                else draw_figures(summary, folder / "figures", wanted, figures, progress)
            )
            if figures != "none" and not isinstance(source, Path):
                draw_headlines(summary, folder / "figures")
        skipped = []
        if pictures:
            with _timed(seconds, "pictures"):
                skipped = _draw_pictures(summary, folder / "pictures", data_dir, progress)
        with _timed(seconds, "page"):
            page = write_page(
                folder / "index.html",
                summary,
                tables,
                drawn,
                (
                    describe_reproduction(source, runs)
                    if isinstance(source, Path)
                    else describe_shipped(source.name, confirmation)
                ),
                folder / "theory",
                folder / "pictures",
            )
    except OSError as error:
        where = error.filename or folder
        raise BenchError(
            f"cannot write {where}: {error.strerror or error}; choose another folder with --output"
        ) from error
    return Report(
        page.path, page.size, summary, tables, drawn, skipped, list(page.ignored), seconds
    )


@contextlib.contextmanager
def _timed(seconds, name):
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began


def _choose_source(results, benchmark):
    """A folder or a table of results, or a standard benchmark."""
    from ..protocol.standard import find_benchmark

    if (results is None) == (benchmark is None):
        raise BenchError("report either results or the scores of a benchmark", exit_code=2)
    return Path(results) if benchmark is None else find_benchmark(benchmark)


def _choose_output(source, output):
    if output is not None:
        return Path(output)
    if not isinstance(source, Path):
        raise BenchError("a report of a benchmark needs an output folder", exit_code=2)
    return (source.parent if source.suffix == ".csv" else source) / "report"


def _check_page(path):
    """Refuse to write over a page that is none of ours."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        head = file.read(_HEAD)
        if head and _TITLE not in head:
            raise BenchError(
                f"{one_line(path)} is no page of bench report, and would be overwritten: choose "
                "another folder with --output"
            )


def _check_choice(runs, choose_by, fixed):
    """Refuse names that nothing in the results has."""
    from ...evaluation.statistics.run_table import metric_columns

    if choose_by is not None and choose_by not in metric_columns(runs):
        known = metric_columns(runs)
        raise BenchError(unknown_name("metric to choose by", choose_by, known), exit_code=2)
    for method, setting in fixed.items():
        known = list(dict.fromkeys(runs["method"]))
        if method not in known:
            raise BenchError(unknown_name("method", method, known), exit_code=2)
        settings = list(dict.fromkeys(runs.loc[runs["method"] == method, "setting"]))
        if setting not in settings:
            raise BenchError(unknown_name(f"setting of {method}", setting, settings), exit_code=2)


def _draw_pictures(summary, folder, data_dir, progress):
    """Draw pictures where there is a checkpoint; torch is loaded only then."""
    runs = summary.runs
    folders = runs["folder"].dropna()
    if not any((Path(path) / "checkpoint.pt").exists() for path in folders):
        return []
    from .pictures import make_pictures

    return make_pictures(runs, folder, data_dir, progress)["skipped"]


def print_report(made):
    """Print what was written and how long each part took."""
    import click

    parts = ", ".join(f"{name} {taken:.1f} s" for name, taken in made.seconds.items())
    click.echo(f"Took {sum(made.seconds.values()):.1f} s: {parts}.", err=True)
    echo_first([f"Left out: {one_line(text)}" for text in made.ignored], 5, "… and {} more")
    skipped = [f"No pictures of {one_line(text)}" for text in made.skipped]
    echo_first(skipped, 5, "… nor of {} more")
    gaps = len(made.summary.gaps)
    if gaps:
        click.echo(f"{gaps} runs failed, are missing or have no scores: see the page.", err=True)
    drawn = [figure.name for figure in made.figures]
    if drawn and not any(name.startswith("curve-") for name in drawn):
        click.echo("Main figures only; --figures all draws every one.", err=True)
    click.echo(f"{len(made.tables)} tables, {len(made.figures)} figures.")
    click.echo(f"Report: {made.page} ({made.size / 1e6:.1f} MB)")
