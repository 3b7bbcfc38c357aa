"""`bench status`."""

import click

from .options import results_option


@click.command(short_help="Show how many runs are done, running, failed or interrupted.")
@click.argument("folder", required=False, type=click.Path(file_okay=False))
@results_option
@click.option("--runs", "each", is_flag=True, help="One line for each run instead of a summary.")
def command(folder, results, each):
    """Show the state of all runs below the results FOLDER.

    A finished run whose representation is missing or damaged counts as interrupted: the next
    bench train writes it again.

    \b
    Example:
      bench status results/
    """
    from ..reporting.overview import show_status

    show_status(folder or results, each)
