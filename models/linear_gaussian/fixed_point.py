"""The linear-Gaussian VAE solved by exact alternating updates, many runs at once (NumPy only)."""

from dataclasses import dataclass

import numpy as np

from .closed_form import find_regime

# Runs that are iterated together: few enough to stay in the processor's cache.
BLOCK = 64
# Alternations between two checks of which runs have converged.
CHECK_EVERY = 8


def update_decoder(problem, encoder, sigma_w):
    """The decoder that minimises the loss for a given encoder, whatever β and λ.

    Σ_Z = (Σ_Y⁻¹ + Bᵀ Σ_W⁻¹ B)⁻¹ and A = Σ_Z Bᵀ Σ_W⁻¹.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    encoder : ndarray of shape (..., m, n)
        Encoder matrix B.
    sigma_w : ndarray of shape (..., m, m)
        Encoder covariance Σ_W.

    Returns
    -------
    decoder : ndarray of shape (..., n, m)
        Decoder matrix A.
    sigma_z : ndarray of shape (..., n, n)
        Decoder covariance Σ_Z.
    """
    gain = np.linalg.solve(sigma_w, encoder)
    precision = np.linalg.inv(problem.sigma_y) + np.swapaxes(encoder, -1, -2) @ gain
    sigma_z = np.linalg.inv(precision)
    return sigma_z @ np.swapaxes(gain, -1, -2), sigma_z


def draw_encoders(problem, latents, starts, seed=0):
    """Draw encoders to start from: B with entries N(0, 1/n), Σ_W = I.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    latents : int
        m.
    starts : int
    seed : int, default 0
        Start k depends on the seed and k alone.

    Returns
    -------
    encoder : ndarray of shape (starts, m, n)
    sigma_w : ndarray of shape (starts, m, m)
    """
    draws = [
        np.random.default_rng([seed, start]).standard_normal((latents, problem.n))
        for start in range(starts)
    ]
    sigma_w = np.broadcast_to(np.eye(latents), (starts, latents, latents))
    return np.stack(draws) / np.sqrt(problem.n), sigma_w


@dataclass(frozen=True)
class Solutions:
    """Where the alternation ended, one entry a run.

    Attributes
    ----------
    beta, lambda_ : ndarray of shape (R,)
    start : ndarray of shape (R,), int
    encoder : ndarray of shape (R, m, n)
        Encoder matrices B.
    sigma_w : ndarray of shape (R, m, m)
        Encoder covariances Σ_W.
    alternations : ndarray of shape (R,), int
    change : ndarray of shape (R,)
        Largest change in the last alternation of an entry of the whitened gain Σ_W⁻¹B Σ_Y^½ or of
        Σ_W⁻¹, relative to the matrix's largest entry where that is above 1.
    converged : ndarray of shape (R,), bool
        False also for unbounded runs, which are not iterated: their gain grows for ever.
    unbounded : ndarray of shape (R,), bool
    """

    beta: np.ndarray
    lambda_: np.ndarray
    start: np.ndarray
    encoder: np.ndarray
    sigma_w: np.ndarray
    alternations: np.ndarray
    change: np.ndarray
    converged: np.ndarray
    unbounded: np.ndarray


def solve_fixed_points(
    problem, betas, lambdas, latents=10, starts=50, seed=0, tolerance=1e-10, limit=50_000
):
    """Alternate decoder and encoder updates until nothing moves, for every (β, λ) and start.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    betas, lambdas : sequence of float
        Cells, pairwise: `betas[i]` goes with `lambdas[i]`.
    latents : int, default 10
        m.
    starts : int, default 50
        Random starts, the same for every cell.
    seed : int, default 0
    tolerance : float, default 1e-10
        Stop at this `change`.
    limit : int, default 50000
        Stop after so many alternations. A mode that lies exactly at its critical λ never converges
        geometrically, and ends here.

    Returns
    -------
    Solutions
        Cells in order, each with its starts in order.

    Raises
    ------
    ValueError
        For weights out of range, lists of unequal length, or no latents or starts.

    Notes
    -----
    Let G = Σ_W⁻¹B and P = Σ_W⁻¹. In the eigenbasis of Σ_Y, with H = G Σ_Y^½, M = HHᵀ and
    T = P (P + M)⁻¹, one decoder and one encoder update together are
    H ← (H + 2λ T H Σ_Y)/β and P ← I + (M Tᵀ + 2λ T H Σ_Y Hᵀ Tᵀ)/β: no n×n matrix is inverted.
    """
    betas, lambdas = np.asarray(betas, dtype=float), np.asarray(lambdas, dtype=float)
    if betas.ndim != 1 or betas.shape != lambdas.shape:
        raise ValueError(f"expected one λ for each β, got {lambdas.shape} for {betas.shape}")
    if latents < 1 or starts < 1:
        raise ValueError(f"expected latents and starts of at least 1, got {latents} and {starts}")
    kinds = np.array([find_regime(b, w) for b, w in zip(betas, lambdas, strict=True)], dtype=object)
    encoder, _ = draw_encoders(problem, latents, starts, seed)
    scale = np.sqrt(problem.eigenvalues)
    # Σ_W = I at the start, so the gain is B itself.
    first = encoder @ problem.eigenvectors * scale
    runs = len(betas) * starts
    beta, lambda_ = np.repeat(betas, starts), np.repeat(lambdas, starts)
    unbounded = np.repeat(kinds == "unbounded", starts)
    gain = np.tile(first, (len(betas), 1, 1))
    precision = np.tile(np.eye(latents), (runs, 1, 1))
    alternations, change = np.zeros(runs, dtype=int), np.full(runs, np.inf)
    todo = np.flatnonzero(~unbounded)
    for begin in range(0, len(todo), BLOCK):
        block = todo[begin : begin + BLOCK]
        gain[block], precision[block], alternations[block], change[block] = _iterate(
            gain[block],
            precision[block],
            beta[block, None, None],
            lambda_[block, None, None],
            problem.eigenvalues,
            tolerance,
            limit,
        )
    covariance = np.linalg.inv(precision)
    solved = covariance @ (gain / scale) @ problem.eigenvectors.T
    return Solutions(
        beta,
        lambda_,
        np.tile(np.arange(starts), len(betas)),
        solved,
        covariance,
        alternations,
        change,
        change <= tolerance,
        unbounded,
    )


def _iterate(gain, precision, beta, lambda_, eigenvalues, tolerance, limit):
    """Alternate a block of runs; those that have converged are set aside."""
    ended = [np.empty_like(gain), np.empty_like(precision)]
    alternations, change = np.zeros(len(gain), dtype=int), np.full(len(gain), np.inf)
    alive = np.arange(len(gain))
    for step in range(1, limit + 1):
        before = gain, precision
        gain, precision = alternate(gain, precision, beta, lambda_, eigenvalues)
        if step % CHECK_EVERY and step != limit:
            continue
        moved = np.maximum(_moved(gain, before[0]), _moved(precision, before[1]))
        done = (moved <= tolerance) | (step == limit)
        ended[0][alive[done]], ended[1][alive[done]] = gain[done], precision[done]
        alternations[alive[done]], change[alive[done]] = step, moved[done]
        if done.all():
            break
        if done.any():
            alive, gain, precision = alive[~done], gain[~done], precision[~done]
            beta, lambda_ = beta[~done], lambda_[~done]
    return *ended, alternations, change


def _moved(now, before):
    """Largest change of an entry, relative to the largest entry where that is above 1."""
    return np.abs(now - before).max(axis=(1, 2)) / np.maximum(1, np.abs(now).max(axis=(1, 2)))


def alternate(gain, precision, beta, lambda_, eigenvalues):
    """Update decoder and encoder once, in the eigenbasis of Σ_Y (notes of `solve_fixed_points`).

    Parameters
    ----------
    gain : ndarray of shape (R, m, n)
        Whitened gain H = Σ_W⁻¹B Σ_Y^½.
    precision : ndarray of shape (R, m, m)
        Σ_W⁻¹.
    beta, lambda_ : ndarray of shape (R, 1, 1), or float
    eigenvalues : ndarray of shape (n,)

    Returns
    -------
    gain, precision : ndarray
        After the alternation, in the same shapes.
    """
    transposed = gain.transpose(0, 2, 1)
    signal = gain @ transposed
    ratio = np.linalg.solve(precision + signal, precision)  # Tᵀ
    stretched = ratio.transpose(0, 2, 1) @ (gain * eigenvalues)
    step = signal @ ratio + 2 * lambda_ * (stretched @ transposed) @ ratio
    updated = np.eye(gain.shape[1]) + step / beta
    # Rounding must not make the covariance drift from symmetry over thousands of steps.
    updated = 0.5 * (updated + updated.transpose(0, 2, 1))
    return (gain + 2 * lambda_ * stretched) / beta, updated


def trace_gain(problem, beta, lambda_, latents=10, alternations=40, seed=0):
    """Singular values of the gain Σ_W⁻¹B before and after every alternation, for one start.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    beta, lambda_ : float
    latents : int, default 10
    alternations : int, default 40
    seed : int, default 0

    Returns
    -------
    ndarray of shape (alternations + 1, min(m, n))
        Largest first in each row.
    """
    find_regime(beta, lambda_)
    encoder, precision = draw_encoders(problem, latents, 1, seed)
    scale = np.sqrt(problem.eigenvalues)
    gain = encoder @ problem.eigenvectors * scale
    trace = [np.linalg.svd(gain[0] / scale, compute_uv=False)]
    for _ in range(alternations):
        gain, precision = alternate(gain, precision, beta, lambda_, problem.eigenvalues)
        trace.append(np.linalg.svd(gain[0] / scale, compute_uv=False))
    return np.array(trace)
