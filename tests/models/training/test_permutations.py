"""Permuted codes: orders and second batches, pure functions of the step, apart from the rest."""

import pytest
import torch

from disentanglement_bench.models.autoencoder import Objective
from disentanglement_bench.models.training.batches import Batches
from disentanglement_bench.models.training.images import Images
from disentanglement_bench.models.training.permutations import Permutation, Permutations
from disentanglement_bench.models.training.streams import NOISE_BLOCK, Noise
from disentanglement_bench.models.zoo.betavae import BetaVAE

SHAPE = (6, 3)
STEPS = (0, 1, 5, NOISE_BLOCK - 1, NOISE_BLOCK, 3 * NOISE_BLOCK + 1)


@pytest.fixture
def images(tiny_source):
    return Images(tiny_source, "cpu")


def build(images=None, seed=0):
    return Permutations(SHAPE, seed, "cpu", images)


def test_the_streams_are_pinned(images):
    """Whoever changes one of these values changes every published run."""
    order, second, noise = build(images)(2)
    assert order.tolist() == [[2, 1, 1], [5, 4, 0], [4, 3, 5], [3, 5, 3], [0, 2, 4], [1, 0, 2]]
    index = Batches(images, 6, 0, stream="second order").index(2)
    assert index.tolist() == [4, 30, 10, 14, 25, 35]
    assert torch.equal(second, images(index))
    assert noise[0].tolist() == pytest.approx([0.1446625, 1.7739390, 0.5979283], abs=1e-5)


def test_a_step_depends_on_nothing_but_seed_and_step(images):
    one, other = build(images), build(images)
    forward = {step: one(step) for step in STEPS}
    for step in reversed(STEPS):
        for left, right in zip(forward[step], other(step), strict=True):
            assert torch.equal(left, right)
    assert not torch.equal(build(images, seed=1)(0).order, forward[0].order)


def test_each_latent_has_a_permutation_of_its_own():
    permutations = build()
    orders = torch.stack([permutations(step).order for step in range(400)])
    assert torch.equal(orders.sort(dim=1).values[:, :, 0], torch.arange(6).repeat(400, 1))
    assert (orders.sort(dim=1).values == torch.arange(6)[:, None]).all()
    # Rows that stay in their place, and pairs of latents of the same order: as by chance.
    assert abs((orders == torch.arange(6)[:, None]).float().mean() - 1 / 6) < 0.02
    assert abs((orders[:, :, 0] == orders[:, :, 1]).float().mean() - 1 / 6) < 0.04


def test_the_codes_of_the_batch_itself_need_no_second_one():
    order, second, noise = build()(3)
    assert second is None
    assert noise is None
    assert order.dtype == torch.int64


def test_the_order_of_the_training_batches_is_left_alone(images):
    """The second batches are of other images, of another noise, and in another order."""
    alone = [Batches(images, 6, 0).index(step) for step in range(30)]
    beside, permutations = Batches(images, 6, 0), build(images)
    found = []
    for step in range(30):
        permutations(step)
        found.append(beside.index(step))
    assert all(torch.equal(a, b) for a, b in zip(alone, found, strict=True))
    seconds = [permutations(step) for step in range(6)]
    assert not any(torch.equal(images(alone[step]), seconds[step].images) for step in range(6))
    noise = Noise(SHAPE, 0, "cpu")
    assert not any(torch.equal(noise(step), seconds[step].noise) for step in range(6))
    # One epoch of second batches is without replacement as well.
    index = torch.cat([permutations._second.index(step) for step in range(6)])
    assert len(set(index.tolist())) == 36


@pytest.mark.parametrize("second", [True, False])
def test_permuted_codes_are_those_of_the_batch_they_come_from(second, images):
    torch.manual_seed(0)
    model = BetaVAE(images.shape, 3, "conv-small")
    batch, noise = images(torch.arange(6)), torch.randn(SHAPE)
    permutation = build(images if second else None)(4)
    _, _, outputs = Objective(model)(batch, noise, {"beta": torch.tensor(1.0)}, permutation)
    codes = outputs.codes
    if second:
        means, log_variances = model.encode(permutation.images)
        codes = means + torch.exp(0.5 * log_variances) * permutation.noise
        assert not torch.allclose(codes, outputs.codes, atol=1e-3)
    expected = torch.stack(
        [codes[permutation.order[:, latent], latent] for latent in range(3)], dim=1
    )
    torch.testing.assert_close(outputs.permuted, expected.detach())


def test_a_data_set_smaller_than_a_batch_is_refused(images):
    with pytest.raises(ValueError, match="fewer than a batch of 41"):
        Permutations((41, 3), 0, "cpu", images)


def test_permutations_can_be_closed(images):
    build().close()
    permutations = build(images)
    permutations.close()
    assert isinstance(permutations(0), Permutation)
