"""Pairs of images that differ in some factors, found on the factor grid by their flat index."""

import math

import torch

from ..hooks import check_pairs
from .batches import Batches
from .streams import stream_seed

# Steps whose pairs are drawn in one call; changing it changes every run on pairs.
PAIR_BLOCK = 128


class PairedBatches(Batches):
    """Batches of pairs: images i and i + B of a step differ in exactly k factors.

    The first halves are the batches of `Batches`, in the same order. The second halves come from
    a stream of their own, a function of seed and step alone: k factors of the varying ones, every
    subset as likely as the others, and for each a class that is uniform among its other classes.

    Parameters
    ----------
    images : Images
        The full grid of factors, one image for each combination; the last factor varies fastest.
    batch_size : int
        Number of pairs B.
    seed : int
    factor_sizes : tuple of int or None
        Numbers of classes; None where the images are no full grid, which is refused.
    pair_factors : int, default 0
        In how many factors the two differ; 0 draws it for each pair, uniformly from 1 to one less
        than the number of factors that vary.
    read_ahead : bool, optional
        As for `Batches`.

    Raises
    ------
    ValueError
        As `models.hooks.check_pairs` and `Batches` do.
    """

    def __init__(self, images, batch_size, seed, factor_sizes, pair_factors=0, read_ahead=None):
        check_pairs(factor_sizes, pair_factors, len(images))
        super().__init__(images, batch_size, seed, read_ahead)
        self._draws = PairDraws(factor_sizes, batch_size, seed, pair_factors)

    def index(self, step):
        """Flat indices (2B,) of a step's images: B first ones, then their partners."""
        first = super().index(step)
        return torch.cat([first, self._draws.partners(first, step)])


class PairDraws:
    """The partners of a step's images, in whole numbers on the device of their index.

    Parameters
    ----------
    factor_sizes : tuple of int
    count : int
        Number of pairs B a step.
    seed : int
    pair_factors : int, default 0
        As for `PairedBatches`.
    """

    def __init__(self, factor_sizes, count, seed, pair_factors=0):
        places = [math.prod(factor_sizes[k + 1 :]) for k in range(len(factor_sizes))]
        varying = [k for k, size in enumerate(factor_sizes) if size > 1]
        self._sizes = torch.tensor([factor_sizes[k] for k in varying])
        self._places = torch.tensor([places[k] for k in varying])
        self._shape = (PAIR_BLOCK, count, len(varying))
        self._seed = seed
        self._pair_factors = pair_factors
        self._block = None
        self._here = None

    def partners(self, index, step):
        """Return the flat index (B,) of each image's partner at a step, counted from 0.

        Parameters
        ----------
        index : Tensor of shape (B,), int64
            Flat indices, on any device.
        step : int
        """
        block, position = divmod(step, PAIR_BLOCK)
        if (block, index.device) != self._block:
            # Drawn on the host, so that a run sees the same pairs whatever trains it.
            drawn = self._draw(block), self._sizes, self._places
            self._here = [tensor.to(index.device) for tensor in drawn]
            self._block = block, index.device
        shifts, sizes, places = self._here
        classes = index[:, None] // places % sizes
        others = (classes + shifts[position]) % sizes
        return index + ((others - classes) * places).sum(dim=1)

    def _draw(self, block):
        """How far each factor's class moves, in a cycle of its classes; 0 where it stays."""
        seed = stream_seed(self._seed, "pairs", block)
        generator = torch.Generator().manual_seed(seed)
        # Remainders of numbers this large are uniform to one part in 10¹⁵.
        keys, moves = torch.randint(1 << 62, (2, *self._shape), generator=generator)
        if self._pair_factors:
            differing = self._pair_factors
        else:
            most = max(1, len(self._sizes) - 1)
            differing = torch.randint(1, most + 1, (*self._shape[:2], 1), generator=generator)
        ranks = keys.argsort(dim=2).argsort(dim=2)
        return (1 + moves % (self._sizes - 1)) * (ranks < differing)
