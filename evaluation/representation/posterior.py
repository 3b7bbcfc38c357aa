"""How much each latent of a trained model says: its posterior's divergence from the prior."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

# A latent whose KL is below this, in nats, is counted as collapsed.
COLLAPSED = 0.1


def kl_per_latent(codes: ArrayLike, log_variances: ArrayLike) -> NDArray[np.float64]:
    """KL divergence of the posterior from the prior N(0, 1), one value a latent.

    Parameters
    ----------
    codes : array_like of shape (N, D)
        Posterior means.
    log_variances : array_like of shape (N, D)
        Logarithms of the posterior variances.

    Returns
    -------
    ndarray of shape (D,)
        In nats, averaged over rows; 0 for a latent whose posterior is the prior. The sum over
        latents is the KL term of the loss.

    Raises
    ------
    ValueError
        For arrays of different shape, without rows, or with values that are not finite.

    Examples
    --------
    >>> kl_per_latent([[1.0, 0.0], [-1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]])
    array([0.5, 0. ])
    """
    codes = np.asarray(codes, dtype=np.float64)
    log_variances = np.asarray(log_variances, dtype=np.float64)
    if codes.ndim != 2 or codes.shape != log_variances.shape or not len(codes):
        raise ValueError(
            "expected codes and log-variances of one shape (N, D), "
            f"got {codes.shape} and {log_variances.shape}"
        )
    if not (np.isfinite(codes).all() and np.isfinite(log_variances).all()):
        raise ValueError("codes and log-variances must be finite")
    # expm1 keeps the small values of a posterior that is almost the prior.
    return 0.5 * (codes**2 + np.expm1(log_variances) - log_variances).mean(axis=0)


class CollapseOrder(NamedTuple):
    """Latents by rank over a sweep of β, or of whatever else was swept.

    Attributes
    ----------
    betas : ndarray of shape (C,)
        Ascending.
    ranked : ndarray of shape (C, D)
        KL of the strongest latent, the second strongest, …, in nats; mean over seeds.
    surviving : ndarray of shape (C,), int
        How many ranks are at or above the threshold.
    survives_to : ndarray of shape (D,)
        Of each rank, the largest β up to which it is at or above the threshold without a break;
        NaN where it is below already at the smallest β.
    """

    betas: NDArray[np.float64]
    ranked: NDArray[np.float64]
    surviving: NDArray[np.int_]
    survives_to: NDArray[np.float64]


def collapse_order(betas: ArrayLike, kl: ArrayLike, threshold: float = COLLAPSED) -> CollapseOrder:
    """Order latents by how much they say, and tell up to which β each rank survives.

    What is said of β holds for any other hyperparameter or setting that is swept. Runs of different
    β are trained apart, so latent 3 of one is not latent 3 of another: what can
    be compared is the strongest latent with the strongest, the second with the second. In a
    linear-Gaussian VAE that is the order of the data's principal components; in a network it is an
    analogy.

    Parameters
    ----------
    betas : array_like of shape (C,)
        In any order, without repetition.
    kl : array_like of shape (C, D) or (C, S, D)
        `kl_per_latent` of every run; S seeds, ranked each by itself and then averaged.
    threshold : float, default 0.1
        In nats.

    Returns
    -------
    CollapseOrder

    Raises
    ------
    ValueError
        For shapes that do not fit, repeated β or a KL that is not finite.

    Examples
    --------
    >>> order = collapse_order([1, 8, 32], [[0.2, 3.0], [2.0, 0.01], [0.0, 0.5]])
    >>> order.surviving
    array([2, 1, 1])
    >>> order.survives_to
    array([32.,  1.])
    """
    betas, kl = np.asarray(betas, dtype=np.float64), np.asarray(kl, dtype=np.float64)
    if betas.ndim != 1 or kl.ndim not in (2, 3) or len(kl) != len(betas) or not kl.size:
        raise ValueError(
            f"expected C values of β and KL of shape (C, D) or (C, S, D), got {betas.shape} "
            f"and {kl.shape}"
        )
    if len(np.unique(betas)) < len(betas) or not np.isfinite(kl).all():
        raise ValueError("expected distinct values of β and finite KL")
    ascending = np.argsort(betas)
    ranked = np.sort(kl[ascending], axis=-1)[..., ::-1]
    ranked = ranked.mean(axis=1) if kl.ndim == 3 else ranked
    alive = ranked >= threshold
    unbroken = np.logical_and.accumulate(alive, axis=0).sum(axis=0)
    reached = np.concatenate(([np.nan], betas[ascending]))
    return CollapseOrder(betas[ascending], ranked, alive.sum(axis=1), reached[unbroken])
