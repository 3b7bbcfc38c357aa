"""Factors that are real numbers: who takes them, who bins them, and who says why not."""

import numpy as np
import pytest

from disentanglement_bench.evaluation import (
    METRICS,
    Key,
    Metric,
    MetricError,
    check_metric,
    evaluate,
    mig,
    sap_continuous,
    score,
)
from disentanglement_bench.evaluation.metrics.continuous import (
    name_continuous,
    put_into_bins,
    scale_factors,
)
from disentanglement_bench.evaluation.metrics.driver import compute
from disentanglement_bench.evaluation.representation.file_format import Representation

NAMES = ("shape", "azimuth", "height")
EVERY = [name for name, metric in METRICS.items() if not metric.grouped]


def spare(names):
    """Names, of which the slow one and twins are left to the slow tests."""
    slow = {name for name in EVERY if METRICS[name].suffix} | {"dci_es"}
    return [pytest.param(name, marks=pytest.mark.slow) if name in slow else name for name in names]


@pytest.fixture
def mixed(stream):
    """One factor of classes, two of real numbers; codes that follow them."""
    factors = np.column_stack([stream.integers(0, 3, 300), stream.uniform(size=(300, 2))])
    return factors + 0.05 * stream.normal(size=factors.shape), factors


def represent(codes, factors, **described):
    described = {"factor_names": NAMES, "log_variances": np.full(codes.shape, -5.0)} | described
    return Representation(codes, factors, **described)


def test_metrics_that_need_classes_name_the_continuous_factors(mixed):
    found = evaluate(*mixed, ["mig", "sap_continuous"], factor_names=NAMES)
    assert found["mig"].values == {"mig": None}
    assert found["mig"].reason == (
        "this score needs classes, and azimuth, height are continuous: put them into N bins by "
        "--bin-factors N (bin_factors=N in Python), or leave out by --without-factors"
    )
    assert found["sap_continuous"].value > 0.9
    left = mig(*mixed, factor_names=NAMES, without_factors=["height"])
    assert "azimuth is continuous: put it into N bins" in left.reason


def test_without_the_continuous_factors_it_is_as_with_classes_alone(mixed):
    codes, factors = mixed
    found = mig(codes, factors, factor_names=NAMES, without_factors=NAMES[1:])
    assert found.per_factor["mig"] == [mig(codes, factors[:, :1].astype(int)).value, None, None]


@pytest.mark.parametrize("name", spare(EVERY))
def test_every_metric_scores_or_says_why(mixed, name):
    found = compute(METRICS[name], represent(*mixed))
    if METRICS[name].continuous:
        assert any(value is not None for value in found.values.values())
    else:
        assert set(found.values.values()) == {None}
        assert "azimuth, height are continuous" in found.reason
        assert "--bin-factors N" in found.reason


@pytest.mark.parametrize("name", spare(EVERY))
def test_with_bins_every_metric_is_that_of_the_classes(mixed, name):
    made = represent(*mixed)
    found = compute(METRICS[name], made, bin_factors=5)
    if METRICS[name].continuous:
        wanted = compute(METRICS[name], made)
        assert found.variant == METRICS[name].variant
        assert "bin_factors" not in found.settings
    else:
        wanted = compute(METRICS[name], put_into_bins(made, 5))
        assert found.variant == f"{METRICS[name].variant} with bin_factors=5"
        assert found.settings["bin_factors"] == 5
    assert found.values == wanted.values
    assert found.reasons == wanted.reasons


def test_bins_change_nothing_where_all_factors_are_classes(mixed):
    codes, factors = mixed[0], mixed[1].astype(int)
    found = mig(codes, factors, bin_factors=7)
    assert found.variant == "mig[hist20,plugin,mean]"
    assert found.values == mig(codes, factors).values


def test_bins_hold_as_many_training_rows_each():
    values = np.random.default_rng(0).exponential(size=(120, 1))
    binned = put_into_bins(Representation(values, values, n_train=100), 10)
    assert np.bincount(binned.factors[:100, 0]).tolist() == [10] * 10
    assert binned.factors.dtype == np.int32
    assert (binned.factor_sizes, binned.factor_kinds) == ((10,), ("ordinal",))
    order = np.argsort(values[:, 0])
    assert (np.diff(binned.factors[order, 0]) >= 0).all()


def test_outliers_and_other_units_leave_the_bins_as_they_are(stream):
    values = stream.uniform(size=(100, 1))
    wanted = put_into_bins(Representation(values, values, n_train=80), 8).factors
    far = np.where(values == values[:80].max(), 1e300, values)
    for other in (far, np.exp(values * 9), values * 1e-300 - 1e-300):
        assert (put_into_bins(Representation(values, other, n_train=80), 8).factors == wanted).all()


@pytest.mark.parametrize(
    ("values", "bins", "classes"),
    [
        ([0.5, 0.5, 0.5, 1.5], 2, [0, 0, 0, 0]),
        ([0.5, 0.5, 1.5, 1.5], 3, [0, 0, 1, 1]),
        ([0.5, 1.5, 1.5, 1.5], 4, [0, 1, 1, 1]),
        ([0.5, 1.5, 2.5, 3.5], 9, [0, 1, 2, 3]),
        ([0.5, 0.5, 0.5, 0.5], 3, [0, 0, 0, 0]),
        ([0.0, -0.0, 0.5, 0.5], 2, [0, 0, 1, 1]),
    ],
)
def test_frequent_values_share_a_bin(values, bins, classes):
    column = np.array(values)[:, None]
    made = Representation(column, column, n_train=4, factor_kinds=["continuous"])
    assert put_into_bins(made, bins).factors[:, 0].tolist() == classes


def test_test_rows_beyond_the_training_part_lie_in_the_outer_bins():
    column = np.array([[1.5], [2.5], [3.5], [4.5], [-9.0], [99.0]])
    made = Representation(column, column, n_train=4)
    assert put_into_bins(made, 2).factors[:, 0].tolist() == [0, 0, 1, 1, 0, 1]


def test_classes_stay_as_they_are_beside_bins(mixed):
    binned = put_into_bins(represent(*mixed), 4)
    assert binned.factors[:, 0].tolist() == mixed[1][:, 0].astype(int).tolist()
    assert binned.factor_sizes == (3, 4, 4)


def test_a_kind_makes_whole_numbers_continuous(stream):
    factors = stream.integers(-50, 50, (90, 2)).astype(float)
    kinds = ["continuous", "continuous"]
    found = evaluate(factors, factors, ["mig", "sap_continuous"], factor_kinds=kinds)
    assert found["sap_continuous"].value == pytest.approx(1.0, abs=0.1)
    assert "factor_0, factor_1 are continuous" in found["mig"].reason
    assert mig(factors, factors, factor_kinds=kinds, bin_factors=4).value > 0.5


def test_a_constant_continuous_factor_is_left_out(mixed):
    codes, factors = mixed
    factors[:, 1:] = 0.25
    made = represent(codes, factors)
    assert name_continuous(made, ()) == ["azimuth", "height"]
    assert name_continuous(made, ["height"], constant=False) == []
    found = compute(METRICS["mig"], made)
    assert found.notes == ("left out, constant in the training part: azimuth, height",)
    assert found.value == mig(codes, factors[:, :1].astype(int)).value


def test_a_function_that_parts_rows_gets_classes_or_nothing(mixed):
    def see(codes, factors, n_train):
        assert factors.dtype == np.int32
        return len(np.unique(factors[:, 1])) / 10

    own = Metric("own", see, (Key("own"),))
    assert own(*mixed, bin_factors=5).value == 0.5
    assert "factor_1, factor_2 are continuous" in own(*mixed).reason
    mixed[1][:, 1] = 0.25
    assert "factor_1, factor_2 are continuous" in own(*mixed).reason


def test_what_a_metric_needs_is_not_asked_of_real_numbers(mixed):
    def count(sample, settings):
        np.bincount(sample.factors[:, 1])
        return "never"

    def half(codes, factors):
        return 0.5

    own = Metric("own", half, (Key("own"),), needs=(count,))
    assert "continuous" in own(*mixed).reason
    assert own(*mixed, bin_factors=3).reason == "never"


@pytest.mark.parametrize("bins", [1, 0, 2.5, True, "9"])
def test_a_number_of_bins_that_is_none(mixed, bins):
    with pytest.raises(MetricError, match="bin_factors must be a whole number from 2, not"):
        score(*mixed, "mig", bin_factors=bins)


@pytest.mark.parametrize("name", spare(name for name in EVERY if METRICS[name].continuous))
@pytest.mark.parametrize("size", [1e300, 1e-300, 5e-324])
def test_factors_at_the_ends_of_double_precision(mixed, name, size):
    codes, factors = mixed
    factors = factors * size
    kinds = ["continuous"] * 3
    made = represent(codes, factors, factor_kinds=kinds)
    with np.errstate(all="raise", under="ignore"):
        found = compute(METRICS[name], made)
    assert found.reason or all(np.isfinite(value) for value in found.values.values())


def test_units_do_not_matter_to_correlation(mixed):
    codes, factors = mixed
    kinds = ["ordinal", "continuous", "continuous"]
    wanted = sap_continuous(codes, factors).value
    for scale in (1e30, 1e-280):
        found = sap_continuous(codes, factors * [1.0, scale, scale], factor_kinds=kinds)
        assert found.value == pytest.approx(wanted, rel=1e-9)


def test_factors_beyond_single_precision_are_another_unit(mixed):
    codes, factors = mixed
    kinds = ["ordinal", "continuous", "continuous"]
    found = sap_continuous(codes, factors * [1.0, 1.0, 1e39], factor_kinds=kinds)
    assert found.reason == "a factor reaches beyond 3.4e+38: give it in another unit"


def test_scaling_leaves_classes_alone():
    classes = np.array([[3], [5]], np.int32)
    assert scale_factors(classes) is classes
    assert scale_factors(np.zeros((2, 1))).tolist() == [[0.0], [0.0]]


def test_a_check_tries_continuous_factors_where_they_are_taken():
    assert check_metric("sap_continuous")[-1].startswith("continuous factors: sap_continuous = 0.9")


def test_more_bins_than_rows_take_no_memory(stream):
    values = stream.normal(size=(20, 2))
    most = put_into_bins(Representation(values, values, n_train=16), 10**18)
    assert most.factor_sizes == (16, 16)
    exact = put_into_bins(Representation(values, values, n_train=16), 16)
    np.testing.assert_array_equal(most.factors, exact.factors)
