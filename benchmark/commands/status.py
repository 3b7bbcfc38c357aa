"""`bench status`."""

import click

from .options import results_option


@click.command(short_help="Show how many runs are done, running, failed or interrupted.")
@results_option
@click.option("--runs", "each", is_flag=True, help="One line a run instead of a summary.")
def command(results, each):
    """Show the state of all runs below the results folder.

    \b
    Example:
      bench status --results results/
    """
    from ..reporting.overview import show_status

    show_status(results, each)
