"""β-TCVAE: a weighted total correlation (Chen et al. 2018, arXiv:1802.04942)."""

from dataclasses import dataclass

from ..autoencoder import Autoencoder
from ..hyperparameters import at_least


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

    @staticmethod
    def weigh_terms(coefficients):
        """Return the weights of the loss's terms."""
        return {"nll": 1, "kl": 1, "tc": coefficients["beta"] - 1}
