"""VAE: reconstruction plus KL (Kingma and Welling 2014, arXiv:1312.6114)."""

from ..autoencoder import Autoencoder
from ..terms import kl_divergence, negative_log_likelihood


class VAE(Autoencoder):
    """The evidence lower bound with a Bernoulli decoder: NLL + KL."""

    label = "VAE"
    citation = "kingma2014auto"

    def loss(self, outputs, coefficients):
        """Return the loss and its terms, in nats per image."""
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        return nll + kl, {"nll": nll, "kl": kl}
