"""Per-latent KL and the order in which latents collapse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disentanglement_bench.evaluation.representation.posterior import collapse_order, kl_per_latent


class TestKlPerLatent:
    def test_by_hand(self):
        codes, log_variances = [[2.0, 0.0]], [[0.0, np.log(0.25)]]
        expected = [2.0, 0.5 * (0.25 - 1 + np.log(4))]
        np.testing.assert_allclose(kl_per_latent(codes, log_variances), expected)

    def test_against_an_integral(self):
        grid = np.linspace(-12, 12, 20_001)
        mean, variance = 0.7, 0.3
        posterior = np.exp(-((grid - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
        log_ratio = 0.5 * (grid**2 - (grid - mean) ** 2 / variance - np.log(variance))
        integral = (posterior * log_ratio).sum() * (grid[1] - grid[0])
        found = kl_per_latent([[mean]], [[np.log(variance)]])[0]
        assert found == pytest.approx(integral, abs=1e-8)

    def test_the_prior_says_nothing_and_almost_the_prior_says_little(self):
        assert (kl_per_latent(np.zeros((3, 2)), np.zeros((3, 2))) == 0).all()
        # ¼ ε² for a log-variance ε, which exp(ε) − ε − 1 would lose to rounding.
        tiny = kl_per_latent([[0.0]], [[1e-8]])[0]
        assert tiny == pytest.approx(0.25e-16, rel=1e-6)
        assert kl_per_latent([[0.0]], [[1e-4]])[0] == pytest.approx(0.25e-8, rel=1e-4)

    def test_float32_is_summed_in_double(self):
        codes = np.full((100_000, 1), 0.1, dtype=np.float32)
        found = kl_per_latent(codes, np.zeros_like(codes))[0]
        assert found == pytest.approx(0.5 * float(np.float32(0.1)) ** 2, rel=1e-12)

    @given(st.integers(0, 2**31))
    def test_never_negative_and_blind_to_row_order(self, seed):
        generator = np.random.default_rng(seed)
        codes, log_variances = generator.normal(size=(2, 6, 3))
        found, order = kl_per_latent(codes, log_variances), generator.permutation(6)
        assert (found >= 0).all()
        np.testing.assert_allclose(kl_per_latent(codes[order], log_variances[order]), found)

    @pytest.mark.parametrize(
        ("codes", "log_variances"),
        [
            (np.zeros((2, 3)), np.zeros((2, 2))),
            (np.zeros(3), np.zeros(3)),
            (np.zeros((0, 3)), np.zeros((0, 3))),
            (np.full((1, 1), np.nan), np.zeros((1, 1))),
        ],
    )
    def test_arrays_that_make_no_sense(self, codes, log_variances):
        with pytest.raises(ValueError, match=r"expected codes|finite"):
            kl_per_latent(codes, log_variances)


class TestCollapseOrder:
    def test_latents_are_compared_by_rank(self):
        # The strongest latent sits in another column at every β.
        kl = [[0.0, 3.0, 1.0], [2.0, 0.05, 0.5], [0.0, 0.0, 0.4]]
        found = collapse_order([1, 4, 16], kl)
        np.testing.assert_array_equal(found.ranked[:, 0], [3.0, 2.0, 0.4])
        assert found.surviving.tolist() == [2, 2, 1]
        np.testing.assert_array_equal(found.survives_to, [16, 4, np.nan])

    def test_betas_in_any_order(self):
        kl = np.array([[0.4, 0.0], [3.0, 1.0]])
        found = collapse_order([16, 1], kl)
        assert found.betas.tolist() == [1, 16]
        np.testing.assert_array_equal(found.ranked, [[3.0, 1.0], [0.4, 0.0]])

    def test_coming_back_does_not_count(self):
        found = collapse_order([1, 2, 4], [[1.0], [0.0], [1.0]])
        assert found.survives_to.tolist() == [1.0]
        assert found.surviving.tolist() == [1, 0, 1]

    def test_seeds_are_ranked_before_they_are_averaged(self):
        # Averaging columns would mix the strong latent of one seed with the weak of the other.
        found = collapse_order([1], [[[4.0, 0.0], [0.0, 2.0]]])
        np.testing.assert_array_equal(found.ranked, [[3.0, 0.0]])

    def test_threshold(self):
        kl = [[0.5], [0.2]]
        assert collapse_order([1, 2], kl, threshold=0.3).surviving.tolist() == [1, 0]
        assert collapse_order([1, 2], kl, threshold=0.2).surviving.tolist() == [1, 1]

    @pytest.mark.parametrize(
        ("betas", "kl"),
        [([1, 1], [[0.0], [1.0]]), ([1], [[np.nan]]), ([1, 2], [[0.0]]), ([1], [0.0])],
    )
    def test_input_that_makes_no_sense(self, betas, kl):
        with pytest.raises(ValueError, match="expected"):
            collapse_order(betas, kl)
