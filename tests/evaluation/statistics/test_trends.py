import itertools

import numpy as np
import pytest
from scipy import stats

from disentanglement_bench.evaluation.statistics.trends import (
    complete_part,
    drawn_means,
    effective_range,
    halvings,
    holm,
    measure_drops,
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


def test_an_unfinished_beta_goes_before_the_seeds_do():
    values = np.ones((10, 4))
    values[1:, 3] = np.nan
    seeds, kept = complete_part(values)
    assert seeds.all()
    assert kept.tolist() == [True, True, True, False]


def test_a_beta_that_half_of_the_seeds_have_stays():
    values = np.ones((10, 4))
    values[5:, 1] = np.nan
    seeds, kept = complete_part(values)
    assert seeds.sum() == 5
    assert kept.all()


def test_what_stands_in_the_way_goes_first():
    values = np.full((20, 3), np.nan)
    values[:10, 1:], values[10:, 0] = 1, 1  # the first β has seeds of its own
    seeds, kept = complete_part(values)
    assert seeds.sum() == 10
    assert kept.tolist() == [False, True, True]


def test_seeds_that_share_nothing_leave_one_beta():
    seeds, kept = complete_part([[1, np.nan], [np.nan, 1]])
    assert seeds.sum() == 1
    assert kept.sum() == 1
    assert not complete_part(np.full((3, 2), np.nan))[1].any()
    assert not complete_part(np.empty((0, 0)))[1].any()


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


def test_drawn_means_are_those_of_resampled_seeds():
    values = simulate([0.1, 0.2, 0.21, 0.05], [0.05] * 4, 8, 1)[0]
    drawn = drawn_means(values, draws=4000)
    shares = np.bincount(drawn.argmax(axis=1), minlength=4) / len(drawn)
    rng = np.random.default_rng(9)
    means = values[rng.integers(0, 8, size=(50_000, 8))].mean(axis=1)
    scale = np.sqrt(8 / 7) * stats.t.ppf(0.95, 7) / stats.norm.ppf(0.95)
    means = values.mean(axis=0) + scale * (means - values.mean(axis=0))
    expected = np.bincount(means.argmax(axis=1), minlength=4) / len(means)
    np.testing.assert_allclose(shares, expected, atol=0.03)


def test_a_single_seed_has_its_own_mean():
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


def test_effective_range_counts_octaves_only_where_there_is_a_logarithm():
    found = effective_range([0.5, 0.5, 0.1], [0, 1, 2])
    assert (found["low"], found["high"]) == (0, 1)
    assert np.isnan(found["octaves"])
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
    found = measure_drops(curves)
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
    assert abs(np.mean(measure_drops(flat)["drop"])) < 0.02


@pytest.mark.parametrize("n", [5, 10])
def test_the_drops_interval_covers_the_truth(n):
    found = measure_drops(simulate(HUMP, [0.04] * 5, n, 800))
    covered = np.mean((found["low"] <= 0.75) & (found["high"] >= 0.75))
    assert 0.92 <= covered <= 0.99


def test_few_seeds_give_a_drop_without_an_interval():
    found = measure_drops(np.array([[[0.1, 0.4, 0.1], [0.1, 0.2, 0.2]]]))
    assert found["drop"][0] == pytest.approx(0.5)
    assert np.isnan(found["low"][0])
