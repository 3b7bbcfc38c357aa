"""`bench verify`."""

import sys

import click

from ..console import print_table, table
from .contributing import jobs_option, run_contribution
from .options import benchmark_option

SHOWN_FAILURES = 40


@click.command(short_help="Score a packed row again and compare.")
@click.argument("archive", type=click.Path(dir_okay=False))
@benchmark_option("what the archive must be for (default: what it names)")
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    help="Write the scores that were found as a table, FILE.csv as `bench evaluate` writes it, and "
    "the rows as they are shown, FILE.md.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    help="Longest time for one score, in seconds.",
)
@jobs_option
def command(archive, benchmark, output, time_limit, jobs):
    """Score the representations in ARCHIVE again and say whether the stated scores hold.

    A score holds if the one that is found differs by no more than the tolerance of its metric. The
    archive is taken for hostile: it is judged before it is read, extracted to a temporary folder
    that is removed, and read and scored in processes of their own.

    Exit code: 0 if all scores hold, 1 if one does not or the archive cannot be used.

    \b
    Example:
      bench verify mine.zip
      bench verify mine.zip --output rows.csv
    """
    verification = run_contribution(
        "verified",
        "verify",
        jobs,
        archive,
        benchmark=benchmark,
        output=output,
        time_limit=time_limit,
    )
    print_table(tabulate_comparisons(verification))
    failures = [each for each in verification.comparisons if not each.holds]
    if failures:
        print_table(tabulate_failures(failures[:SHOWN_FAILURES]))
    for row in verification.rows:
        click.echo(row.describe())
    click.echo(tell_outcome(verification, len(failures)))
    if output is not None:
        click.echo(f"Scores that were found: {output}")
    sys.exit(0 if verification.holds else 1)


def tabulate_comparisons(verification):
    """One line for each key: the representation in which the two scores lie farthest apart.

    Parameters
    ----------
    verification : Verification

    Returns
    -------
    rich.table.Table
    """
    shown = table(
        "Stated and found scores; of each key the representation in which they differ most",
        "key", "stated", "found", "difference", "tolerance", "hold", "representation",
    )  # fmt: skip
    by_key = {}
    for comparison in verification.comparisons:
        by_key.setdefault(comparison.key, []).append(comparison)
    for key, comparisons in by_key.items():
        worst = max(comparisons, key=lambda each: (not each.holds, each.difference))
        holding = sum(each.holds for each in comparisons)
        verdict = "all" if holding == len(comparisons) else f"{holding} of {len(comparisons)}"
        shown.add_row(key, *_write(worst), verdict, _shorten(worst.member))
    return shown


def tabulate_failures(comparisons):
    """Scores that do not hold, one line each.

    Parameters
    ----------
    comparisons : list of Comparison

    Returns
    -------
    rich.table.Table
    """
    shown = table(
        "Scores that do not hold",
        "representation", "key", "stated", "found", "difference", "tolerance",
    )  # fmt: skip
    for each in comparisons:
        shown.add_row(_shorten(each.member), each.key, *_write(each))
    return shown


def tell_outcome(verification, failures):
    """One sentence on the whole.

    Parameters
    ----------
    verification : Verification
    failures : int

    Returns
    -------
    str
    """
    comparisons, title = verification.comparisons, verification.benchmark.title
    files = len({each.member for each in comparisons})
    undefined = sum(each.stated is each.found is None for each in comparisons)
    aside = f" ({undefined} of them are undefined in both)" if undefined else ""
    end = (
        f"{failures} of {len(comparisons)} scores do not hold"
        if failures
        else f"all {len(comparisons)} scores hold within their tolerances{aside}"
    )
    return (
        f"{title}: {files} representations were scored again, and {end}. "
        f"SHA-256 of the archive: {verification.sha256}"
    )


def _write(comparison):
    numbers = (comparison.stated, comparison.found)
    stated, found = ("undefined" if value is None else f"{value:.6f}" for value in numbers)
    return stated, found, f"{comparison.difference:.2g}", f"{comparison.tolerance:.2g}"


def _shorten(member):
    return member.removeprefix("representations/").removesuffix(".npz")
