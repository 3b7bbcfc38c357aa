"""VAE: reconstruction plus KL (Kingma and Welling 2014, arXiv:1312.6114)."""

from ..autoencoder import Autoencoder


class VAE(Autoencoder):
    """The evidence lower bound with a Bernoulli decoder: NLL + KL."""

    label = "VAE"
    citation = "kingma2014auto"

    @staticmethod
    def weigh_terms(coefficients):
        """Return the weights of the loss's terms."""
        return {"nll": 1, "kl": 1}
