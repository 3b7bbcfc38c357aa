"""β-TCVAE: a weighted total correlation (Chen et al. 2018, arXiv:1802.04942)."""

from dataclasses import dataclass

from ..autoencoder import Autoencoder
from ..hyperparameters import at_least
from ..terms import kl_divergence, negative_log_likelihood, total_correlation


class BetaTCVAE(Autoencoder):
    """NLL + KL + (β − 1) TC, TC by minibatch-weighted sampling; β = 1 is the VAE."""

    label = "β-TCVAE"
    citation = "chen2018isolating"
    sweeps = {"dlib": {"beta": (1, 2, 4, 6, 8, 10)}}

    @dataclass(frozen=True)
    class Hyperparameters:
        """β ≥ 0, the weight of the total correlation within the KL term."""

        beta: float = 4.0

        def __post_init__(self):
            at_least("beta", self.beta, 0)

    def loss(self, outputs, coefficients):
        """Return the loss and its terms, in nats per image."""
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        tc = total_correlation(outputs)
        return nll + kl + (coefficients["beta"] - 1) * tc, {"nll": nll, "kl": kl, "tc": tc}
