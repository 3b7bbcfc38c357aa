"""disentanglement_lib's functions, as a script that changes one import uses them."""

import math

import numpy as np
import pytest

from disentanglement_bench.evaluation import dlib
from disentanglement_bench.evaluation.dlib import (
    dci,
    mig,
    modularity_explicitness,
    sap_score,
    utils,
)


class Integers:
    """Factors of 6 classes from 1, which are their own observations."""

    def __init__(self, factors=4):
        self.factors = factors
        self.batches = []

    def sample(self, count, random_state):
        self.batches.append(count)
        classes = random_state.randint(1, 7, size=(count, self.factors))
        return classes, classes


def call(function, representation, *sizes, **options):
    return function(Integers(), representation, np.random.RandomState(0), None, *sizes, **options)


def twice(observations):
    return np.hstack([observations, observations]).astype(float)


def test_integer_codes():
    """As integers, not floats: bins then lie between the classes all the same."""
    same = call(mig.compute_mig, lambda x: x, 1500)
    assert set(same) == {"discrete_mig"}
    assert 0.95 < same["discrete_mig"] <= 1.0
    assert call(mig.compute_mig, np.zeros_like, 1500)["discrete_mig"] == 0.0
    assert abs(call(mig.compute_mig, twice, 1500)["discrete_mig"]) < 1e-12


@pytest.mark.parametrize("continuous", [True, False])
def test_sap(continuous):
    def sap(representation):
        return call(sap_score.compute_sap, representation, 900, 600, continuous_factors=continuous)[
            "SAP_score"
        ]

    assert sap(lambda x: np.array(x, float)) > (0.95 if continuous else 0.1)
    assert sap(np.zeros_like) == 0.0
    assert abs(sap(twice)) < 1e-9


def test_dci():
    found = call(dci.compute_dci, lambda x: np.array(x, float), 500, 300)
    assert set(found) == {
        "informativeness_train",
        "informativeness_test",
        "disentanglement",
        "completeness",
    }
    assert all(value > 0.99 for value in found.values())
    copied = call(dci.compute_dci, twice, 500, 300)
    assert copied["disentanglement"] > 0.99
    assert copied["completeness"] < 0.95
    empty = call(dci.compute_dci, np.zeros_like, 500, 300)
    assert empty["disentanglement"] == pytest.approx(0.0, abs=1e-12)


def test_dci_of_a_constant_factor():
    class Constant(Integers):
        def sample(self, count, random_state):
            return np.zeros((count, 2), int), np.zeros((count, 2))

    with pytest.raises(ValueError, match="factor 0 has one class in the training part"):
        dci.compute_dci(Constant(), np.asarray, np.random.RandomState(0), None, 50, 50)
    with np.errstate(all="raise"):
        found = mig.compute_mig(Constant(), np.asarray, np.random.RandomState(0), None, 50)
    assert math.isnan(found["discrete_mig"])


def test_modularity_explicitness():
    found = call(
        modularity_explicitness.compute_modularity_explicitness, lambda x: x * 1.0, 1500, 600
    )
    assert set(found) == {
        "modularity_score",
        "explicitness_score_train",
        "explicitness_score_test",
    }
    assert found["modularity_score"] > 0.99
    assert found["explicitness_score_test"] > 0.95


def test_batches_and_order_of_sampling():
    data = Integers()
    state = np.random.RandomState(3)
    codes, factors = utils.generate_batch_factor_code(data, lambda x: x * 2, 37, state, 16)
    assert data.batches == [16, 16, 5]
    assert codes.shape == factors.shape == (4, 37)
    again = np.random.RandomState(3)
    expected = np.vstack([again.randint(1, 7, size=(n, 4)) for n in (16, 16, 5)])
    assert np.array_equal(factors.T, expected)
    assert np.array_equal(codes, factors * 2)


def test_positions_of_arguments():
    by_position = mig.compute_mig(
        Integers(), np.asarray, np.random.RandomState(0), "unused", 200, 50
    )
    by_name = mig.compute_mig(
        ground_truth_data=Integers(),
        representation_function=np.asarray,
        random_state=np.random.RandomState(0),
        artifact_dir=None,
        num_train=200,
        batch_size=50,
    )
    assert by_position == by_name


def test_discretizer():
    target = np.array([[0.0, 1.0, 2.0, 4.0], [4.0, 4.0, 4.0, 4.0]])
    assert utils._histogram_discretize(target, num_bins=4).tolist()[0] == [1, 2, 3, 4]
    whole = utils.make_discretizer(np.array([[0, 19, 40]]))
    assert whole.tolist() == [[1, 10, 20]]
    assert whole.dtype == np.array([0]).dtype
    assert utils.make_discretizer(target, 4, lambda t, bins: t + bins)[0, 0] == 4


def test_discrete_information():
    codes = np.array([[7, -2, 7, -2], [0, 0, 1, 1], [5, 5, 5, 5]])
    factors = np.array([[0, 1, 0, 1], [10**9, 10**9, 3, 3]])
    found = utils.discrete_mutual_info(codes, factors)
    np.testing.assert_allclose(found, np.log(2) * np.array([[1, 0], [0, 1], [0, 0]]), atol=1e-15)
    np.testing.assert_allclose(utils.discrete_entropy(codes), np.log([2, 2, 1]))


def test_split_and_representation():
    points = np.arange(20).reshape(2, 10)
    train, test = utils.split_train_test(points, 0.55)
    assert train.shape == (2, 6)
    assert np.array_equal(np.hstack([train, test]), points)
    codes = utils.obtain_representation(points.T, lambda x: x * 2, 3)
    assert np.array_equal(codes, points * 2)
    normal, mean, deviation = utils.normalize_data(points * 1.0)
    np.testing.assert_allclose(normal.std(axis=1), 1.0)
    np.testing.assert_allclose(normal * deviation[:, None] + mean[:, None], points)


def test_scores_of_matrices():
    square = np.eye(4) * 3
    wide = np.hstack([square, square])
    tall = np.vstack([square, square])
    nothing = np.zeros((4, 4))
    half = 1 - np.log(2) / np.log(8)
    assert dci.disentanglement(square) == pytest.approx(1.0)
    assert dci.disentanglement(wide) == pytest.approx(half)
    assert dci.disentanglement(tall) == pytest.approx(1.0)
    assert dci.completeness(wide) == pytest.approx(1.0)
    assert dci.completeness(tall) == pytest.approx(half)
    assert dci.disentanglement(nothing) == pytest.approx(0.0, abs=1e-12)
    assert dci.completeness(nothing) == pytest.approx(0.0, abs=1e-12)
    assert modularity_explicitness.modularity(square) == 1.0
    assert modularity_explicitness.modularity(np.eye(4, 3)) == pytest.approx(0.75)
    assert modularity_explicitness.modularity(wide) == pytest.approx(1 - 1 / 7)
    assert modularity_explicitness.modularity(nothing) == 0.0
    assert dlib.compute_mig is mig.compute_mig
