"""What `bench theory` prints: the table, the largest deviations and the paths."""

import click

from ..console import console, table
from .cells import COLUMNS

# The CSV has all columns.
SHOWN = (
    "beta",
    "lambda",
    "active",
    "information",
    "fixed_point_information",
    "nll",
    "fixed_point_nll",
    "fixed_point_deviation",
    "fixed_point_converged",
    "matched_information",
    "sap",
)
SHOWN_ADAMW = ("adamw_information", "adamw_nll", "adamw_deviation", "adamw_excess")


def print_theory(theory):
    """Print the table, the largest deviations and the paths.

    Parameters
    ----------
    theory : benchmark.theory.solve.Theory
    """
    data = theory.data
    keys = SHOWN + (SHOWN_ADAMW if data["settings"]["adamw"] else ())
    for problem in data["problems"]:
        title = (
            f"{problem['name']}: n = {problem['n']}, {problem['factors']} factors, "
            f"{problem['latents']} latents, H(y) = {problem['entropy']:.3f} nats"
        )
        shown = table(title, *(_write_heading(*COLUMNS[key][:2]) for key in keys))
        for row in data["rows"]:
            if row["problem"] == problem["name"]:
                shown.add_row(*(_write_cell(key, row) for key in keys))
        console().print(shown)
        for note in problem["notes"]:
            click.echo(note)
    for note in data["notes"]:
        click.echo(note)
    if data["largest_deviation"] is not None:
        click.echo(
            "Largest deviation of the fixed point from the closed form: "
            f"{data['largest_deviation']:.1e} nats."
        )
    if data["not_converged"]:
        click.echo(f"{data['not_converged']} starts did not converge; they are not in it.")
    if data["largest_deviation_adamw"] is not None:
        click.echo(
            f"Of AdamW: {data['largest_deviation_adamw']:.1e} nats; its loss ends at most "
            f"{data['largest_excess_adamw']:.1e} nats above the optimum."
        )
    for path in (theory.table, theory.page, *theory.figures):
        click.echo(path)


def _write_heading(heading, unit):
    return f"{heading} ({unit})" if unit else heading


def _write_cell(key, row):
    value = row[key]
    if key == "active" and value is None:
        return "any"
    if value is None or value != value:
        return "–"
    if key == "fixed_point_converged":
        return f"{value}/{row['fixed_point_starts']}"
    if isinstance(value, float):
        if key.endswith(("deviation", "excess")):
            return f"{value:.1e}"
        if key in ("beta", "lambda"):
            return f"{value:g}"
        return f"{value:.3f}".replace("inf", "∞").replace("-", "−")
    return str(value)
