"""AnnealedVAE, DIP-VAE and FactorVAE: losses by hand, in NumPy, and by finite differences."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from disentanglement_bench.models.hyperparameters import resolve_hyperparameters
from disentanglement_bench.models.networks import NETWORKS, build_discriminator
from disentanglement_bench.models.training.loop import build_model
from disentanglement_bench.models.zoo.annealedvae import AnnealedVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.dipvae1 import DIPVAE1
from disentanglement_bench.models.zoo.dipvae2 import DIPVAE2
from disentanglement_bench.models.zoo.factorvae import FactorVAE

DIP = {DIPVAE1: 10.0, DIPVAE2: 1.0}


def tensors(**values):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def elbo(outputs):
    """NLL and KL in plain NumPy."""
    images, logits, _, means, log_variances = (part.detach().numpy() for part in outputs[:5])
    p = 1 / (1 + np.exp(-logits))
    nll = -(images * np.log(p) + (1 - images) * np.log(1 - p)).sum() / len(images)
    kl = 0.5 * (means**2 + np.exp(log_variances) - 1 - log_variances).sum() / len(images)
    return nll, kl


@pytest.fixture
def factorvae():
    """A FactorVAE in double precision whose discriminator has one narrow hidden layer."""
    model = build_model(FactorVAE, 0, "cpu", (1, 8, 8), latent_size=3, network="conv-small")
    torch.manual_seed(0)
    model.discriminator = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 2))
    return model.double()


def discriminate(model, codes):
    """The discriminator in plain NumPy."""
    first, _, last = model.discriminator
    weights = [p.detach().numpy() for p in (first.weight, first.bias, last.weight, last.bias)]
    hidden = codes @ weights[0].T + weights[1]
    return np.where(hidden > 0, hidden, 0.2 * hidden) @ weights[2].T + weights[3]


@pytest.mark.parametrize("capacity", [0.0, 1.0, 40.0])
def test_the_loss_of_annealedvae_is_the_distance_to_the_capacity(capacity, make_outputs):
    outputs = make_outputs(2)
    nll, kl = elbo(outputs)
    assert 1 < kl < 40, "on both sides of it"
    loss, known = AnnealedVAE.loss(None, outputs, tensors(gamma=7.0, c_max=capacity))
    assert loss.item() == pytest.approx(nll + 7 * abs(kl - capacity))
    assert known["kl"].item() == pytest.approx(kl)


@pytest.mark.parametrize(
    ("step", "capacity"), [(0, 0), (30_000, 7.5), (99_999, 24.99975), (100_000, 25), (349_999, 25)]
)
def test_the_capacity_of_dlib_grows_over_100_000_steps(step, capacity):
    values = resolve_hyperparameters(AnnealedVAE, {})
    found = AnnealedVAE.coefficients_at(values, step, 300_000)
    assert found == {"c_max": pytest.approx(capacity)}


@pytest.mark.parametrize("model_class", DIP)
def test_the_losses_of_dip_vaes_penalise_a_covariance_that_is_not_the_identity(
    model_class, make_outputs
):
    outputs = make_outputs(4, batch=5)
    nll, kl = elbo(outputs)
    means = outputs.means.detach().numpy()
    centred = means - means.mean(axis=0)
    covariance = sum(np.outer(row, row) for row in centred) / 5
    if model_class is DIPVAE2:
        covariance = covariance + np.diag(np.exp(outputs.log_variances.detach().numpy()).mean(0))
    off = sum(covariance[i, j] ** 2 for i in range(3) for j in range(3) if i != j)
    on = sum((covariance[i, i] - 1) ** 2 for i in range(3))
    values = resolve_hyperparameters(model_class, {"lambda_od": 3.0})
    assert values["lambda_d_factor"] == DIP[model_class]
    loss, _ = model_class.loss(None, outputs, tensors(**values))
    assert loss.item() == pytest.approx(nll + kl + 3 * off + 3 * DIP[model_class] * on)


@pytest.mark.parametrize("model_class", DIP)
def test_a_dip_vae_asks_nothing_of_codes_of_unit_covariance(model_class, make_outputs):
    outputs = make_outputs(1, batch=4, latents=2)
    means = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]).double()
    narrow = torch.full((4, 2), -60.0).double()
    outputs = outputs._replace(means=means, log_variances=narrow)
    loss, known = model_class.loss(None, outputs, tensors(lambda_od=9.0, lambda_d_factor=5.0))
    assert loss.item() == pytest.approx((known["nll"] + known["kl"]).item(), abs=1e-9)


def test_the_losses_of_factorvae_are_a_ratio_and_a_cross_entropy(make_outputs, factorvae):
    outputs = make_outputs(5, batch=6)
    permuted = make_outputs(6, batch=6).codes.detach()
    outputs = outputs._replace(permuted=permuted)
    nll, kl = elbo(outputs)
    joint = discriminate(factorvae, outputs.codes.detach().numpy())
    product = discriminate(factorvae, permuted.numpy())
    ratio = np.mean(joint[:, 0] - joint[:, 1])
    assert abs(ratio) > 0.01
    loss, known = factorvae.loss(outputs, tensors(gamma=3.0))
    assert loss.item() == pytest.approx(nll + kl + 3 * ratio)
    assert known["tc_discriminator"].item() == pytest.approx(ratio)

    def probability(logits, column):
        return np.exp(logits[:, column]) / np.exp(logits).sum(axis=1)

    entropy = -(np.log(probability(joint, 0)) + np.log(probability(product, 1))).mean() / 2
    found = factorvae.adversary_loss(outputs, tensors(gamma=3.0))
    assert found.item() == pytest.approx(entropy)
    # No weight of the loss enters what the discriminator learns.
    assert factorvae.adversary_loss(outputs, {}).item() == found.item()


def test_a_discriminator_that_cannot_tell_has_a_cross_entropy_of_ln_2(make_outputs, factorvae):
    last = factorvae.discriminator[-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    outputs = make_outputs(5)._replace(permuted=make_outputs(6).codes)
    assert factorvae.adversary_loss(outputs, {}).item() == pytest.approx(math.log(2))
    loss, known = factorvae.loss(outputs, tensors(gamma=3.0))
    assert loss.item() == (known["nll"] + known["kl"]).item()


@pytest.mark.parametrize(
    ("model_class", "values"),
    [
        (AnnealedVAE, {"gamma": 7.0, "c_max": 1.0}),
        (AnnealedVAE, {"gamma": 7.0, "c_max": 40.0}),
        (DIPVAE1, {"lambda_od": 3.0, "lambda_d_factor": 10.0}),
        (DIPVAE2, {"lambda_od": 3.0, "lambda_d_factor": 1.0}),
        (FactorVAE, {"gamma": 3.0}),
    ],
)
def test_gradients_are_those_of_finite_differences(model_class, values, make_outputs, factorvae):
    outputs = make_outputs(3, batch=3, latents=3)
    model = factorvae if model_class is FactorVAE else model_class
    coefficients = tensors(**values)

    def loss(*parts):
        return model_class.loss(model, type(outputs)(outputs.images, *parts), coefficients)[0]

    assert torch.autograd.gradcheck(loss, tuple(outputs[1:5]))


def test_the_adversarys_gradients_are_those_of_finite_differences(make_outputs, factorvae):
    outputs = make_outputs(3).detach()._replace(permuted=make_outputs(4).codes.detach())
    names = [name for name, _ in factorvae.discriminator.named_parameters()]

    def loss(*weights):
        parameters = dict(zip(names, weights, strict=True))

        class Called(nn.Module):
            def forward(self, codes):
                return torch.func.functional_call(factorvae.discriminator, parameters, (codes,))

        stand_in = type("StandIn", (), {"discriminator": Called()})
        return FactorVAE.adversary_loss(stand_in, outputs, {})

    assert torch.autograd.gradcheck(loss, tuple(factorvae.discriminator.parameters()))


@pytest.mark.parametrize(
    ("network", "widths"),
    [("conv-small", [256] * 3), ("conv", [1000] * 6), ("conv-dlib", [1000] * 6)],
)
def test_a_discriminator_has_leaky_layers_of_the_networks_width_and_two_logits(network, widths):
    discriminator = build_discriminator(network, 10)
    dense = [layer for layer in discriminator if isinstance(layer, nn.Linear)]
    assert [layer.in_features for layer in dense] == [10, *widths]
    assert [layer.out_features for layer in dense] == [*widths, 2]
    leaky = [layer for layer in discriminator if isinstance(layer, nn.LeakyReLU)]
    assert len(leaky) == len(widths)
    assert {layer.negative_slope for layer in leaky} == {0.2}
    assert len(discriminator) == len(dense) + len(leaky)
    glorot = NETWORKS[network].glorot
    assert (dense[0].bias.abs().max() == 0) == glorot


def test_an_unknown_network_has_no_discriminator():
    with pytest.raises(ValueError, match="unknown network 'dense'; available: conv, "):
        build_discriminator("dense", 3)


def test_a_factorvae_starts_with_the_weights_of_the_other_models():
    """The discriminator's are drawn last, so that runs of one seed stay paired."""
    options = {"latent_size": 3, "network": "conv-small"}
    one = build_model(FactorVAE, 4, "cpu", (1, 8, 8), **options)
    other = build_model(BetaVAE, 4, "cpu", (1, 8, 8), **options)
    found = one.state_dict()
    for name, value in other.state_dict().items():
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "4", None])
@pytest.mark.parametrize(
    ("model_class", "name"),
    [
        (AnnealedVAE, "gamma"),
        (AnnealedVAE, "c_max"),
        *((model_class, name) for model_class in DIP for name in ("lambda_od", "lambda_d_factor")),
        (FactorVAE, "gamma"),
    ],
)
def test_values_out_of_range_are_refused_by_name(model_class, name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a finite number of at least 0, got "):
        resolve_hyperparameters(model_class, {name: value})
