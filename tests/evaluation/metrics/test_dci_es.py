"""Explicitness and size: curves of loss over capacity."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from disentanglement_bench.evaluation import dci_es
from disentanglement_bench.evaluation.metrics.dci_es import (
    DEPTHS,
    explicitness_of_curves,
    losses_by_depth,
)


def test_area_by_hand():
    """Losses 0.6, 0.2, 0.2 at depths 1, 2, 4 above their lowest: a triangle of 0.4 · 1 / 2."""
    found = explicitness_of_curves(
        np.array([1, 2, 4]), np.array([[0.6, 0.2, 0.2]]), np.array([0.8])
    )
    assert found.tolist() == pytest.approx([1 - 0.2 / (0.5 * 3 * 0.8)])


def test_the_smallest_loss_so_far_counts():
    rising = np.array([[0.4, 0.2, 0.5], [0.4, 0.2, 0.2]])
    first, second = explicitness_of_curves(np.array([1, 2, 4]), rising, np.full(2, 0.5))
    assert first == second


@pytest.mark.parametrize("losses", [[0.3] * 3, [0.9] * 3, [0.0] * 3])
def test_a_flat_curve_is_explicit(losses):
    """Also where nothing is learnt: then the loss beside it says so."""
    found = explicitness_of_curves(np.array([1, 2, 4]), np.array([losses]), np.array([0.5]))
    assert found.tolist() == [1.0]


def test_a_cut_forest_is_a_shallow_forest(partly_disentangled):
    """With all codes tried at each split, only ties are left to chance."""
    codes, factors = partly_disentangled
    codes, labels = codes.astype(np.float32), factors[:, 1]

    def grow(depth):
        forest = RandomForestClassifier(30, max_depth=depth, max_features=None, random_state=0)
        return forest.fit(codes[:400], labels[:400])

    found = losses_by_depth(grow(DEPTHS[-1]), codes[400:], labels[400:])
    wanted = [1 - grow(depth).score(codes[400:], labels[400:]) for depth in DEPTHS]
    assert found == pytest.approx(wanted, abs=0.03)
    assert found[0] == pytest.approx(wanted[0], abs=1e-12)


def test_laws(partly_disentangled, stream):
    codes, factors = partly_disentangled
    options = {"n_train": 400, "num_trees": 20}
    found = dci_es(codes, factors, **options)
    assert found.values["dci_es_s"] == 0.75
    assert dci_es(codes, factors, **options).as_dict() == found.as_dict()
    assert dci_es(codes * 4.0 + 1.0, factors, **options).values == pytest.approx(
        found.values, abs=0.02
    )
    easy = dci_es(factors * 1.0, factors, **options)
    assert easy.values["dci_es_e"] > 0.9
    assert easy.per_factor["lowest_loss"] == [0.0] * 3
    noise = dci_es(stream.normal(size=(600, 4)), factors, **options)
    assert noise.values["dci_es_e"] > 0.9  # no depth helps
    assert np.mean(noise.per_factor["lowest_loss"]) > 0.6
    constant = np.where(np.arange(4) == 1, 0.5, codes)
    assert not dci_es(constant, factors, **options).reasons


def test_codes_that_need_depth_are_less_explicit(stream):
    """A factor of one stripe is read at once; one of sixteen stripes needs deep trees."""
    position = stream.random((1200, 1))
    stripes = np.column_stack([position * 2, position * 16]).astype(int) % 2
    found = dci_es(position, stripes, n_train=800, num_trees=20)
    wide, narrow = found.per_factor["dci_es_e"]
    assert wide > narrow + 0.1


def test_where_it_is_undefined(partly_disentangled):
    codes, factors = partly_disentangled
    found = dci_es(codes, factors, n_train=600, num_trees=5)
    assert found.reasons == {"dci_es_e": "there are no test rows"}
    assert found.values["dci_es_s"] == 0.75
    unseen = factors.copy()
    unseen[400:, 0] = 9
    assert dci_es(codes, unseen, n_train=400, num_trees=5).per_factor["lowest_loss"][0] == 1.0


def test_continuous_factors(stream):
    """1 − R² in place of 1 − accuracy, of scikit-learn's own forest at the largest depth."""
    codes = stream.normal(size=(600, 3))
    factors = np.column_stack([codes[:, 0] * 2.0, np.sin(6 * codes[:, 1]), codes[:, 2] > 0])
    found = dci_es(codes, factors, n_train=400, num_trees=20)
    straight, wavy, classes = found.per_factor["dci_es_e"]
    assert wavy < straight
    assert classes == pytest.approx(1.0, abs=0.02)
    assert found.per_factor["loss_of_guessing"] == [1.0, 1.0, 0.5]
    forest = RandomForestRegressor(20, max_features="sqrt", max_depth=32, random_state=0)
    forest.fit(codes[:400], factors[:400, 1])
    wanted = 1 - forest.score(codes[400:], factors[400:, 1])
    assert found.per_factor["loss_at_depth_32"][1] == pytest.approx(wanted)


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**10])
def test_the_unit_of_a_continuous_factor_does_not_matter(stream, unit):
    codes = stream.normal(size=(60, 2))
    factors = np.column_stack([codes[:, 0] * 2.0, np.sin(6 * codes[:, 1])])
    found = dci_es(codes, factors, n_train=40, num_trees=5)
    assert dci_es(codes, factors * unit, n_train=40, num_trees=5).values == found.values


def test_nothing_is_said_of_many_classes_or_of_the_largest_codes(stream, recwarn):
    codes = (stream.normal(size=(60, 3)) * 5e37).astype(np.float32)
    dci_es(codes, np.arange(180).reshape(60, 3), n_train=40, num_trees=5)
    assert not [str(warning.message) for warning in recwarn]


def test_a_continuous_factor_that_is_constant_in_the_test_part_is_left_out(stream):
    """R² is undefined there, which is neither the best score nor an infinite loss."""
    codes = stream.normal(size=(60, 2))
    factors = np.sin(6 * codes)
    alone = dci_es(codes, factors[:, 1:], n_train=40, num_trees=5)
    factors[40:, 0] = 0.1
    found = dci_es(codes, factors, n_train=40, num_trees=5)
    assert found.per_factor["dci_es_e"][0] is found.per_factor["lowest_loss"][0] is None
    assert found.values["dci_es_e"] == alone.values["dci_es_e"]
    none = dci_es(codes, factors[:, :1], n_train=40, num_trees=5)
    assert none.reasons == {"dci_es_e": "every factor is constant in the test part"}
