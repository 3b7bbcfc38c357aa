"""The terms every objective is made of, in nats (or squared intensity) per image."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Outputs(NamedTuple):
    """What one forward pass of a variational autoencoder gives an objective.

    Attributes
    ----------
    images : Tensor of shape (B, C, H, W)
        The targets, intensities in [0, 1].
    logits : Tensor of shape (B, C, H, W)
        Decoder output before the sigmoid.
    codes : Tensor of shape (B, D)
        One reparameterised sample of the posterior per image.
    means, log_variances : Tensor of shape (B, D)
        Parameters of the posterior q(z|x) = N(means, diag exp(log_variances)).
    permuted : Tensor of shape (B, D) or None
        Codes permuted over a batch, latent by latent, without gradient: draws from the product
        of the aggregate posterior's marginals. None unless the model permutes.
    """

    images: Tensor
    logits: Tensor
    codes: Tensor
    means: Tensor
    log_variances: Tensor
    permuted: Tensor | None = None

    def detach(self):
        """The same without gradient."""
        return Outputs(*(part if part is None else part.detach() for part in self))


def negative_log_likelihood(outputs):
    """Bernoulli cross-entropy between images and logits, summed over pixels.

    Parameters
    ----------
    outputs : Outputs

    Returns
    -------
    Tensor of shape ()
        Nats per image, averaged over the batch. For targets strictly between 0 and 1 its minimum
        is the targets' own entropy (`bernoulli_entropy`), not 0.
    """
    total = F.binary_cross_entropy_with_logits(outputs.logits, outputs.images, reduction="sum")
    return total / outputs.images.shape[0]


def kl_divergence(outputs):
    """KL divergence of the posterior from the prior N(0, I), summed over latents.

    Returns
    -------
    Tensor of shape ()
        Nats per image, averaged over the batch.
    """
    return kl_per_latent(outputs.means, outputs.log_variances).sum()


def kl_per_latent(means, log_variances):
    """KL divergence from the standard normal prior of each latent.

    Parameters
    ----------
    means, log_variances : Tensor of shape (B, D)

    Returns
    -------
    Tensor of shape (D,)
        Nats per image, averaged over the batch.
    """
    terms = means.square() + log_variances.exp() - log_variances - 1
    return 0.5 * terms.mean(dim=0)


def squared_error(outputs):
    """Squared error between images and decoder means, summed over pixels.

    The extra reconstruction penalty of the λβ-VAE (arXiv:2602.09277).

    Returns
    -------
    Tensor of shape ()
        Squared intensity per image, averaged over the batch.
    """
    error = outputs.images - torch.sigmoid(outputs.logits)
    return error.square().sum() / outputs.images.shape[0]


def total_correlation(outputs):
    """Total correlation of the aggregate posterior by minibatch-weighted sampling.

    The density of the aggregate posterior is estimated as the mean over the batch of the
    posteriors' densities, which is exact when the batch is the whole data set. The estimator of
    Chen et al. (2018, arXiv:1802.04942, eq. S4) divides by the data-set size as well; that adds a
    constant, (D − 1) ln N, and leaves the gradient as it is.

    Returns
    -------
    Tensor of shape ()
        Nats. A minibatch estimate: never compare methods by it.
    """
    codes, means = outputs.codes.unsqueeze(1), outputs.means.unsqueeze(0)
    log_variances = outputs.log_variances.unsqueeze(0)
    # Dimensions: (sample, posterior, latent).
    # Scaled before it is squared, so that a narrow posterior's precision does not overflow.
    deviations = (codes - means) * torch.exp(-0.5 * log_variances)
    log_density = -0.5 * (deviations.square() + log_variances + math.log(2 * math.pi))
    log_batch = math.log(outputs.codes.shape[0])
    joint = torch.logsumexp(log_density.sum(dim=2), dim=1) - log_batch
    marginals = torch.logsumexp(log_density, dim=1) - log_batch
    return (joint - marginals.sum(dim=1)).mean()


def batch_covariance(values):
    """Covariance matrix over a batch, divided by the number of rows.

    Parameters
    ----------
    values : Tensor of shape (B, D)

    Returns
    -------
    Tensor of shape (D, D)
        Zero for a batch of one.
    """
    centred = values - values.mean(dim=0)
    return centred.T @ centred / values.shape[0]


def distance_to_identity(covariance):
    """How far a covariance matrix is from the identity, off and on its diagonal.

    The two terms that DIP-VAEs penalise (Kumar et al. 2018, arXiv:1711.00848).

    Parameters
    ----------
    covariance : Tensor of shape (D, D)

    Returns
    -------
    off_diagonal, on_diagonal : Tensor of shape ()
        Sums of squares: of the elements off the diagonal, and of those on it minus 1.
    """
    variances = covariance.diagonal()
    off_diagonal = covariance - variances.diag_embed()
    return off_diagonal.square().sum(), (variances - 1).square().sum()


def bernoulli_entropy(images):
    """Entropy of the targets read as Bernoulli means: the floor of the NLL.

    Parameters
    ----------
    images : Tensor of shape (B, C, H, W)
        Intensities in [0, 1].

    Returns
    -------
    Tensor of shape ()
        Nats per image, averaged over the batch; 0 for binary images.
    """
    negative = torch.xlogy(images, images) + torch.xlogy(1 - images, 1 - images)
    return -negative.sum() / images.shape[0]


TERMS = {
    "nll": negative_log_likelihood,
    "kl": kl_divergence,
    "l2": squared_error,
    "tc": total_correlation,
}
