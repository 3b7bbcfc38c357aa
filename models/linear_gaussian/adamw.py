"""The linear-Gaussian VAE trained by AdamW on its exact loss; torch is imported inside."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .closed_form import find_regime
from .fixed_point import draw_encoders


@dataclass(frozen=True)
class AdamWSettings:
    """The optimiser's settings; the defaults are the paper's for n = 50.

    Attributes
    ----------
    steps : int
    learning_rate, weight_decay : float
    clip_matrices : float
        Largest gradient norm of A and of B.
    clip_factors : float
        Largest gradient norm of the Cholesky factors of Σ_W and of Σ_Z.
    """

    steps: int = 30_000
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    clip_matrices: float = 1.0
    clip_factors: float = 2.0


def choose_settings(n):
    """The paper's settings for a problem of n dimensions: more steps and looser clips above 50."""
    if n <= 50:
        return AdamWSettings()
    return AdamWSettings(steps=50_000, clip_matrices=2.0, clip_factors=3.0)


class Trained(NamedTuple):
    """The best parameters found, one entry a run.

    Attributes
    ----------
    beta, lambda_ : ndarray of shape (R,)
    encoder, sigma_w : ndarray of shape (R, m, n) and (R, m, m)
    decoder, sigma_z : ndarray of shape (R, n, m) and (R, n, n)
    loss : ndarray of shape (R,)
        The lowest loss met, in nats.
    """

    beta: np.ndarray
    lambda_: np.ndarray
    encoder: np.ndarray
    sigma_w: np.ndarray
    decoder: np.ndarray
    sigma_z: np.ndarray
    loss: np.ndarray


def train_adamw(problem, betas, lambdas, latents=10, starts=1, seed=0, settings=None, on_step=None):
    """Minimise the exact loss by gradient descent, all cells and starts in lock-step.

    A, B and the Cholesky factors of Σ_W and Σ_Z are the parameters. Stacked runs do not influence
    each other: AdamW works entry by entry, and gradients are clipped run by run.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    betas, lambdas : sequence of float
        Cells, pairwise.
    latents : int, default 10
    starts : int, default 1
        Random starts of each cell; the encoders are those the fixed point starts from.
    seed : int, default 0
    settings : AdamWSettings, optional
        Default: `choose_settings` for the problem's size.
    on_step : callable, optional
        ``on_step(steps_done)`` after every step.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        For weights that leave the loss unbounded below, and lists of unequal length.
    """
    import torch

    if len(betas) != len(lambdas):
        raise ValueError(f"expected one λ for each β, got {len(lambdas)} for {len(betas)}")
    for beta, lambda_ in zip(betas, lambdas, strict=True):
        if find_regime(beta, lambda_) == "unbounded":
            raise ValueError(
                f"β = {beta:g} with λ = {lambda_:g} leaves the loss unbounded below: "
                "AdamW would end anywhere; choose β > 1"
            )
    settings = settings or choose_settings(problem.n)
    beta, lambda_ = (
        torch.tensor(np.repeat(values, starts), dtype=torch.float64) for values in (betas, lambdas)
    )
    parameters = _first_parameters(problem, latents, starts, len(betas), seed)
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    root = torch.from_numpy(np.linalg.cholesky(problem.sigma_y))
    best = torch.full_like(beta, torch.inf)
    kept = [parameter.detach().clone() for parameter in parameters]
    clips = (settings.clip_matrices,) * 2 + (settings.clip_factors,) * 2
    for step in range(settings.steps + 1):
        losses = compute_loss(*parameters, root, beta, lambda_)
        with torch.no_grad():
            better = losses < best
            best = torch.where(better, losses, best)
            for copy, parameter in zip(kept, parameters, strict=True):
                torch.where(better[:, None, None], parameter, copy, out=copy)
        if step == settings.steps:
            break
        optimiser.zero_grad(set_to_none=True)
        losses.sum().backward()
        for parameter, limit in zip(parameters, clips, strict=True):
            norm = torch.linalg.vector_norm(parameter.grad, dim=(1, 2), keepdim=True)
            parameter.grad.mul_((limit / (norm + 1e-6)).clamp(max=1))
        optimiser.step()
        if on_step is not None:
            on_step(step + 1)
    decoder, encoder, factor_w, factor_z = (copy.numpy() for copy in kept)
    factor_w, factor_z = np.tril(factor_w), np.tril(factor_z)
    return Trained(
        beta.numpy(),
        lambda_.numpy(),
        encoder,
        factor_w @ factor_w.transpose(0, 2, 1),
        decoder,
        factor_z @ factor_z.transpose(0, 2, 1),
        best.numpy(),
    )


def compute_loss(decoder, encoder, factor_w, factor_z, root, beta, lambda_):
    """The population loss of every run, differentiable.

    Parameters
    ----------
    decoder, encoder : Tensor of shape (R, n, m) and (R, m, n)
        A and B.
    factor_w, factor_z : Tensor of shape (R, m, m) and (R, n, n)
        Cholesky factors of Σ_W and Σ_Z; what is above the diagonal is ignored.
    root : Tensor of shape (n, n)
        A square root of Σ_Y, Σ_Y = root rootᵀ.
    beta, lambda_ : Tensor of shape (R,)

    Returns
    -------
    Tensor of shape (R,)
        In nats.
    """
    import torch

    n, m = decoder.shape[-2:]
    factor_w = factor_w.tril()
    seen = encoder @ root
    # E‖y − Ax‖² is the squared norm of this: what the mean misses, and what the noise adds.
    error = torch.cat((root - decoder @ seen, decoder @ factor_w), dim=2)
    whitened = torch.linalg.solve_triangular(factor_z.tril(), error, upper=False)
    log_z, log_w = (
        factor.diagonal(dim1=1, dim2=2).abs().log().sum(dim=1) for factor in (factor_z, factor_w)
    )
    nll = 0.5 * n * np.log(2 * np.pi) + log_z + 0.5 * _square(whitened)
    kl = 0.5 * (_square(factor_w) + _square(seen) - m) - log_w
    return nll + beta * kl + lambda_ * _square(error)


def _square(matrix):
    return matrix.square().sum(dim=(1, 2))


def _first_parameters(problem, latents, starts, cells, seed):
    """A, B and the Cholesky factors before training, the same starts for every cell."""
    import torch

    encoder, _ = draw_encoders(problem, latents, starts, seed)
    decoder = np.stack(
        [
            np.random.default_rng([seed, start, 1]).standard_normal((problem.n, latents))
            for start in range(starts)
        ]
    ) / np.sqrt(latents)
    arrays = decoder, encoder, np.eye(latents), np.eye(problem.n)
    stacked = (
        np.tile(a if a.ndim == 3 else np.broadcast_to(a, (starts, *a.shape)), (cells, 1, 1))
        for a in arrays
    )
    return [torch.from_numpy(a.copy()).requires_grad_() for a in stacked]
