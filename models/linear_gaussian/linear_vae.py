"""A linear VAE with a Gaussian decoder, trained by the same loop as the zoo."""

from dataclasses import dataclass

import torch
from torch import nn

from ..hyperparameters import at_least
from ..terms import kl_divergence


class LinearVAE(nn.Module):
    """NLL + β KL + λ ‖y − Ax‖² with encoder N(By, diag) and decoder N(Ax, Σ_Z), all linear.

    Its optimum on Gaussian data is known in closed form (`models.linear_gaussian.closed_form`): a
    diagonal posterior covariance is no restriction, because the loss does not care how latents are
    rotated and one rotation makes the optimal covariance diagonal. It has no biases, for data of
    mean 0.

    Parameters
    ----------
    image_shape : tuple of int
        Shape of an observation, (C, H, W); it is flattened to n = C·H·W numbers of any size.
    latent_size : int, default 10
        Number of latents.
    """

    @dataclass(frozen=True)
    class Hyperparameters:
        """β ≥ 0, the weight of the KL term; λ ≥ 0, the weight of the squared error."""

        beta: float = 4.0
        lambda_: float = 0.0

        def __post_init__(self):
            at_least("beta", self.beta, 0)
            at_least("lambda", self.lambda_, 0)

    def __init__(self, image_shape, latent_size=10):
        super().__init__()
        self.image_shape = tuple(image_shape)
        n = 1
        for length in self.image_shape:
            n *= length
        self.encoder = nn.Linear(n, latent_size, bias=False)
        self.log_variances = nn.Parameter(torch.zeros(latent_size))
        self.decoder = nn.Linear(latent_size, n, bias=False)
        # Σ_Z = LLᵀ: the logarithms of L's diagonal, and the entries below it.
        self.log_scales = nn.Parameter(torch.zeros(n))
        self.below = nn.Parameter(torch.zeros(n, n))

    def encode(self, images):
        """Map observations (B, C, H, W) to posterior means and log-variances, each (B, D)."""
        means = self.encoder(images.flatten(1))
        return means, self.log_variances.expand_as(means)

    def decode(self, codes):
        """Map codes (B, D) to the decoder's means (B, C, H, W)."""
        return self.decoder(codes).unflatten(1, self.image_shape)

    def loss(self, outputs, coefficients):
        """Return the loss and its terms, in nats (L2 in squared units of y) per observation."""
        # What the zoo calls logits are this decoder's means.
        error = (outputs.images - outputs.logits).flatten(1)
        whitened = torch.linalg.solve_triangular(self._factor(), error.mT, upper=False)
        n, batch = whitened.shape
        nll = 0.5 * n * torch.log(error.new_tensor(2 * torch.pi)) + self.log_scales.sum()
        nll = nll + 0.5 * whitened.square().sum() / batch
        kl = kl_divergence(outputs)
        l2 = error.square().sum() / batch
        loss = nll + coefficients["beta"] * kl + coefficients["lambda"] * l2
        return loss, {"nll": nll, "kl": kl, "l2": l2}

    def matrices(self):
        """Encoder and decoder as arrays for `models.linear_gaussian.terms.evaluate_loss`.

        Returns
        -------
        tuple of ndarray, float64
            B (m, n), Σ_W (m, m), A (n, m), Σ_Z (n, n).
        """
        with torch.no_grad():
            factor = self._factor().double()
            found = (
                self.encoder.weight.double(),
                torch.diag(self.log_variances.double().exp()),
                self.decoder.weight.double(),
                factor @ factor.mT,
            )
            return tuple(matrix.cpu().numpy() for matrix in found)

    def _factor(self):
        return self.below.tril(-1) + torch.diag(self.log_scales.exp())
