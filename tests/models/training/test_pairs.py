"""Pairs on the factor grid: how many factors differ, how they are drawn, what stays as it was."""

import threading
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from disentanglement_bench.models.training.batches import Batches
from disentanglement_bench.models.training.pairs import (
    PAIR_BLOCK,
    PairDraws,
    PairedBatches,
)
from disentanglement_bench.models.training.streams import permutation

GRID = (3, 1, 4, 2)
PINNED = [21936, 40961, 45380, 39578]


class Numbers:
    """Images that are their own index."""

    resident = False
    device = torch.device("cpu")

    def __init__(self, sizes):
        self.count = int(np.prod(sizes))

    def __len__(self):
        return self.count

    def __call__(self, index):
        return index.clone()


def factors(index, sizes):
    return np.stack(np.unravel_index(index.numpy(), sizes), axis=1)


def differing(batch, sizes):
    """Which factors differ within each pair."""
    first, second = factors(batch, sizes).reshape(2, -1, len(sizes))
    return first != second


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5).filter(lambda s: max(s) > 1), st.data())
def test_the_images_of_a_pair_differ_in_exactly_k_factors(sizes, data):
    varying = sum(size > 1 for size in sizes)
    k = data.draw(st.integers(0, varying))
    images = Numbers(sizes)
    size = data.draw(st.integers(1, min(9, len(images))))
    seed, step = data.draw(st.integers(0, 99)), data.draw(st.integers(0, 3 * PAIR_BLOCK))
    batches = PairedBatches(images, size, seed, tuple(sizes), k)
    batch = batches(step)
    assert batch.shape == (2 * size,)
    assert batch.dtype == torch.int64
    assert batch.min() >= 0
    assert batch.max() < len(images)
    # The first halves are those of ordinary batches.
    assert torch.equal(batch[:size], Batches(images, size, seed)(step))
    counts = differing(batch, sizes).sum(axis=1)
    assert (counts == k).all() if k else (counts >= 1).all() and counts.max() < max(2, varying)
    # A function of seed and step alone: whatever was drawn before.
    again = PairedBatches(images, size, seed, tuple(sizes), k)
    again(data.draw(st.integers(0, 2 * PAIR_BLOCK)))
    assert torch.equal(again(step), batch)


def draw(sizes, k, start, steps=PAIR_BLOCK, count=64, seed=0):
    """Factors of the partners of one image, over many pairs."""
    draws = PairDraws(sizes, count, seed, k)
    index = torch.full((count,), int(np.ravel_multi_index(start, sizes)))
    return factors(torch.cat([draws.partners(index, step) for step in range(steps)]), sizes)


def assert_uniform(values, count):
    """Frequencies within five standard deviations of those of equal chances."""
    chance, total = 1 / count, len(values)
    frequencies = np.unique(values, return_counts=True, axis=0)[1] / total
    assert len(frequencies) == count
    assert abs(frequencies - chance).max() <= 5 * np.sqrt(chance * (1 - chance) / total)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_every_subset_of_factors_is_as_likely_and_every_other_class(k):
    sizes, start = (3, 1, 6, 10), (2, 0, 0, 4)
    drawn = draw(sizes, k, start)
    moved = drawn != np.array(start)
    assert_uniform(moved, len(list(combinations(range(3), k))))
    for factor in (0, 2, 3):
        assert_uniform(drawn[moved[:, factor], factor], sizes[factor] - 1)


def test_the_classes_of_two_factors_are_drawn_independently():
    assert_uniform(draw((4, 5), 2, (3, 0)), 3 * 4)


def test_a_random_number_of_factors_is_uniform_and_never_all():
    drawn = draw((3, 2, 4, 2, 2), 0, (0, 1, 2, 0, 1))
    assert_uniform((drawn != np.array([0, 1, 2, 0, 1])).sum(axis=1), 4)
    assert_uniform((draw((3, 1), 0, (1, 0)) != np.array([1, 0])).sum(axis=1), 1)


def test_seeds_and_steps_differ_within_and_between_blocks():
    index = torch.arange(24)
    draws = [PairDraws(GRID, 24, seed).partners(index, s) for seed in (0, 1) for s in (0, 1, 128)]
    assert len({tuple(draw.tolist()) for draw in draws}) == 6


def test_the_pairs_are_pinned():
    """Whoever changes them changes every published run on pairs."""
    draws = PairDraws((3, 6, 10, 16, 16), 4, 0)
    index = permutation(46080, 0, "order", 0)[:4]
    assert draws.partners(index, 130).tolist() == PINNED


def test_what_is_drawn_depends_neither_on_the_order_nor_on_the_device():
    pairs = PairDraws(GRID, 4, 5)
    here = pairs.partners(torch.arange(4), 7)
    there = pairs.partners(torch.arange(4, device="meta"), 7)
    assert there.device.type == "meta"
    assert there.shape == here.shape
    assert torch.equal(pairs.partners(torch.arange(4), 7), here)


def test_reading_ahead_gives_the_same_pairs():
    plain = PairedBatches(Numbers(GRID), 5, 1, GRID, 2)
    ahead = PairedBatches(Numbers(GRID), 5, 1, GRID, 2, read_ahead=True)
    try:
        for step in (0, 1, 2, 3, 127, 128, 129, 2):
            assert torch.equal(ahead(step), plain(step))
    finally:
        ahead.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("reader")]


def test_batches_without_pairs_are_refused():
    with pytest.raises(ValueError, match="one image for every combination of factors"):
        PairedBatches(Numbers((11,)), 5, 0, (3, 4))
    with pytest.raises(ValueError, match="with more than one class is 3; lower it to that"):
        PairedBatches(Numbers(GRID), 5, 0, GRID, 4)
    with pytest.raises(ValueError, match="fewer than a batch of 25"):
        PairedBatches(Numbers(GRID), 25, 0, GRID)
