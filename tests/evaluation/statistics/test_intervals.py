import numpy as np
import pytest
from scipy import stats

from disentanglement_bench.evaluation.statistics.intervals import (
    bootstrap_weights,
    mean_intervals,
    paired_difference,
    widening,
)


def test_weights_are_resamples():
    weights = bootstrap_weights(7, draws=50)
    assert weights.shape == (50, 7)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose((weights * 7) % 1, 0, atol=1e-9)
    assert not np.array_equal(weights, bootstrap_weights(7, draws=50, seed=1))


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_few_seeds_get_students_interval(n):
    values = np.random.default_rng(n).normal(size=(4, n))
    found = mean_intervals(values)
    low, high = stats.t.interval(0.95, n - 1, values.mean(axis=1), stats.sem(values, axis=1))
    np.testing.assert_allclose(found["low"], low)
    np.testing.assert_allclose(found["high"], high)


def test_ten_seeds_get_the_expanded_percentile_bootstrap():
    values = np.random.default_rng(0).exponential(size=12)
    found = mean_intervals(values[None], draws=20_000)
    rng = np.random.default_rng(99)
    means = values[rng.integers(0, 12, size=(200_000, 12))].mean(axis=1)
    tail = stats.norm.cdf(np.sqrt(12 / 11) * stats.t.ppf(0.025, 11))
    low, high = np.quantile(means, [tail, 1 - tail])
    assert found["low"][0] == pytest.approx(low, abs=0.02)
    assert found["high"][0] == pytest.approx(high, abs=0.04)
    assert values.min() <= found["low"][0] < found["high"][0] <= values.max()


def test_cells_with_holes_are_those_without_them():
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(3, 11))
    holed = np.full((3, 14), np.nan)
    holed[:, [0, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13]] = whole
    first, second = mean_intervals(whole), mean_intervals(holed)
    for name in first:
        np.testing.assert_allclose(first[name], second[name])


def test_one_value_has_no_interval_and_none_no_mean():
    found = mean_intervals([[3.0, np.nan], [np.nan, np.nan]])
    assert found["n"].tolist() == [1, 0]
    assert found["mean"][0] == 3
    assert np.isnan([found["mean"][1], *found["std"], *found["low"], *found["high"]]).all()


def test_equal_values_have_an_interval_of_no_width():
    found = mean_intervals(np.full((1, 12), 0.25))
    assert (found["low"][0], found["high"][0]) == pytest.approx((0.25, 0.25))


def coverage(draw, mean, n, cells=4000):
    found = mean_intervals(draw(np.random.default_rng(n), (cells, n)))
    return np.mean((found["low"] <= mean) & (mean <= found["high"]))


@pytest.mark.parametrize("n", [3, 5, 10, 20])
def test_intervals_cover_a_normal_mean(n):
    assert coverage(lambda rng, size: rng.normal(size=size), 0, n) == pytest.approx(0.95, abs=0.012)


def test_intervals_nearly_cover_a_mean_of_two_modes():
    def two_modes(rng, size):
        return rng.normal(0.05, 0.02, size) + 0.3 * (rng.uniform(size=size) < 0.4)

    assert coverage(two_modes, 0.17, 10) > 0.92


def test_improvement_is_mann_whitneys_u():
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 6, 8), rng.integers(0, 6, 8)
    u = stats.mannwhitneyu(first, second).statistic
    assert paired_difference(first, second)["improvement"] == pytest.approx(u / 64)


def test_paired_difference_uses_the_pairs_that_exist():
    first = np.array([0.5, 0.6, np.nan, 0.9, 0.4, 0.8])
    second = np.array([0.4, 0.7, 0.1, 0.5, np.nan, 0.2])
    found = paired_difference(first, second)
    gaps = np.array([0.1, -0.1, 0.4, 0.6])
    assert found["n"] == 4
    assert found["difference"] == pytest.approx(gaps.mean())
    interval = stats.t.interval(0.95, 3, gaps.mean(), stats.sem(gaps))
    assert (found["low"], found["high"]) == pytest.approx(interval)
    assert found["seeds_improved"] == 0.75
    pairs = [(a > b) + (a == b) / 2 for a in first[[0, 1, 3, 5]] for b in second[[0, 1, 3, 5]]]
    assert found["improvement"] == pytest.approx(np.mean(pairs))
    assert found["improvement_low"] <= found["improvement"] <= found["improvement_high"]


def test_paired_difference_of_nothing_is_undefined():
    found = paired_difference([np.nan, 1.0], [1.0, np.nan])
    assert found["n"] == 0
    assert np.isnan([value for name, value in found.items() if name != "n"]).all()


def test_pairing_removes_what_seeds_share():
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 1, 8)
    found = paired_difference(shared + 0.1 + rng.normal(0, 0.01, 8), shared)
    assert found["low"] > 0.08
    assert found["high"] < 0.12


def test_widened_draws_have_the_level_of_students_t():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(2000, 5))
    drawn = values @ bootstrap_weights(5, 2000).T
    mean = values.mean(axis=1, keepdims=True)
    above = (mean + widening(5, 0.95) * (drawn - mean) > 0).mean(axis=1) > 0.95
    assert above.mean() == pytest.approx(0.05, abs=0.015)
