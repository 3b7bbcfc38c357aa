"""DIP-VAE-I: the covariance of posterior means is kept near the identity (Kumar et al. 2018)."""

from dataclasses import dataclass

from ..autoencoder import Autoencoder
from ..hyperparameters import at_least
from ..terms import (
    batch_covariance,
    distance_to_identity,
    kl_divergence,
    negative_log_likelihood,
)


class DIPVAE1(Autoencoder):
    """NLL + KL + λ_od Σ_i≠j S_ij² + λ_d Σ_i (S_ii − 1)²; S = Cov(μ)."""

    label = "DIP-VAE-I"
    citation = "kumar2018variational"
    axis = "lambda_od"
    symbols = {"lambda_od": "λ_od", "lambda_d_factor": "λ_d/λ_od"}
    sweeps = {
        "quick": {"lambda_od": (1, 10, 50)},
        "paper": {"lambda_od": (1, 2, 5, 10, 20, 50)},
        "dlib": {"lambda_od": (1, 2, 5, 10, 20, 50)},
    }

    @dataclass(frozen=True)
    class Hyperparameters:
        """λ_od ≥ 0, the weight off the diagonal; λ_d / λ_od ≥ 0, for the weight on it."""

        lambda_od: float = 10.0
        lambda_d_factor: float = 10.0

        def __post_init__(self):
            at_least("lambda_od", self.lambda_od, 0)
            at_least("lambda_d_factor", self.lambda_d_factor, 0)

    def loss(self, outputs, coefficients):
        """Return the loss and its terms, in nats per image."""
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        covariance = batch_covariance(outputs.means)
        off_diagonal, on_diagonal = distance_to_identity(covariance)
        lambda_od = coefficients["lambda_od"]
        lambda_d = coefficients["lambda_d_factor"] * lambda_od
        loss = nll + kl + lambda_od * off_diagonal + lambda_d * on_diagonal
        return loss, {"nll": nll, "kl": kl}
