"""What a linear-Gaussian VAE with given matrices achieves, exactly and without sampling (NumPy)."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment


class Terms(NamedTuple):
    """The terms of the loss, arrays of one entry a run.

    Attributes
    ----------
    nll, kl : ndarray
        Nats per observation.
    squared_error : ndarray
        E‖y − Ax‖².
    information : ndarray
        I(x; y) of the encoder in nats; the KL is at least this.
    loss : ndarray
        NLL + β KL + λ squared error.
    """

    nll: np.ndarray
    kl: np.ndarray
    squared_error: np.ndarray
    information: np.ndarray
    loss: np.ndarray


def evaluate_loss(problem, encoder, sigma_w, decoder, sigma_z, beta, lambda_):
    """Evaluate the loss of any encoder and decoder, optimal or not.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    encoder, sigma_w : ndarray of shape (..., m, n) and (..., m, m)
        B and Σ_W of q(x|y) = N(By, Σ_W).
    decoder, sigma_z : ndarray of shape (..., n, m) and (..., n, n)
        A and Σ_Z of p(y|x) = N(Ax, Σ_Z).
    beta, lambda_ : float or ndarray of shape (...)

    Returns
    -------
    Terms
    """
    n, m = decoder.shape[-2:]
    signal = encoder @ problem.sigma_y @ _t(encoder)
    missed = np.eye(n) - decoder @ encoder
    residual = missed @ problem.sigma_y @ _t(missed) + decoder @ sigma_w @ _t(decoder)
    log_w, log_z = (np.linalg.slogdet(covariance)[1] for covariance in (sigma_w, sigma_z))
    fit = _trace(np.linalg.solve(sigma_z, residual))
    nll = 0.5 * (n * np.log(2 * np.pi) + log_z + fit)
    kl = 0.5 * (_trace(sigma_w) + _trace(signal) - m - log_w)
    squared_error = _trace(residual)
    information = find_encoder_information(problem, encoder, sigma_w)
    loss = nll + beta * kl + lambda_ * squared_error
    return Terms(nll, kl, squared_error, information, loss)


def find_encoder_information(problem, encoder, sigma_w):
    """Find the information I(x; y) that an encoder keeps, optimal or not.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    encoder, sigma_w : ndarray of shape (..., m, n) and (..., m, m)

    Returns
    -------
    ndarray of shape (...)
        In nats.
    """
    total = sigma_w + encoder @ problem.sigma_y @ _t(encoder)
    return 0.5 * (np.linalg.slogdet(total)[1] - np.linalg.slogdet(sigma_w)[1])


class LatentFactor(NamedTuple):
    """How sampled latents and factors go together, arrays of one entry a run.

    Attributes
    ----------
    correlation : ndarray of shape (R, m, s)
        Correlation ρ of each latent with each factor.
    matched_information : ndarray of shape (R,)
        I_m: the sum of −½ ln(1 − ρ²) over the best one-to-one matching, in nats.
    sap : ndarray of shape (R,)
        Mean over factors of the largest minus the second largest ρ²; the largest for one latent.
    """

    correlation: np.ndarray
    matched_information: np.ndarray
    sap: np.ndarray


def relate_latents(problem, encoder, sigma_w):
    """Relate the sampled latents x ~ N(By, Σ_W) to the factors v, exactly.

    The matching depends on how the latents are rotated, which neither the loss nor the
    updates care about: it is the start's doing, so look at the mean over starts.

    Parameters
    ----------
    problem : models.linear_gaussian.problem.Problem
    encoder, sigma_w : ndarray of shape (R, m, n) and (R, m, m)

    Returns
    -------
    LatentFactor
    """
    covariance = encoder @ problem.gamma @ problem.sigma_v
    variances = np.einsum("rij,jk,rik->ri", encoder, problem.sigma_y, encoder)
    variances = variances + np.einsum("rii->ri", sigma_w)
    scale = np.sqrt(variances[:, :, None] * np.diag(problem.sigma_v))
    # A factor that does not vary goes with nothing.
    correlation = np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)
    squared = np.minimum(correlation**2, 1.0)
    with np.errstate(divide="ignore"):
        pairwise = -0.5 * np.log1p(-squared)
    matched = np.array([_matched(np.minimum(matrix, 1e6)) for matrix in pairwise])
    ordered = np.sort(squared, axis=1)[:, ::-1]
    second = ordered[:, 1] if ordered.shape[1] > 1 else 0.0
    return LatentFactor(correlation, matched, (ordered[:, 0] - second).mean(axis=-1))


def _matched(matrix):
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    return matrix[rows, columns].sum()


def _t(matrix):
    return np.swapaxes(matrix, -1, -2)


def _trace(matrix):
    return np.trace(matrix, axis1=-2, axis2=-1)
