"""One tree, by hand and against scikit-learn's regression tree."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from disentanglement_bench.evaluation.metrics.kernels.boosting import boost_stage, pairwise_sum


def stage(values, gradient, test, labels=None, shrink=1.0):
    """One tree on a given gradient; returns what it moved the test rows by, and importances."""
    columns = np.ascontiguousarray(values.T, np.float32)
    orders = np.empty((3, *columns.shape), np.uint32)
    orders[0] = np.argsort(columns, axis=1, kind="stable")
    labels = np.zeros(len(values), np.int64) if labels is None else labels
    raw = np.zeros((1, len(values)))
    moved = np.zeros((1, len(test)))
    found = np.zeros((1, len(columns)))
    boost_stage(
        columns,
        orders,
        np.ascontiguousarray(test.T, np.float32),
        labels,
        1,
        gradient[None],
        raw,
        moved,
        1.0,
        shrink,
        np.array([[88172645463325252]], np.uint64),
        found,
    )
    return raw[0], moved[0], found[0]


@pytest.mark.parametrize("rounded", [False, True])
def test_splits_are_those_of_a_regression_tree(stream, rounded):
    values = stream.normal(size=(400, 4)).astype(np.float32)
    values = values.round(1) if rounded else values
    gradient = np.sin(3 * values[:, 0]) + 0.5 * (values[:, 1] > 0.2) + 0.1 * stream.normal(size=400)
    _, _, found = stage(values, gradient, values)
    tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(values, gradient)
    wanted = tree.tree_.compute_feature_importances(normalize=False)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


def test_rows_of_a_leaf_move_together_in_both_parts(stream):
    values = stream.normal(size=(300, 3)).astype(np.float32)
    labels = (values[:, 0] > 0).astype(np.int64)
    gradient = labels - 0.5
    raw, moved, _ = stage(values, gradient, values, labels)
    np.testing.assert_allclose(raw, moved, rtol=1e-12)
    # One step of Newton: mean residual ½ over mean p(1 − p) ¼, in two pure leaves.
    assert sorted(set(raw.round(9))) == [-2.0, 2.0]


def test_a_flat_gradient_gives_no_split(stream):
    values = stream.normal(size=(50, 2))
    raw, _, found = stage(values, np.full(50, 0.25), values, np.ones(50, np.int64))
    assert found.tolist() == [0.0, 0.0]
    assert len(set(raw)) == 1


def test_ties_are_shared_between_equal_columns(stream):
    column = stream.normal(size=200)
    values = np.column_stack([column, column])
    gradient = (column > 0).astype(float)
    winners = set()
    for seed in range(20):
        columns = np.ascontiguousarray(values.T, np.float32)
        orders = np.empty((3, *columns.shape), np.uint32)
        orders[0] = np.argsort(columns, axis=1, kind="stable")
        found = np.zeros((1, 2))
        boost_stage(
            columns,
            orders,
            columns[:, :1].copy(),
            np.zeros(200, np.int64),
            1,
            gradient[None] - gradient.mean(),
            np.zeros((1, 200)),
            np.zeros((1, 1)),
            0.1,
            1.0,
            np.array([[2 * seed + 1]], np.uint64) * np.uint64(0x9E3779B97F4A7C15),
            found,
        )
        winners.add(int(found[0].argmax()))
    assert winners == {0, 1}


@pytest.mark.parametrize("size", [1, 7, 8, 9, 127, 128, 129, 1000, 1023, 3000, 10_007])
def test_sums_are_rounded_as_numpy_rounds_them(stream, size):
    for values in (stream.normal(size=size), np.full(size, 0.1)):
        padded = np.r_[5.0, values, 7.0]
        assert pairwise_sum(padded, 1, size + 1) == np.add.reduce(values)
