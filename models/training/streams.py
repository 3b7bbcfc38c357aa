"""Separate random streams, each named by what it is for.

Every stream is seeded by a hash of (seed, name, …), so that initialisation, data order, sampling
noise and evaluation sample do not depend on one another, nor on β or λ: runs of one seed are
paired across a sweep.
"""

import contextlib
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
    """Draw `count` distinct indices below `population` as an int64 array, in random order.

    Raises
    ------
    ValueError
        If the population is smaller than the sample.
    """
    if count > population:
        raise ValueError(f"cannot draw {count} different images out of {population}")
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
    draw : callable, optional
        ``draw(shape, seed) -> Tensor``; by default from a generator on the device, which devices
        such as "meta" do not have.
    stream : str, default "noise"
        Name of the random stream.
    """

    def __init__(self, shape, seed, device, draw=None, stream="noise"):
        self.shape = tuple(shape)
        self.seed = seed
        self.stream = stream
        self.device = torch.device(device)
        self._draw = draw or self._draw_on_device
        self._generator = None
        self._block = None
        self._values = None

    def __call__(self, step):
        """Return the noise (B, D) of a step, counted from 0."""
        block, position = divmod(step, NOISE_BLOCK)
        if block != self._block:
            seed = stream_seed(self.seed, self.stream, block)
            self._values = self._draw((NOISE_BLOCK, *self.shape), seed)
            self._block = block
        return self._values[position]

    def _draw_on_device(self, shape, seed):
        if self._generator is None:
            self._generator = torch.Generator(device=self.device)
        self._generator.manual_seed(seed)
        return torch.randn(shape, generator=self._generator, device=self.device)


def seeded_states(device, seed):
    """States that the global generators of a model's own layers would have, if seeded.

    Parameters
    ----------
    device : torch.device
        Where the model lies; its layers (dropout, say) draw there, their initialisation on the
        host.
    seed : int

    Returns
    -------
    dict of str to Tensor
        By device type; for `private_randomness`.
    """
    states = {"cpu": torch.Generator().manual_seed(seed).get_state()}
    if device.type == "cuda":
        states["cuda"] = torch.Generator(device=device).manual_seed(seed).get_state()
    return states


def global_states(device):
    """Current states of the same global generators."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


@contextlib.contextmanager
def private_randomness(device, states):
    """Let the global generators go on from `states` within the block, and restore them after it."""
    outside = global_states(device)
    _set_global_states(device, states)
    try:
        yield
    finally:
        _set_global_states(device, outside)


def _set_global_states(device, states):
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
