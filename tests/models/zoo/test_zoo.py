"""The losses: definitions, limits, purity, and their hyperparameters."""

import dataclasses
import math

import pytest
import torch
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

from disentanglement_bench.models import terms
from disentanglement_bench.models.autoencoder import (
    LOGGED,
    Objective,
    coefficient_tensors,
)
from disentanglement_bench.models.hyperparameters import (
    hyperparameter_names,
    resolve_hyperparameters,
)
from disentanglement_bench.models.training.loop import build_model
from disentanglement_bench.models.zoo import list_models, load_model
from disentanglement_bench.models.zoo.betatcvae import BetaTCVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE
from disentanglement_bench.models.zoo.vae import VAE

SHAPE = (1, 8, 8)


def loss(model_class, outputs, **values):
    coefficients = {name.rstrip("_"): torch.tensor(value) for name, value in values.items()}
    return model_class.loss(model_class, outputs, coefficients)[0]


def build(model_class, seed=0):
    return build_model(model_class, seed, "cpu", SHAPE, latent_size=3, network="conv-small")


def batch(size=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand((size, *SHAPE), generator=generator)
    return images, torch.randn((size, 3), generator=generator)


def test_losses_are_the_sums_that_define_them(make_outputs):
    outputs = make_outputs(batch=5)
    nll, kl, l2, tc = (float(term(outputs).detach()) for term in terms.TERMS.values())
    expected = {
        loss(VAE, outputs): nll + kl,
        loss(BetaVAE, outputs, beta=3.5): nll + 3.5 * kl,
        loss(LambdaBetaVAE, outputs, beta=3.5, lambda_=0.7): nll + 3.5 * kl + 0.7 * l2,
        loss(BetaTCVAE, outputs, beta=3.5): nll + kl + 2.5 * tc,
    }
    assert min(abs(value) for value in (nll, kl, l2, tc)) > 0.01
    for found, value in expected.items():
        assert float(found.detach()) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize(
    ("model_class", "values", "limit", "limit_values"),
    [
        (BetaVAE, {"beta": 1.0}, VAE, {}),
        (LambdaBetaVAE, {"beta": 6.0, "lambda_": 0.0}, BetaVAE, {"beta": 6.0}),
        (BetaTCVAE, {"beta": 1.0}, VAE, {}),
    ],
)
def test_limits_agree_in_value_and_gradient(model_class, values, limit, limit_values, make_outputs):
    results = []
    for kind, given in ((model_class, values), (limit, limit_values)):
        outputs = make_outputs(9)
        value = loss(kind, outputs, **given)
        value.backward()
        results.append((value.detach(), outputs.logits.grad, outputs.means.grad))
        results[-1] += (outputs.log_variances.grad,)
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", list_models())
def test_what_a_model_says_it_reduces_to_is_true(name, make_outputs):
    model_class = load_model(name)
    outputs = make_outputs(3)
    for other, where in getattr(model_class, "reduces_to", {}).items():
        values = {**dict.fromkeys(hyperparameter_names(model_class), 5.0), **where}
        there = dict.fromkeys(hyperparameter_names(load_model(other)), 5.0)
        torch.testing.assert_close(
            loss(model_class, outputs, **values), loss(load_model(other), outputs, **there)
        )


def test_the_objective_logs_every_term_and_keeps_the_gradient_to_the_loss(zoo_model):
    model_class, hyperparameters = zoo_model
    model = build(model_class)
    images, noise = batch()
    coefficients = coefficient_tensors(hyperparameters, "cpu")
    value, logged, given = Objective(model)(images, noise, coefficients)
    means_again, log_variances = model.encode(images)
    codes = means_again + torch.exp(0.5 * log_variances) * noise
    outputs = terms.Outputs(images, model.decode(codes), codes, means_again, log_variances)
    expected = [value, *(term(outputs) for term in terms.TERMS.values())]
    further = model.loss(outputs, coefficients)[1]
    expected += [further[name] for name in getattr(model_class, "logs", ())]
    torch.testing.assert_close(logged, torch.stack(expected).detach())
    for one, other in zip(given[:-1], outputs[:-1], strict=True):
        torch.testing.assert_close(one, other.detach())
    assert len(logged) == len(LOGGED) + len(getattr(model_class, "logs", ()))
    assert value.requires_grad
    assert not logged.requires_grad
    assert not any(part.requires_grad for part in given[:-1])


def test_terms_that_a_model_computes_itself_are_logged_as_it_gives_them():
    class Fixed(BetaVAE):
        def loss(self, outputs, coefficients):
            value, known = super().loss(outputs, coefficients)
            return value, {**known, "tc": torch.tensor(42.0)}

    _, logged, _ = Objective(build(Fixed))(*batch(), coefficient_tensors({"beta": 1}, "cpu"))
    assert float(logged[LOGGED.index("tc")]) == 42


def test_stacked_models_and_coefficients_equal_a_loop(zoo_model):
    """One vmap over parameters, inputs and coefficients trains as the runs do one by one."""
    model_class, hyperparameters = zoo_model
    objectives = [Objective(build(model_class, seed)) for seed in range(3)]
    inputs = [batch(seed=seed) for seed in range(3)]
    sweeps = [
        coefficient_tensors({k: v * factor for k, v in hyperparameters.items()}, "cpu")
        for factor in (0, 0.25, 8)
    ]

    def step(parameters, images, noise, coefficients):
        def value(parameters):
            result = functional_call(objectives[0], parameters, (images, noise, coefficients))
            return result[0], result[1]

        return grad_and_value(value, has_aux=True)(parameters)

    parameters, _ = stack_module_state(objectives)
    stacked = [torch.stack(part) for part in zip(*inputs, strict=True)]
    coefficients = {name: torch.stack([c[name] for c in sweeps]) for name in hyperparameters}
    gradients, (values, logged) = vmap(step)(parameters, *stacked, coefficients)
    for number, objective in enumerate(objectives):
        value, terms_alone, _ = objective(*inputs[number], sweeps[number])
        value.backward()
        torch.testing.assert_close(values[number], value.detach())
        torch.testing.assert_close(logged[number], terms_alone)
        for name, parameter in objective.named_parameters():
            torch.testing.assert_close(
                gradients[name][number], parameter.grad, rtol=1e-3, atol=1e-4
            )


def test_one_model_under_many_coefficients_equals_a_loop():
    objective = Objective(build(LambdaBetaVAE))
    images, noise = batch()
    betas, lambdas = torch.tensor([0.0, 1.0, 32.0]), torch.tensor([8.0, 0.0, 2.0])
    together = vmap(lambda b, w: objective(images, noise, {"beta": b, "lambda": w})[0])(
        betas, lambdas
    )
    for number, found in enumerate(together):
        coefficients = {"beta": betas[number], "lambda": lambdas[number]}
        torch.testing.assert_close(found, objective(images, noise, coefficients)[0])


def test_bfloat16_is_used_inside_and_the_loss_stays_float32_and_close(zoo_model):
    model_class, hyperparameters = zoo_model
    model, coefficients = build(model_class), coefficient_tensors(hyperparameters, "cpu")
    dtypes = []
    model.encoder[0].register_forward_hook(lambda _, __, output: dtypes.append(output.dtype))
    images, noise = batch()
    exact = Objective(model)(images, noise, coefficients)[0]
    value, logged, given = Objective(model, amp=True)(images, noise, coefficients)
    assert dtypes == [torch.float32, torch.bfloat16]
    assert {value.dtype, logged.dtype, *(part.dtype for part in given[:-1])} == {torch.float32}
    assert float(value.detach()) == pytest.approx(float(exact.detach()), rel=1e-2)
    value.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_hyperparameters_are_named_as_users_write_them():
    assert hyperparameter_names(VAE) == ()
    assert hyperparameter_names(BetaVAE) == ("beta",)
    assert hyperparameter_names(LambdaBetaVAE) == ("beta", "lambda")
    assert hyperparameter_names(BetaTCVAE) == ("beta",)


def test_values_are_merged_with_the_defaults_in_order_of_declaration():
    assert resolve_hyperparameters(VAE, {}) == {}
    assert resolve_hyperparameters(BetaVAE, {}) == {"beta": 4.0}
    resolved = resolve_hyperparameters(LambdaBetaVAE, {"lambda": 0})
    assert list(resolved.items()) == [("beta", 4.0), ("lambda", 0)]


def test_a_name_the_model_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"^BetaVAE has no hyperparameter 'lambda'; it has: beta$"):
        resolve_hyperparameters(BetaVAE, {"lambda": 1.0})
    with pytest.raises(ValueError, match="it has: none"):
        resolve_hyperparameters(VAE, {"beta": 1.0})


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "4", None])
@pytest.mark.parametrize(
    ("model_class", "name"),
    [(BetaVAE, "beta"), (BetaTCVAE, "beta"), (LambdaBetaVAE, "beta"), (LambdaBetaVAE, "lambda")],
)
def test_values_out_of_range_are_refused_by_name(model_class, name, value):
    message = f"^{name} must be a finite number of at least 0, got "
    with pytest.raises(ValueError, match=message):
        resolve_hyperparameters(model_class, {name: value})


def test_hyperparameters_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BetaVAE.Hyperparameters().beta = 1
