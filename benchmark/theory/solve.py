"""What `bench theory` does: solve the linear-Gaussian VAE, write table, figures and page data."""

import csv
import dataclasses
import io
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...evaluation.files import write_atomically, write_json
from ...evaluation.naming import file_name, one_line
from ...models.linear_gaussian.closed_form import find_regime
from ...models.linear_gaussian.problem import ProblemError, draw_problem, load_problem
from ..errors import BenchError
from ..runs.provenance import command_line
from .cells import COLUMNS, add_adamw, solve_cells

BETAS = (1.0, 4.0, 8.0, 16.0, 32.0)
LAMBDAS = (0.0, 2.0, 4.0, 6.0, 8.0)
LARGEST = 2000


@dataclass(frozen=True)
class Theory:
    """What `write_theory` wrote.

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


def write_theory(
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
        For a problem that cannot be posed or solved in floating point, weights out of range, and a
        folder that cannot be written; no file is left half-written then.
    """
    from .figures import Solved, draw_figures

    progress = progress or (lambda text: None)
    cells = [(float(b), float(w)) for b in betas or BETAS for w in lambdas or LAMBDAS]
    try:
        regimes = {find_regime(beta, lambda_) for beta, lambda_ in cells}
    except ValueError as error:
        raise BenchError(f"--beta, --lambda: {error}", exit_code=2) from None
    rows, drawings, described = [], {}, []
    for problem in _pose_problems(problems, n, factors, noise, seed):
        progress(f"{problem.name}: {len(cells)} cells, {starts} starts")
        try:
            with np.errstate(all="ignore"):
                new, solutions = solve_cells(problem, cells, latents, starts, seed)
                if adamw:
                    add_adamw(new, problem, latents, adamw_starts, seed, adamw_steps, progress)
                progress(f"{problem.name}: figures")
                solved = Solved(problem, new, solutions, latents, seed)
                drawings[problem.name] = draw_figures(solved)
        except np.linalg.LinAlgError as error:
            raise BenchError(
                f"{problem.name}: its updates leave the range of floating-point numbers ({error}); "
                "measure y in other units, or choose smaller weights"
            ) from None
        described.append(_describe_problem(problem, latents))
        rows += new
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
    data = _make_page_data(rows, described, regimes, settings)
    folder = Path(results) / "report" / "theory"
    try:
        return _write_files(folder, data, drawings)
    except OSError as error:
        raise BenchError(
            f"cannot write {one_line(folder)}: {error.strerror or error}; choose another folder "
            "with --results"
        ) from None


def _pose_problems(problems, sizes, factors, noise, seed):
    """The problems asked for, each name once."""
    sizes = (sizes,) if isinstance(sizes, int | float) else tuple(sizes)
    for size in sizes:
        if size != int(size) or not 1 <= size <= LARGEST:
            raise BenchError(
                f"n must be a whole number from 1 to {LARGEST}, got {size:g}", exit_code=2
            )
    posed = {}
    try:
        for name in dict.fromkeys(problems or ("random",)):
            if name == "random":
                new = [draw_problem(int(size), factors, noise, seed) for size in sizes]
            else:
                loaded = load_problem(os.path.expanduser(name))
                new = [dataclasses.replace(loaded, name=one_line(loaded.name, 60))]
            for problem in new:
                if problem.name in posed:
                    raise BenchError(
                        f"two problems are named {problem.name!r}; rename one of the files"
                    )
                posed[problem.name] = problem
    except ProblemError as error:
        raise BenchError(one_line(error)) from None
    return list(posed.values())


def _describe_problem(problem, latents):
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


def _make_page_data(rows, described, regimes, settings):
    """The content of theory.json, still without figures."""
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
        "largest_deviation": _find_largest(rows, "fixed_point_deviation"),
        "largest_deviation_adamw": _find_largest(rows, "adamw_deviation"),
        "largest_excess_adamw": _find_largest(rows, "adamw_excess"),
        "not_converged": sum(
            row["fixed_point_starts"] - row["fixed_point_converged"]
            for row in rows
            if row["regime"] != "unbounded"
        ),
        "notes": [note for kind, note in _NOTES.items() if kind in regimes],
    }


# What the table cannot say by itself.
_NOTES = {
    "unbounded": "β < 1, or β = 1 with λ > 0: more information always lowers the loss, so the NLL "
    "is unbounded below and nothing is solved there.",
    "continuum": "β = 1, λ = 0: every amount of information costs the same, so the start decides I "
    "and the NLL; the deviation is that of the loss.",
}


def _find_largest(rows, key):
    return max((row[key] for row in rows if row[key] is not None), default=None)


def _write_files(folder, data, drawings):
    """Write everything beside the folder first, so that a full disk leaves it as it was."""
    from ...evaluation.figures.drawing import FORMATS, save_figure

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".theory.", suffix=".tmp", dir=folder.parent))
    try:
        entries = []
        for problem, drawn in drawings.items():
            for drawing in drawn:
                name = file_name(drawing.name, problem)
                files = save_figure(drawing.figure, temporary, name, FORMATS, dpi=200)
                entry = {"name": drawing.name, "problem": problem}
                entry |= {"title": drawing.title, "caption": drawing.caption}
                entries.append(entry | {kind: path.name for kind, path in files.items()})
        data = {**data, "figures": entries}
        figures = [entry[kind] for entry in entries for kind in FORMATS]
        write_atomically(temporary / "theory.csv", _write_csv(data["rows"]))
        write_json(temporary / "theory.json", data)
        folder.mkdir(exist_ok=True)
        for name in (*figures, "theory.csv", "theory.json"):
            os.replace(temporary / name, folder / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    paths = tuple(folder / name for name in figures)
    return Theory(folder / "theory.csv", folder / "theory.json", paths, data)


def _write_csv(rows):
    """All rows as CSV text; what is undefined is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _write_value(value) for key, value in row.items()})
    return text.getvalue()


def _write_value(value):
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else value
