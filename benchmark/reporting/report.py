"""What `bench report` does: statistics, tables, figures, pictures and the page."""

import contextlib
import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BenchError

# Run records read for versions and hashes; more of them say nothing new.
MOST_RECORDS = 1000


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
    summary: object = field(repr=False)
    tables: list = field(repr=False)
    figures: list = field(repr=False)
    skipped: list
    ignored: list
    seconds: dict


def report(results, output=None, **options):
    """Write a report and give the path of its page; see `make_report`."""
    return make_report(results, output, **options).page


def make_report(
    results,
    output=None,
    *,
    choose_by=None,
    fixed=None,
    pictures=True,
    figures="auto",
    formats=None,
    data_dir=None,
    progress=None,
):
    """Turn everything below a folder into tables, figures and a page.

    Parameters
    ----------
    results : path
        A results folder, or a `scores.csv`.
    output : path, optional
        Default: ``report`` below the results.
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
        Where there is nothing to report, or a choice names nothing that exists.
    """
    seconds = {}
    with _timed(seconds, "imports"):
        from ...evaluation.page.figures import draw_figures
        from ...evaluation.page.page import write_page
        from ...evaluation.statistics.cells import collect
        from ...evaluation.statistics.run_reading import ScoresError
        from ...evaluation.statistics.summary import summarise
        from ...evaluation.tables.rendering import write_tables
        from ...evaluation.tables.tables import all_tables

    results = Path(results)
    output = _output(results, output)
    try:
        with _timed(seconds, "reading"):
            runs = collect(results)
        _check_choice(runs, choose_by, fixed or {})
        with _timed(seconds, "statistics"):
            summary = summarise(runs, choose_by=choose_by, fixed=fixed)
    except ScoresError as error:
        raise BenchError(str(error)) from None
    try:
        with _timed(seconds, "tables"):
            tables = all_tables(summary)
            write_tables(tables, output / "tables")
        with _timed(seconds, "figures"):
            wanted = tuple(dict.fromkeys(("png", *formats))) if formats else None
            drawn = (
                []
                if figures == "none"
                else draw_figures(summary, output / "figures", wanted, figures, progress)
            )
        skipped = []
        if pictures:
            with _timed(seconds, "pictures"):
                skipped = _pictures(summary, output / "pictures", data_dir, progress)
        with _timed(seconds, "page"):
            page = write_page(
                output / "index.html",
                summary,
                tables,
                drawn,
                _reproduction(results, runs),
                output / "theory",
                output / "pictures",
            )
    except OSError as error:
        where = error.filename or output
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


def _output(results, output):
    if output is not None:
        return Path(output)
    return (results.parent if results.suffix == ".csv" else results) / "report"


def _check_choice(runs, choose_by, fixed):
    """Refuse names that nothing in the results has."""
    from ...evaluation.naming import unknown_name
    from ...evaluation.statistics.labels import METHODS
    from ...evaluation.statistics.run_table import metric_columns

    if choose_by is not None and choose_by not in metric_columns(runs):
        known = metric_columns(runs)
        raise BenchError(unknown_name("metric to choose by", choose_by, known), exit_code=2)
    for method, setting in fixed.items():
        known = list(dict.fromkeys(runs["method"]))
        if method not in known:
            names = known if method not in METHODS else [name for name in METHODS if name in known]
            raise BenchError(unknown_name("method", method, names), exit_code=2)
        settings = list(dict.fromkeys(runs.loc[runs["method"] == method, "setting"]))
        if setting not in settings:
            raise BenchError(unknown_name(f"setting of {method}", setting, settings), exit_code=2)


def _pictures(summary, folder, data_dir, progress):
    """Draw pictures where there is a checkpoint; torch is loaded only then."""
    runs = summary.runs
    folders = runs["folder"].dropna()
    if not any((Path(path) / "checkpoint.pt").exists() for path in folders):
        return []
    from .pictures import make_pictures

    return make_pictures(runs, folder, data_dir, progress)["skipped"]


def _reproduction(results, runs):
    """Commands, versions and hashes, read from the runs' records."""
    from ..runs import provenance

    records = _records(runs)
    facts = {}

    def add(name, text):
        facts.setdefault(name, {})[text] = True

    for record in records:
        commit = str(record.get("git_commit") or "")
        if commit:
            dirty = " with uncommitted changes" if record.get("git_dirty") else ""
            add("Code that trained", commit[:12] + dirty)
        versions = record.get("versions") or {}
        if versions:
            add("Trained with", ", ".join(f"{k} {v}" for k, v in versions.items() if v))
        where = ", ".join(str(record[k]) for k in ("device", "processor") if record.get(k))
        if where:
            add("Trained on", where)
        data = (record.get("dataset") or {}).get("name")
        if data and record.get("config_sha256"):
            add("_configurations", record["config_sha256"])
    configurations = facts.pop("_configurations", {})
    for text in dict.fromkeys(runs["dataset_identity"].dropna()):
        add("Data", text)
    table = results if results.is_file() else results / "scores.csv"
    if table.is_file():
        add("Scores", f"{table.name}, sha256 {hashlib.sha256(table.read_bytes()).hexdigest()}")
    if configurations:
        joined = hashlib.sha256("".join(sorted(configurations)).encode()).hexdigest()
        add(
            "Configurations",
            f"{len(configurations)} distinct; sha256 of their sorted sha256: {joined}",
        )
    here = provenance.collect()
    add("Reported with", ", ".join(f"{k} {v}" for k, v in here["versions"].items()))
    if here["git_commit"]:
        dirty = " with uncommitted changes" if here["git_dirty"] else ""
        add("Code that reported", here["git_commit"][:12] + dirty)
    commands = list(dict.fromkeys(runs["command"].dropna().astype(str)))
    notes = []
    if len(records) == MOST_RECORDS:
        notes.append(f"Versions and hashes of training are those of {MOST_RECORDS:,} of the runs.")
    more = len(commands) - 20
    if more > 0:
        notes.append(f"{more} more commands are in the runs' run.json.")
    return {
        "commands": list(dict.fromkeys([*commands[:20], provenance.command_line()])),
        "facts": [(name, "; ".join(list(texts)[:8])) for name, texts in facts.items()],
        "notes": notes,
    }


def _records(runs):
    """Records of at most `MOST_RECORDS` runs, evenly picked."""
    from ...evaluation.files import RecordError
    from ...evaluation.scoring.run_records import read_run

    folders = [Path(path) for path in runs.loc[runs["run_status"].notna(), "folder"]]
    step = max(1, -(-len(folders) // MOST_RECORDS))
    found = []
    for folder in folders[::step]:
        try:
            found.append(read_run(folder))
        except (FileNotFoundError, RecordError):
            continue
    return found


def show(made):
    """Print what was written and how long each part took."""
    import click

    from ...evaluation.naming import one_line

    parts = ", ".join(f"{name} {taken:.1f} s" for name, taken in made.seconds.items())
    click.echo(f"Took {sum(made.seconds.values()):.1f} s: {parts}.", err=True)
    for text in made.ignored[:5]:
        click.echo(f"Left out: {one_line(text)}", err=True)
    if len(made.ignored) > 5:
        click.echo(f"… and {len(made.ignored) - 5} more", err=True)
    for text in made.skipped[:5]:
        click.echo(f"No pictures of {one_line(text)}", err=True)
    if len(made.skipped) > 5:
        click.echo(f"… nor of {len(made.skipped) - 5} more", err=True)
    gaps = len(made.summary.gaps)
    if gaps:
        click.echo(f"{gaps} runs failed, are missing or have no scores: see the page.", err=True)
    if any(figure.name.startswith("curves-") for figure in made.figures):
        click.echo("Main figures only; --figures all draws every one.", err=True)
    click.echo(f"{len(made.tables)} tables, {len(made.figures)} figures.")
    click.echo(f"Report: {made.page} ({made.size / 1e6:.1f} MB)")
