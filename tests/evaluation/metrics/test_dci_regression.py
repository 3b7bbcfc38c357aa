"""DCI by regression trees, against scikit-learn and its laws."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import r2_score

from disentanglement_bench.evaluation import dci_regression
from disentanglement_bench.evaluation.metrics.boosted_trees import regressed_importances
from disentanglement_bench.evaluation.metrics.dci_regression import explain_variance

PREFIX = "dci_regression_"


@pytest.fixture
def mixed(stream):
    """Three real factors; codes that mix two of them, and one of noise."""
    factors = stream.uniform(size=(600, 3))
    mixing = np.array([[1.0, 0.4, 0.0, 0.0], [0.3, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    codes = factors @ mixing + 0.1 * stream.normal(size=(600, 4))
    return codes.astype(np.float32), factors


def standardise(factors, n_train):
    return (factors - factors[:n_train].mean(axis=0)) / factors[:n_train].std(axis=0)


def test_importances_and_predictions_are_those_of_scikit_learn(mixed):
    codes, factors = mixed
    targets = standardise(factors, 400)
    found, predicted, test_predicted = regressed_importances(
        codes[:400], targets[:400], codes[400:]
    )
    for k in range(3):
        trees = [
            GradientBoostingRegressor(random_state=seed).fit(codes[:400], targets[:400, k])
            for seed in (0, 1)
        ]
        np.testing.assert_allclose(found[:, k], trees[0].feature_importances_, atol=0.005)
        wanted, again = (each.predict(codes[400:]) for each in trees)
        own = np.abs(test_predicted[:, k] - wanted).mean()
        assert own <= np.abs(again - wanted).mean() + 0.01
        fitted = trees[0].predict(codes[:400])
        assert r2_score(fitted, predicted[:, k]) > 0.999


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_the_first_stages_agree_to_rounding(mixed, stages):
    codes, factors = mixed
    targets = standardise(factors, 400)[:400, :1]
    found, predicted, _ = regressed_importances(codes[:400], targets, codes[400:], stages=stages)
    trees = GradientBoostingRegressor(n_estimators=stages, random_state=0)
    trees.fit(codes[:400], targets[:, 0])
    np.testing.assert_allclose(found[:, 0], trees.feature_importances_, atol=1e-9)
    np.testing.assert_allclose(predicted[:, 0], trees.predict(codes[:400]), atol=1e-9)


def test_scores_are_what_the_matrix_says(mixed):
    codes, factors = mixed
    found = dci_regression(codes, factors, n_train=400)
    trees = [
        GradientBoostingRegressor(random_state=0).fit(codes[:400], column)
        for column in factors[:400].T
    ]
    wanted = np.mean([t.score(codes[400:], factors[400:, k]) for k, t in enumerate(trees)])
    assert found.values[f"{PREFIX}informativeness_test"] == pytest.approx(wanted, abs=0.01)
    matrix = found.matrix
    np.testing.assert_allclose(matrix.sum(axis=0), 1.0)
    shares = matrix / matrix.sum(axis=1, keepdims=True) + 1e-300
    per_code = 1 + (shares * np.log(shares)).sum(axis=1) / np.log(3)
    wanted = (per_code * matrix.sum(axis=1)).sum() / 3
    assert found.values[f"{PREFIX}disentanglement"] == pytest.approx(wanted, abs=1e-6)


def test_known_codes(stream):
    factors = stream.uniform(size=(600, 2))
    perfect = dci_regression(factors, factors, n_train=400).values
    assert all(value > 0.98 for value in perfect.values())
    noise = dci_regression(stream.normal(size=(600, 4)), factors, n_train=400).values
    assert noise[f"{PREFIX}disentanglement"] < 0.3
    assert noise[f"{PREFIX}informativeness_test"] < 0.1
    angle = np.pi / 4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rotated = dci_regression((factors - 0.5) @ turn, factors, n_train=400).values
    assert rotated[f"{PREFIX}disentanglement"] < 0.2
    assert rotated[f"{PREFIX}informativeness_test"] > 0.9


def test_laws(mixed, stream):
    codes, factors = mixed
    found = dci_regression(codes, factors, n_train=400)
    order = np.array([2, 0, 3, 1])
    shuffled = dci_regression(codes[:, order], factors, n_train=400)
    np.testing.assert_allclose(shuffled.matrix, found.matrix[order], atol=0.02)
    scaled = dci_regression(codes * 8.0, factors * [1.0, -2e6, 5e-9] + [7.0, 0.0, 0.0], n_train=400)
    np.testing.assert_allclose(scaled.matrix, found.matrix, atol=0.005)
    assert scaled.values == pytest.approx(found.values, abs=0.01)
    threads = dci_regression(codes, factors, n_train=400, n_jobs=3)
    assert threads.values == found.values
    assert np.array_equal(threads.matrix, found.matrix)


def test_constant_codes_predict_nothing(mixed):
    found = dci_regression(np.ones((600, 3)), mixed[1], n_train=400)
    assert found.values[f"{PREFIX}disentanglement"] is None
    assert found.values[f"{PREFIX}completeness"] is None
    assert found.reasons[f"{PREFIX}completeness"] == "no code predicts any factor"
    assert found.values[f"{PREFIX}informativeness_train"] == pytest.approx(0.0, abs=1e-12)


def test_one_code_one_factor_no_test_rows(mixed):
    codes, factors = mixed
    one = dci_regression(codes[:, :1], factors[:, :1], n_train=600)
    assert set(one.reasons) == {
        f"{PREFIX}disentanglement",
        f"{PREFIX}completeness",
        f"{PREFIX}informativeness_test",
    }
    assert one.reasons[f"{PREFIX}informativeness_test"] == "there are no test rows"
    assert one.values[f"{PREFIX}informativeness_train"] > 0.5


def test_a_factor_that_is_constant_in_the_test_part(mixed):
    codes, factors = mixed
    factors[400:, 0] = 0.5
    found = dci_regression(codes, factors, n_train=400)
    terms = found.per_factor["informativeness_test"]
    assert terms[0] is None
    assert found.values[f"{PREFIX}informativeness_test"] == pytest.approx(np.mean(terms[1:]))
    factors[400:] = 0.5
    found = dci_regression(codes, factors, n_train=400)
    reason = found.reasons[f"{PREFIX}informativeness_test"]
    assert reason == "every factor is constant in the test part"


def test_classes_are_read_as_numbers_and_nominal_ones_get_a_note(stream):
    factors = stream.integers(0, 4, (300, 2))
    found = dci_regression(
        factors * 1.0, factors, factor_names=["shape", "x"], factor_kinds=["nominal", "ordinal"]
    )
    assert found.value > 0.98
    assert found.notes == ("classes read as numbers, though nominal: shape",)


def test_explained_variance_is_that_of_scikit_learn(stream):
    targets, predicted = stream.normal(size=(2, 50, 3))
    wanted = r2_score(targets, predicted, multioutput="raw_values")
    np.testing.assert_allclose(explain_variance(predicted, targets), wanted)
    assert np.isnan(explain_variance(predicted[:0], targets[:0])).all()
