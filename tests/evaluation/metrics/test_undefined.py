"""An undefined score says so and why; it is neither 0 nor a crash."""

import numpy as np
import pytest

from disentanglement_bench.evaluation import (
    dci,
    explicitness,
    mig,
    modularity,
    mutual_information,
    sap,
    sap_continuous,
)

ALL = (mig, mutual_information, sap, sap_continuous, dci, modularity, explicitness)


@pytest.fixture
def arrays(stream):
    factors = np.stack([stream.integers(0, 3, 120), stream.integers(0, 4, 120)], axis=1)
    return factors + 0.3 * stream.normal(size=(120, 2)), factors


@pytest.mark.parametrize("metric", ALL)
def test_a_constant_factor_is_left_out(metric, arrays):
    codes, factors = arrays
    more = np.column_stack([factors, np.ones(120, int)])
    found = metric(codes, more, n_train=80, factor_names=["a", "b", "always"])
    wanted = metric(codes, factors, n_train=80)
    assert found.values == pytest.approx(wanted.values)
    assert found.notes == ("left out, constant in the training part: always",)
    assert not found.reasons


@pytest.mark.parametrize("metric", ALL)
def test_only_constant_factors(metric, arrays):
    found = metric(arrays[0], np.zeros((120, 2), int), n_train=80)
    assert set(found.values.values()) == {None}
    assert set(found.reasons) == set(found.values)
    assert "no factor varies in the training part" in found.reasons.values()
    assert np.isnan(found.value)


@pytest.mark.parametrize("metric", ALL)
def test_a_constant_code_is_defined(metric, arrays):
    codes = arrays[0].copy()
    codes[:, 1] = 0.25
    found = metric(codes, arrays[1], n_train=80)
    assert not found.reasons
    if metric in (mig, mutual_information, sap_continuous, modularity):
        assert found.matrix[1].tolist() == [0.0, 0.0]


def test_only_constant_codes(arrays):
    codes = np.ones((120, 2))
    assert mig(codes, arrays[1], n_train=80).value == 0.0
    assert mutual_information(codes, arrays[1], n_train=80).value == 0.0
    assert sap(codes, arrays[1], n_train=80).value == 0.0
    found = dci(codes, arrays[1], n_train=80)
    assert found.values["dci_disentanglement"] is None
    assert found.reasons["dci_completeness"] == "no code predicts any factor"
    assert found.values["dci_informativeness_train"] > 0


@pytest.mark.parametrize("metric", [mig, sap, sap_continuous])
def test_a_gap_needs_two_codes(metric, arrays):
    found = metric(arrays[0][:, :1], arrays[1], n_train=80)
    assert list(found.reasons.values()) == ["one code: there is no second one to compare it with"]


def test_one_code(arrays):
    found = dci(arrays[0][:, :1], arrays[1], n_train=80)
    assert set(found.reasons) == {"dci_completeness"}
    assert not mutual_information(arrays[0][:, :1], arrays[1], n_train=80).reasons


def test_one_factor(arrays):
    codes, factors = arrays[0], arrays[1][:, :1]
    found = dci(codes, factors, n_train=80)
    assert set(found.reasons) == {"dci_disentanglement"}
    assert set(modularity(codes, factors, n_train=80).reasons) == {"modularity"}
    for metric in (mig, mutual_information, sap, sap_continuous, explicitness):
        assert not metric(codes, factors, n_train=80).reasons


def test_no_test_rows(arrays):
    assert sap(*arrays, n_train=120).reasons == {"sap": "there are no test rows"}
    assert set(dci(*arrays, n_train=120).reasons) == {"dci_informativeness_test"}
    assert set(explicitness(*arrays, n_train=120).reasons) == {"explicitness_test"}
    assert not mig(*arrays, n_train=120).reasons


@pytest.mark.parametrize("metric", [mig, mutual_information, modularity])
def test_fewer_rows_than_bins(metric, arrays):
    found = metric(*arrays, n_train=19)
    assert set(found.reasons.values()) == {"19 training rows for 20 bins"}
    assert not metric(*arrays, n_train=19, num_bins=10).reasons


def test_a_class_that_only_the_test_part_has(arrays):
    codes, factors = arrays
    factors = factors.copy()
    factors[80:, 0] = 9
    assert sap(codes, factors, n_train=80).matrix[:, 0].tolist() == [0.0, 0.0]
    found = dci(codes, factors, n_train=80)
    assert found.per_factor["informativeness_test"][0] == 0.0
    assert explicitness(codes, factors, n_train=80).per_factor["test"][0] is None


def test_a_class_that_only_the_training_part_has(arrays):
    codes, factors = arrays
    factors = factors.copy()
    factors[:5, 0] = 9
    factors[80:, 0] = np.arange(40) % 3
    for metric in ALL:
        assert not metric(codes, factors, n_train=80).reasons


def test_a_posterior_too_wide_to_draw_from(arrays):
    wide = np.full(arrays[0].shape, 2000.0)
    for metric in (mig, mutual_information):
        found = metric(*arrays, n_train=80, log_variances=wide)
        assert set(found.reasons.values()) == {"the posterior is too wide to draw from"}


def test_codes_beyond_single_precision(arrays):
    codes = arrays[0] * 1e200
    for metric in (sap, sap_continuous, dci, explicitness):
        found = metric(codes, arrays[1], n_train=80)
        assert set(found.reasons) == set(found.values)
        assert set(found.reasons.values()) == {"the codes reach beyond 3.4e+38"}
    for metric in (mig, mutual_information, modularity):
        assert metric(codes, arrays[1], n_train=80).values == pytest.approx(
            metric(*arrays, n_train=80).values
        )
