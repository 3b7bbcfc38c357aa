"""What `bench pack` and `bench verify` have in common: options, and one call with its messages."""

import functools
import warnings

import click

from .evaluate import Progress
from .options import complete_names

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes of one thread each (default: one a processor).",
)


def _list_benchmarks():
    from ...evaluation.reference.benchmarks import BENCHMARKS

    return BENCHMARKS


def _check_benchmark(context, parameter, name):
    if name is not None and name not in _list_benchmarks():
        from ...evaluation.naming import unknown_name

        raise click.BadParameter(unknown_name("benchmark", name, _list_benchmarks()))
    return name


benchmark_option = functools.partial(
    click.option,
    "--benchmark",
    metavar="NAME",
    callback=_check_benchmark,
    shell_complete=complete_names(_list_benchmarks),
    help="The standard benchmark.",
)


def run_contribution(done, name, jobs, *arguments, **options):
    """Call a function of `evaluation.contributions`, showing how far scoring is.

    Parameters
    ----------
    done : str
        What is to be done, as "packed".
    name : str
        Of the function.
    jobs : int or None
    *arguments, **options
        Its own.

    Returns
    -------
    object
        What it returns.

    Raises
    ------
    SystemExit
        With code 1, after all problems were printed.
    BenchError
        If a file cannot be written, or no process started.
    """
    from ...evaluation import contributions
    from ...evaluation.naming import one_line
    from ...evaluation.scoring.workers import WorkerError
    from ..datasets.catalogue import BUILT_IN
    from ..errors import BenchError
    from ..workers.devices import count_cores

    grids = {entry.name: entry.factor_sizes for entry in BUILT_IN.values()}
    try:
        with warnings.catch_warnings(record=True), Progress() as progress:
            warnings.simplefilter("always")
            return getattr(contributions, name)(
                *arguments,
                grids=grids,
                jobs=jobs or count_cores(),
                progress=progress.score,
                **options,
            )
    except contributions.ContributionError as error:
        click.echo(f"Error: not {done}, for these reasons ({len(error.problems)}):", err=True)
        for problem in error.problems:
            click.echo(f"  {one_line(problem, 1000)}", err=True)
        raise SystemExit(1) from None
    except WorkerError as error:
        raise BenchError(str(error)) from error
    except OSError as error:
        place = one_line(error.filename or "a file")
        raise BenchError(f"cannot write {place}: {error.strerror or one_line(error)}") from error
