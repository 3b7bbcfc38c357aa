"""The mean correlation coefficient, its ceilings and its laws."""

import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from disentanglement_bench.evaluation import Representation, mcc
from disentanglement_bench.evaluation.metrics.driver import compute
from disentanglement_bench.evaluation.metrics.mcc import list_codings, rank_correlations


@pytest.mark.parametrize("digits", [0, 6])
def test_correlations_are_scipys(partly_disentangled, digits):
    codes, factors = partly_disentangled
    codes = codes.round(digits)
    wanted = np.abs(spearmanr(codes, factors).statistic)[:4, 4:]
    np.testing.assert_allclose(rank_correlations(codes, factors), wanted, rtol=1e-12)


def test_the_matching_is_the_best_of_all(partly_disentangled):
    codes, factors = partly_disentangled
    found = mcc(codes, factors, n_train=600)
    best = max(
        np.mean([found.matrix[i, k] for k, i in enumerate(chosen)])
        for chosen in itertools.permutations(range(4), 3)
    )
    assert found.value == pytest.approx(best)
    assert np.mean(found.per_factor["mcc"]) == pytest.approx(best)


def test_laws(partly_disentangled, stream):
    codes, factors = partly_disentangled
    wanted = mcc(codes, factors).value
    assert mcc(-np.exp(codes[:, ::-1]), factors).value == pytest.approx(wanted)
    assert mcc(-3.0 * factors, factors).value == pytest.approx(1.0)
    assert mcc(stream.normal(size=(600, 10)), factors).value < 0.15
    constant = codes.copy()
    constant[:, 1] = 7.0
    assert mcc(constant, factors).matrix[1].tolist() == [0.0] * 3
    assert mcc(np.ones((600, 4)), factors).value == 0.0


def test_fewer_codes_than_factors(partly_disentangled):
    codes, factors = partly_disentangled
    found = mcc(factors[:, :1] * 1.0, factors)
    assert found.value == pytest.approx(1.0)
    assert found.notes == ("1 of 3 factors are matched: there are no more codes",)
    assert found.per_factor["matched_code"] == [0, None, None]
    assert not mcc(codes, factors).notes


def test_continuous_factors(partly_disentangled, stream):
    _, factors = partly_disentangled
    numbers = factors + stream.random(factors.shape)
    found = mcc(np.exp(numbers), numbers)
    assert found.value == pytest.approx(1.0)


@pytest.mark.parametrize("size", range(2, 6))
def test_worst_order_of_a_nominal_factor(size):
    classes = np.arange(size)
    orders, _ = list_codings(classes, "nominal")
    wanted = [abs(spearmanr(classes, each)[0]) for each in itertools.permutations(classes)]
    assert orders.min() == pytest.approx(min(wanted), abs=1e-12)
    assert orders.max() == pytest.approx(1.0)


def test_codings_of_a_periodic_factor(stream):
    classes = np.sort(stream.integers(0, 12, 4000))
    cuts, waves = list_codings(classes, "periodic")
    wanted = [abs(spearmanr(classes, (classes + first) % 12)[0]) for first in range(12)]
    np.testing.assert_allclose(cuts, wanted, rtol=1e-9)
    waves_wanted = [
        abs(spearmanr(classes, np.cos(2 * np.pi * (classes / 12 - phase / 360)).round(12))[0])
        for phase in range(0, 360, 45)
    ]
    np.testing.assert_allclose(waves[::45], waves_wanted, atol=1e-9)
    assert waves.max() == pytest.approx(0.76, abs=0.02)
    assert list_codings(np.arange(5000.0), "periodic")[1].max() == pytest.approx(0.75, abs=0.01)


def test_ceilings_follow_the_kinds_of_factors(stream):
    factors = np.stack([stream.integers(0, size, 900) for size in (3, 10, 6)], axis=1)
    kinds = ("nominal", "periodic", "ordinal")
    given = Representation(factors * 1.0, factors, n_train=900, factor_kinds=kinds)
    reference = compute(mcc, given).reference
    assert reference["ceiling_best"] == pytest.approx(1.0)
    assert reference["ceiling_worst_per_factor"] == pytest.approx([0.5, 0.03, 1.0], abs=0.05)
    assert reference["ceiling_smooth_per_factor"] == pytest.approx([1.0, 0.77, 1.0], abs=0.02)
    assert mcc(factors * 1.0, factors).reference == {}
