"""Interventional robustness: laws and degenerate codes."""

import numpy as np
import pytest

from disentanglement_bench.evaluation import irs


def restate(codes, factors, quantile=99):
    """The definition, one code, factor and class at a time."""
    deviations = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    matrix = np.empty((codes.shape[1], factors.shape[1]))
    for i, code in enumerate(codes.T):
        for k, column in enumerate(factors.T):
            away = [
                np.percentile(np.abs(code[column == v] - code[column == v].mean()), quantile)
                for v in np.unique(column)
            ]
            matrix[i, k] = 1 - np.mean(away) / deviations[i]
    return (matrix.max(axis=1) * deviations).sum() / deviations.sum(), matrix


def test_as_defined(partly_disentangled):
    codes, factors = partly_disentangled
    value, matrix = restate(codes, factors)
    found = irs(codes, factors, n_train=600)
    assert found.value == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-12)
    value, _ = restate(codes, factors, 50)
    other = irs(codes, factors, n_train=600, quantile=0.5)
    assert other.value == pytest.approx(value, abs=1e-12)
    assert other.variant == "irs[q0.99] with quantile=0.5"


def test_perfect_and_random_codes(stream):
    factors = np.stack([stream.integers(0, size, 900) for size in (3, 5)], axis=1)
    perfect = irs(factors * 1.0, factors, n_train=900)
    assert perfect.value == pytest.approx(1.0)
    noise = irs(stream.normal(size=(900, 2)), factors, n_train=900)
    assert 0.1 < noise.value < 0.5
    assert noise.reference["noise"] == pytest.approx(noise.value, abs=0.05)
    assert perfect.reference["noise"] < 0.3


def test_order_shift_and_common_scale_do_not_matter(partly_disentangled):
    codes, factors = partly_disentangled
    wanted = irs(codes, factors).value
    for changed in (codes[:, [3, 1, 0, 2]], codes + 5.0, codes * 1e-3):
        assert irs(changed, factors).value == pytest.approx(wanted, abs=1e-9)
    assert irs(codes, factors * 3 % 7).value == pytest.approx(wanted, abs=1e-9)


def test_codes_weigh_by_their_largest_deviation(partly_disentangled):
    codes, factors = partly_disentangled
    found = irs(codes * [1000.0, 1.0, 1.0, 1.0], factors)
    assert found.value == pytest.approx(found.per_code["irs"][0], abs=0.01)


def test_a_constant_code_has_no_weight(partly_disentangled):
    codes, factors = partly_disentangled
    wanted = irs(codes, factors)
    found = irs(np.column_stack([codes, np.full(600, 0.1)]).astype(np.float32), factors)
    assert found.value == pytest.approx(wanted.value, abs=1e-6)
    assert found.per_code["largest_deviation"][4] == 0.0
    assert found.matrix[4].tolist() == [0.0, 0.0, 0.0]


def test_only_constant_codes(partly_disentangled):
    found = irs(np.full((600, 2), 0.1), partly_disentangled[1])
    assert found.values == {"irs": None}
    assert found.reason == "no code varies in the training part"


def test_a_constant_factor_is_left_out(partly_disentangled):
    codes, factors = partly_disentangled
    found = irs(codes, np.column_stack([np.zeros(600, int), factors]))
    assert found.value == irs(codes, factors).value
    assert np.isnan(found.matrix[:, 0]).all()


def test_more_classes_than_bins_share_bins(stream):
    classes = stream.integers(0, 40, 1000)[:, None]
    codes = classes + stream.normal(size=(1000, 2))
    assert irs(codes, classes).value == irs(codes, classes // 2).value
    assert irs(codes, classes, num_bins=40).value > irs(codes, classes).value


def test_undefined(partly_disentangled):
    codes, factors = partly_disentangled
    assert irs(codes, factors, n_train=19).reason == "19 training rows for 20 bins"
    assert irs(codes * 1e200, factors).reason == "the codes reach beyond 3.4e+38"


def test_noise_level_hangs_on_the_seed_and_the_score_does_not(partly_disentangled):
    first, again, other = (irs(*partly_disentangled, seed=seed) for seed in (0, 0, 1))
    assert first.value == other.value
    assert first.reference == again.reference
    assert first.reference != other.reference


def test_codes_of_few_values_can_be_below_zero(stream):
    codes, factors = stream.integers(0, 4, (2, 300, 3))
    found = irs(codes, factors, n_train=200)
    assert irs.keys[0].low <= found.value < 0.05
