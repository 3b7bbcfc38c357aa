import numpy as np
import pytest
from scipy import stats

from disentanglement_bench.evaluation.statistics.max_t import (
    adjust_together,
    chance_weights,
    smallest_p,
)


def draw(n, columns=4, families=1, seed=0):
    return np.random.default_rng(seed).normal(size=(families, n, columns))


@pytest.mark.parametrize("n", [5, 9, 10, 14, 15, 40])
def test_weights_are_as_long_as_equal_ones_and_begin_with_these(n):
    weights = chance_weights(n)
    np.testing.assert_allclose((weights**2).sum(axis=1), n)
    assert (weights[0] == 1).all()
    assert len(weights) == round(1 / smallest_p(n) / 2)
    assert not weights.flags.writeable


def test_every_way_to_flip_signs_is_there_once():
    weights = chance_weights(11)
    assert len({tuple(row) for row in np.vstack([weights, -weights])}) == 2**11


def test_below_ten_seeds_one_mean_is_tested_as_by_student():
    differences = draw(6, columns=1, families=50) + 0.5
    p, _ = adjust_together(differences)
    expected = stats.ttest_1samp(differences[..., 0], 0, axis=1, alternative="greater").pvalue
    np.testing.assert_allclose(p[:, 0], expected, atol=0.02)


def test_with_many_seeds_one_mean_is_tested_as_by_student():
    differences = draw(30, columns=1, families=50) + 0.2
    p, _ = adjust_together(differences)
    expected = stats.ttest_1samp(differences[..., 0], 0, axis=1, alternative="greater").pvalue
    np.testing.assert_allclose(p[:, 0], expected, atol=0.03)


@pytest.mark.parametrize("n", [6, 10])
def test_columns_keep_their_p_values_in_another_order_and_on_other_scales(n):
    differences = draw(n, families=20) + np.array([0.0, 0.5, 1.0, 0.2])
    p, statistic = adjust_together(differences)
    order = [2, 0, 3, 1]
    moved, _ = adjust_together(differences[..., order] * [1.0, 10.0, 0.1, 3.0])
    np.testing.assert_array_equal(moved, p[:, order])
    assert (p >= smallest_p(n)).all()
    assert (p <= 1).all()
    falling = np.argsort(-statistic, axis=1)
    assert (np.diff(np.take_along_axis(p, falling, axis=1), axis=1) >= 0).all()


def test_p_values_of_the_same_column_twice_are_those_of_one():
    one = draw(10, columns=1, families=5) + 0.5
    p, _ = adjust_together(one)
    twice, _ = adjust_together(np.repeat(one, 2, axis=2))
    np.testing.assert_array_equal(twice, np.repeat(p, 2, axis=1))


@pytest.mark.parametrize("n", [5, 10])
def test_a_true_hypothesis_is_rarely_rejected_whichever_are_true(n):
    noise = draw(n, families=1500, seed=1)
    for effect in ([0, 0, 0, 0], [9, 0, 0, 0], [9, 0, 9, -9]):
        p, _ = adjust_together(noise + effect)
        true = np.array(effect) <= 0
        # A true rate of 5 % exceeds 6.8 % once in a thousand.
        assert np.mean((p[:, true] <= 0.05).any(axis=1)) <= 0.068


def test_no_difference_is_no_evidence():
    p, statistic = adjust_together(np.zeros((2, 10, 3)))
    assert (p == 1).all()
    assert (statistic == 0).all()
    assert adjust_together(np.empty((0, 10, 3)))[0].shape == (0, 3)
