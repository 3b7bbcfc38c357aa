"""FactorVAE and BetaVAE scores: laws, repeatability, and when rows allow no interventions."""

import numpy as np
import pytest

from disentanglement_bench.evaluation import betavae_score, factorvae_score, score
from disentanglement_bench.evaluation.metrics.factorvae_score import find_active, rate_votes
from disentanglement_bench.evaluation.metrics.interventions import cramers_v, find_obstacle

BOTH = (factorvae_score, betavae_score)
FEWER = {"num_train": 3000, "num_test": 3000}


@pytest.fixture
def arrays(stream):
    """Partly disentangled codes (2000, 4) on a grid of 1/64, of factors with 4, 3 and 5 classes."""
    factors = np.stack([stream.integers(0, size, 2000) for size in (4, 3, 5)], axis=1)
    mixing = 0.4 * np.eye(3, 4) + 0.5 * stream.normal(size=(3, 4))
    codes = factors @ mixing + stream.normal(size=(2000, 4))
    return np.round(codes * 64) / 64, factors


@pytest.mark.parametrize("metric", BOTH)
def test_perfect_and_random_codes(metric, arrays, stream):
    factors = arrays[1]
    assert metric(factors * 1.0, factors, **FEWER).value == 1.0
    noise = metric(stream.normal(size=factors.shape), factors, **FEWER)
    assert noise.value == pytest.approx(1 / 3, abs=0.03)
    assert noise.reference["chance"] == pytest.approx(1 / 3)
    assert noise.reference["noise"] == pytest.approx(1 / 3, abs=0.03)


def test_few_rows_a_class_raise_the_noise_level(stream):
    """Batches of nearly a whole class repeat themselves, and what is chance in them with them."""
    factors = np.indices((4, 4, 4)).reshape(3, -1).T.repeat(5, axis=0)
    found = factorvae_score(stream.normal(size=factors.shape), factors, **FEWER)
    assert found.value > 0.36
    assert found.reference["noise"] > 0.36


@pytest.mark.parametrize("metric", BOTH)
def test_order_of_codes_does_not_matter(metric, arrays):
    codes, factors = arrays
    found, wanted = (metric(each, factors, **FEWER) for each in (codes[:, [2, 0, 3, 1]], codes))
    assert found.values == pytest.approx(wanted.values, abs=0.002)
    assert 0.5 < wanted.value < 0.99


@pytest.mark.parametrize("metric", BOTH)
def test_shifts_and_names_of_classes_do_not_matter(metric, arrays):
    codes, factors = arrays
    wanted = metric(codes, factors, **FEWER).values
    assert metric(codes + np.array([3, -8, 0, 64]), factors, **FEWER).values == pytest.approx(
        wanted, abs=0.002
    )
    assert metric(codes, factors * 7 + 2, **FEWER).values == wanted


def test_scale_matters_to_the_threshold_alone(arrays):
    codes, factors = arrays
    wanted = factorvae_score(codes, factors, **FEWER)
    found = factorvae_score(codes * [2.0, 0.25, 16.0, 1.0], factors, **FEWER)
    assert found.values == wanted.values
    small = factorvae_score(codes * [1.0, 1.0, 2.0**-10, 1.0], factors, **FEWER)
    assert small.notes == ("1 of 4 codes vary too little to vote",)
    assert (small.matrix[2] == 0).all()
    assert small.values == factorvae_score(codes[:, [0, 1, 3]], factors, **FEWER).values


@pytest.mark.parametrize("metric", BOTH)
def test_a_constant_code_does_not_matter(metric, arrays):
    codes, factors = arrays
    found = metric(np.column_stack([np.full(2000, 0.1), codes]), factors, **FEWER)
    assert found.values == pytest.approx(metric(codes, factors, **FEWER).values, abs=0.002)


@pytest.mark.parametrize("metric", BOTH)
def test_a_constant_factor_is_left_out(metric, arrays):
    codes, factors = arrays
    more = np.column_stack([factors, np.ones(2000, int)])
    found = metric(codes, more, factor_names=["a", "b", "c", "always"], **FEWER)
    assert found.values == metric(codes, factors, **FEWER).values
    assert found.notes == ("left out, constant in the training part: always",)


@pytest.mark.parametrize("metric", BOTH)
def test_the_seed_decides(metric, arrays):
    first, again, other = (metric(*arrays, seed=seed, **FEWER) for seed in (0, 0, 1))
    assert first.values == again.values
    assert first.values != other.values
    assert first.values == pytest.approx(other.values, abs=0.05)
    assert first.settings["seed"] == 0


@pytest.mark.parametrize("metric", BOTH)
def test_rows_are_drawn_from_both_parts(metric, arrays):
    codes, factors = arrays
    found = metric(codes, factors, n_train=100, **FEWER)
    assert found.values == metric(codes, factors, n_train=2000, **FEWER).values


def test_two_codes_of_one_factor_do_not_matter_but_mixing_does(arrays):
    factors = arrays[1]
    both = np.column_stack([factors, factors[:, 0]]) * 1.0
    assert factorvae_score(both, factors, **FEWER).value == 1.0
    rotated = (
        (factors - factors.mean(axis=0))
        / factors.std(axis=0)
        @ np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]])
    )
    assert factorvae_score(rotated, factors, **FEWER).value < 0.9


def test_votes_of_the_matrix_are_shares(arrays):
    found = factorvae_score(*arrays, **FEWER)
    np.testing.assert_allclose(found.matrix.sum(axis=0), 1.0)


def test_posterior_noise_shows_a_collapse_that_means_hide(arrays):
    factors = arrays[1]
    means = 0.1 * factors
    found = score(
        means, factors, ["factorvae_score", "betavae_score"], np.zeros(means.shape), n_train=1400
    )
    assert found["factorvae_score"] == 1.0
    assert found["betavae_score"] > 0.9
    assert found["factorvae_score_sampled"] < 0.6
    assert found["betavae_score_sampled"] < 0.6


def test_inactive_codes_take_no_part_in_the_active_twin(arrays):
    factors = arrays[1]
    means = factors * [1.0, 1.0, 0.05]
    log_variances = np.array([-4.0, -4.0, 0.0]) + np.zeros(means.shape)
    found = score(means, factors, ["factorvae_score"], log_variances, n_train=1400)
    assert found["factorvae_score"] == 1.0
    assert found["factorvae_score_active"] < 0.8


@pytest.mark.parametrize("metric", BOTH)
@pytest.mark.parametrize(("rows", "counted"), [(63, "63 rows"), (1, "1 row")])
def test_a_class_smaller_than_a_batch(metric, rows, counted, arrays):
    codes, factors = arrays
    factors = factors.copy()
    factors[:, 1] = 2
    factors[: 1000 - rows, 1] = 0
    factors[1000 - rows : 1000, 1] = 1
    found = metric(codes, factors, factor_names=["a", "b", "c"])
    assert set(found.values.values()) == {None}
    assert found.reason == (
        f"a class of factor b has {counted}; batches of 64 are drawn from each class"
    )


@pytest.mark.parametrize("metric", BOTH)
def test_factors_that_depend_on_each_other(metric, arrays):
    codes, factors = arrays
    factors = factors.copy()
    factors[:600, 2] = factors[:600, 0]
    found = metric(codes, factors)
    assert set(found.values.values()) == {None}
    assert found.reason.startswith("factors factor_0 and factor_2 depend on each other (Cramér's V")


def test_no_code_that_varies(arrays):
    codes, factors = arrays
    found = factorvae_score(codes * 1e-3, factors)
    assert set(found.values.values()) == {None}
    assert found.reason == "every code has a standard deviation below 0.05"
    still = betavae_score(np.ones(codes.shape), factors, **FEWER)
    assert still.value == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.parametrize("metric", BOTH)
def test_large_codes(metric, arrays):
    codes, factors = arrays
    assert metric(codes * 1e200, factors).reason == "the codes reach beyond 3.4e+38"
    assert 0.5 < metric(codes * 2.0**100, factors, **FEWER).value <= 1.0


@pytest.mark.parametrize("metric", BOTH)
def test_options_are_named_in_the_variant(metric, arrays):
    found = metric(*arrays, batch_size=16, **FEWER)
    assert found.variant == (f"{metric.variant} with batch_size=16, num_train=3000, num_test=3000")


def test_dependence_corrected_for_chance(stream):
    first, second = stream.integers(0, 10, 500), stream.integers(0, 10, 500)
    assert cramers_v(first, second) < 0.08
    assert cramers_v(first, first * 3 % 10) == pytest.approx(1.0)
    assert cramers_v(first, np.zeros(500, int)) == 0.0
    assert cramers_v(first, np.arange(500)) == 0.0
    assert cramers_v(first * 5000, first * 10**8 - 3) == pytest.approx(1.0)
    # By hand: phi² = 0.36, corrected 0.36 − 1/199; sizes 2 − 1/199 each.
    pair = np.array([[0, 0]] * 80 + [[0, 1]] * 20 + [[1, 0]] * 20 + [[1, 1]] * 80)
    assert cramers_v(*pair.T) == pytest.approx(np.sqrt((0.36 - 1 / 199) / (1 - 1 / 199)))


def test_names_in_reasons_keep_to_one_line():
    factors = np.zeros((70, 1), int)
    factors[:9] = 1
    assert "\n" not in find_obstacle(factors, 64, ["two\nlines"])
    assert find_obstacle(factors, 9) == ""


def test_majority_of_votes():
    """A code without a training vote stands for the first factor."""
    train = np.array([[3, 5], [4, 1], [0, 0]])
    assert rate_votes(train, np.array([[1, 2], [3, 0], [1, 3]])) == 0.6
    assert find_active(np.array([0.0, 0.0025, 0.01])).tolist() == [False, True, True]
