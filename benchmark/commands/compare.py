"""`bench compare`."""

import sys
import warnings

import click

from .evaluate import Progress
from .options import benchmark_option

OUTPUT = "results/compare"


@click.command(short_help="Your representations beside a standard benchmark's scores.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@benchmark_option("whose shipped scores stand beside yours (default: db1)")
@click.option(
    "--output",
    type=click.Path(file_okay=False),
    default=OUTPUT,
    show_default=True,
    help="Folder for tables, figures and comparison.json.",
)
@click.option(
    "--name",
    metavar="TEXT",
    help="What your row is called.  [default: the attribute model of the files, else their names]",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes that score, of one thread each (default: one a processor).",
)
@click.option(
    "--figures/--no-figures", default=True, show_default=True, help="Draw figures (PNG and PDF)."
)
def command(paths, benchmark, **options):
    """Say where the representations below PATH... stand among the methods of a benchmark.

    PATH is a file that write_representation wrote, a folder of them, one for each seed, or a
    results folder of `bench train --benchmark db1 --model mine.py:Mine`. What is not scored yet is
    scored. Nothing is trained.

    \b
    Example:
      bench compare my-representations/
      bench compare pca.h5 --name PCA --output results/pca
    """
    sys.exit(compare(paths, benchmark=benchmark or "db1", **options))


def compare(paths, *, benchmark="db1", output=OUTPUT, name=None, jobs=None, figures=True):
    """Compare representations with a benchmark, and print where they stand.

    Parameters
    ----------
    paths : iterable of str or Path
    benchmark, output, name, jobs, figures
        As of `evaluation.comparison.compare`.

    Returns
    -------
    int
        Exit code: 0, or 1 if something that was named could not be read or scored.

    Raises
    ------
    BenchError
        If nothing can be compared, or the folder cannot be written.
    """
    from ...evaluation.comparison import ComparisonError
    from ...evaluation.comparison import compare as compare_paths
    from ...evaluation.cores import count_cores
    from ...evaluation.naming import one_line
    from ...evaluation.scoring.workers import WorkerError
    from ..errors import BenchError
    from ..reporting.comparison import print_comparison

    _check(benchmark, name)
    try:
        with warnings.catch_warnings(record=True) as warned, Progress() as progress:
            warnings.simplefilter("always")
            made = compare_paths(
                paths,
                benchmark,
                output,
                name=name,
                jobs=jobs or count_cores(),
                figures=figures,
                progress=progress.score,
            )
    except (ComparisonError, WorkerError) as error:
        raise BenchError(str(error)) from error
    print_comparison(made)
    for warning in warned:
        click.echo(f"Note: {one_line(warning.message)}", err=True)
    for problem in made.problems:
        click.echo(f"Error: {one_line(problem, 600)}", err=True)
    return 1 if made.problems else 0


def _check(benchmark, name):
    """Refuse an unknown benchmark, and a name that no row could have."""
    from ...evaluation.schema import SchemaError
    from ...evaluation.schema import name as check_name
    from ..errors import BenchError
    from ..protocol.standard import find_benchmark

    find_benchmark(benchmark)
    try:
        if name is not None:
            check_name(name, "--name")
    except SchemaError as error:
        raise BenchError(str(error), exit_code=2) from error
    if name is not None and not name.strip():
        raise BenchError("--name must be a text that is not empty", exit_code=2)
