"""AdamW on the exact loss, against the closed form and the general formula of the loss."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from disentanglement_bench.models.linear_gaussian.adamw import (
    AdamWSettings,
    choose_settings,
    compute_loss,
    train_adamw,
)
from disentanglement_bench.models.linear_gaussian.closed_form import solve_closed_form
from disentanglement_bench.models.linear_gaussian.problem import Problem, draw_problem, load_problem
from disentanglement_bench.models.linear_gaussian.terms import evaluate_loss

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "linear_gaussian"


@pytest.fixture
def small():
    return Problem(np.eye(3), np.diag([3.5, 1.5, 0.1]), np.diag([4.0, 2.0, 0.6]), "small")


def test_exact_loss_is_the_loss_of_the_covariances():
    problem, generator = draw_problem(4, 2, seed=1), np.random.default_rng(2)
    decoder, encoder = generator.standard_normal((3, 4, 2)), generator.standard_normal((3, 2, 4))
    factors = [generator.standard_normal((3, size, size)) + 2 * np.eye(size) for size in (2, 4)]
    beta, lambda_ = np.array([1.0, 4.0, 8.0]), np.array([0.0, 0.5, 2.0])
    arrays = (decoder, encoder, *factors, np.linalg.cholesky(problem.sigma_y), beta, lambda_)
    found = compute_loss(*(torch.from_numpy(array) for array in arrays)).numpy()
    sigma_w, sigma_z = (np.tril(f) @ np.tril(f).transpose(0, 2, 1) for f in factors)
    expected = evaluate_loss(problem, encoder, sigma_w, decoder, sigma_z, beta, lambda_).loss
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_reaches_the_optimum(small):
    cells = [(4.0, 0.0), (4.0, 1.0)]
    settings = AdamWSettings(steps=1200, learning_rate=1e-2)
    trained = train_adamw(small, *zip(*cells, strict=True), latents=2, settings=settings)
    terms = evaluate_loss(small, *trained[2:6], trained.beta, trained.lambda_)
    np.testing.assert_allclose(terms.loss, trained.loss, rtol=1e-12)
    for i, cell in enumerate(cells):
        theory = solve_closed_form(small, *cell, latents=2)
        assert -1e-9 <= terms.loss[i] - theory.loss <= 5e-3
        assert terms.information[i] == pytest.approx(theory.information, abs=0.02)
        assert terms.nll[i] == pytest.approx(theory.nll, abs=0.02)


def test_stacked_runs_do_not_influence_each_other(small):
    settings = AdamWSettings(steps=40)
    together = train_adamw(small, [4, 8], [0, 2], latents=2, starts=2, settings=settings)
    alone = train_adamw(small, [8], [2], latents=2, starts=2, settings=settings)
    np.testing.assert_allclose(together.loss[2:], alone.loss, rtol=1e-12)
    np.testing.assert_allclose(together.encoder[2:], alone.encoder, rtol=1e-9)


def test_the_best_loss_is_kept(small):
    # A learning rate this high jumps about: the last loss is not the lowest.
    settings = AdamWSettings(steps=200, learning_rate=0.3)
    longer = train_adamw(small, [4], [1], latents=2, settings=settings)
    shorter = train_adamw(small, [4], [1], latents=2, settings=replace(settings, steps=150))
    assert longer.loss[0] <= shorter.loss[0]
    kept = evaluate_loss(small, *longer[2:6], 4.0, 1.0)
    assert kept.loss[0] == pytest.approx(longer.loss[0])


def test_steps_are_announced_and_unbounded_cells_refused(small):
    seen = []
    train_adamw(small, [4], [1], latents=1, settings=AdamWSettings(steps=3), on_step=seen.append)
    assert seen == [1, 2, 3]
    with pytest.raises(ValueError, match="unbounded below"):
        train_adamw(small, [1], [2])
    with pytest.raises(ValueError, match="one λ for each β"):
        train_adamw(small, [4], [1, 2])


def test_settings_follow_the_size():
    assert (choose_settings(50).steps, choose_settings(50).clip_factors) == (30_000, 2.0)
    assert (choose_settings(100).steps, choose_settings(100).clip_matrices) == (50_000, 2.0)


@pytest.mark.slow
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the authors' problems are not here")
def test_the_authors_problem_at_reduced_length():
    problem = load_problem(REFERENCE / "n50_m10_s5.npz")
    cells = [(4.0, 0.0), (8.0, 2.0), (32.0, 2.0)]
    settings = replace(choose_settings(50), steps=15_000)
    trained = train_adamw(problem, *zip(*cells, strict=True), settings=settings)
    terms = evaluate_loss(problem, *trained[2:6], trained.beta, trained.lambda_)
    for i, cell in enumerate(cells):
        theory = solve_closed_form(problem, *cell)
        assert -1e-9 <= terms.loss[i] - theory.loss <= 0.02
        assert terms.nll[i] == pytest.approx(theory.nll, abs=0.02)
