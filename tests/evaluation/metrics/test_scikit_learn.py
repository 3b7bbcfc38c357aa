"""The fast forms against scikit-learn, on cases that the oracle does not have."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from disentanglement_bench.evaluation import dci, mig, mutual_information, sap
from disentanglement_bench.evaluation.metrics.boosted_trees import boosted_importances
from disentanglement_bench.evaluation.metrics.mig import gaps

slow = SimpleNamespace(**runpy.run_path(Path(__file__).with_name("scikit_learn_forms.py")))

# What the scikit-learn forms give, so that both cannot drift together.
PINNED = {
    "mig": 0.6775827042737,
    "mi_matched": 2.6075628278271,
    "mi_matched_fraction": 0.7088385308249,
    "mi_mean_max": 0.7644279785354,
    "sap": 0.2916666666667,
    "dci_disentanglement": 0.6641,
    "dci_completeness": 0.6702,
    "dci_informativeness_test": 0.815,
}


def integer_codes(stream, rows=400):
    factors = np.stack([stream.integers(0, 3, rows), stream.integers(0, 2, rows)], axis=1)
    return factors[:, [0, 1, 0]] * np.array([1, 2, 1]) + stream.integers(0, 2, (rows, 3)), factors


def parted(codes, factors, n_train):
    return codes[:n_train], factors[:n_train], codes[n_train:], factors[n_train:]


def test_information_of_two_class_factors(partly_disentangled):
    codes, factors, _, _ = parted(*partly_disentangled, 400)
    for metric in (mig, mutual_information):
        fast = metric(*partly_disentangled, n_train=400)
        np.testing.assert_allclose(fast.matrix, slow.information(codes, factors), rtol=1e-9)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_sap_of_two_class_factors(partly_disentangled, scale):
    codes, factors = partly_disentangled
    fast = sap(codes * scale, factors, n_train=400)
    matrix = slow.accuracies(*parted(codes * scale, factors, 400))
    np.testing.assert_allclose(fast.matrix, matrix, atol=0.0051)
    assert fast.value == pytest.approx(gaps(matrix).mean(), abs=0.005)


def test_sap_of_integer_and_constant_codes(stream):
    codes, factors = integer_codes(stream)
    codes = np.column_stack([codes, np.full(len(codes), 3)])
    fast = sap(codes, factors, n_train=300)
    matrix = slow.accuracies(*parted(codes, factors, 300))
    np.testing.assert_allclose(fast.matrix, matrix, atol=0.0051)


def test_dci_of_two_class_factors(partly_disentangled):
    fast = dci(*partly_disentangled, n_train=400)
    parts = parted(*partly_disentangled, 400)
    runs = [slow.importances(*parts[:3], seed) for seed in (0, 1)]
    spread = np.abs(runs[0] - runs[1]).max()
    assert np.abs(fast.matrix - runs[0]).max() <= spread + 0.02


def test_dci_of_integer_codes(stream):
    """Integer codes tie everywhere, and a copied code ties exactly."""
    codes, factors = integer_codes(stream)
    codes = np.column_stack([codes, codes[:, 0]])
    train, train_factors, test, test_factors = parted(codes, factors, 300)
    fast = dci(codes, factors, n_train=300)
    trees = [slow.boosted(train, labels, test, 0) for labels in train_factors.T]
    wanted = np.stack([importance for importance, _, _ in trees], axis=1)
    # Which of two equal columns is taken is chance; their sum is not.
    for matrix in (fast.matrix, wanted):
        matrix[0] += matrix[3]
    np.testing.assert_allclose(fast.matrix[:3], wanted[:3], atol=0.02)
    right = [
        (predicted == own).mean()
        for (_, _, predicted), own in zip(trees, test_factors.T, strict=True)
    ]
    assert fast.values["dci_informativeness_test"] == pytest.approx(np.mean(right), abs=0.02)


@pytest.mark.parametrize("classes", [2, 4])
def test_predictions_are_those_of_scikit_learn(stream, classes):
    codes = stream.normal(size=(300, 3)).astype(np.float32)
    labels = np.digitize(codes[:, 0] + 0.3 * stream.normal(size=300), [-0.5, 0.3, 1.0])
    labels = labels if classes == 4 else (labels > 1).astype(int)
    fast = boosted_importances(codes[:200], labels[:200], codes[200:])
    wanted = slow.boosted(codes[:200], labels[:200], codes[200:], 0)
    again = slow.boosted(codes[:200], labels[:200], codes[200:], 1)
    np.testing.assert_allclose(fast[0], wanted[0], atol=0.01)
    assert (fast[1] == wanted[1]).mean() >= 0.99
    assert (fast[2] == wanted[2]).mean() >= (again[2] == wanted[2]).mean() - 0.04


def test_values_closer_than_the_threshold_are_not_split():
    codes = np.linspace(0, 9e-8, 40, dtype=np.float32)[:, None]
    labels = (np.arange(40) >= 20).astype(int)
    importances, predicted, _ = boosted_importances(codes, labels, codes)
    assert importances.tolist() == [0.0]
    assert len(set(predicted.tolist())) == 1


def test_threads_do_not_change_the_result(partly_disentangled):
    codes, factors = partly_disentangled
    one = dci(codes, factors, n_train=400)
    three = dci(codes, factors, n_train=400, n_jobs=3)
    assert np.array_equal(one.matrix, three.matrix)
    assert one.values == three.values


def test_pinned_values(partly_disentangled):
    found = {}
    for metric in (mig, mutual_information, sap, dci):
        found.update(metric(*partly_disentangled, n_train=400).values)
    for key, value in PINNED.items():
        assert found[key] == pytest.approx(value, abs=0.01 if key.startswith("dci") else 1e-9), key


def test_ties_that_rounding_decides_fall_as_in_scikit_learn(oracle):
    """Two codes of `duplicated` separate the same rows of its first factor. Which of them a tree
    takes hangs on last bits and on the order of codes, and both implementations draw from the same
    few outcomes: exactly so for the first stages, which are the same for every seed.
    """
    codes, factors = oracle.arrays["duplicated"]
    arrays = codes[: oracle.n_train], factors[: oracle.n_train, 0]
    for stages, tolerance in ((2, 1e-6), (3, 1e-6), (5, 0.05)):
        trees = GradientBoostingClassifier(n_estimators=stages, random_state=0).fit(*arrays)
        fast, _, _ = boosted_importances(*arrays, codes[:1], stages=stages)
        assert np.abs(fast - trees.feature_importances_).max() <= tolerance
