"""The protocol of a trainable model, and the zoo's common body."""

import contextlib
from functools import reduce

import torch
from torch import nn

from .hooks import read_hooks
from .networks import build_network
from .terms import TERMS, Outputs


class Autoencoder(nn.Module):
    """Encoder and decoder of the zoo; each objective is a subclass.

    It has a `loss`, or, where that is a weighted sum of the terms that are logged for every model
    (`models.terms.TERMS`), a static method ``weigh_terms(coefficients)``: a dict that gives each
    term its weight, a number or one of the coefficients, in the order of the sum.

    Any `torch.nn.Module` with the same four members can be trained in its place:
    ``__init__(image_shape, latent_size, network)``, ``encode(images) -> (means, log_variances)``,
    ``decode(codes) -> logits`` and ``loss(outputs, coefficients) -> (loss, terms)``; a frozen
    dataclass ``Hyperparameters`` beside them names the coefficients and their defaults.
    `models.hooks.Hooks` names what else it may have.

    Parameters
    ----------
    image_shape : tuple of int
        (channels, height, width).
    latent_size : int, default 10
        Number of latents D.
    network : str, default "conv"
        A name in `models.networks.NETWORKS`.
    """

    def __init__(self, image_shape, latent_size=10, network="conv"):
        super().__init__()
        self.encoder, self.decoder = build_network(network, image_shape, latent_size)

    def encode(self, images):
        """Map images (B, C, H, W) to posterior means and log-variances, each (B, D)."""
        means, log_variances = self.encoder(images).chunk(2, dim=1)
        return means, log_variances

    def decode(self, codes):
        """Map codes (B, D) to logits (B, C, H, W)."""
        return self.decoder(codes)

    def loss(self, outputs, coefficients):
        """Return the sum that `weigh_terms` describes, and its terms, in nats per image.

        Parameters
        ----------
        outputs : models.terms.Outputs
        coefficients : dict of str to Tensor of shape ()

        Returns
        -------
        loss : Tensor of shape ()
        terms : dict of str to Tensor of shape ()
        """
        return sum_terms(outputs, self.weigh_terms(coefficients))


def sum_terms(outputs, weights):
    """Add terms of `models.terms.TERMS`, each times its weight, in the order of the weights.

    Parameters
    ----------
    outputs : models.terms.Outputs
    weights : dict of str to (number or Tensor of shape ())

    Returns
    -------
    total : Tensor of shape ()
    terms : dict of str to Tensor of shape ()
        Each without its weight.
    """
    terms = {name: TERMS[name](outputs) for name in weights}
    # A weight that is the number 1 costs no operation.
    weighted = [
        terms[name] if isinstance(weight, int) and weight == 1 else weight * terms[name]
        for name, weight in weights.items()
    ]
    return reduce(torch.add, weighted), terms


class Objective(nn.Module):
    """One forward pass through a model's loss, as a function of its parameters and inputs.

    Wrapped this way a model can be called with other parameters (`torch.func.functional_call`)
    or with stacked ones (`torch.func.vmap`): nothing but the arguments enters the result.

    Parameters
    ----------
    model : torch.nn.Module
        Anything with the protocol of `Autoencoder`.
    amp : bool, default False
        Run encoder and decoder in bfloat16; the loss is always computed in float32.
    loss : callable, optional
        ``loss(outputs, coefficients) -> (loss, terms)``, in the place of the model's own.
    """

    def __init__(self, model, amp=False, loss=None):
        super().__init__()
        self.model = model
        self.amp = amp
        self.loss = loss or model.loss
        self.hooks = read_hooks(type(model))

    def forward(self, images, noise, coefficients, permutation=None):
        """Compute the loss and the terms that are logged.

        Parameters
        ----------
        images : Tensor of shape (B, C, H, W)
            For a model of pairs, row i and row i + B/2 are one.
        noise : Tensor of shape (B, D)
            Standard normal draws for the reparameterisation.
        coefficients : dict of str to Tensor of shape ()
            The hyperparameters of the objective.
        permutation : models.training.permutations.Permutation, optional
            For a model that permutes codes.

        Returns
        -------
        loss : Tensor of shape ()
        logged : Tensor of shape (5 + number of the loss's further terms,)
            Loss, NLL, KL, L2, TC and what else the model logs, without gradient.
        outputs : Outputs
            Of this pass, without gradient.
        """
        codes, means, log_variances = self._draw_codes(images, noise, self.hooks.couples)
        with self._precision(images.device):
            logits = self.model.decode(codes)
        permuted = None if permutation is None else self._permute(codes, permutation)
        outputs = Outputs(images, logits.float(), codes, means, log_variances, permuted)
        loss, terms = self.loss(outputs, coefficients)
        with torch.no_grad():
            logged = [loss] + [
                terms[name] if name in terms else term(outputs) for name, term in TERMS.items()
            ]
            logged += self._read_further(terms)
            return loss, torch.stack([value.detach() for value in logged]), outputs.detach()

    def _draw_codes(self, images, noise, couples=False):
        """One sample of the posterior an image, and the posterior's parameters, in float32."""
        with self._precision(images.device):
            means, log_variances = self.model.encode(images)
        means, log_variances = means.float(), log_variances.float()
        if couples:
            first, second = zip(means.chunk(2), log_variances.chunk(2), strict=True)
            pairs = self.model.couple(first, second)
            means, log_variances = (torch.cat(halves) for halves in zip(*pairs, strict=True))
        return means + torch.exp(0.5 * log_variances) * noise, means, log_variances

    def _permute(self, codes, permutation):
        """Codes of this batch, or of a second one, permuted latent by latent."""
        if permutation.images is not None:
            with torch.no_grad():
                codes, *_ = self._draw_codes(permutation.images, permutation.noise)
        return codes.detach().gather(0, permutation.order)

    def _read_further(self, terms):
        """The terms that the model logs of its own."""
        missing = [name for name in self.hooks.logs if name not in terms]
        if missing:
            raise ValueError(f"logs names a term {missing[0]!r} that loss does not return")
        return [terms[name] for name in self.hooks.logs]

    def _precision(self, device):
        # Autocast refuses some devices ("meta") even when it is switched off.
        if not self.amp:
            return contextlib.nullcontext()
        # A graph must not hold casts of weights that were made outside it.
        cached = device.type != "cuda"
        return torch.autocast(device.type, torch.bfloat16, cache_enabled=cached)


class AdversaryObjective(nn.Module):
    """The adversary's loss on what one forward pass gave, as a function of its parameters."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, outputs, coefficients):
        """Compute the loss, of shape (); `outputs` carry no gradient, so it ends at the codes."""
        return self.model.adversary_loss(outputs, coefficients)


LOGGED = ("loss", *TERMS)


def coefficient_tensors(hyperparameters, device):
    """Put the hyperparameters on the device, one 0-dimensional float32 tensor each."""
    return {
        name: torch.tensor(float(value), dtype=torch.float32, device=device)
        for name, value in hyperparameters.items()
    }
