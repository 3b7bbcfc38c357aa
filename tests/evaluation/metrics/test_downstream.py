"""Downstream tasks: against scikit-learn, laws, sizes that are not there, and repeatability."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from disentanglement_bench.evaluation import downstream_gbt, downstream_logreg
from disentanglement_bench.evaluation.metrics.boosted_trees import boosted_importances
from disentanglement_bench.evaluation.metrics.downstream import measure_downstream
from disentanglement_bench.evaluation.metrics.logistic import predict_classes

BOTH = (downstream_logreg, downstream_gbt)


def small(metric, codes, factors, **options):
    """100 and 10 training rows, and as many others as there are to test."""
    return metric(codes, factors, n_train=100, **options)


@pytest.fixture
def taken():
    """The rows that a size takes: those that a classifier is shown."""

    def take(train, size):
        shown = {}

        def predict(rows, labels, others):
            shown[len(rows)] = rows[:, 0].astype(int)
            return np.zeros(len(others), int)

        numbers = np.arange(train)[:, None]
        measure_downstream("any", predict, numbers, numbers % 2, numbers[:3], numbers[:3] % 2)
        return shown[size]

    return take


def test_accuracies_are_those_of_scikit_learn(partly_disentangled, taken):
    codes, factors = partly_disentangled
    rows = taken(100, 100)
    found = small(downstream_logreg, codes, factors)
    for k, value in enumerate(found.per_factor["downstream_logreg_100"]):
        model = LogisticRegression(max_iter=10_000, tol=1e-8).fit(codes[rows], factors[rows, k])
        wanted = model.score(codes[100:], factors[100:, k])
        assert value == pytest.approx(wanted, abs=0.005)
    found = small(downstream_gbt, codes, factors)
    for k, value in enumerate(found.per_factor["downstream_gbt_100"]):
        predicted = boosted_importances(codes[rows], factors[rows, k], codes[100:])[2]
        assert value == (predicted == factors[100:, k]).mean()


@pytest.mark.parametrize("classes", [2, 3, 12])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0, [1.0, 0.01, 10.0]])
def test_the_optimum_is_reached(stream, classes, scale):
    labels = stream.integers(0, classes, 400)
    codes = labels[:, None] * stream.normal(size=3) + stream.normal(size=(400, 3))
    codes = codes * scale + 4.0
    model = LogisticRegression(C=0.5, solver="newton-cg", tol=1e-10, max_iter=10_000)
    model.fit(codes[:300], labels[:300])
    (found,) = predict_classes(codes[:300], labels[:300], codes[300:], penalty=0.5)
    assert (found == model.predict(codes[300:])).mean() >= 0.99


def test_logistic_regression_of_huge_codes(stream):
    """The penalty no longer counts, and the solver still converges."""
    labels = stream.integers(0, 3, 400)
    codes = labels[:, None] * 4.0 + stream.normal(size=(400, 2))
    (wanted,) = predict_classes(codes[:300], labels[:300], codes[300:], penalty=1e6)
    (found,) = predict_classes(codes[:300] * 1e30, labels[:300], codes[300:] * 1e30)
    assert (found == wanted).mean() >= 0.97
    assert (found == labels[300:]).mean() > 0.6


def test_sizes_are_nested_and_drawn_at_random(taken):
    hundred, ten = taken(500, 100), taken(500, 10)
    np.testing.assert_array_equal(hundred[:10], ten)
    assert len(set(hundred)) == 100
    assert hundred.max() > 300


@pytest.mark.parametrize("metric", BOTH)
def test_perfect_and_random_codes(metric, stream):
    factors = stream.integers(0, 2, (1200, 2))
    perfect = small(metric, factors * 8.0, factors)
    assert perfect.values[f"{metric.name}_100"] == 1.0
    noise = small(metric, stream.normal(size=(1200, 3)), factors)
    assert noise.values[f"{metric.name}_100"] == pytest.approx(0.5, abs=0.06)
    assert noise.reference["majority_test"] == [pytest.approx(0.5, abs=0.03)] * 2


@pytest.mark.parametrize("metric", BOTH)
def test_order_of_codes_and_constant_ones_do_not_matter(metric, partly_disentangled):
    codes, factors = partly_disentangled
    wanted = small(metric, codes, factors).values[f"{metric.name}_100"]
    for changed in (codes[:, [3, 1, 0, 2]], np.column_stack([codes, np.full(600, 3.0)])):
        found = small(metric, changed, factors).values[f"{metric.name}_100"]
        assert found == pytest.approx(wanted, abs=0.02)


def test_scale_matters_to_logistic_regression_alone(partly_disentangled):
    codes, factors = partly_disentangled
    values = [small(m, codes, factors).values[f"{m.name}_100"] for m in BOTH]
    tiny = [small(m, codes * 2.0**-12, factors).values[f"{m.name}_100"] for m in BOTH]
    assert tiny[0] < values[0] - 0.1
    assert tiny[1] == pytest.approx(values[1], abs=0.01)


@pytest.mark.parametrize("metric", BOTH)
def test_a_constant_factor_is_left_out(metric, partly_disentangled):
    codes, factors = partly_disentangled
    found = small(metric, codes, np.column_stack([factors, np.ones(600, int)]))
    assert found.values == small(metric, codes, factors).values
    assert found.per_factor[f"{metric.name}_100"][3] is None


@pytest.mark.parametrize("metric", BOTH)
def test_sizes_that_the_training_part_does_not_have(metric, partly_disentangled):
    found = metric(*partly_disentangled, n_train=99)
    sizes = {f"{metric.name}_{size}": size for size in (10_000, 1000, 100)}
    wanted = {key: f"99 training rows; {size} are needed" for key, size in sizes.items()}
    wanted[f"{metric.name}_sample_efficiency"] = "99 training rows; 10000 are needed"
    assert found.reasons == wanted
    assert found.values[f"{metric.name}_10"] > 0


def test_sample_efficiency(stream):
    factors = stream.integers(0, 4, (10_500, 1))
    codes = factors + stream.normal(size=(10_500, 2))
    found = downstream_logreg(codes, factors, n_train=10_000)
    values = found.values
    assert not found.reasons
    assert values["downstream_logreg_sample_efficiency"] == pytest.approx(
        values["downstream_logreg_100"] / values["downstream_logreg_10000"]
    )
    factors[10_000:] = 9
    found = downstream_logreg(codes, factors, n_train=10_000)
    assert found.values["downstream_logreg_10000"] == 0.0
    assert found.reasons == {"downstream_logreg_sample_efficiency": "no accuracy from 10000 rows"}


@pytest.mark.parametrize("metric", BOTH)
def test_one_class_among_the_rows_is_always_predicted(metric, stream):
    factors = np.zeros((400, 1), int)
    factors[0] = 1
    factors[200:] = stream.integers(0, 2, (200, 1))
    found = metric(stream.normal(size=(400, 2)), factors, n_train=200, seed=0)
    assert found.values[f"{metric.name}_10"] == (factors[200:] == 0).mean()


@pytest.mark.parametrize("metric", BOTH)
def test_undefined(metric, partly_disentangled):
    codes, factors = partly_disentangled
    assert metric(codes, factors, n_train=600).reason == "there are no test rows"
    assert metric(codes * 1e200, factors).reason == "the codes reach beyond 3.4e+38"


@pytest.mark.parametrize("metric", BOTH)
def test_the_seed_decides(metric, partly_disentangled):
    first, again, other = (small(metric, *partly_disentangled, seed=seed) for seed in (0, 0, 1))
    assert first.values == again.values
    assert first.values != other.values


def test_threads_do_not_matter(partly_disentangled):
    one, two = (small(downstream_gbt, *partly_disentangled, n_jobs=n) for n in (1, 2))
    assert one.values == two.values
