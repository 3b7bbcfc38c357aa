"""`bench evaluate`."""

import contextlib
import sys
import time
import warnings

import click

from ..console import Meter
from .options import Shard, split_names

SHOWN_ROWS = 40
SHOWN_COLUMNS = 10
SILENT_SECONDS = 1.0


@click.command(short_help="Score saved representations.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--metrics",
    multiple=True,
    callback=split_names,
    help="Names with commas, module:name or path/to/file.py:name; `all` for every one (default: "
    "those that `bench list metrics` marks).",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes of one thread each (default: one a processor).",
)
@click.option(
    "--shard",
    type=Shard(),
    help="Score part i of n of the representations, i from 0; e.g. 0/4. The last call, without "
    "--shard, compares seeds and writes the table.",
)
@click.option("--force", is_flag=True, help="Compute also scores that are up to date.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="For ties in trees, draws from posteriors and noise levels.",
)
@click.option(
    "--bin-factors",
    type=click.IntRange(min=2),
    metavar="N",
    help="Put each continuous factor into N bins of equal counts, for metrics that need classes.",
)
@click.option(
    "--without-factors",
    multiple=True,
    metavar="NAME,...",
    callback=split_names,
    help="Factors to leave out, of whichever representations have them.",
)
@click.option(
    "--output",
    "table",
    type=click.Path(dir_okay=False),
    help="Table of all scores (default: scores.csv in the first PATH); not with --shard.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=1),
    default=3600.0,
    show_default=True,
    help="Longest time for one score, in seconds.",
)
@click.option(
    "--memory-limit",
    type=click.FloatRange(min=64),
    help="MiB that scoring one file may take beyond the program itself (default: 768 and 32 times "
    "the size of the file; Linux only).",
)
def command(paths, shard, table, **options):
    """Score every representation below PATH..., run folders and files of your own alike.

    Then the seeds of each setting are compared, where their files hold codes of the same images.

    Missing and outdated scores are computed; each is written beside its representation the moment
    it is known, so an interrupted call goes on where it was. Files are read and scored in worker
    processes: one that breaks its worker, or takes too long, fails alone.

    Several machines with a common folder make the same call at once and share the work, or divide
    it by --shard.

    \b
    Example:
      bench evaluate results/
      bench evaluate codes.npz --metrics mig,dci
      bench evaluate angles.h5 --metrics all --bin-factors 10
      bench evaluate results/ --shard 0/4
    """
    if shard and table:
        raise click.UsageError(
            "--shard writes no table: leave --output to the last call, without --shard"
        )
    sys.exit(evaluate(paths, shard=shard, table=table, **options))


def evaluate(paths, *, metrics=(), jobs=None, shard=None, **options):
    """Score representations, showing progress, a table and what could not be scored.

    Parameters
    ----------
    paths : iterable of str or Path
    metrics : iterable of str, optional
    jobs : int, optional
    shard : (int, int), optional
    **options
        As of `evaluation.evaluate_paths`.

    Returns
    -------
    int
        Exit code: 0, or 1 if anything could not be scored or nothing was found.

    Raises
    ------
    BenchError
        For an unknown metric, or a table that cannot be written.
    """
    from ...evaluation.metrics import MetricError
    from ...evaluation.naming import one_line
    from ...evaluation.scoring.batch import evaluate_paths
    from ...evaluation.scoring.workers import WorkerError
    from ..errors import BenchError
    from ..workers.devices import count_cores

    try:
        with warnings.catch_warnings(record=True) as warned, _Progress() as progress:
            warnings.simplefilter("always")
            report = evaluate_paths(
                paths,
                metrics=tuple(metrics) or None,
                jobs=jobs or count_cores(),
                shard=shard,
                progress=progress.score,
                reading=progress.read,
                **options,
            )
    except MetricError as error:
        raise BenchError(one_line(error), exit_code=2) from error
    except WorkerError as error:
        raise BenchError(str(error)) from error
    except OSError as error:
        raise BenchError(
            f"cannot write {one_line(error.filename)}: {error.strerror or one_line(error)}; "
            "the scores are kept beside their files"
        ) from error
    if report.rows:
        click.echo(_table(report.rows, _headline_keys(tuple(metrics) or None)))
    if shard and report.found:
        click.echo(_tell_shard(report, shard))
    elif report.rows:
        click.echo(
            f"Representations: {len(report.rows)}. Scores computed: {report.computed}, "
            f"kept: {report.kept}. All scores: {report.table}"
        )
    elif not report.problems:
        click.echo(
            f"Error: no representation (.h5, .hdf5, .npz) below {', '.join(map(str, paths))}",
            err=True,
        )
        return 1
    if undefined := _tell_undefined(report, tuple(metrics) or None):
        click.echo(undefined, err=True)
    for warning in warned:
        click.echo(f"Note: {one_line(warning.message)}", err=True)
    for _, problem in report.repaired:
        click.echo(f"Note: computed again: {one_line(problem)}", err=True)
    if report.problems:
        click.echo(f"Error: could not be scored ({len(report.problems)}):", err=True)
        for _, problem in report.problems:
            click.echo(f"  {one_line(problem)}", err=True)
        return 1
    return 0


def _tell_shard(report, shard):
    """What a shard did, and what it leaves to the call that comes after all of them."""
    index, count = shard
    return (
        f"Shard {index}/{count}: {len(report.rows)} of {report.found} representations. "
        f"Scores computed: {report.computed}, kept: {report.kept}. When all {count} shards are "
        "done, run the same command without --shard: it compares seeds and writes the table."
    )


class _Progress:
    """Shows how far scoring is: bars on a terminal, plain lines on standard error elsewhere.

    Reading what is stored is shown only when it takes some time.
    """

    def __init__(self):
        self._stack = contextlib.ExitStack()
        self.read = self._stack.enter_context(Meter("reading scores", patience=SILENT_SECONDS))
        self._show = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def score(self, done, total, outcome):
        """Show that so many representations are scored, or settings compared."""
        if outcome is None:  # reading has ended
            self._stack.close()
            if sys.stderr.isatty():
                meter = self._stack.enter_context(Meter("scoring"))
                self._show = lambda done, total, outcome: meter(done, total)
            else:
                self._show = _Lines()
        self._show(done, total, outcome)


class _Lines:
    """Plain progress lines on standard error."""

    def __init__(self):
        self._began = time.monotonic()

    def __call__(self, done, total, outcome):
        if outcome is None:
            if total:
                click.echo(f"Representations to score: {total}", err=True)
            return
        if done == 1:
            self._began = time.monotonic() - outcome.seconds
        passed = time.monotonic() - self._began
        left = passed / done * (total - done)
        from ...evaluation.naming import one_line

        said = "; ".join(outcome.problems) or f"{outcome.path}: {outcome.computed} scores"
        rest = f", about {left:.0f} s left" if done < total else ""
        click.echo(f"[{done}/{total}] {one_line(said)} ({outcome.seconds:.1f} s{rest})", err=True)


def _headline_keys(names):
    """The first key of each metric asked for, and of its sampled twin."""
    from ...evaluation.metrics import choose_metrics, default_metrics

    chosen = choose_metrics(default_metrics() if names is None else names)
    return [each.keys[0].name for metric in chosen for each in (metric, *metric.twins)]


def _tell_undefined(report, names):
    """Which of the metrics asked for have no value somewhere, and where it says why, or None.

    A comparison of seeds that nobody asked for is left out: one seed alone is no surprise.
    """
    from ...evaluation.metrics import choose_metrics, default_metrics
    from ...evaluation.naming import one_line

    chosen = choose_metrics(default_metrics() if names is None else names)
    chosen = [metric for metric in chosen if names is not None or not metric.grouped]
    rows_of = {
        metric.name: [row for row in report.rows if row.get(f"{metric.name}_status") == "undefined"]
        for own in chosen
        for metric in (own, *own.twins)
    }
    counts = [f"{name} ({len(rows)})" for name, rows in rows_of.items() if rows]
    if not counts:
        return None
    line = f"Note: undefined, at least in parts, for so many representations: {', '.join(counts)}."
    # A file of scores that others wrote may leave its reasons out.
    told = next((row for rows in rows_of.values() for row in rows if row["reasons"]), None)
    if told is None:
        return line
    where = f"The column reasons of {report.table} says why, for" if report.table else "For"
    return (
        f"{line} {where} example "
        f"{one_line(told['path'])}: {one_line(_shorten_keys(told['reasons']), 300)}"
    )


def _shorten_keys(reasons):
    """The reasons of a row; of the keys that share the first one, the first alone."""
    keys, _, rest = reasons.partition(": ")
    return f"{keys.split(', ')[0]}: {rest}"


def _table(rows, keys):
    """The headline key of every metric, one line for each representation.

    Of many representations by many metrics, the first metrics alone.
    """
    from tabulate import tabulate

    from ...evaluation.naming import one_line

    keys = [key for key in keys if any(row.get(key) is not None for row in rows)]
    blocks = [keys[start : start + SHOWN_COLUMNS] for start in range(0, len(keys), SHOWN_COLUMNS)]
    shown = rows[:SHOWN_ROWS]
    if len(shown) * len(blocks) > SHOWN_ROWS:
        blocks = blocks[:1]
    text = "\n\n".join(
        tabulate(
            [
                [one_line(row["path"].removesuffix("/representation.h5"))]
                + ["-" if row.get(key) is None else f"{row[key]:.3f}" for key in block]
                for row in shown
            ],
            ["representation", *(key.replace("_", "\n") for key in block)],
            disable_numparse=True,
            colalign=["left", *["right"] * len(block)],
        )
        for block in blocks or [[]]
    )
    left_out = {
        "Representations": len(rows) - len(shown),
        "Scores of each": len(keys) - sum(map(len, blocks)),
    }
    more = " ".join(f"{what} not shown: {count}." for what, count in left_out.items() if count)
    return f"{text}\n{more}" if more else text
