"""What `bench compare` prints."""

import click

from ...evaluation.naming import one_line
from ...evaluation.tables.notes import ILLUSTRATIVE
from ...evaluation.tables.parts import method_of
from ..console import echo_first, print_table, table

# Lines of what is not compared that are shown.
SHOWN = 10
# Longer names of rows are folded.
WIDEST_NAME = 24


def print_comparison(made):
    """Print tables, sentences, the rows for LaTeX and what could not be compared.

    Parameters
    ----------
    made : evaluation.comparison.Comparison
    """
    compared = [entry for entry in made.entries if not entry.refusal]
    click.echo(
        f"Compared {len(compared)} of {len(made.entries)} representations with "
        f"{made.benchmark.title} {made.benchmark.version}; scores computed: {made.computed}."
    )
    labels = set(made.rows.values())
    for each in made.tables:
        click.echo()
        _print_table(each, labels)
    click.echo("\nWhere it stands:" if made.sentences else "")
    for text in made.sentences:
        click.echo(f"  {one_line(text, 1000)}")
    for text in made.notes:
        click.echo(f"  Note: {one_line(text, 1000)}")
    if made.refusals:
        click.echo("\nNot compared:", err=True)
        lines = [f"  {one_line(text, 600)}" for text in made.refusals]
        echo_first(lines, SHOWN, "  … and {} more; see comparison.json")
    click.echo("\nFor a LaTeX table (booktabs):")
    click.echo(made.latex)
    click.echo(f"Tables, figures and comparison.json: {made.output}")


def _print_table(each, labels):
    """A table in the form that fits a terminal, the compared rows in bold."""
    shown = each.compact or each
    drawn = table(one_line(each.title), *map(one_line, shown.columns))
    # A name is not broken as long as there is room for the numbers.
    drawn.columns[0].no_wrap = max(len(row[0]) for row in shown.rows) <= WIDEST_NAME
    for row in shown.rows:
        drawn.add_row(*row, style="bold" if method_of(row) in labels else None)
    print_table(drawn)
    if any(cell.rstrip().endswith("*") or "* of" in cell for row in shown.rows for cell in row):
        click.echo(ILLUSTRATIVE)
