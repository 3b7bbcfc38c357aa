"""The values that a score is to be read against."""

import numpy as np
import pytest

from disentanglement_bench.evaluation import dci, mig, mutual_information, sap


def test_mig_ceiling_is_reached_by_perfect_ordinal_codes(stream):
    factors = np.stack([np.tile(np.arange(40), 40), np.repeat(np.arange(40), 40)], axis=1)
    found = mig(factors * 1.0, factors, n_train=1600)
    assert found.value == pytest.approx(found.reference["ceiling"])
    assert found.reference["ceiling_per_factor"] == pytest.approx([0.812, 0.812], abs=0.001)


def test_noise_level_of_information(stream):
    codes = stream.normal(size=(3000, 10))
    factors = np.stack([stream.integers(0, size, 3000) for size in (3, 6, 10, 8, 8)], axis=1)
    found = mutual_information(codes, factors, n_train=3000)
    assert found.reference["noise"] == pytest.approx(0.12, abs=0.02)
    assert found.values["mi_matched"] == pytest.approx(found.reference["noise"], abs=0.03)
    assert found.reference["max"] == pytest.approx(sum(found.per_factor["entropy_nats"]))


def test_sap_of_a_perfect_ordinal_code(stream):
    factors = np.stack([stream.integers(0, size, 6000) for size in (10, 40)], axis=1)
    found = sap(stream.normal(size=(6000, 2)), factors, n_train=4000)
    ten, forty = found.reference["perfect_ordinal"]
    assert 0.15 < ten < 0.32
    assert 0.04 < forty < 0.08


def test_majority_guess(partly_disentangled):
    found = dci(*partly_disentangled, n_train=400)
    factors = partly_disentangled[1]
    guess = np.bincount(factors[:400, 1]).argmax()
    assert found.reference["majority_test"][1] == (factors[400:, 1] == guess).mean()
