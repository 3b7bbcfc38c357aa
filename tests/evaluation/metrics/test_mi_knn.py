"""Nearest-neighbour information of whole representations."""

import numpy as np
import pytest

from disentanglement_bench.evaluation import Representation, mi_knn
from disentanglement_bench.evaluation.metrics.driver import compute


def test_perfect_codes_have_the_entropy_of_their_factors(stream):
    factors = np.stack([stream.integers(0, size, 900) for size in (2, 5)], axis=1)
    for codes in (factors * 1.0, factors + 1e-3 * stream.normal(size=factors.shape)):
        found = mi_knn(codes, factors, n_train=900)
        assert found.values["mi_knn_matched"] == pytest.approx(np.log(10), abs=0.02)
        assert found.values["mi_knn_matched_fraction"] == pytest.approx(1.0, abs=0.01)
        assert found.per_factor["matched_code"] == [0, 1]


def test_noise_has_next_to_no_information(stream):
    codes, factors = stream.normal(size=(2000, 10)), stream.integers(0, 5, (2000, 3))
    found = mi_knn(codes, factors, n_train=2000)
    assert found.values["mi_knn_matched_fraction"] < 0.03
    assert found.reference["noise"] < 0.15


def test_laws(partly_disentangled):
    codes, factors = partly_disentangled
    wanted = mi_knn(codes, factors)
    moved = mi_knn(codes[:, ::-1] * -8.0 + 1.0, factors)
    assert moved.values == pytest.approx(wanted.values, abs=1e-6)
    np.testing.assert_array_equal(mi_knn(codes, factors).matrix, wanted.matrix)
    constant = codes.copy()
    constant[:, 2] = 0.1
    assert mi_knn(constant, factors).matrix[2].tolist() == [0.0] * 3
    assert mi_knn(np.ones((600, 4)), factors).values["mi_knn_matched"] == 0.0


def test_a_collapse_shows_in_the_sampled_twin(stream):
    factors = stream.integers(0, 5, (900, 2))
    means, spread = factors * 1e-4, np.zeros((900, 2))
    assert mi_knn(means, factors).values["mi_knn_matched_fraction"] > 0.9
    twin = mi_knn(means, factors, log_variances=spread)
    assert twin.variant == "mi_knn[knn3,nats,sampled]"
    assert twin.values["mi_knn_matched_fraction_sampled"] < 0.05


def test_continuous_factors_have_nats_and_no_fraction(stream):
    factors = np.column_stack([stream.normal(size=1500), stream.integers(0, 4, 1500)])
    codes = factors + [0.75, 0.1] * stream.normal(size=factors.shape)
    found = mi_knn(codes, factors, n_train=1500)
    gaussian = 0.5 * np.log(1 + 1 / 0.75**2)
    assert found.per_factor["matched_nats"] == pytest.approx([gaussian, np.log(4)], abs=0.1)
    assert set(found.reasons) == {"mi_knn_matched_fraction"}
    assert found.per_factor["entropy_nats"][0] is None


def test_a_factor_of_whole_numbers_can_be_declared_continuous(stream):
    factors = stream.integers(0, 1000, (800, 1))
    codes = factors + 200.0 * stream.normal(size=factors.shape)
    given = Representation(codes, factors, n_train=800, factor_kinds=("continuous",))
    assert set(compute(mi_knn, given).reasons) == {"mi_knn_matched_fraction"}


def test_rows_for_the_neighbours(partly_disentangled):
    codes, factors = partly_disentangled
    found = mi_knn(codes, factors, n_train=3)
    assert set(found.reasons.values()) == {"3 training rows for 3 neighbours each"}
    assert not mi_knn(codes, factors, n_train=3, num_neighbours=2).reasons
