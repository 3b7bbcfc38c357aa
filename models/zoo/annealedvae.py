"""AnnealedVAE: a KL term that follows a growing capacity (Burgess et al. 2018)."""

from dataclasses import dataclass

from ..autoencoder import Autoencoder
from ..hyperparameters import at_least
from ..terms import kl_divergence, negative_log_likelihood


class AnnealedVAE(Autoencoder):
    """NLL + γ |KL − C|; C grows from 0 to C_max in a third of the first phase."""

    label = "AnnealedVAE"
    citation = "burgess2018understanding"
    axis = "c_max"
    symbols = {"gamma": "γ", "c_max": "C_max"}
    sweeps = {
        # At 1,000 the few steps of `quick` are too noisy for the decoder to learn anything.
        "quick": {"gamma": (5,), "c_max": (5, 10, 20)},
        "paper": {"c_max": (5, 10, 25, 50, 75, 100)},
        "dlib": {"c_max": (5, 10, 25, 50, 75, 100)},
    }

    @dataclass(frozen=True)
    class Hyperparameters:
        """γ ≥ 0, the weight of the distance; C_max ≥ 0, the last capacity, in nats per image."""

        gamma: float = 1000.0
        c_max: float = 25.0

        def __post_init__(self):
            at_least("gamma", self.gamma, 0)
            at_least("c_max", self.c_max, 0)

    @staticmethod
    def coefficients_at(hyperparameters, step, first_phase):
        """Put the capacity of a step in the place of the last one."""
        return {"c_max": hyperparameters["c_max"] * min(1.0, 3 * step / first_phase)}

    def loss(self, outputs, coefficients):
        """Return the loss and its terms, in nats per image."""
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        capacity = coefficients["c_max"]
        return nll + coefficients["gamma"] * (kl - capacity).abs(), {"nll": nll, "kl": kl}
