"""The linear VAE in the suite's own training loop, beside theory, fixed point and AdamW."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from disentanglement_bench.models.autoencoder import Objective, coefficient_tensors
from disentanglement_bench.models.hyperparameters import at_least, resolve_hyperparameters
from disentanglement_bench.models.linear_gaussian.adamw import AdamWSettings, train_adamw
from disentanglement_bench.models.linear_gaussian.closed_form import solve_closed_form
from disentanglement_bench.models.linear_gaussian.fixed_point import (
    solve_fixed_points,
    update_decoder,
)
from disentanglement_bench.models.linear_gaussian.problem import Problem
from disentanglement_bench.models.linear_gaussian.terms import evaluate_loss
from disentanglement_bench.models.terms import kl_divergence
from disentanglement_bench.models.training.loop import Trainer, build_model
from disentanglement_bench.models.training.schedule import Schedule
from disentanglement_bench.models.training.streams import Noise

BATCH, LATENTS = 64, 2
CPU = torch.device("cpu")


class LinearVAE(nn.Module):
    """NLL + β KL + λ ‖y − Ax‖² with encoder N(By, diag) and decoder N(Ax, Σ_Z), all linear.

    Its optimum on Gaussian data is known in closed form (`models.linear_gaussian.closed_form`): a
    diagonal posterior covariance is no restriction, because the loss does not care how latents are
    rotated and one rotation makes the optimal covariance diagonal. It has no biases, for data of
    mean 0.

    Parameters
    ----------
    image_shape : tuple of int
        Shape of an observation, (C, H, W); it is flattened to n = C·H·W numbers of any size.
    latent_size : int, default 10
        Number of latents.
    """

    @dataclass(frozen=True)
    class Hyperparameters:
        """β ≥ 0, the weight of the KL term; λ ≥ 0, the weight of the squared error."""

        beta: float = 4.0
        lambda_: float = 0.0

        def __post_init__(self):
            at_least("beta", self.beta, 0)
            at_least("lambda", self.lambda_, 0)

    def __init__(self, image_shape, latent_size=10):
        super().__init__()
        self.image_shape = tuple(image_shape)
        n = 1
        for length in self.image_shape:
            n *= length
        self.encoder = nn.Linear(n, latent_size, bias=False)
        self.log_variances = nn.Parameter(torch.zeros(latent_size))
        self.decoder = nn.Linear(latent_size, n, bias=False)
        # Σ_Z = LLᵀ: the logarithms of L's diagonal, and the entries below it.
        self.log_scales = nn.Parameter(torch.zeros(n))
        self.below = nn.Parameter(torch.zeros(n, n))

    def encode(self, images):
        """Map observations (B, C, H, W) to posterior means and log-variances, each (B, D)."""
        means = self.encoder(images.flatten(1))
        return means, self.log_variances.expand_as(means)

    def decode(self, codes):
        """Map codes (B, D) to the decoder's means (B, C, H, W)."""
        return self.decoder(codes).unflatten(1, self.image_shape)

    def loss(self, outputs, coefficients):
        """Return the loss and its terms, in nats (L2 in squared units of y) per observation."""
        # What the zoo calls logits are this decoder's means.
        error = (outputs.images - outputs.logits).flatten(1)
        whitened = torch.linalg.solve_triangular(self._factor(), error.mT, upper=False)
        n, batch = whitened.shape
        nll = 0.5 * n * torch.log(error.new_tensor(2 * torch.pi)) + self.log_scales.sum()
        nll = nll + 0.5 * whitened.square().sum() / batch
        kl = kl_divergence(outputs)
        l2 = error.square().sum() / batch
        loss = nll + coefficients["beta"] * kl + coefficients["lambda"] * l2
        return loss, {"nll": nll, "kl": kl, "l2": l2}

    def matrices(self):
        """Encoder and decoder as arrays for `models.linear_gaussian.terms.evaluate_loss`.

        Returns
        -------
        tuple of ndarray, float64
            B (m, n), Σ_W (m, m), A (n, m), Σ_Z (n, n).
        """
        with torch.no_grad():
            factor = self._factor().double()
            found = (
                self.encoder.weight.double(),
                torch.diag(self.log_variances.double().exp()),
                self.decoder.weight.double(),
                factor @ factor.mT,
            )
            return tuple(matrix.cpu().numpy() for matrix in found)

    def _factor(self):
        return self.below.tril(-1) + torch.diag(self.log_scales.exp())


@pytest.fixture(scope="module")
def problem():
    return Problem(np.eye(3), np.diag([3.5, 1.5, 0.1]), np.diag([4.0, 2.0, 0.6]), "small")


@pytest.fixture(scope="module")
def data(problem):
    """Observations whose sample covariance is exactly Σ_Y, as 1 × 1 × 3 images."""
    draws = np.random.default_rng(0).standard_normal((BATCH, problem.n))
    draws -= draws.mean(axis=0)
    root = np.linalg.cholesky(draws.T @ draws / BATCH)
    rows = draws @ np.linalg.inv(root).T @ np.linalg.cholesky(problem.sigma_y).T
    np.testing.assert_allclose(rows.T @ rows / BATCH, problem.sigma_y, atol=1e-10)
    return torch.tensor(rows, dtype=torch.float32).reshape(BATCH, 1, 1, problem.n)


def fit(data, beta, lambda_, steps, learning_rate):
    model = build_model(LinearVAE, 0, CPU, tuple(data.shape[1:]), latent_size=LATENTS)
    trainer = Trainer(
        model,
        {"beta": beta, "lambda": lambda_},
        lambda step: data,
        Noise((BATCH, LATENTS), 0, CPU),
        Schedule((steps,), learning_rate=learning_rate, checkpoint_every=10**6, final_steps=200),
        seed=0,
    )
    trainer.run(lambda _: None)
    return model, trainer.recorder.final()


@pytest.mark.parametrize(("beta", "lambda_"), [(4.0, 0.0), (4.0, 1.0)])
def test_four_ways_to_the_same_numbers(problem, data, beta, lambda_):
    theory = solve_closed_form(problem, beta, lambda_, LATENTS)
    model, final = fit(data, beta, lambda_, 800, 1e-2)
    trained = evaluate_loss(problem, *model.matrices(), beta, lambda_)
    found = solve_fixed_points(problem, [beta], [lambda_], LATENTS, starts=1)
    fixed = evaluate_loss(
        problem,
        found.encoder,
        found.sigma_w,
        *update_decoder(problem, found.encoder, found.sigma_w),
        beta,
        lambda_,
    )
    settings = AdamWSettings(steps=1200, learning_rate=1e-2)
    adamw = train_adamw(problem, [beta], [lambda_], LATENTS, settings=settings)
    assert fixed.loss[0] == pytest.approx(theory.loss, abs=1e-8)
    assert adamw.loss[0] == pytest.approx(theory.loss, abs=5e-3)
    # The loop sees one noisy sample of each code: near the optimum, never below it.
    assert -1e-5 <= trained.loss - theory.loss <= 0.1
    assert trained.information == pytest.approx(theory.information, abs=0.05)
    assert trained.nll == pytest.approx(theory.nll, abs=0.05)
    assert final["nll"] == pytest.approx(theory.nll, abs=0.05)
    assert final["kl"] == pytest.approx(theory.kl, abs=0.05)
    assert final["l2"] == pytest.approx(theory.squared_error, abs=0.1)


def test_loss_and_terms_are_the_exact_ones_on_average(problem, data):
    torch.manual_seed(0)
    model = LinearVAE((1, 1, 3), LATENTS)
    with torch.no_grad():
        model.log_variances.copy_(torch.tensor([-0.5, 0.2]))
        model.log_scales.copy_(torch.tensor([0.1, -0.2, 0.3]))
        model.below.normal_(std=0.3)
    expected = evaluate_loss(problem, *model.matrices(), 3.0, 0.5)
    coefficients = coefficient_tensors({"beta": 3.0, "lambda": 0.5}, CPU)
    objective = Objective(model)
    with torch.no_grad():
        draws = [objective(data, torch.randn(BATCH, LATENTS), coefficients)[1] for _ in range(400)]
    loss, nll, kl, l2, _ = torch.stack(draws).mean(dim=0).tolist()
    assert loss == pytest.approx(float(expected.loss), rel=0.02)
    assert nll == pytest.approx(float(expected.nll), rel=0.02)
    assert kl == pytest.approx(float(expected.kl), rel=1e-4)
    assert l2 == pytest.approx(float(expected.squared_error), rel=0.02)


def test_protocol():
    model = LinearVAE((2, 3, 3), latent_size=4)
    means, log_variances = model.encode(torch.randn(5, 2, 3, 3))
    assert means.shape == log_variances.shape == (5, 4)
    assert model.decode(means).shape == (5, 2, 3, 3)
    assert resolve_hyperparameters(LinearVAE, {"lambda": 2}) == {"beta": 4.0, "lambda": 2}
    with pytest.raises(ValueError, match="lambda must be"):
        LinearVAE.Hyperparameters(lambda_=-1)
