"""The problems of the linear-Gaussian VAE and its optimum in closed form."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disentanglement_bench.models.linear_gaussian.closed_form import (
    count_active_modes,
    find_contraction,
    find_critical_lambda,
    find_gains,
    find_information,
    find_regime,
    find_water_level,
    solve_closed_form,
)
from disentanglement_bench.models.linear_gaussian.problem import (
    Problem,
    ProblemError,
    draw_problem,
    load_problem,
)
from disentanglement_bench.models.linear_gaussian.terms import evaluate_loss


def diagonal(*variances, noise=0.1):
    """A problem whose modes are the axes."""
    n = len(variances)
    return Problem(np.eye(n), np.diag(variances) - noise * np.eye(n), np.diag(variances), "axes")


class TestProblem:
    def test_spectrum_is_descending_and_matches_the_covariance(self):
        problem = draw_problem(n=7, s=3, seed=4)
        assert (np.diff(problem.eigenvalues) <= 0).all()
        rebuilt = problem.eigenvectors * problem.eigenvalues @ problem.eigenvectors.T
        np.testing.assert_allclose(rebuilt, problem.sigma_y, atol=1e-12)

    def test_entropy_by_hand(self):
        expected = 0.5 * math.log((2 * math.pi * math.e) ** 2 * 8.0)
        assert diagonal(4.0, 2.0).entropy == pytest.approx(expected)

    def test_random_problems_depend_on_seed_and_size_alone(self):
        one, same = draw_problem(6, 2, seed=3), draw_problem(6, 2, seed=3)
        np.testing.assert_array_equal(one.sigma_y, same.sigma_y)
        assert not np.allclose(one.sigma_y, draw_problem(6, 2, seed=4).sigma_y)
        np.testing.assert_allclose(
            one.sigma_y - one.gamma @ one.sigma_v @ one.gamma.T, 0.05 * np.eye(6), atol=1e-12
        )

    @pytest.mark.parametrize(
        ("sigma_y", "message"),
        [
            (np.diag([1.0, 0.0]), "singular"),
            (np.array([[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
            (np.diag([1.0, -1.0]), "negative eigenvalue"),
            (np.diag([1.0, np.nan]), "not finite"),
            (np.eye(3), "expected gamma"),
        ],
    )
    def test_what_is_no_covariance_is_refused(self, sigma_y, message):
        with pytest.raises(ProblemError, match=message):
            Problem(np.zeros((2, 1)), np.eye(1), sigma_y)

    def test_less_variance_than_the_factors_bring_is_refused(self):
        with pytest.raises(ProblemError, match="noise"):
            Problem(np.eye(2), 2 * np.eye(2), np.eye(2))

    def test_no_noise_and_few_factors_is_singular_with_advice(self):
        with pytest.raises(ProblemError, match="unbounded below; add noise"):
            draw_problem(n=5, s=2, noise=0)

    @pytest.mark.parametrize("sizes", [{"n": 0}, {"s": 0}, {"noise": -1}])
    def test_impossible_sizes(self, sizes):
        with pytest.raises(ProblemError):
            draw_problem(**sizes)

    def test_more_latents_or_factors_than_dimensions_are_noted(self):
        problem = draw_problem(n=3, s=5)
        assert [note.split()[0] for note in problem.notes(4)] == ["4", "5"]
        assert draw_problem(n=5, s=3).notes(4) == []


class TestLoading:
    def test_round_trip(self, tmp_path):
        problem = draw_problem(n=4, s=2)
        path = tmp_path / "mine.npz"
        np.savez(path, Gamma=problem.gamma, Sigma_V=problem.sigma_v, Sigma_Y=problem.sigma_y)
        loaded = load_problem(path)
        np.testing.assert_array_equal(loaded.sigma_y, problem.sigma_y)
        assert loaded.name == "mine"

    def test_missing_array_is_named(self, tmp_path):
        np.savez(tmp_path / "a.npz", Gamma=np.eye(2), Sigma_V=np.eye(2))
        with pytest.raises(ProblemError, match=r"a\.npz: expected .*; no Sigma_Y"):
            load_problem(tmp_path / "a.npz")

    @pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
    def test_broken_files(self, tmp_path, content):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(ProblemError, match=r"a\.npz"):
            load_problem(tmp_path / "a.npz")

    def test_a_single_array_and_a_missing_file(self, tmp_path):
        np.save(tmp_path / "a.npy", np.eye(2))
        with pytest.raises(ProblemError, match="holds a single array"):
            load_problem(tmp_path / "a.npy")
        with pytest.raises(ProblemError, match="no such file"):
            load_problem(tmp_path / "b.npz")

    def test_pickled_content_is_never_loaded(self, tmp_path):
        bad = np.array([[print]], dtype=object)
        np.savez(tmp_path / "a.npz", Gamma=bad, Sigma_V=bad, Sigma_Y=bad)
        with pytest.raises(ProblemError, match="not a readable"):
            load_problem(tmp_path / "a.npz")


class TestClosedForm:
    def test_regimes(self):
        cells = [(4, 0), (4, 1), (1, 0), (1, 2), (0.5, 0), (0.5, 1)]
        assert [find_regime(*cell) for cell in cells] == [
            "collapse",
            "water filling",
            "continuum",
            *["unbounded"] * 3,
        ]

    @pytest.mark.parametrize("cell", [(0, 0), (-1, 0), (math.nan, 0), (2, -1), (2, math.inf)])
    def test_weights_out_of_range(self, cell):
        with pytest.raises(ValueError, match="must be a finite number"):
            find_regime(*cell)

    def test_water_filling_by_hand(self):
        # z* = (5 − 1)/(2·0.5) = 4: modes 16 and 8 are active.
        found = solve_closed_form(diagonal(16.0, 8.0, 3.0), beta=5, lambda_=0.5, latents=3)
        assert (found.level, found.active) == (4.0, 2)
        expected = 0.5 * math.log(4) + 0.5 * math.log(2)
        assert found.information == pytest.approx(expected)
        assert found.squared_error == pytest.approx(4 + 4 + 3)
        assert found.kl == found.information

    def test_fewer_latents_than_modes_above_the_level(self):
        found = solve_closed_form(diagonal(16.0, 8.0, 3.0), beta=5, lambda_=0.5, latents=1)
        assert found.active == 1
        assert found.squared_error == pytest.approx(4 + 8 + 3)

    def test_without_penalty_nothing_is_left(self):
        problem = draw_problem()
        found = solve_closed_form(problem, beta=1.5, lambda_=0)
        assert (found.active, found.information, found.kl) == (0, 0.0, 0.0)
        assert found.nll == pytest.approx(problem.entropy)

    def test_a_vanishing_penalty_is_none(self):
        found = solve_closed_form(draw_problem(), beta=4, lambda_=5e-324)
        assert (found.level, found.active, found.information) == (math.inf, 0, 0.0)

    def test_unbounded_and_continuum_say_so(self):
        problem = draw_problem()
        unbounded = solve_closed_form(problem, 1, 2)
        assert unbounded.information == math.inf
        assert unbounded.nll == unbounded.loss == -math.inf
        assert "unbounded below" in unbounded.note
        continuum = solve_closed_form(problem, 1, 0)
        assert continuum.active is None
        assert math.isnan(continuum.information)
        assert continuum.loss == pytest.approx(problem.entropy)
        with pytest.raises(ValueError, match="at least one latent"):
            solve_closed_form(problem, 2, 1, latents=0)

    def test_information_vanishes_exactly_at_the_critical_weight(self):
        values = np.array([9.0, 4.0, 1.0])
        for beta in (1.5, 4.0, 32.0):
            lines = find_critical_lambda(values, beta)
            for mode, weight in enumerate(lines):
                assert count_active_modes(values, beta, weight * 1.0001, 3) == mode + 1
                assert count_active_modes(values, beta, weight * 0.9999, 3) == mode
            assert find_information(values, beta, lines[0] * 1.0001, 3) < 1e-4

    def test_arrays_broadcast(self):
        values = np.array([9.0, 4.0])
        betas, weights = np.array([2.0, 4.0, 8.0]), np.array([[0.0], [1.0]])
        assert find_water_level(betas, weights).shape == (2, 3)
        grid = find_information(values, betas, weights, 2)
        assert grid.shape == (2, 3)
        assert (grid[0] == 0).all()
        assert grid[1, 2] == pytest.approx(
            solve_closed_form(diagonal(9.0, 4.0), 8, 1, 2).information
        )

    def test_gain_spectrum_and_contraction(self):
        values = np.array([9.0, 4.0, 1.0])
        np.testing.assert_allclose(
            find_gains(values, 5, 1, 2), [math.sqrt(7) / 2, math.sqrt(2) / 2]
        )
        assert (find_gains(values, 5, 0, 2) == 0).all()
        assert find_contraction(4.0) == 0.25
        # On an active mode the decoder's variance is z*, where the gain stays as it is.
        assert find_contraction(5, 1, find_water_level(5, 1)) == 1

    @settings(max_examples=60, deadline=None)
    @given(
        st.integers(0, 2**31),
        st.integers(1, 5),
        st.integers(1, 5),
        st.floats(1.05, 40),
        st.floats(0, 8),
    )
    def test_no_encoder_and_decoder_are_better(self, seed, n, latents, beta, lambda_):
        problem = draw_problem(n, s=2, noise=0.3, seed=seed)
        generator = np.random.default_rng(seed)
        scale = generator.uniform(0.05, 1.5)
        w, z = (generator.standard_normal((size, size)) * scale for size in (latents, n))
        found = evaluate_loss(
            problem,
            generator.standard_normal((latents, n)) * scale,
            w @ w.T + 0.1 * np.eye(latents),
            generator.standard_normal((n, latents)) * scale,
            z @ z.T + 0.1 * np.eye(n),
            beta,
            lambda_,
        )
        assert found.loss >= solve_closed_form(problem, beta, lambda_, latents).loss - 1e-9
        assert found.kl >= found.information - 1e-9
