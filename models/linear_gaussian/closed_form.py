"""The optimum of the linear-Gaussian VAE in closed form (NumPy only).

Data y ~ N(0, Σ_Y), encoder q(x|y) = N(By, Σ_W), decoder p(y|x) = N(Ax, Σ_Z), prior N(0, I), and
the loss E[−log p(y|x)] + β KL + λ E‖y − Ax‖², all in nats. `docs/theory.md` derives what is
computed here; the model and the claims are those of arXiv:2602.09277.
"""

import math
from dataclasses import dataclass

import numpy as np


def find_regime(beta, lambda_):
    """Say what kind of optimum a pair of weights has.

    Parameters
    ----------
    beta : float
        Weight of the KL term, above 0.
    lambda_ : float
        Weight of the squared error, at least 0.

    Returns
    -------
    str
        "collapse" (β > 1, λ = 0: no information is left), "water filling"
        (β > 1, λ > 0), "continuum" (β = 1, λ = 0: every amount of information costs the same),
        "unbounded" (β < 1, or β = 1 with λ > 0: more information always lowers the loss).

    Raises
    ------
    ValueError
        For weights out of range.
    """
    if not 0 < beta < math.inf:
        raise ValueError(f"β must be a finite number above 0, got {beta!r}")
    if not 0 <= lambda_ < math.inf:
        raise ValueError(f"λ must be a finite number of at least 0, got {lambda_!r}")
    if beta > 1:
        return "water filling" if lambda_ > 0 else "collapse"
    return "continuum" if beta == 1 and lambda_ == 0 else "unbounded"


def find_water_level(beta, lambda_):
    """Water level z* = (β − 1)/(2λ), the decoder's variance on every active mode.

    Parameters
    ----------
    beta, lambda_ : array_like of float
        Broadcast against each other; β > 1. λ = 0 gives infinity.

    Returns
    -------
    ndarray of float
        In the units of y².
    """
    # A λ too small for its reciprocal is none.
    with np.errstate(divide="ignore", over="ignore"):
        return (np.asarray(beta, dtype=float) - 1) / (2 * np.asarray(lambda_, dtype=float))


def count_active_modes(eigenvalues, beta, lambda_, latents):
    """Count the modes that carry information: s_i > z*, at most one a latent.

    Parameters
    ----------
    eigenvalues : ndarray of shape (n,)
        Of Σ_Y, largest first.
    beta, lambda_ : array_like of float
        β > 1.
    latents : int

    Returns
    -------
    ndarray of int
    """
    level = np.asarray(find_water_level(beta, lambda_))[..., None]
    return (eigenvalues[:latents] > level).sum(axis=-1)


def find_information(eigenvalues, beta, lambda_, latents):
    """Mutual information I(x; y) at the optimum: Σ ½ ln(s_i/z*) over the active modes.

    Parameters
    ----------
    eigenvalues, beta, lambda_, latents
        As for `count_active_modes`.

    Returns
    -------
    ndarray of float
        In nats.
    """
    level = np.asarray(find_water_level(beta, lambda_))[..., None]
    return 0.5 * np.log(np.maximum(eigenvalues[:latents] / level, 1)).sum(axis=-1)


def find_critical_lambda(eigenvalues, beta):
    """λ above which each mode is active: (β − 1)/(2 s_i).

    Parameters
    ----------
    eigenvalues : ndarray of shape (n,)
    beta : array_like of float
        β > 1.

    Returns
    -------
    ndarray of shape (..., n)
        The shape of `beta`, then the modes.
    """
    return (np.asarray(beta, dtype=float)[..., None] - 1) / (2 * np.asarray(eigenvalues))


def find_contraction(beta, lambda_=0.0, variance=0.0):
    """Factor (1 + 2λz)/β by which one alternation multiplies the gain Σ_W⁻¹B on a mode.

    Parameters
    ----------
    beta, lambda_ : array_like of float
    variance : array_like of float, default 0
        The decoder's variance z on that mode. λ = 0 makes it irrelevant: the factor is 1/β.

    Returns
    -------
    ndarray of float
    """
    beta, lambda_ = np.asarray(beta, dtype=float), np.asarray(lambda_, dtype=float)
    return (1 + 2 * lambda_ * np.asarray(variance, dtype=float)) / beta


def find_gains(eigenvalues, beta, lambda_, latents):
    """Singular values of the gain Σ_W⁻¹B at the optimum: √(s_i − z*)/z*, 0 on inactive modes.

    Parameters
    ----------
    eigenvalues, beta, lambda_, latents
        As for `count_active_modes`, scalars for the weights.

    Returns
    -------
    ndarray of shape (min(n, latents),)
        Largest first.
    """
    if lambda_ == 0:
        return np.zeros(len(eigenvalues[:latents]))
    level = find_water_level(beta, lambda_)
    return np.sqrt(np.maximum(eigenvalues[:latents] - level, 0)) / level


@dataclass(frozen=True)
class ClosedForm:
    """The optimum of the loss.

    Attributes
    ----------
    regime : str
        As `find_regime` gives it.
    level : float
        Water level z*, in the units of y²; NaN where there is none.
    active : int or None
        Number of active modes; None in a continuum.
    information, nll, kl : float
        I(x; y), NLL and KL in nats; NaN in a continuum, infinite where unbounded.
    squared_error : float
        E‖y − Ax‖²; NaN in a continuum.
    loss : float
        In nats; −∞ where unbounded.
    note : str
        Why there are no numbers, or nothing.
    """

    regime: str
    level: float
    active: int | None
    information: float
    nll: float
    kl: float
    squared_error: float
    loss: float
    note: str = ""


def solve_closed_form(problem, beta, lambda_, latents=10):
    """The optimum of the linear-Gaussian VAE by reverse water-filling.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    beta, lambda_ : float
    latents : int, default 10
        Number of latents m.

    Returns
    -------
    ClosedForm

    Raises
    ------
    ValueError
        For weights out of range or fewer than one latent.

    Examples
    --------
    >>> from disentanglement_bench.models.linear_gaussian.problem import Problem
    >>> problem = Problem(np.eye(2), np.diag([8.0, 2.0]) - np.eye(2), np.diag([8.0, 2.0]))
    >>> found = solve_closed_form(problem, beta=9, lambda_=1, latents=2)
    >>> found.level, found.active, round(found.information, 4)  # ½ ln(8/4)
    (4.0, 1, 0.3466)
    """
    if latents < 1:
        raise ValueError(f"expected at least one latent, got {latents}")
    kind = find_regime(beta, lambda_)
    nan, inf = math.nan, math.inf
    if kind == "continuum":
        note = "every amount of information costs the same: the start decides"
        return ClosedForm(kind, nan, None, nan, nan, nan, nan, float(problem.entropy), note)
    if kind == "unbounded":
        modes = min(latents, problem.n)
        rest = float(problem.eigenvalues[modes:].sum())
        note = "more information always lowers the loss: the NLL is unbounded below"
        return ClosedForm(kind, 0.0, modes, inf, -inf, inf, rest, -inf, note)
    values = problem.eigenvalues
    level = float(find_water_level(beta, lambda_))
    active = int(count_active_modes(values, beta, lambda_, latents))
    found = float(find_information(values, beta, lambda_, latents))
    error = float(values[active:].sum() + (active * level if active else 0.0))
    nll = float(problem.entropy) - found
    loss = nll + beta * found + lambda_ * error
    return ClosedForm(kind, level, active, found, nll, found, error, loss)
