"""The figures of `bench theory`: which numbers go where, and what the captions say."""

import numpy as np

from ...evaluation.figures import theory as plots
from ...evaluation.naming import format_number
from ...models.linear_gaussian.closed_form import (
    active_modes,
    contraction_factor,
    critical_lambda,
    gain_spectrum,
    information,
)
from ...models.linear_gaussian.fixed_point import gain_trace, random_encoders

# Curves in one panel; more cannot be told apart.
MOST_CURVES = 6
POINTS = 400


def draw(problem, rows, solutions, latents, seed, folder):
    """Draw and save every figure that the cells solved allow.

    Parameters
    ----------
    problem : models.linear_gaussian.closed_form.Problem
    rows : list of dict
        Of `benchmark.theory.cells.solve_cells`.
    solutions : models.linear_gaussian.fixed_point.Solutions
    latents, seed : int
    folder : path

    Returns
    -------
    list of dict
        ``name``, ``problem``, ``title``, ``caption`` and the file names ``png`` and ``pdf``. Empty
        without a β above 1: there is no optimum to draw.
    """
    betas = sorted({row["beta"] for row in rows if row["beta"] > 1})
    lambdas = sorted({row["lambda"] for row in rows})
    if not betas:
        return []
    makers = (_contraction, _information, _phases, _spectrum)
    entries = []
    for maker in makers:
        made = maker(problem, rows, solutions, latents, seed, betas, lambdas)
        if made is None:
            continue
        name, title, caption, figure = made
        files = plots.save(figure, folder, f"{name}-{problem.name}")
        entry = {"name": name, "problem": problem.name, "title": title, "caption": caption}
        entries.append(entry | {path.suffix[1:]: path.name for path in files})
    return entries


def _contraction(problem, rows, solutions, latents, seed, betas, lambdas):
    shown = _spread(betas, 4)
    free = {beta: gain_trace(problem, beta, 0.0, latents, 16, seed) for beta in shown}
    held = _held_cell(rows)
    caption = (
        f"Singular values of the gain Σ_W⁻¹B of one random start ({problem.name}). Without "
        "penalty (λ = 0) every one of them is multiplied by exactly 1/β at every alternation "
        "(dashed, for the largest), so no information survives."
    )
    if held:
        beta, lambda_ = held
        predicted = gain_spectrum(problem.eigenvalues, beta, lambda_, latents)
        left = problem.eigenvalues[(predicted > 0).sum() :]
        held = {
            "beta": beta,
            "lambda": lambda_,
            "trace": gain_trace(problem, beta, lambda_, latents, 30, seed),
            "predicted": predicted,
            "factor": contraction_factor(beta, lambda_, left[0]) if len(left) else 0.0,
        }
        caption += (
            " With the penalty the modes above the water level settle at the closed form, while "
            "the others still shrink geometrically, by (1 + 2λsᵢ)/β (dashed)."
        )
    title = "Geometric collapse of the encoder gain"
    return "gain-contraction", title, caption, plots.plot_contraction(free, held)


def _information(problem, rows, solutions, latents, seed, betas, lambdas):
    top = max(betas)
    grid = np.geomspace(1.02, top * 1.15, POINTS)
    curves, dots = {}, {}
    for lambda_ in _spread(lambdas, MOST_CURVES):
        curves[lambda_] = grid, information(problem.eigenvalues, grid, lambda_, latents)
        these = (solutions.lambda_ == lambda_) & (solutions.beta > 1)
        if these.any():
            dots[lambda_] = solutions.beta[these], _information_of(problem, solutions, these)
    caption = (
        f"Mutual information between latents and observations at the optimum ({problem.name}, "
        f"{latents} latents): closed form (lines) and every start of the fixed point (dots, which "
        "lie on one another). Towards β = 1 the information grows without bound for λ > 0; for "
        "λ = 0 it is 0 at every β > 1."
    )
    figure = plots.plot_information(curves, dots, (1.0, top * 1.15))
    return "information", "Information against β", caption, figure


def _phases(problem, rows, solutions, latents, seed, betas, lambdas):
    positive = [value for value in lambdas if value > 0]
    modes = problem.eigenvalues[: min(latents, problem.n)]
    top = max(betas) * 1.15
    low = critical_lambda(modes[:1], min(betas))[0] / 4
    high = max([*positive, critical_lambda(modes[:1], top)[0] * 2]) * 1.5
    grid, weights = np.geomspace(1.02, top, POINTS), np.geomspace(low, high, POINTS)
    active = active_modes(modes, grid[None, :], weights[:, None], latents)
    cells = [(row["beta"], row["lambda"]) for row in rows if row["lambda"] > 0 and row["beta"] > 1]
    caption = (
        f"How many modes of {problem.name} carry information at the optimum, with {latents} "
        "latents. Mode i is active above its critical line λ = (β − 1)/(2sᵢ), sᵢ being the i-th "
        "eigenvalue of Σ_Y; on λ = 0, which a log axis does not show, none is."
    )
    figure = plots.plot_phases(
        grid, weights, active, critical_lambda(modes, grid), np.array(cells).reshape(-1, 2)
    )
    return "phase-diagram", "Phase diagram", caption, figure


def _spectrum(problem, rows, solutions, latents, seed, betas, lambdas):
    beta = betas[len(betas) // 2]
    shown = _spread(lambdas, MOST_CURVES)
    starts = int(solutions.start.max()) + 1
    after = {w: _gains(*_matrices(solutions, _cell(solutions, beta, w))) for w in shown}
    predicted = {w: gain_spectrum(problem.eigenvalues, beta, w, latents) for w in shown}
    before = _gains(*random_encoders(problem, latents, starts, seed))
    caption = (
        f"Singular values of the gain Σ_W⁻¹B of {starts} starts before the first and after the "
        f"last alternation at β = {format_number(beta)} ({problem.name}), with the closed form "
        "√(sᵢ − z*)/z* (lines). The grey band is the range over starts; the scale is linear below "
        "0.1 and logarithmic above."
    )
    figure = plots.plot_spectrum(before, after, predicted, beta)
    return "gain-spectrum", "Gain before and after", caption, figure


def _held_cell(rows):
    """A cell with penalty that tells most: many modes active, few alternations; None without."""
    found = [row for row in rows if row["regime"] == "water filling" and row["active"]]
    if not found:
        return None
    best = max(found, key=lambda row: (row["active"], -row["fixed_point_alternations"]))
    return best["beta"], best["lambda"]


def _cell(solutions, beta, lambda_):
    return np.flatnonzero((solutions.beta == beta) & (solutions.lambda_ == lambda_))


def _matrices(solutions, which):
    return solutions.encoder[which], solutions.sigma_w[which]


def _gains(encoder, sigma_w):
    return np.linalg.svd(np.linalg.solve(sigma_w, encoder), compute_uv=False)


def _information_of(problem, solutions, which):
    encoder, sigma_w = _matrices(solutions, which)
    total = sigma_w + encoder @ problem.sigma_y @ encoder.transpose(0, 2, 1)
    return 0.5 * (np.linalg.slogdet(total)[1] - np.linalg.slogdet(sigma_w)[1])


def _spread(values, most):
    """At most so many of the values, evenly picked, first and last among them."""
    picked = np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int))
    return [values[i] for i in picked]
