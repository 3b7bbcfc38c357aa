"""What `bench pack` and `bench verify` have in common: options, and one call with its messages."""

import warnings

import click

from .evaluate import Progress

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes of one thread each (default: one a processor).",
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
        For an unknown benchmark or one that this version cannot score, if a file cannot be written,
        or if no process can be started.
    """
    from ...evaluation import contributions
    from ...evaluation.cores import count_cores
    from ...evaluation.metrics import MetricError
    from ...evaluation.naming import one_line
    from ...evaluation.scoring.workers import WorkerError
    from ..errors import BenchError
    from ..protocol.standard import find_benchmark

    if options.get("benchmark") is not None:
        find_benchmark(options["benchmark"])
    try:
        with warnings.catch_warnings(record=True), Progress() as progress:
            warnings.simplefilter("always")
            return getattr(contributions, name)(
                *arguments,
                jobs=jobs or count_cores(),
                progress=progress.score,
                **options,
            )
    except contributions.ContributionError as error:
        click.echo(f"Error: not {done}, for these reasons ({len(error.problems)}):", err=True)
        for problem in error.problems:
            click.echo(f"  {one_line(problem, 1000)}", err=True)
        raise SystemExit(1) from None
    except (WorkerError, MetricError) as error:
        raise BenchError(one_line(error)) from error
    except OSError as error:
        place = one_line(error.filename or "a file")
        raise BenchError(f"cannot write {place}: {error.strerror or one_line(error)}") from error
