"""Random streams: separate, reproducible, pinned, and without a trace outside."""

import numpy as np
import pytest
import torch

from disentanglement_bench.models.training.loop import build_model
from disentanglement_bench.models.training.streams import (
    NOISE_BLOCK,
    Noise,
    global_states,
    permutation,
    private_randomness,
    sample_without_replacement,
    seeded_states,
    stream_seed,
)
from disentanglement_bench.models.zoo.betavae import BetaVAE

CPU = torch.device("cpu")


PINNED = {
    "initialisation": 1952974914541233639,
    "noise": 2448256723861745140,
    "order": [1, 6, 0, 8, 7, 9, 5, 3, 2, 4],
    "evaluation": [71, 84, 39, 38, 48, 10],
    "draws": [1.1480006, -0.6126794, 0.4219484, -0.1962404],
    "weights": [-0.0843583, -0.1714986, -0.2032706, 0.1353843],
}


def test_the_streams_are_pinned():
    """Whoever changes one of these values changes every published run."""
    assert stream_seed(0, "initialisation") == PINNED["initialisation"]
    assert stream_seed(3, "noise", 2) == PINNED["noise"]
    assert permutation(10, 0, "order", 0).tolist() == PINNED["order"]
    assert sample_without_replacement(100, 6, 0, "evaluation").tolist() == PINNED["evaluation"]
    assert Noise((2, 2), 0, "cpu")(129).flatten().tolist() == pytest.approx(
        PINNED["draws"], abs=1e-5
    )
    model = build_model(BetaVAE, 0, "cpu", (1, 8, 8), latent_size=3, network="conv-small")
    assert model.encoder[0].weight.flatten()[:4].tolist() == pytest.approx(
        PINNED["weights"], abs=1e-6
    )


def test_seeds_of_streams_are_63_bit_and_all_different():
    names = [("order", 0), ("order", 1), ("noise", 0), ("initialisation",), ("model",)]
    seeds = {stream_seed(seed, *name) for seed in range(20) for name in names}
    assert len(seeds) == 100
    assert all(0 <= value < 1 << 63 for value in seeds)
    assert max(seeds) > 1 << 61


def test_names_are_separated():
    assert stream_seed(1, "a", "b") != stream_seed(1, "ab")
    assert stream_seed(1, 2) != stream_seed(12)


def test_streams_of_different_names_are_unrelated():
    draws = np.stack(
        [Noise((4, 500), seed, "cpu")(step).flatten() for seed in (0, 1) for step in (0, 200)]
    )
    correlations = np.corrcoef(draws)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 0.1
    orders = {tuple(permutation(50, 0, *name).tolist()) for name in (("a",), ("b",), ("a", 1))}
    assert len(orders) == 3


def test_noise_is_standard_normal_and_a_pure_function_of_the_step():
    noise = Noise((16, 10), 5, "cpu")
    steps = [0, 1, NOISE_BLOCK - 1, NOISE_BLOCK, 3 * NOISE_BLOCK + 7]
    forwards = [noise(step).clone() for step in steps]
    backwards = [Noise((16, 10), 5, "cpu")(step) for step in reversed(steps)][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(forwards[0], forwards[1])
    many = torch.stack([noise(step) for step in range(200)])
    assert many.shape == (200, 16, 10)
    assert abs(float(many.mean())) < 0.03
    assert float(many.std()) == pytest.approx(1, abs=0.03)


def test_a_noise_source_can_be_injected():
    asked = []

    def draw(shape, seed):
        asked.append((shape, seed))
        return torch.full(shape, float(len(asked)))

    noise = Noise((2, 3), 7, "meta", draw=draw)
    assert noise(0).shape == (2, 3)
    noise(NOISE_BLOCK - 1)
    assert float(noise(NOISE_BLOCK).mean()) == 2
    assert asked == [((NOISE_BLOCK, 2, 3), stream_seed(7, "noise", block)) for block in (0, 1)]


def test_samples_are_distinct_and_within_the_population():
    sample = sample_without_replacement(50, 30, 0, "evaluation")
    assert sample.dtype == np.int64
    assert len(set(sample.tolist())) == 30
    assert sample.min() >= 0
    assert sample.max() < 50
    whole = sample_without_replacement(50, 50, 0, "evaluation")
    assert sorted(whole.tolist()) == list(range(50))
    assert whole[:30].tolist() == sample.tolist()


def test_a_sample_larger_than_the_population_is_refused():
    with pytest.raises(ValueError, match="cannot draw 51 different images out of 50"):
        sample_without_replacement(50, 51, 0, "evaluation")


def test_private_randomness_draws_from_its_states_and_restores_the_others():
    torch.manual_seed(1)
    untouched = torch.rand(3)
    torch.manual_seed(1)
    with private_randomness(CPU, seeded_states(CPU, 9)):
        inside = torch.rand(3)
        middle = global_states(CPU)
        later = torch.rand(3)
    assert torch.equal(torch.rand(3), untouched)
    assert torch.equal(inside, torch.rand(3, generator=torch.Generator().manual_seed(9)))
    with private_randomness(CPU, middle):
        assert torch.equal(torch.rand(3), later)


def test_private_randomness_restores_the_generators_after_an_error():
    before = torch.get_rng_state()

    def fail():
        with private_randomness(CPU, seeded_states(CPU, 9)):
            torch.rand(100)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_building_depends_on_the_seed_alone_and_leaves_the_global_generators():
    def weights(seed):
        model = build_model(BetaVAE, seed, "cpu", (1, 8, 8), latent_size=3, network="conv-small")
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = weights(0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    assert torch.equal(weights(0), first)
    assert not torch.equal(weights(1), first)


def test_models_are_built_channels_last():
    model = build_model(BetaVAE, 0, "cpu", (1, 8, 8), latent_size=3, network="conv-small")
    assert model.encoder[2].weight.is_contiguous(memory_format=torch.channels_last)
