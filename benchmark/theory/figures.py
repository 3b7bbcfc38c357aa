"""The figures of `bench theory`: which numbers go where, and what the captions say."""

from dataclasses import dataclass

import numpy as np

from ...evaluation.figures import theory as plots
from ...evaluation.figures.drawing import Drawing
from ...evaluation.naming import format_number
from ...models.linear_gaussian.closed_form import (
    count_active_modes,
    find_contraction,
    find_critical_lambda,
    find_gains,
    find_information,
)
from ...models.linear_gaussian.fixed_point import Solutions, draw_encoders, trace_gain
from ...models.linear_gaussian.problem import Problem
from ...models.linear_gaussian.terms import find_encoder_information

# Curves in one panel; more cannot be told apart.
MOST_CURVES = 6
POINTS = 400


@dataclass(frozen=True)
class Solved:
    """One problem with everything that its figures are drawn from.

    Attributes
    ----------
    problem : models.linear_gaussian.problem.Problem
    rows : list of dict
        Of `benchmark.theory.cells.solve_cells`.
    solutions : models.linear_gaussian.fixed_point.Solutions
    latents, seed : int
    """

    problem: Problem
    rows: list
    solutions: Solutions
    latents: int
    seed: int

    @property
    def betas(self):
        """The values of β above 1, ascending: below there is no optimum to draw."""
        return sorted({row["beta"] for row in self.rows if row["beta"] > 1})

    @property
    def lambdas(self):
        """The values of λ, ascending."""
        return sorted({row["lambda"] for row in self.rows})

    def trace(self, beta, lambda_, alternations):
        """Singular values of the gain of one start after every alternation."""
        return trace_gain(self.problem, beta, lambda_, self.latents, alternations, self.seed)


def draw_figures(solved):
    """Draw every figure that the cells solved allow.

    Parameters
    ----------
    solved : Solved

    Returns
    -------
    list of evaluation.figures.drawing.Drawing
        Empty without a β above 1: there is no optimum to draw.
    """
    makers = (_draw_contraction, _draw_information, _draw_phases, _draw_spectrum)
    return [make(solved) for make in makers] if solved.betas else []


def _draw_contraction(solved):
    problem, eigenvalues = solved.problem, solved.problem.eigenvalues
    free = {beta: solved.trace(beta, 0.0, 16) for beta in _pick(solved.betas, 4)}
    caption = (
        f"Singular values of the gain Σ_W⁻¹B of one random start ({problem.name}). Without "
        "penalty (λ = 0) every one of them is multiplied by exactly 1/β at every alternation "
        "(dashed, for the largest), so no information survives."
    )
    held = _choose_held_cell(solved.rows)
    if held:
        beta, lambda_ = held["beta"], held["lambda"]
        predicted = find_gains(eigenvalues, beta, lambda_, solved.latents)
        left = eigenvalues[(predicted > 0).sum() :]
        held = {
            "beta": beta,
            "lambda": lambda_,
            "trace": solved.trace(beta, lambda_, 30),
            "predicted": predicted,
            "factor": find_contraction(beta, lambda_, left[0]) if len(left) else 0.0,
        }
        caption += (
            " With the penalty the modes above the water level settle at the closed form, while "
            "the others still shrink geometrically, by (1 + 2λsᵢ)/β (dashed)."
        )
    title = "Geometric collapse of the encoder gain"
    return Drawing("gain-contraction", title, caption, plots.plot_contraction(free, held))


def _draw_information(solved):
    problem, solutions = solved.problem, solved.solutions
    top = max(solved.betas) * 1.15
    grid = np.geomspace(1.02, top, POINTS)
    curves, dots = {}, {}
    for lambda_ in _pick(solved.lambdas, MOST_CURVES):
        curves[lambda_] = (
            grid,
            find_information(problem.eigenvalues, grid, lambda_, solved.latents),
        )
        runs = (solutions.lambda_ == lambda_) & (solutions.beta > 1)
        if runs.any():
            kept = find_encoder_information(
                problem, solutions.encoder[runs], solutions.sigma_w[runs]
            )
            dots[lambda_] = solutions.beta[runs], kept
    caption = (
        f"Mutual information between latents and observations at the optimum ({problem.name}, "
        f"{solved.latents} latents): closed form (lines) and every start of the fixed point (dots, "
        "which lie on one another). Towards β = 1 the information grows without bound for λ > 0; "
        "for λ = 0 it is 0 at every β > 1."
    )
    figure = plots.plot_information(curves, dots, (1.0, top))
    return Drawing("information", "Information against β", caption, figure)


def _draw_phases(solved):
    problem, latents = solved.problem, solved.latents
    modes = problem.eigenvalues[: min(latents, problem.n)]
    top = max(solved.betas) * 1.15
    low = find_critical_lambda(modes[:1], min(solved.betas))[0] / 4
    positive = [value for value in solved.lambdas if value > 0]
    high = max([*positive, find_critical_lambda(modes[:1], top)[0] * 2]) * 1.5
    grid, weights = np.geomspace(1.02, top, POINTS), np.geomspace(low, high, POINTS)
    active = count_active_modes(modes, grid[None, :], weights[:, None], latents)
    cells = [(r["beta"], r["lambda"]) for r in solved.rows if r["lambda"] > 0 and r["beta"] > 1]
    caption = (
        f"How many modes of {problem.name} carry information at the optimum, with {latents} "
        "latents. Mode i is active above its critical line λ = (β − 1)/(2sᵢ), sᵢ being the i-th "
        "eigenvalue of Σ_Y; on λ = 0, which a log axis does not show, none is."
    )
    figure = plots.plot_phases(
        grid, weights, active, find_critical_lambda(modes, grid), np.array(cells).reshape(-1, 2)
    )
    return Drawing("phase-diagram", "Phase diagram", caption, figure)


def _draw_spectrum(solved):
    problem, solutions, latents = solved.problem, solved.solutions, solved.latents
    beta = solved.betas[len(solved.betas) // 2]
    starts = int(solutions.start.max()) + 1
    after, predicted = {}, {}
    for lambda_ in _pick(solved.lambdas, MOST_CURVES):
        runs = (solutions.beta == beta) & (solutions.lambda_ == lambda_)
        after[lambda_] = _find_gains_of(solutions.encoder[runs], solutions.sigma_w[runs])
        predicted[lambda_] = find_gains(problem.eigenvalues, beta, lambda_, latents)
    before = _find_gains_of(*draw_encoders(problem, latents, starts, solved.seed))
    caption = (
        f"Singular values of the gain Σ_W⁻¹B of {starts} starts before the first and after the "
        f"last alternation at β = {format_number(beta)} ({problem.name}), with the closed form "
        "√(sᵢ − z*)/z* (lines). The grey band is the range over starts; the scale is linear below "
        "0.1 and logarithmic above."
    )
    figure = plots.plot_spectrum(before, after, predicted, beta)
    return Drawing("gain-spectrum", "Gain before and after", caption, figure)


def _choose_held_cell(rows):
    """A cell with penalty that tells most: many modes active, few alternations; None without."""
    cells = [row for row in rows if row["regime"] == "water filling" and row["active"]]
    worth = [(row["active"], -row["fixed_point_alternations"]) for row in cells]
    return cells[worth.index(max(worth))] if cells else None


def _find_gains_of(encoder, sigma_w):
    return np.linalg.svd(np.linalg.solve(sigma_w, encoder), compute_uv=False)


def _pick(values, most):
    """At most so many of the values, evenly picked, first and last among them."""
    picked = np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int))
    return [values[i] for i in picked]
