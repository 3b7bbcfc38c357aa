"""`bench evaluate`."""

import contextlib
import sys
import time
import warnings

import click

from ..console import Meter
from .options import Shard, benchmark_option, split_names

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
@benchmark_option("its metrics, and a note on every file that does not compare with it")
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
      bench evaluate codes.npz --benchmark db1
    """
    if shard and table:
        raise click.UsageError(
            "--shard writes no table: leave --output to the last call, without --shard"
        )
    sys.exit(evaluate(paths, shard=shard, table=table, **options))


def evaluate(paths, *, metrics=(), benchmark=None, jobs=None, shard=None, **options):
    """Score representations, showing progress, a table and what could not be scored.

    Parameters
    ----------
    paths : iterable of str or Path
    metrics : iterable of str, optional
    benchmark : str, optional
        A standard benchmark, in place of metrics.
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
        For an unknown metric or benchmark, options that contradict the benchmark, or a table that
        cannot be written.
    """
    from ...evaluation.cores import count_cores
    from ...evaluation.metrics import MetricError
    from ...evaluation.naming import one_line
    from ...evaluation.scoring.batch import evaluate_paths
    from ...evaluation.scoring.workers import WorkerError
    from ..errors import BenchError
    from ..reporting.scores import show_scores, tell_undefined
    from ..reporting.standard import choose_metrics, tell_disagreements

    if benchmark is not None:
        metrics = choose_metrics(benchmark, metrics, **options)
    try:
        with warnings.catch_warnings(record=True) as warned, Progress() as progress:
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
        click.echo(show_scores(report.rows, tuple(metrics) or None))
    if shard and report.found:
        click.echo(_tell_shard(report, shard, options.get("force")))
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
    if undefined := tell_undefined(report, tuple(metrics) or None):
        click.echo(undefined, err=True)
    if benchmark is not None:
        tell_disagreements(benchmark, report)
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


def _tell_shard(report, shard, force):
    """What a shard did, and what it leaves to the call that comes after all of them."""
    index, count = shard
    without = "--shard and --force" if force else "--shard"
    return (
        f"Shard {index}/{count}: {len(report.rows)} of {report.found} representations. "
        f"Scores computed: {report.computed}, kept: {report.kept}. When all {count} shards are "
        f"done, run the same command without {without}: it compares seeds and writes the table."
    )


class Progress:
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
                self._show = lambda done, total, outcome: total and meter(done, total)
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
