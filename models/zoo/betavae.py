"""β-VAE: a weighted KL term (Higgins et al. 2017)."""

from dataclasses import dataclass

from ..autoencoder import Autoencoder
from ..hyperparameters import at_least


class BetaVAE(Autoencoder):
    """NLL + β KL; β = 1 is the VAE."""

    label = "β-VAE"
    citation = "higgins2017beta"
    reduces_to = {"vae": {"beta": 1}}

    @dataclass(frozen=True)
    class Hyperparameters:
        """β ≥ 0, the weight of the KL term."""

        beta: float = 4.0

        def __post_init__(self):
            at_least("beta", self.beta, 0)

    @staticmethod
    def weigh_terms(coefficients):
        """Return the weights of the loss's terms."""
        return {"nll": 1, "kl": coefficients["beta"]}
