"""FactorVAE: a total correlation that a discriminator estimates (Kim and Mnih 2018)."""

from dataclasses import dataclass

from torch.nn import functional as F

from ..autoencoder import Autoencoder
from ..hyperparameters import at_least
from ..networks import build_discriminator
from ..terms import kl_divergence, negative_log_likelihood


class FactorVAE(Autoencoder):
    """NLL + KL + γ mean(ℓ_joint − ℓ_product), logits of a discriminator of permuted codes."""

    label = "FactorVAE"
    citation = "kim2018disentangling"
    axis = "gamma"
    symbols = {"gamma": "γ"}
    sweeps = {
        "quick": {"gamma": (2, 10, 40)},
        "paper": {"gamma": (10, 20, 30, 40, 50, 100)},
        "dlib": {"gamma": (10, 20, 30, 40, 50, 100)},
    }
    adversary = "discriminator"
    adversary_adam = {"learning_rate": 1e-4, "beta1": 0.5, "beta2": 0.9}
    permutes = True
    logs = ("tc_discriminator",)

    @dataclass(frozen=True)
    class Hyperparameters:
        """γ ≥ 0, the weight of the total correlation beside the KL term."""

        gamma: float = 10.0

        def __post_init__(self):
            at_least("gamma", self.gamma, 0)

    def __init__(self, image_shape, latent_size=10, network="conv"):
        super().__init__(image_shape, latent_size, network)
        self.discriminator = build_discriminator(network, latent_size)

    def loss(self, outputs, coefficients):
        """Return the loss and its terms, in nats per image."""
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        joint, product = self.discriminator(outputs.codes).unbind(dim=1)
        tc = (joint - product).mean()
        terms = {"nll": nll, "kl": kl, "tc_discriminator": tc}
        return nll + kl + coefficients["gamma"] * tc, terms

    def adversary_loss(self, outputs, coefficients):
        """Return the discriminator's cross-entropy, in nats: ln 2 where it cannot tell."""
        joint, permuted = self.discriminator(outputs.codes), self.discriminator(outputs.permuted)
        # Column 0 is the joint, column 1 the product of marginals.
        of_joint = F.log_softmax(joint, dim=1)[:, 0].mean()
        of_product = F.log_softmax(permuted, dim=1)[:, 1].mean()
        return -(of_joint + of_product) / 2
