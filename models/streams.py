"""Separate random streams, each named by what it is for.

Every stream is seeded by a hash of (seed, name, …), so that initialisation, data order, sampling
noise and evaluation sample do not depend on one another, nor on β or λ: runs of one seed are
paired across a sweep.
"""

import hashlib

import numpy as np
import torch

# Steps whose noise is drawn in one call; changing it changes every run.
NOISE_BLOCK = 128


def stream_seed(seed, *name):
    """Hash a seed and the name of a stream to a 63-bit integer.

    Parameters
    ----------
    seed : int
    *name : str or int

    Returns
    -------
    int
    """
    text = "/".join(str(part) for part in (seed, *name))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def permutation(count, seed, *name):
    """Draw a permutation of 0 … count − 1 as an int64 tensor on the host."""
    generator = torch.Generator().manual_seed(stream_seed(seed, *name))
    return torch.randperm(count, generator=generator)


def sample_without_replacement(population, count, seed, *name):
    """Draw `count` distinct indices below `population` as an int64 array, in random order."""
    generator = np.random.default_rng(stream_seed(seed, *name))
    return generator.permutation(population)[:count].astype(np.int64)


class Noise:
    """Standard normal draws for the reparameterisation, a pure function of the step.

    Parameters
    ----------
    shape : tuple of int
        (batch, latents).
    seed : int
    device : torch.device
    generator : torch.Generator, optional
        Draws on the device; by default a new one there. Devices without generators can be given
        a ``draw`` function instead.
    draw : callable, optional
        ``draw(shape, seed) -> Tensor``; replaces the generator.
    """

    def __init__(self, shape, seed, device, draw=None):
        self.shape = tuple(shape)
        self.seed = seed
        self.device = torch.device(device)
        self._draw = draw or self._draw_on_device
        self._generator = None
        self._block = None
        self._values = None

    def __call__(self, step):
        """Return the noise (B, D) of a step, counted from 0."""
        block, position = divmod(step, NOISE_BLOCK)
        if block != self._block:
            seed = stream_seed(self.seed, "noise", block)
            self._values = self._draw((NOISE_BLOCK, *self.shape), seed)
            self._block = block
        return self._values[position]

    def _draw_on_device(self, shape, seed):
        if self._generator is None:
            self._generator = torch.Generator(device=self.device)
        self._generator.manual_seed(seed)
        return torch.randn(shape, generator=self._generator, device=self.device)
