"""One update of a model and its adversary: who is moved by what."""

import math

import pytest
import torch
from torch import nn

from disentanglement_bench.models.autoencoder import AdversaryObjective, Objective
from disentanglement_bench.models.hooks import read_hooks
from disentanglement_bench.models.terms import Outputs
from disentanglement_bench.models.training.loop import build_model
from disentanglement_bench.models.training.permutations import Permutations
from disentanglement_bench.models.training.step import Adversary, training_step
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.factorvae import FactorVAE

BATCH = 64
GAMMA = {"gamma": torch.tensor(5.0)}


def build(model_class=FactorVAE, seed=0):
    return build_model(model_class, seed, "cpu", (1, 8, 8), latent_size=3, network="conv-small")


def test_each_part_moves_along_the_gradient_of_its_own_loss(tiny_batch):
    """From the weights before either update, whatever else its loss depends on."""
    model, reference = build(), build()
    adversary = Adversary(model, read_hooks(FactorVAE), compiled=False)
    optimiser = torch.optim.SGD(adversary.opponents, lr=0.01)
    adversary.optimiser = torch.optim.SGD(adversary.parameters, lr=0.1)
    logged, means = training_step(Objective(model), optimiser, *tiny_batch, adversary)

    loss, _, outputs = Objective(reference)(*tiny_batch)
    second = AdversaryObjective(reference)(outputs, GAMMA)
    parts = Adversary(reference, read_hooks(FactorVAE), compiled=False)
    for p, g in zip(parts.opponents, torch.autograd.grad(loss, parts.opponents), strict=True):
        p.data -= 0.01 * g
    for p, g in zip(parts.parameters, torch.autograd.grad(second, parts.parameters), strict=True):
        p.data -= 0.1 * g
    for (name, one), other in zip(model.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(one, other, msg=name)
        assert one.grad is None, "left over for the next step"
    assert float(logged[0]) == pytest.approx(float(loss.detach()))
    assert float(logged[-1]) == pytest.approx(float(second.detach()))
    assert torch.equal(means, outputs.means)


def test_the_two_parts_are_all_of_the_model_and_share_nothing():
    model = build()
    adversary = Adversary(model, read_hooks(FactorVAE), compiled=False)
    names = {id(p): name for name, p in model.named_parameters()}
    own = {names[id(p)] for p in adversary.parameters}
    others = {names[id(p)] for p in adversary.opponents}
    assert own | others == set(names.values())
    assert own == {name for name in names.values() if name.startswith("discriminator.")}
    assert not own & others


def test_weights_that_are_not_trained_stay(tiny_batch):
    class Frozen(FactorVAE):
        def __init__(self, image_shape, latent_size, network):
            super().__init__(image_shape, latent_size, network)
            self.discriminator[0].requires_grad_(False)
            self.encoder[0].requires_grad_(False)

    model = build(Frozen)
    before = [model.discriminator[0].weight.clone(), model.encoder[0].weight.clone()]
    adversary = Adversary(model, read_hooks(Frozen), compiled=False)
    optimiser = torch.optim.SGD(adversary.opponents, lr=0.01)
    adversary.optimiser = torch.optim.SGD(adversary.parameters, lr=0.1)
    training_step(Objective(model), optimiser, *tiny_batch, adversary)
    assert torch.equal(before[0], model.discriminator[0].weight)
    assert torch.equal(before[1], model.encoder[0].weight)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (3, r"must name a submodule that the model makes in __init__, got int"),
        (nn.ReLU(), "both it and the rest of the model must have parameters to train"),
    ],
)
def test_an_adversary_that_is_none_is_refused(part, message):
    class Wrong(BetaVAE):
        adversary = "judge"

        def __init__(self, image_shape, latent_size, network):
            super().__init__(image_shape, latent_size, network)
            self.judge = part

        def adversary_loss(self, outputs, coefficients):
            return outputs.codes.sum()

    with pytest.raises(ValueError, match=message):
        Adversary(build(Wrong), read_hooks(Wrong), compiled=False)


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_a_discriminator_learns_on_dependent_codes_and_stays_at_chance_on_others(correlation):
    """On Gaussian codes; its logits then estimate their total correlation, −½ ln(1 − ρ²)."""
    model = build()
    adversary = Adversary(model, read_hooks(FactorVAE), compiled=False)
    adversary.optimiser = torch.optim.Adam(adversary.parameters, lr=1e-3, betas=(0.5, 0.9))
    generator = torch.Generator().manual_seed(3)
    permutations = Permutations((BATCH, 3), 0, "cpu")

    def draw(step):
        codes = torch.randn(BATCH, 3, generator=generator)
        codes[:, 1] = correlation * codes[:, 0] + math.sqrt(1 - correlation**2) * codes[:, 1]
        permuted = torch.randn(BATCH, 3, generator=generator)
        permuted[:, 1] = correlation * permuted[:, 0]
        permuted[:, 1] += math.sqrt(1 - correlation**2) * torch.randn(BATCH, generator=generator)
        order = permutations(step).order
        return Outputs(None, None, codes, codes, codes, permuted.gather(0, order))

    losses = [float(adversary.learn(draw(step), {})) for step in range(160)]
    with torch.no_grad():
        fresh = [draw(step) for step in range(1000, 1060)]
        joint = torch.cat([model.discriminator(outputs.codes) for outputs in fresh])
        product = torch.cat([model.discriminator(outputs.permuted) for outputs in fresh])
    accuracy = float((joint[:, 0] > joint[:, 1]).float().mean())
    accuracy = (accuracy + float((product[:, 1] > product[:, 0]).float().mean())) / 2
    estimate = float((joint[:, 0] - joint[:, 1]).mean())
    last = sum(losses[-40:]) / 40
    truth = -0.5 * math.log(1 - correlation**2)
    assert losses[0] == pytest.approx(math.log(2), abs=0.02)
    if correlation:
        assert last < 0.5
        assert accuracy > 0.7
        assert estimate == pytest.approx(truth, rel=0.2)
    else:
        assert last == pytest.approx(math.log(2), abs=0.02)
        assert accuracy == pytest.approx(0.5, abs=0.03)
        assert estimate == pytest.approx(truth, abs=0.05)


@pytest.fixture
def tiny_batch():
    """Images, noise, coefficients and a permutation of one step."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(8, 1, 8, 8, generator=generator)
    noise = torch.randn(8, 3, generator=generator)
    return images, noise, GAMMA, Permutations((8, 3), 0, "cpu")(0)
