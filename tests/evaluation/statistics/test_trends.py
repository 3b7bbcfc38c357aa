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
    peak_tests,
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
    return np.mean(peak_tests(simulate(mean, spread, n, cells, **more))[0] <= 0.05)


def brute_force_peak(values):
    """Step-down max-T, a flip and a hypothesis at a time, with t itself."""
    n, last = len(values), values.shape[1] - 1
    pairs = [(j, end) for j in range(1, last) for end in (0, last)]
    gaps = {pair: values[:, pair[0]] - values[:, pair[1]] for pair in pairs}

    def t(d):
        return d.mean() / (d.std(ddof=1) / np.sqrt(n))

    flips = [np.array(signs) for signs in itertools.product((1, -1), repeat=n)]
    flipped = [{pair: t(signs * d) for pair, d in gaps.items()} for signs in flips]
    left = sorted(pairs, key=lambda pair: -t(gaps[pair]))
    p, running = {}, 0.0
    while left:
        observed = t(gaps[left[0]]) - 1e-9
        share = np.mean([max(one[pair] for pair in left) >= observed for one in flipped])
        running = p[left.pop(0)] = max(running, share)
    return min(max(p[j, 0], p[j, last]) for j in range(1, last))


def test_from_ten_seeds_the_peak_test_is_a_step_down_of_the_largest_t_over_sign_flips():
    curves = simulate(HUMP, [0.1] * 5, 10, 2)
    p, index = peak_tests(curves)
    for values, expected, place in zip(curves, p, index, strict=True):
        assert brute_force_peak(values) == pytest.approx(expected)
        assert peak_test(values) == (expected, place)


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


FLAT = [0.2] * 5
SPREADS = [
    [1, 1, 1, 1, 1],
    [10, 1, 1, 1, 1],
    [1, 1, 10, 1, 1],
    [1, 1, 1, 1, 10],
    [1, 10, 10, 10, 1],
    [1, 2, 4, 7, 10],
]
# The last β, or the first, lies far below all others, which are equal.
DROPS, RISES = [0, 0, 0, 0, -100], [-100, 0, 0, 0, 0]


@pytest.mark.parametrize("spread", SPREADS, ids=str)
@pytest.mark.parametrize("mean", [FLAT, DROPS, RISES], ids=["flat", "drops", "rises"])
@pytest.mark.parametrize("n", [5, 10])
def test_truths_without_a_peak_raise_at_most_five_percent_alarms(n, mean, spread):
    # 1,200 experiments with a true rate of 5 % exceed 7 % once in a thousand.
    assert alarms(mean, spread, n) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("spread", SPREADS, ids=str)
@pytest.mark.parametrize("mean", [FLAT, DROPS, RISES], ids=["flat", "drops", "rises"])
def test_truths_without_a_peak_raise_few_alarms_in_long_simulations(mean, spread):
    assert alarms(mean, spread, 10, cells=20_000) <= 0.055


@pytest.mark.parametrize("n", [5, 10])
def test_a_dip_or_a_slope_is_no_peak(n):
    spread = [0.5] * 5
    assert alarms([1, 0.3, 0, 0.3, 1], spread, n) == 0
    assert alarms([1, 0.8, 0.5, 0.2, 0], spread, n) <= 0.05
    assert alarms([0, 0.2, 0.5, 0.8, 1], spread, n) <= 0.05


def test_a_collapsing_hump_is_found():
    assert alarms(HUMP, [0.1] * 5, 10) > 0.92
    assert alarms(HUMP, [0.06] * 5, 10) > 0.99
    assert alarms(HUMP, [0.06] * 5, 5) > 0.9
    # MIG of the β-VAE in the protocol `quick`.
    assert alarms([0.087, 0.114, 0.160, 0.163, 0.037], [0.043, 0.045, 0.069, 0.073, 0.035]) > 0.95


def test_more_seeds_than_can_be_flipped_in_every_way_draw_their_flips():
    assert alarms(DROPS, SPREADS[0], 20, cells=300) <= 0.09
    assert alarms(HUMP, [0.15] * 5, 20, cells=100) > 0.9
    p, _ = peak_test(simulate(HUMP, [0.01] * 5, 20, 1)[0])
    assert p == 2.0**-14


def test_the_tested_beta_is_the_one_that_beats_both_ends_most_clearly():
    values = simulate([0, 0.3, 1, 0.3, 0], [0.02] * 5, 10, 1)[0]
    p, index = peak_test(values)
    assert (p, index) == (2.0**-10, 2), "of equal p-values the clearest"
    assert peak_test(values[:, [0, 2, 1, 3, 4]])[1] == 1


def test_many_curves_are_tested_as_one_is():
    curves = simulate(HUMP, [0.2] * 5, 12, 30)
    p, index = peak_tests(curves)
    assert [peak_test(values) for values in curves] == list(zip(p, index, strict=True))
    assert [len(part) for part in peak_tests(curves[:0])] == [0, 0]


@pytest.mark.parametrize(("n", "smallest"), [(5, 2.0**-14), (10, 2.0**-10), (11, 2.0**-11)])
def test_equal_scores_give_no_evidence_and_equal_differences_all_there_is(n, smallest):
    assert peak_test(np.ones((n, 4))) == (1.0, 1)
    values = np.tile([0.0, 1.0, 1.0, 0.0], (n, 1))
    assert peak_test(values) == (smallest, 1)
    values[:, -1] = 1.0  # no difference to the last β
    assert peak_test(values)[0] == 1.0


def test_peak_test_needs_three_betas_and_five_seeds():
    assert np.isnan(peak_test(np.ones((10, 2)))[0])
    assert np.isnan(peak_test(np.random.default_rng(0).normal(size=(4, 5)))[0])


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
