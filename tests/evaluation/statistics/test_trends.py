import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import isotonic_regression

from disentanglement_bench.evaluation.metrics.kernels.umbrella import umbrella_gains
from disentanglement_bench.evaluation.statistics.trends import (
    drawn_means,
    drops,
    effective_range,
    halvings,
    holm,
    isotonic_tests,
    peak_shares,
    peak_test,
)

HUMP = np.array([0.08, 0.15, 0.20, 0.20, 0.05])


def simulate(mean, spread, n, cells, seed=0, shared=0.5):
    """Seeds by β of many experiments; seeds share part of their deviation over β."""
    rng = np.random.default_rng(seed)
    mean, spread = np.asarray(mean, dtype=float), np.asarray(spread, dtype=float)
    common = np.sqrt(shared) * rng.normal(size=(cells, n, 1))
    own = np.sqrt(1 - shared) * rng.normal(size=(cells, n, len(mean)))
    return mean + spread * (common + own)


def alarms(mean, spread, n=10, cells=1200, **more):
    return np.mean([peak_test(v)[0] < 0.05 for v in simulate(mean, spread, n, cells, **more)])


def brute_force_peak(values):
    best = 1.0
    for j in range(1, values.shape[1] - 1):
        p = [
            stats.ttest_rel(values[:, j], values[:, end], alternative="greater").pvalue
            for end in (0, -1)
        ]
        best = min(best, max(p) * (values.shape[1] - 2))
    return min(best, 1.0)


def test_peak_test_is_two_paired_t_tests_and_bonferroni():
    for values in simulate(HUMP, [0.1] * 5, 7, 20):
        assert peak_test(values)[0] == pytest.approx(brute_force_peak(values))


def test_peak_test_pairs_the_seeds_that_both_have():
    values = simulate(HUMP, [0.1] * 5, 8, 1)[0]
    values[0, 2], values[1, 4] = np.nan, np.nan
    expected = []
    for j in (1, 2, 3):
        p = []
        for end in (0, 4):
            both = np.isfinite(values[:, j] + values[:, end])
            gap = stats.ttest_rel(values[both, j], values[both, end], alternative="greater")
            p.append(gap.pvalue)
        expected.append(max(p))
    found, index = peak_test(values)
    assert found == pytest.approx(min(1, 3 * min(expected)))
    assert index == 1 + int(np.argmin(expected))


@pytest.mark.parametrize(
    "spread",
    [
        [1, 1, 1, 1, 1],
        [10, 1, 1, 1, 1],
        [1, 1, 10, 1, 1],
        [1, 1, 1, 1, 10],
        [1, 10, 10, 10, 1],
        [1, 2, 4, 7, 10],
    ],
    ids=str,
)
@pytest.mark.parametrize("n", [5, 10])
def test_flat_truth_raises_at_most_five_percent_alarms(n, spread):
    # 1,200 experiments with a true rate of 5 % exceed 6.5 % once in a hundred.
    assert alarms([0.2] * 5, spread, n) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("spread", [[1, 1, 10, 1, 1], [1, 10, 10, 10, 1]], ids=str)
def test_flat_truth_raises_at_most_five_percent_alarms_in_long_simulations(spread):
    assert alarms([0.2] * 5, spread, 10, cells=20_000) <= 0.05


@pytest.mark.parametrize("n", [5, 10])
def test_a_dip_or_a_slope_is_no_peak(n):
    spread = [0.5] * 5
    assert alarms([1, 0.3, 0, 0.3, 1], spread, n) == 0
    assert alarms([1, 0.8, 0.5, 0.2, 0], spread, n) <= 0.05
    assert alarms([0, 0.2, 0.5, 0.8, 1], spread, n) <= 0.05


def test_a_collapsing_hump_is_found():
    assert alarms(HUMP, [0.1] * 5, 10) > 0.8
    assert alarms(HUMP, [0.06] * 5, 10) > 0.99
    assert alarms(HUMP, [0.06] * 5, 5) > 0.9


def test_peak_test_needs_three_betas_and_five_seeds():
    assert np.isnan(peak_test(np.ones((10, 2)))[0])
    assert np.isnan(peak_test(np.random.default_rng(0).normal(size=(4, 5)))[0])
    assert peak_test(np.ones((6, 4)))[0] == 1.0, "no difference at all is no evidence"


def brute_force_gain(curve):
    def error(part, increasing):
        if not len(part):
            return 0.0
        return ((isotonic_regression(part, increasing=increasing).x - part) ** 2).sum()

    monotone = min(error(curve, True), error(curve, False))
    cuts = range(len(curve) + 1)
    return monotone - min(error(curve[:i], True) + error(curve[i:], False) for i in cuts)


def test_umbrella_gain_is_what_scipys_isotonic_fits_give():
    rng = np.random.default_rng(0)
    for size in (3, 5, 8):
        curves = rng.normal(size=(40, size))
        curves[:10] = np.round(curves[:10])  # ties
        expected = [brute_force_gain(curve) for curve in curves]
        np.testing.assert_allclose(umbrella_gains(curves), expected, atol=1e-12)


def test_isotonic_test_agrees_with_all_permutations():
    values = simulate([0, 0.5, 0.3], [0.6] * 3, 5, 1, seed=3)[0]
    orders = list(itertools.permutations(range(3)))
    gains = []
    for choice in itertools.product(orders, repeat=5):
        permuted = np.array([row[list(order)] for row, order in zip(values, choice, strict=True)])
        gains.append(permuted.mean(axis=0))
    gains = umbrella_gains(np.array(gains))
    own = umbrella_gains(values.mean(axis=0)[None])[0]
    exact = np.mean(gains >= own - 1e-12)
    assert isotonic_tests(values[None], 9999)[0] == pytest.approx(exact, abs=0.02)


def test_isotonic_test_holds_its_level_where_spreads_are_equal():
    flat = simulate([0.2] * 5, [1] * 5, 6, 400)
    assert np.mean(isotonic_tests(flat, 199) < 0.05) <= 0.08
    slope = simulate([1, 0.7, 0.5, 0.2, 0], [0.3] * 5, 6, 100)
    assert np.mean(isotonic_tests(slope, 199) < 0.05) == 0
    hump = simulate(HUMP, [0.06] * 5, 6, 100)
    assert np.mean(isotonic_tests(hump, 199) < 0.05) > 0.9


def test_isotonic_test_is_anti_conservative_where_spreads_differ():
    # What docs/statistics.md warns of; if this ever fails, the warning has to go.
    flat = simulate([0.2] * 5, [1, 1, 10, 1, 1], 10, 400)
    assert np.mean(isotonic_tests(flat, 199) < 0.05) > 0.08


def test_isotonic_test_needs_seeds_and_betas():
    assert np.isnan(isotonic_tests(np.zeros((1, 4, 5)))[0])
    assert np.isnan(isotonic_tests(np.zeros((1, 6, 2)))[0])


def brute_force_holm(p):
    """Step down: reject the smallest while it is below α/(remaining), for every α."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted, running = [0.0] * len(p), 0.0
    for place, i in enumerate(order):
        running = max(running, min(1.0, p[i] * (len(p) - place)))
        adjusted[i] = running
    return adjusted


def test_holm_steps_down_and_leaves_out_what_was_not_tested():
    p = np.random.default_rng(0).uniform(0, 0.2, 9)
    np.testing.assert_allclose(holm(p), brute_force_holm(p))
    found = holm([0.01, np.nan, 0.04])
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04])
    assert holm([]).shape == (0,)


def test_peak_shares_are_those_of_resampled_means():
    values = simulate([0.1, 0.2, 0.21, 0.05], [0.05] * 4, 8, 1)[0]
    shares = peak_shares(values, draws=4000)
    rng = np.random.default_rng(9)
    means = values[rng.integers(0, 8, size=(50_000, 8))].mean(axis=1)
    scale = np.sqrt(8 / 7) * stats.t.ppf(0.95, 7) / stats.norm.ppf(0.95)
    means = values.mean(axis=0) + scale * (means - values.mean(axis=0))
    expected = np.bincount(means.argmax(axis=1), minlength=4) / len(means)
    np.testing.assert_allclose(shares, expected, atol=0.03)
    assert shares.sum() == pytest.approx(1)


def test_a_single_seed_has_its_own_peak():
    np.testing.assert_array_equal(peak_shares(np.array([[0.1, 0.3, 0.2]])), [0, 1, 0])
    assert drawn_means(np.array([[1.0, 2.0]])).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([0.1, 0.55, 0.6, 0.58, 0.2], (4, 16, 2, False)),
        ([0.1, 0.2, 0.6, 0.58, 0.57], (8, 32, 2, True)),
        ([0.6, 0.2, 0.59, 0.1, 0.1], (1, 1, 0, False)),
        ([0.1, 0.2, 0.3, 0.4, 0.9], (32, 32, 0, True)),
    ],
)
def test_effective_range_is_the_stretch_around_the_peak(means, expected):
    found = effective_range(means, [1, 4, 8, 16, 32])
    assert tuple(found.values()) == expected


def test_effective_range_leaves_out_what_has_no_logarithm():
    assert effective_range([0.5, 0.5, 0.1], [0, 1, 2])["low"] == 1
    assert np.isnan(effective_range([0.0, 0.0], [1, 2])["octaves"])


def test_halvings_are_all_or_many():
    ways = halvings(5)
    assert ways.shape == (10, 5)
    assert len({tuple(way) for way in ways}) == 10
    assert (ways.sum(axis=1) == 2).all()
    many = halvings(20)
    assert many.shape == (252, 20)
    assert (many.sum(axis=1) == 10).all()


def brute_force_drop(values):
    n, above, below = len(values), [], []
    for chosen in itertools.combinations(range(n), n // 2):
        rest = [i for i in range(n) if i not in chosen]
        pick = values[list(chosen)].mean(axis=0).argmax()
        means = values[rest].mean(axis=0)
        above.append(means[pick] - means[-1])
        below.append(means[pick])
    return np.mean(above) / np.mean(below)


def test_drop_is_cross_fitted_over_all_halvings():
    curves = simulate(HUMP, [0.05] * 5, 6, 3)
    found = drops(curves)
    for i, values in enumerate(curves):
        assert found["drop"][i] == pytest.approx(brute_force_drop(values))
        left = [brute_force_drop(np.delete(values, j, axis=0)) for j in range(6)]
        error = np.sqrt(5 / 6 * ((left - np.mean(left)) ** 2).sum())
        assert found["low"][i] == pytest.approx(found["drop"][i] - stats.t.ppf(0.975, 5) * error)


def test_drop_is_unbiased_where_picking_the_peak_on_all_seeds_is_not():
    flat = simulate([0.2] * 5, [0.06] * 5, 6, 1500)
    means = flat.mean(axis=1)
    naive = np.mean(1 - means[:, -1] / means.max(axis=1))
    assert naive > 0.08
    assert abs(np.mean(drops(flat)["drop"])) < 0.02


@pytest.mark.parametrize("n", [5, 10])
def test_the_drops_interval_covers_the_truth(n):
    found = drops(simulate(HUMP, [0.04] * 5, n, 800))
    covered = np.mean((found["low"] <= 0.75) & (found["high"] >= 0.75))
    assert 0.92 <= covered <= 0.99


def test_few_seeds_give_a_drop_without_an_interval():
    found = drops(np.array([[[0.1, 0.4, 0.1], [0.1, 0.2, 0.2]]]))
    assert found["drop"][0] == pytest.approx(0.5)
    assert np.isnan(found["low"][0])
