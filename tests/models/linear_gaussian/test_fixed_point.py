"""The exact alternation against the closed form, its contraction, and the published values."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disentanglement_bench.models.linear_gaussian.closed_form import (
    find_contraction,
    find_critical_lambda,
    find_gains,
    solve_closed_form,
)
from disentanglement_bench.models.linear_gaussian.fixed_point import (
    alternate,
    draw_encoders,
    solve_fixed_points,
    trace_gain,
    update_decoder,
)
from disentanglement_bench.models.linear_gaussian.problem import Problem, draw_problem, load_problem
from disentanglement_bench.models.linear_gaussian.terms import evaluate_loss

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
LATENTS = 10


def update_encoder(decoder, sigma_z, beta, lambda_):
    """The encoder that minimises the loss for a given decoder.

    With S = (Σ_Z⁻¹ + 2λI)/β: Σ_W = (I + Aᵀ S A)⁻¹ and B = Σ_W Aᵀ S.

    Parameters
    ----------
    decoder : ndarray of shape (..., n, m)
        Decoder matrix A.
    sigma_z : ndarray of shape (..., n, n)
        Decoder covariance Σ_Z.
    beta, lambda_ : float

    Returns
    -------
    encoder : ndarray of shape (..., m, n)
        Encoder matrix B.
    sigma_w : ndarray of shape (..., m, m)
        Encoder covariance Σ_W.
    """
    n, m = decoder.shape[-2:]
    weight = (np.linalg.inv(sigma_z) + 2 * lambda_ * np.eye(n)) / beta
    weighted = np.swapaxes(decoder, -1, -2) @ weight
    sigma_w = np.linalg.inv(np.eye(m) + weighted @ decoder)
    return sigma_w @ weighted, sigma_w


def evaluate(problem, solutions):
    """Terms of the loss at the solutions, each with its optimal decoder."""
    decoder, sigma_z = update_decoder(problem, solutions.encoder, solutions.sigma_w)
    return evaluate_loss(
        problem,
        solutions.encoder,
        solutions.sigma_w,
        decoder,
        sigma_z,
        solutions.beta,
        solutions.lambda_,
    )


def largest_gaps(problem, cells, starts, latents=LATENTS):
    """Largest |ΔI| and |ΔNLL| from the closed form over cells and starts; all must converge."""
    betas, lambdas = zip(*cells, strict=True)
    solutions = solve_fixed_points(problem, betas, lambdas, latents, starts)
    assert solutions.converged.all()
    terms = evaluate(problem, solutions)
    theory = [solve_closed_form(problem, *cell, latents) for cell in cells]
    wanted_information = np.repeat([entry.information for entry in theory], starts)
    wanted_nll = np.repeat([entry.nll for entry in theory], starts)
    return (
        np.abs(terms.information - wanted_information).max(),
        np.abs(terms.nll - wanted_nll).max(),
    )


class TestAgainstTheClosedForm:
    @pytest.mark.parametrize("n", [50, 100])
    def test_grid(self, n):
        cells = [(beta, w) for beta in (2, 4, 8, 16, 32) for w in (0.25, 1, 2, 4, 8)]
        gaps = largest_gaps(draw_problem(n), cells, starts=3)
        assert max(gaps) <= 1e-6

    @pytest.mark.parametrize("side", [0.99, 1.01])
    def test_on_either_side_of_every_critical_weight(self, side):
        problem = draw_problem(50)
        cells = [
            (beta, side * weight)
            for beta in (2.0, 8.0, 32.0)
            for weight in find_critical_lambda(problem.eigenvalues[:5], beta)
        ]
        expected = [mode + (side > 1) for _ in range(3) for mode in range(5)]
        assert [solve_closed_form(problem, *cell).active for cell in cells] == expected
        assert max(largest_gaps(problem, cells, starts=2)) <= 1e-6

    def test_fewer_latents_than_active_modes(self):
        problem = draw_problem(12, s=6, seed=2)
        assert solve_closed_form(problem, 4, 2, latents=12).active > 3
        assert max(largest_gaps(problem, [(4, 2), (16, 2)], starts=4, latents=3)) <= 1e-6

    def test_more_latents_and_factors_than_dimensions(self):
        problem = draw_problem(4, s=7)
        assert max(largest_gaps(problem, [(4, 0), (4, 2)], starts=3, latents=6)) <= 1e-6

    def test_gain_and_decoder_at_the_optimum(self):
        problem, beta, lambda_ = draw_problem(20, s=4, seed=1), 8.0, 1.0
        found = solve_fixed_points(problem, [beta], [lambda_], 6, starts=1)
        gains = np.linalg.svd(np.linalg.solve(found.sigma_w, found.encoder), compute_uv=False)[0]
        predicted = find_gains(problem.eigenvalues, beta, lambda_, 6)
        np.testing.assert_allclose(gains, predicted, atol=1e-7)
        _, sigma_z = update_decoder(problem, found.encoder, found.sigma_w)
        level, active = (beta - 1) / (2 * lambda_), (predicted > 0).sum()
        expected = np.sort(np.append(problem.eigenvalues[active:], [level] * active))
        np.testing.assert_allclose(np.linalg.eigvalsh(sigma_z[0]), expected, atol=1e-7)

    def test_continuum_keeps_what_the_start_decides_at_the_optimal_loss(self):
        problem = draw_problem(20)
        terms = evaluate(problem, solve_fixed_points(problem, [1], [0], 5, starts=4))
        np.testing.assert_allclose(terms.loss, problem.entropy, atol=1e-8)
        assert np.ptp(terms.information) > 0.01

    def test_unbounded_cells_are_not_iterated(self):
        solutions = solve_fixed_points(draw_problem(6), [1, 0.5, 4], [2, 0, 2], 3, starts=2)
        assert solutions.unbounded.tolist() == [True] * 4 + [False] * 2
        assert solutions.converged.tolist() == [False] * 4 + [True] * 2
        assert (solutions.alternations[:4] == 0).all()

    def test_exactly_critical_ends_at_the_limit_and_says_so(self):
        problem = draw_problem(6)
        weight = find_critical_lambda(problem.eigenvalues[:1], 4.0)[0]
        solutions = solve_fixed_points(problem, [4.0], [weight], 3, starts=1, limit=500)
        assert not solutions.converged[0]
        assert solutions.alternations[0] == 500
        assert solutions.change[0] > 1e-10

    @pytest.mark.parametrize(
        "arguments",
        [
            {"betas": [2], "lambdas": [1, 2]},
            {"betas": [-2], "lambdas": [1]},
            {"betas": [2], "lambdas": [1], "latents": 0},
            {"betas": [2], "lambdas": [1], "starts": 0},
        ],
    )
    def test_arguments_that_make_no_sense(self, arguments):
        with pytest.raises(ValueError, match=r"expected|must be"):
            solve_fixed_points(draw_problem(4, 2), **arguments)

    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(0, 2**31),
        st.integers(1, 8),
        st.integers(1, 10),
        st.integers(1, 10),
        st.floats(0.05, 2),
        st.floats(1.1, 40),
        st.one_of(st.just(0.0), st.floats(0.02, 8)),
    )
    def test_random_problems(self, seed, n, s, latents, noise, beta, lambda_):
        problem = draw_problem(n, s, noise, seed)
        solutions = solve_fixed_points(
            problem, [beta], [lambda_], latents, starts=1, seed=seed, limit=3000
        )
        terms, theory = (
            evaluate(problem, solutions),
            solve_closed_form(problem, beta, lambda_, latents),
        )
        assert terms.loss[0] >= theory.loss - 1e-8
        assert terms.nll[0] == pytest.approx(problem.entropy - terms.information[0], abs=1e-8)
        # A mode close to critical may need more alternations than are spent here.
        if solutions.converged[0]:
            assert terms.information[0] == pytest.approx(theory.information, abs=1e-6)
            assert terms.nll[0] == pytest.approx(theory.nll, abs=1e-6)


class TestUpdates:
    def test_gain_contracts_by_one_over_beta_without_penalty(self):
        problem = draw_problem(50)
        for beta in (1.5, 4.0, 32.0):
            encoder, sigma_w = (array[0] for array in draw_encoders(problem, LATENTS, 1))
            gain = np.linalg.solve(sigma_w, encoder)
            for _ in range(6):
                encoder, sigma_w = update_encoder(
                    *update_decoder(problem, encoder, sigma_w), beta, 0.0
                )
                contracted = np.linalg.solve(sigma_w, encoder)
                ratio = np.linalg.norm(contracted - gain / beta) / np.linalg.norm(gain / beta)
                assert ratio <= 1e-10
                gain = contracted

    def test_penalty_multiplies_the_gain_by_what_the_decoder_leaves(self):
        problem = draw_problem(8, 3)
        encoder, sigma_w = draw_encoders(problem, 4, 2, seed=3)
        decoder, sigma_z = update_decoder(problem, encoder, sigma_w)
        after, covariance = update_encoder(decoder, sigma_z, 3.0, 0.7)
        expected = encoder @ (np.eye(8) + 1.4 * sigma_z) / 3
        np.testing.assert_allclose(np.linalg.solve(covariance, after), expected, rtol=1e-9)

    def test_each_update_minimises_the_loss_given_the_other_side(self):
        problem, beta, lambda_ = draw_problem(5, 2, seed=5), 3.0, 0.8
        generator = np.random.default_rng(0)
        encoder, sigma_w = (array[0] for array in draw_encoders(problem, 3, 1))
        best = [encoder, sigma_w, *update_decoder(problem, encoder, sigma_w)]

        def loss(matrices):
            return float(evaluate_loss(problem, *matrices, beta, lambda_).loss)

        for moved in ((2, 3), (0, 1)):
            if moved == (0, 1):
                best[:2] = update_encoder(*best[2:], beta, lambda_)
            lowest = loss(best)
            for which in moved:
                nudge = generator.standard_normal(best[which].shape) * 1e-3
                nudge = nudge + nudge.T if which % 2 else nudge
                for sign in (-1, 1):
                    other = list(best)
                    other[which] = best[which] + sign * nudge
                    assert loss(other) > lowest

    def test_fast_alternation_is_the_two_updates(self):
        problem, beta, lambda_ = draw_problem(9, 3, seed=7), 2.5, 0.6
        encoder, sigma_w = draw_encoders(problem, 4, 3, seed=1)
        root = np.sqrt(problem.eigenvalues)
        gain, precision = encoder @ problem.eigenvectors * root, np.linalg.inv(sigma_w)
        for _ in range(5):
            encoder, sigma_w = update_encoder(
                *update_decoder(problem, encoder, sigma_w), beta, lambda_
            )
            gain, precision = alternate(gain, precision, beta, lambda_, problem.eigenvalues)
        whitened = np.linalg.solve(sigma_w, encoder) @ problem.eigenvectors * root
        np.testing.assert_allclose(gain, whitened, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(precision, np.linalg.inv(sigma_w), rtol=1e-8, atol=1e-10)

    def test_loss_never_rises(self):
        problem, beta, lambda_ = draw_problem(10, 3), 4.0, 1.0
        encoder, sigma_w = draw_encoders(problem, 5, 3)
        losses = []
        for _ in range(30):
            decoder, sigma_z = update_decoder(problem, encoder, sigma_w)
            found = evaluate_loss(problem, encoder, sigma_w, decoder, sigma_z, beta, lambda_)
            losses.append(found.loss)
            encoder, sigma_w = update_encoder(decoder, sigma_z, beta, lambda_)
        assert (np.diff(losses, axis=0) <= 1e-9).all()

    def test_starts_are_shared_by_cells_and_nested(self):
        problem = draw_problem(6)
        few, many = (draw_encoders(problem, 3, count, seed=2)[0] for count in (2, 5))
        np.testing.assert_array_equal(few, many[:2])
        assert not np.allclose(many[0], many[1])
        both = solve_fixed_points(problem, [4, 8], [1, 1], 3, starts=2)
        alone = solve_fixed_points(problem, [8], [1], 3, starts=2)
        np.testing.assert_allclose(both.encoder[2:], alone.encoder)

    def test_traces(self):
        problem = draw_problem(20)
        trace = trace_gain(problem, 4.0, 0.0, 5, alternations=8)
        assert trace.shape == (9, 5)
        np.testing.assert_allclose(trace[1:] / trace[:-1], 0.25, rtol=1e-10)
        # With the penalty an inactive mode decays by the factor of its own variance.
        lambda_ = 0.5 * find_critical_lambda(problem.eigenvalues[:1], 4.0)[0]
        trace = trace_gain(problem, 4.0, lambda_, 1, alternations=400)
        slowest = find_contraction(4.0, lambda_, problem.eigenvalues[0])
        assert trace[-1, 0] / trace[-2, 0] == pytest.approx(slowest, rel=1e-6)

    def test_speed_of_convergence_at_a_strong_penalty(self):
        # On an active mode the distance shrinks by about 1 − 2z*/s once z* is small against s.
        problem = Problem(np.eye(1), 9.0 * np.eye(1), 10.0 * np.eye(1))
        beta, lambda_, value = 4.0, 8.0, 10.0
        level = (beta - 1) / (2 * lambda_)
        goal = find_gains(problem.eigenvalues, beta, lambda_, 1)[0]
        trace = trace_gain(problem, beta, lambda_, 1, alternations=300)[:, 0]
        rates = np.abs(trace[200:] - goal)[1:] / np.abs(trace[200:] - goal)[:-1]
        np.testing.assert_allclose(rates, 1 - 2 * level / value, atol=(2 * level / value) ** 2)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the authors' problems are not here")
class TestPublishedValues:
    @pytest.mark.parametrize("n", [50, 100])
    def test_reconstruction_of_the_fixed_point(self, n):
        with open(REFERENCE / "paper_linear_gaussian.csv", encoding="utf-8") as file:
            published = {
                (float(row["beta"]), float(row["lambda"])): float(row["value"])
                for row in csv.DictReader(file)
                if row["n"] == str(n)
                and (row["optimiser"], row["metric"]) == ("fixed point", "reconstruction NLL")
                and float(row["beta"]) >= 4
            }
        assert len(published) == 20
        problem = load_problem(REFERENCE / "linear_gaussian" / f"n{n}_m10_s5.npz")
        betas, lambdas = zip(*published, strict=True)
        solutions = solve_fixed_points(problem, betas, lambdas, LATENTS, starts=2)
        found = evaluate(problem, solutions).nll.reshape(-1, 2)
        gaps = np.abs(found - np.array(list(published.values()))[:, None])
        assert gaps.max() <= 0.001
