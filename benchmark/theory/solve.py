"""What `bench theory` does: solve the linear-Gaussian VAE, write table, figures and page data."""

import csv
import io
import os
from dataclasses import dataclass, field
from pathlib import Path

import click

from ..errors import BenchError

BETAS = (1.0, 4.0, 8.0, 16.0, 32.0)
LAMBDAS = (0.0, 2.0, 4.0, 6.0, 8.0)
LARGEST = 2000
# In the terminal; the CSV has all columns.
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


@dataclass(frozen=True)
class Theory:
    """What `run` made.

    Attributes
    ----------
    table : Path
        theory.csv.
    page : Path
        theory.json: settings, columns, rows, problems, notes, deviations, figures and captions.
    figures : tuple of Path
        PNG and PDF files.
    data : dict
        The content of `page`.
    """

    table: Path
    page: Path
    figures: tuple[Path, ...]
    data: dict = field(repr=False)


def run(
    results,
    betas=None,
    lambdas=None,
    n=50,
    problems=("random",),
    latents=10,
    factors=5,
    noise=0.05,
    starts=50,
    adamw=False,
    adamw_starts=1,
    adamw_steps=None,
    seed=0,
    progress=None,
):
    """Solve every (β, λ) of every problem and write RESULTS/report/theory/.

    Parameters
    ----------
    results : path
    betas, lambdas : sequence of float, optional
        Default: the paper's, `BETAS` and `LAMBDAS`.
    n : int or sequence of int, default 50
        Observed dimensions of random problems.
    problems : sequence of str
        ``"random"`` (one for each `n`) and paths of ``.npz`` files.
    latents, factors : int
    noise : float
        Noise variance of random problems.
    starts : int, default 50
        Random starts of the fixed point.
    adamw : bool, default False
        Train by AdamW as well, for minutes to hours.
    adamw_starts, adamw_steps : int
    seed : int, default 0
    progress : callable, optional
        ``progress(text)`` at every stage.

    Returns
    -------
    Theory

    Raises
    ------
    BenchError
        For a problem that cannot be posed or weights out of range.
    """
    from ...evaluation.files import write_atomically, write_json
    from ...models.linear_gaussian.closed_form import regime
    from .cells import add_adamw, solve_cells
    from .figures import draw

    progress = progress or (lambda text: None)
    cells = [(float(b), float(w)) for b in betas or BETAS for w in lambdas or LAMBDAS]
    sizes = (n,) if isinstance(n, int | float) else tuple(n)
    for size in sizes:
        if size != int(size) or not 1 <= size <= LARGEST:
            raise BenchError(
                f"n must be a whole number from 1 to {LARGEST}, got {size:g}", exit_code=2
            )
    try:
        kinds = [regime(beta, lambda_) for beta, lambda_ in cells]
    except ValueError as error:
        raise BenchError(f"--beta, --lambda: {error}", exit_code=2) from None
    posed = _pose(problems, sizes, factors, noise, seed)
    folder = Path(results) / "report" / "theory"
    rows, figures, described = [], [], []
    for problem in posed:
        progress(f"{problem.name}: {len(cells)} cells, {starts} starts")
        mine, solutions = solve_cells(problem, cells, latents, starts, seed)
        if adamw:
            add_adamw(mine, problem, latents, adamw_starts, seed, adamw_steps, progress)
        progress(f"{problem.name}: figures")
        figures += draw(problem, mine, solutions, latents, seed, folder)
        described.append(_describe(problem, latents))
        rows += mine
    settings = {
        "latents": latents,
        "factors": factors,
        "noise": noise,
        "starts": starts,
        "adamw": adamw,
        "adamw_starts": adamw_starts,
        "adamw_steps": adamw_steps,
        "seed": seed,
    }
    data = _page(rows, described, figures, kinds, settings)
    table, page = folder / "theory.csv", folder / "theory.json"
    write_atomically(table, _csv(rows))
    write_json(page, data)
    paths = [folder / figure[kind] for figure in figures for kind in ("png", "pdf")]
    return Theory(table, page, tuple(paths), data)


def _pose(problems, sizes, factors, noise, seed):
    """The problems asked for, each name once."""
    from ...models.linear_gaussian.closed_form import ProblemError, load_problem, random_problem

    posed = {}
    try:
        for name in dict.fromkeys(problems or ("random",)):
            if name != "random":
                found = [load_problem(os.path.expanduser(name))]
            else:
                found = [random_problem(int(size), factors, noise, seed) for size in sizes]
            for problem in found:
                if problem.name in posed:
                    raise BenchError(
                        f"two problems are named {problem.name!r}; rename one of the files"
                    )
                posed[problem.name] = problem
    except ProblemError as error:
        raise BenchError(str(error)) from None
    return list(posed.values())


def _describe(problem, latents):
    """What a page says about a problem."""
    return {
        "name": problem.name,
        "n": problem.n,
        "factors": problem.s,
        "latents": latents,
        "entropy": problem.entropy,
        "eigenvalues": problem.eigenvalues,
        "notes": problem.notes(latents),
    }


def _page(rows, described, figures, kinds, settings):
    """The content of theory.json."""
    from ..runs.provenance import command_line
    from .cells import COLUMNS

    return {
        "format_version": 1,
        "command": command_line(),
        "settings": settings,
        "columns": [
            {"key": key, "heading": heading, "unit": unit, "meaning": meaning}
            for key, (heading, unit, meaning) in COLUMNS.items()
        ],
        "rows": rows,
        "problems": described,
        "largest_deviation": _largest(rows, "fixed_point_deviation"),
        "largest_deviation_adamw": _largest(rows, "adamw_deviation"),
        "largest_excess_adamw": _largest(rows, "adamw_excess"),
        "not_converged": sum(
            row["fixed_point_starts"] - row["fixed_point_converged"]
            for row in rows
            if row["regime"] != "unbounded"
        ),
        "notes": _notes(kinds),
        "figures": figures,
    }


def _notes(kinds):
    """What the table cannot say by itself."""
    notes = []
    if "unbounded" in kinds:
        notes.append(
            "β < 1, or β = 1 with λ > 0: more information always lowers the loss, so the NLL is "
            "unbounded below and nothing is solved there."
        )
    if "continuum" in kinds:
        notes.append(
            "β = 1, λ = 0: every amount of information costs the same, so the start decides I and "
            "the NLL; the deviation is that of the loss."
        )
    return notes


def _largest(rows, key):
    values = [row[key] for row in rows if row[key] is not None]
    return max(values) if values else None


def _csv(rows):
    """All rows as CSV text; what is undefined is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _csv_value(value) for key, value in row.items()})
    return text.getvalue()


def _csv_value(value):
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else value


def show(theory):
    """Print the table, the largest deviations and the paths."""
    from ..console import console, table
    from .cells import COLUMNS

    data = theory.data
    keys = SHOWN + (SHOWN_ADAMW if data["settings"]["adamw"] else ())
    for problem in data["problems"]:
        title = (
            f"{problem['name']}: n = {problem['n']}, {problem['factors']} factors, "
            f"{problem['latents']} latents, H(y) = {problem['entropy']:.3f} nats"
        )
        shown = table(title, *(_heading(*COLUMNS[key][:2]) for key in keys))
        for row in data["rows"]:
            if row["problem"] == problem["name"]:
                shown.add_row(*(_shown(key, row) for key in keys))
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


def _heading(heading, unit):
    return f"{heading} ({unit})" if unit else heading


def _shown(key, row):
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
