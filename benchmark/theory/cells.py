"""The linear-Gaussian VAE solved three ways, one row a cell of (problem, β, λ)."""

import numpy as np

from ...models.linear_gaussian.closed_form import solve_closed_form
from ...models.linear_gaussian.fixed_point import solve_fixed_points, update_decoder
from ...models.linear_gaussian.terms import evaluate_loss, relate_latents

# Key of a row -> (heading, unit, what it is).
COLUMNS = {
    "problem": ("problem", "", "name of the problem"),
    "n": ("n", "", "observed dimensions"),
    "latents": ("m", "", "latents"),
    "beta": ("β", "", "weight of the KL term"),
    "lambda": ("λ", "", "weight of the squared error"),
    "regime": ("regime", "", "kind of optimum"),
    "level": ("z*", "y²", "water level (β − 1)/(2λ)"),
    "active": ("active", "", "active modes"),
    "information": ("I", "nats", "I(x; y) in closed form"),
    "nll": ("NLL", "nats", "negative log-likelihood in closed form"),
    "kl": ("KL", "nats", "KL in closed form"),
    "squared_error": ("L2", "y²", "squared error in closed form"),
    "loss": ("loss", "nats", "loss in closed form"),
    "fixed_point_information": ("I, fixed point", "nats", "mean over starts"),
    "fixed_point_nll": ("NLL, fixed point", "nats", "mean over starts"),
    "fixed_point_kl": ("KL, fixed point", "nats", "mean over starts"),
    "fixed_point_deviation": (
        "max |Δ|, fixed point",
        "nats",
        "largest deviation of I or NLL from the closed form over converged starts",
    ),
    "fixed_point_converged": ("converged", "starts", "starts that converged"),
    "fixed_point_starts": ("starts", "", "random starts"),
    "fixed_point_alternations": ("alternations", "", "median over starts"),
    "matched_information": ("I_m", "nats", "I_m of sampled latents, mean over starts"),
    "matched_information_std": ("std I_m", "nats", "its standard deviation over starts"),
    "sap": ("SAP (r²)", "", "squared-correlation SAP of sampled latents, mean over starts"),
    "sap_std": ("std SAP", "", "its standard deviation over starts"),
    "adamw_information": ("I, AdamW", "nats", "mean over starts"),
    "adamw_nll": ("NLL, AdamW", "nats", "mean over starts"),
    "adamw_deviation": (
        "max |Δ|, AdamW",
        "nats",
        "largest deviation of I or NLL from the closed form over starts",
    ),
    "adamw_excess": ("excess loss, AdamW", "nats", "largest loss above the optimum over starts"),
    "adamw_matched_information": ("I_m, AdamW", "nats", "mean over starts"),
    "adamw_sap": ("SAP, AdamW", "", "mean over starts"),
}


def solve_cells(problem, cells, latents, starts, seed):
    """Closed form and fixed points of every cell.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    cells : sequence of (float, float)
        Pairs (β, λ).
    latents, starts, seed : int

    Returns
    -------
    rows : list of dict
        Keys of `COLUMNS`; None for what is undefined.
    solutions : models.linear_gaussian.fixed_point.Solutions
    """
    betas, lambdas = zip(*cells, strict=True)
    solutions = solve_fixed_points(problem, betas, lambdas, latents, starts, seed)
    rows = []
    for i, (beta, lambda_) in enumerate(cells):
        theory = solve_closed_form(problem, beta, lambda_, latents)
        row = dict.fromkeys(COLUMNS)
        row |= {"problem": problem.name, "n": problem.n, "latents": latents}
        row |= {"beta": beta, "lambda": lambda_, "fixed_point_starts": starts}
        row |= {name: getattr(theory, name) for name in ("regime", "level", "active")}
        for name in ("information", "nll", "kl", "squared_error", "loss"):
            row[name] = getattr(theory, name)
        if theory.regime == "unbounded":
            row["fixed_point_converged"] = 0
        else:
            these = slice(i * starts, (i + 1) * starts)
            row |= _fixed_point(problem, solutions, these, beta, lambda_, theory)
        rows.append(row)
    return rows, solutions


def _fixed_point(problem, solutions, these, beta, lambda_, theory):
    encoder, sigma_w = solutions.encoder[these], solutions.sigma_w[these]
    decoder, sigma_z = update_decoder(problem, encoder, sigma_w)
    terms = evaluate_loss(problem, encoder, sigma_w, decoder, sigma_z, beta, lambda_)
    related = relate_latents(problem, encoder, sigma_w)
    converged = solutions.converged[these]
    return {
        "fixed_point_information": terms.information.mean(),
        "fixed_point_nll": terms.nll.mean(),
        "fixed_point_kl": terms.kl.mean(),
        "fixed_point_deviation": _deviation(terms, theory, converged),
        "fixed_point_converged": int(converged.sum()),
        "fixed_point_alternations": int(np.median(solutions.alternations[these])),
        "matched_information": related.matched_information.mean(),
        "matched_information_std": related.matched_information.std(),
        "sap": related.sap.mean(),
        "sap_std": related.sap.std(),
    }


def add_adamw(rows, problem, latents, starts, seed, steps=None, progress=None):
    """Train the cells that have one optimum by AdamW and put the outcome into their rows.

    Parameters
    ----------
    rows : list of dict
        Of `solve_cells` for this problem; changed in place.
    problem : models.linear_gaussian.problem.Problem
    latents, starts, seed : int
    steps : int, optional
        Default: the paper's for the problem's size.
    progress : callable, optional
        ``progress(text)`` now and then.
    """
    from dataclasses import replace

    from ...models.linear_gaussian.adamw import choose_settings, train_adamw

    rows = [row for row in rows if row["beta"] > 1]
    if not rows:
        return
    settings = choose_settings(problem.n)
    settings = replace(settings, steps=steps) if steps else settings

    def on_step(step):
        if progress is not None and (step % 1000 == 0 or step == settings.steps):
            progress(f"{problem.name}: AdamW step {step:,} of {settings.steps:,}")

    betas, lambdas = [row["beta"] for row in rows], [row["lambda"] for row in rows]
    trained = train_adamw(problem, betas, lambdas, latents, starts, seed, settings, on_step)
    terms = evaluate_loss(problem, *trained[2:6], trained.beta, trained.lambda_)
    related = relate_latents(problem, trained.encoder, trained.sigma_w)
    for i, row in enumerate(rows):
        these = slice(i * starts, (i + 1) * starts)
        theory = solve_closed_form(problem, row["beta"], row["lambda"], latents)
        mine = type(terms)(*(values[these] for values in terms))
        row |= {
            "adamw_information": mine.information.mean(),
            "adamw_nll": mine.nll.mean(),
            "adamw_deviation": _deviation(mine, theory, slice(None)),
            "adamw_excess": (mine.loss - theory.loss).max(),
            "adamw_matched_information": related.matched_information[these].mean(),
            "adamw_sap": related.sap[these].mean(),
        }


def _deviation(terms, theory, which):
    """Largest |ΔI| or |ΔNLL|; where only the loss is determined, |Δloss|; None without runs."""
    pairs = [(terms.information, theory.information), (terms.nll, theory.nll)]
    if theory.regime == "continuum":
        pairs = [(terms.loss, theory.loss)]
    gaps = np.abs([found[which] - wanted for found, wanted in pairs])
    return float(gaps.max()) if gaps.size else None
