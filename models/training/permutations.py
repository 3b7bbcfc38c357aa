"""Codes permuted over a batch: in what order, and of which images, a pure function of the step."""

from typing import NamedTuple

from torch import Tensor

from .batches import Batches
from .streams import Noise


class Permutation(NamedTuple):
    """How one step permutes codes, latent by latent.

    Attributes
    ----------
    order : Tensor of shape (B, D), int64
        Column d is a permutation of 0 … B − 1: row i takes latent d of row ``order[i, d]``.
    images : Tensor of shape (B, C, H, W) or None
        The second batch, whose codes are permuted; None where those of the step's own are.
    noise : Tensor of shape (B, D) or None
        For the codes of the second batch.
    """

    order: Tensor
    images: Tensor | None = None
    noise: Tensor | None = None


class Permutations:
    """The permutations of a training run, from streams of their own.

    The order of the training batches and their noise stay what they are without them.

    Parameters
    ----------
    shape : tuple of int
        (batch, latents).
    seed : int
    device : torch.device
    images : Images, optional
        Where the second batches come from; by default a step's own codes are permuted.
    draw : callable, optional
        As for `models.training.streams.Noise`.

    Raises
    ------
    ValueError
        If the data set has fewer images than a batch.
    """

    def __init__(self, shape, seed, device, images=None, draw=None):
        self._keys = Noise(shape, seed, device, draw, stream="permutation")
        self._second = self._noise = None
        if images is not None:
            self._second = Batches(images, shape[0], seed, stream="second order")
            self._noise = Noise(shape, seed, device, draw, stream="second noise")

    def __call__(self, step):
        """Return the `Permutation` of a step, counted from 0."""
        order = self._keys(step).argsort(dim=0, stable=True)
        if self._second is None:
            return Permutation(order)
        return Permutation(order, self._second(step), self._noise(step))

    def close(self):
        """Stop reading ahead."""
        if self._second is not None:
            self._second.close()
