"""Every metric against disentanglement_lib's own numbers on eleven representations."""

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

NAMES = (
    "perfect_noisy",
    "rotated",
    "duplicated",
    "partly_collapsed",
    "periodic",
    "mixed_scales",
    "heavy_tailed",
    "noise",
    "trained_beta1",
    "trained_beta16",
    "trained_beta64",
)


def test_names_are_all_of_the_oracle(oracle):
    assert set(NAMES) == set(oracle.scores)


@pytest.mark.parametrize("name", NAMES)
def test_information(oracle, name):
    wanted = oracle.scores[name][0]
    found = mutual_information(*oracle.arrays[name], n_train=oracle.n_train)
    np.testing.assert_allclose(found.matrix, wanted["mi_matrix_nats"], rtol=1e-9, atol=0)
    np.testing.assert_allclose(
        found.per_factor["entropy_nats"], wanted["factor_entropy_nats"], rtol=1e-9
    )
    assert mig(*oracle.arrays[name], n_train=oracle.n_train).value == pytest.approx(
        wanted["mig"], rel=1e-9
    )
    assert modularity(*oracle.arrays[name], n_train=oracle.n_train).value == pytest.approx(
        wanted["modularity"], rel=1e-9
    )


@pytest.mark.parametrize("name", NAMES)
def test_sap(oracle, name):
    wanted = oracle.scores[name][0]
    found = sap(*oracle.arrays[name], n_train=oracle.n_train)
    assert np.abs(found.matrix - wanted["sap_matrix_discrete"]).max() <= 0.005
    assert abs(found.value - wanted["sap_discrete"]) <= 0.003


@pytest.mark.parametrize("name", NAMES)
def test_sap_continuous(oracle, name):
    wanted = oracle.scores[name][0]
    found = sap_continuous(*oracle.arrays[name], n_train=oracle.n_train)
    np.testing.assert_allclose(found.matrix, wanted["sap_matrix_continuous"], rtol=1e-9, atol=1e-15)
    assert found.value == pytest.approx(wanted["sap_continuous"], rel=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("duplicated", "rotated") else pytest.mark.slow)
        for name in NAMES
    ],
)
def test_dci(oracle, name):
    """Boosting breaks ties at random. The oracle's two runs differ by up to 0.0171 in an importance
    and 0.0024 in a score; on `duplicated`, six seeds of scikit-learn spread one importance over
    0.648 … 0.690, and so do seeds here. The tolerance holds for the default seed.
    """
    found = dci(*oracle.arrays[name], n_train=oracle.n_train)
    for wanted in oracle.scores[name]:
        assert np.abs(found.matrix - wanted["dci_importance"]).max() <= 0.02
        for key in ("disentanglement", "completeness"):
            assert abs(found.values[f"dci_{key}"] - wanted[f"dci_{key}"]) <= 0.01
        for part in ("train", "test"):
            key = f"informativeness_{part}"
            assert abs(found.values[f"dci_{key}"] - wanted[f"dci_{key}"]) <= 0.01


@pytest.mark.parametrize("name", ["rotated", "trained_beta16"])
def test_explicitness(oracle, name):
    wanted = oracle.scores[name][0]
    found = explicitness(*oracle.arrays[name], n_train=oracle.n_train)
    for part in ("train", "test"):
        assert found.values[f"explicitness_{part}"] == pytest.approx(
            wanted[f"explicitness_{part}"], abs=1e-4
        )
