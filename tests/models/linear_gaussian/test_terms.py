"""Terms of the loss and latent–factor quantities, against sampling and by hand."""

import math

import numpy as np
import pytest

from disentanglement_bench.models.linear_gaussian.fixed_point import (
    draw_encoders,
    solve_fixed_points,
    update_decoder,
)
from disentanglement_bench.models.linear_gaussian.problem import Problem, draw_problem
from disentanglement_bench.models.linear_gaussian.terms import evaluate_loss, relate_latents


def test_terms_agree_with_samples():
    problem, count = draw_problem(4, 2, noise=0.4, seed=3), 200_000
    generator = np.random.default_rng(0)
    encoder = generator.standard_normal((2, 4)) * 0.4
    sigma_w = np.array([[0.5, 0.1], [0.1, 0.3]])
    decoder = generator.standard_normal((4, 2)) * 0.5
    sigma_z = np.diag([0.5, 1.0, 0.7, 0.9])
    found = evaluate_loss(problem, encoder, sigma_w, decoder, sigma_z, 3.0, 0.5)
    y = generator.multivariate_normal(np.zeros(4), problem.sigma_y, count)
    mean = y @ encoder.T
    x = mean + generator.multivariate_normal(np.zeros(2), sigma_w, count)
    error = y - x @ decoder.T
    density = (error**2 / np.diag(sigma_z) + np.log(2 * math.pi * np.diag(sigma_z))).sum(axis=1)
    log_w = np.linalg.slogdet(sigma_w)[1]
    kl = 0.5 * (np.trace(sigma_w) + (mean**2).sum(axis=1) - 2 - log_w)
    assert found.nll == pytest.approx(0.5 * density.mean(), rel=0.01)
    assert found.kl == pytest.approx(kl.mean(), rel=0.01)
    assert found.squared_error == pytest.approx((error**2).sum(axis=1).mean(), rel=0.01)
    assert found.loss == pytest.approx(found.nll + 3 * found.kl + 0.5 * found.squared_error)
    correlation = np.corrcoef(x.T, y.T)[:2, 2:]
    # I(x; y) is that of the jointly Gaussian pair.
    inner = correlation @ np.linalg.inv(np.corrcoef(y.T)) @ correlation.T
    determined = np.linalg.det(np.eye(2) - np.linalg.solve(np.corrcoef(x.T), inner))
    assert found.information == pytest.approx(-0.5 * math.log(determined), rel=0.01)


def test_stacks_are_evaluated_run_by_run():
    problem = draw_problem(5, 2)
    encoder, sigma_w = draw_encoders(problem, 3, 4)
    decoder, sigma_z = update_decoder(problem, encoder, sigma_w)
    beta, lambda_ = np.array([1.0, 2.0, 4.0, 8.0]), np.array([0.0, 1.0, 0.0, 1.0])
    stacked = evaluate_loss(problem, encoder, sigma_w, decoder, sigma_z, beta, lambda_)
    for i in range(4):
        one = evaluate_loss(
            problem, encoder[i], sigma_w[i], decoder[i], sigma_z[i], beta[i], lambda_[i]
        )
        np.testing.assert_allclose([part[i] for part in stacked], one)


class TestLatentFactor:
    @pytest.fixture
    def axes(self):
        """Two independent factors, observed almost without noise."""
        return Problem(np.eye(2), np.diag([4.0, 1.0]), np.diag([4.0, 1.0]) + 1e-6 * np.eye(2))

    def test_by_hand(self, axes):
        # x = v + noise of the factor's variance: ρ² = ½ on the diagonal, 0 elsewhere.
        found = relate_latents(axes, np.eye(2)[None], np.diag([4.0, 1.0])[None])
        np.testing.assert_allclose(found.correlation[0], np.eye(2) * math.sqrt(0.5), atol=1e-6)
        assert found.matched_information[0] == pytest.approx(2 * 0.5 * math.log(2), abs=1e-5)
        assert found.sap[0] == pytest.approx(0.5, abs=1e-5)

    def test_matching_is_one_to_one(self, axes):
        # Both latents follow the first factor; only one of them may count for it.
        encoder = np.array([[[1.0, 0.0], [1.0, 0.0]]])
        found = relate_latents(axes, encoder, 4.0 * np.eye(2)[None])
        assert found.matched_information[0] == pytest.approx(0.5 * math.log(2), abs=1e-5)
        assert found.sap[0] == pytest.approx(0.0, abs=1e-9)

    def test_laws(self):
        problem = draw_problem(12, 3, seed=2)
        found = solve_fixed_points(problem, [4], [1], 5, starts=3)
        related = relate_latents(problem, found.encoder, found.sigma_w)
        order = np.random.default_rng(0).permutation(5)
        scale = np.array([2.0, -1.0, 0.1, 5.0, -3.0])
        moved = relate_latents(
            problem,
            scale[:, None] * found.encoder[:, order],
            np.outer(scale, scale) * found.sigma_w[:, order][:, :, order],
        )
        np.testing.assert_allclose(moved.matched_information, related.matched_information)
        np.testing.assert_allclose(moved.sap, related.sap)

    def test_a_collapsed_code_goes_with_nothing(self):
        problem = draw_problem(12, 3)
        found = solve_fixed_points(problem, [4], [0], 5, starts=2)
        related = relate_latents(problem, found.encoder, found.sigma_w)
        np.testing.assert_allclose(related.matched_information, 0, atol=1e-12)
        np.testing.assert_allclose(related.sap, 0, atol=1e-12)

    def test_a_constant_factor_and_a_single_latent(self):
        problem = Problem(np.eye(2), np.diag([3.0, 0.0]), np.diag([4.0, 1.0]))
        found = relate_latents(problem, np.array([[[1.0, 1.0]]]), np.eye(1)[None])
        assert (found.correlation[0, :, 1] == 0).all()
        assert found.sap[0] == pytest.approx(found.correlation[0, 0, 0] ** 2 / 2)
