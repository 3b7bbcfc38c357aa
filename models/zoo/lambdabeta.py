"""λβ-VAE: a β-VAE with an extra squared reconstruction penalty (arXiv:2602.09277)."""

from dataclasses import dataclass

from ..autoencoder import Autoencoder
from ..hyperparameters import at_least


class LambdaBetaVAE(Autoencoder):
    """NLL + β KL + λ ‖x − sigmoid(logits)‖²; λ = 0 is the β-VAE."""

    label = "λβ-VAE"
    citation = "vu2026mutual"
    continues = "betavae"
    reduces_to = {
        "vae": {"beta": 1, "lambda": 0},
        "betavae": {"lambda": 0},
    }

    @dataclass(frozen=True)
    class Hyperparameters:
        """β ≥ 0, the weight of the KL term; λ ≥ 0, the weight of the squared error."""

        beta: float = 4.0
        lambda_: float = 2.0

        def __post_init__(self):
            at_least("beta", self.beta, 0)
            at_least("lambda", self.lambda_, 0)

    @staticmethod
    def weigh_terms(coefficients):
        """Return the weights of the loss's terms."""
        return {"nll": 1, "kl": coefficients["beta"], "l2": coefficients["lambda"]}
