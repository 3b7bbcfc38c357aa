"""Each term against a slow reference, its limits, and the total correlation's exact value."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from disentanglement_bench.models import terms


def logistic(x):
    return 1 / (1 + math.exp(-x))


def arrays(outputs):
    return SimpleNamespace(
        **{
            name: value.detach().numpy()
            for name, value in outputs._asdict().items()
            if value is not None
        }
    )


def reference_nll(o):
    total = 0.0
    for x, logit in zip(o.images.ravel(), o.logits.ravel(), strict=True):
        p = logistic(logit)
        total -= x * math.log(p) + (1 - x) * math.log(1 - p)
    return total / len(o.images)


def reference_kl(o):
    total = 0.0
    for mean, log_variance in zip(o.means.ravel(), o.log_variances.ravel(), strict=True):
        deviation = math.exp(0.5 * log_variance)
        total += -math.log(deviation) + (deviation**2 + mean**2) / 2 - 0.5
    return total / len(o.means)


def reference_l2(o):
    pairs = zip(o.images.ravel(), o.logits.ravel(), strict=True)
    return sum((x - logistic(logit)) ** 2 for x, logit in pairs) / len(o.images)


def posterior_density(o, code, image):
    """Density of a code under one image's posterior, one value a latent."""
    return stats.norm.pdf(code, o.means[image], np.exp(0.5 * o.log_variances[image]))


def reference_tc(o):
    total, count = 0.0, len(o.codes)
    for code in o.codes:
        densities = np.array([posterior_density(o, code, image) for image in range(count)])
        joint = densities.prod(axis=1).mean()
        marginals = densities.mean(axis=0)
        total += math.log(joint) - sum(math.log(value) for value in marginals)
    return total / count


REFERENCES = {
    "nll": reference_nll,
    "kl": reference_kl,
    "l2": reference_l2,
    "tc": reference_tc,
}


@pytest.mark.parametrize("name", terms.TERMS)
@pytest.mark.parametrize("binary", [False, True])
def test_a_term_equals_its_reference(name, binary, make_outputs):
    for seed, batch, shape in ((0, 4, (1, 3, 3)), (1, 1, (3, 2, 2)), (2, 7, (3, 2, 4))):
        outputs = make_outputs(seed, batch, shape, binary=binary)
        expected = REFERENCES[name](arrays(outputs))
        assert float(terms.TERMS[name](outputs).detach()) == pytest.approx(
            expected, rel=1e-10, abs=1e-12
        )


@pytest.mark.parametrize("name", terms.TERMS)
def test_a_terms_gradient_is_that_of_its_reference(name, make_outputs):
    outputs = make_outputs(3, batch=3, shape=(1, 2, 2), latents=2)
    terms.TERMS[name](outputs).backward()
    for field in ("logits", "codes", "means", "log_variances"):
        gradient = getattr(outputs, field).grad
        values = getattr(outputs, field).detach().numpy()
        found = np.zeros(values.shape) if gradient is None else gradient.numpy()
        expected = np.zeros(values.shape)
        for place in np.ndindex(values.shape):
            sides = []
            for step in (1e-5, -1e-5):
                shifted = arrays(outputs)
                moved = values.copy()
                moved[place] += step
                setattr(shifted, field, moved)
                sides.append(REFERENCES[name](shifted))
            expected[place] = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8, err_msg=field)


def test_the_kl_of_the_prior_is_zero_and_of_each_latent_its_own(make_outputs):
    outputs = make_outputs()
    prior = outputs._replace(
        means=torch.zeros_like(outputs.means), log_variances=torch.zeros_like(outputs.means)
    )
    assert float(terms.kl_divergence(prior)) == 0
    per_latent = terms.kl_per_latent(outputs.means, outputs.log_variances)
    assert per_latent.shape == (3,)
    alone = [
        reference_kl(
            SimpleNamespace(
                means=outputs.means[:, [i]].detach().numpy(),
                log_variances=outputs.log_variances[:, [i]].detach().numpy(),
            )
        )
        for i in range(3)
    ]
    np.testing.assert_allclose(per_latent.detach(), alone, rtol=1e-10)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(-8, 8))
def test_the_targets_entropy_is_the_floor_of_the_nll(values, shift):
    images = torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)
    floor = float(terms.bernoulli_entropy(images))
    expected = sum(stats.bernoulli(p).entropy() for p in values)
    assert floor == pytest.approx(float(expected), abs=1e-9)
    best = torch.logit(images.clamp(1e-15, 1 - 1e-15))

    def nll(logits):
        return float(terms.negative_log_likelihood(terms.Outputs(images, logits, *[None] * 3)))

    assert nll(best) == pytest.approx(floor, abs=1e-9)
    assert nll(best + shift) >= floor - 1e-9


def test_binary_targets_have_no_entropy():
    images = torch.tensor([0.0, 1.0, 1.0]).view(1, 1, 1, 3)
    assert float(terms.bernoulli_entropy(images)) == 0


def test_the_tc_is_exact_when_the_batch_is_the_data_set():
    """The mean over draws of the codes is the integral of q log q over a grid."""
    means = torch.tensor([[-1.5, -1.3], [0.0, 0.4], [1.5, 1.2]]).double()
    log_variances = torch.tensor([[-0.5, 0.1], [-1.0, -0.3], [0.0, -0.7]]).double()
    o = SimpleNamespace(means=means.numpy(), log_variances=log_variances.numpy())
    grid = np.linspace(-7, 7, 281)
    width = grid[1] - grid[0]
    deviations = np.exp(0.5 * o.log_variances)
    densities = stats.norm.pdf(grid[:, None, None], o.means, deviations)
    joint = np.einsum("an,bn->ab", densities[:, :, 0], densities[:, :, 1]) / 3
    first, second = densities.mean(axis=1).T
    exact = (joint * np.log(joint / np.outer(first, second))).sum() * width**2
    assert exact > 0.05

    draws = torch.randn(6000, 3, 2, generator=torch.Generator().manual_seed(0)).double()
    codes = means + torch.from_numpy(deviations) * draws

    def estimate(codes):
        return terms.total_correlation(terms.Outputs(None, None, codes, means, log_variances))

    estimates = torch.vmap(estimate)(codes)
    error = float(estimates.std()) / math.sqrt(len(estimates))
    assert error < 0.01
    assert abs(float(estimates.mean()) - exact) < 4 * error


def test_the_tc_of_independent_latents_is_zero():
    """Means on a product grid with equal widths make the aggregate posterior a product."""
    axes = torch.tensor([-1.5, 0.2, 2.0]).double(), torch.tensor([-1.0, 0.5]).double()
    means = torch.cartesian_prod(*axes)
    log_variances = torch.tensor([-1.0, 0.3]).double().expand(6, 2)
    noise = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)).double()
    codes = means + torch.exp(0.5 * log_variances) * noise
    outputs = terms.Outputs(None, None, codes, means, log_variances)
    assert float(terms.total_correlation(outputs)) == pytest.approx(0, abs=1e-12)
    copied = terms.Outputs(None, None, codes[:, :1].repeat(1, 2), *[means[:, :1].repeat(1, 2)] * 2)
    assert float(terms.total_correlation(copied)) > 0.1


def test_the_tc_of_chen_et_al_differs_by_the_constant_of_the_docstring(make_outputs):
    outputs = make_outputs(6, batch=5)
    o = arrays(outputs)
    size, total = 1000, 0.0
    for code in o.codes:
        densities = np.array([posterior_density(o, code, image) for image in range(5)])
        joint = math.log(densities.prod(axis=1).sum() / (5 * size))
        total += joint - np.log(densities.sum(axis=0) / (5 * size)).sum()
    constant = (3 - 1) * math.log(size)
    assert total / 5 - constant == pytest.approx(float(terms.total_correlation(outputs).detach()))


def test_the_tc_survives_a_very_narrow_posterior():
    """exp(90) is beyond float32, a posterior with log-variance −90 is not."""
    means = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    outputs = terms.Outputs(None, None, means, means, torch.full((2, 2), -90.0))
    assert float(terms.total_correlation(outputs)) == pytest.approx(math.log(2), abs=1e-4)
