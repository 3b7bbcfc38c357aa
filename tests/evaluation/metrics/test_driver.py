import numpy as np
import pytest

from disentanglement_bench.evaluation import Key, Metric, MetricError, Score, mig, score
from disentanglement_bench.evaluation.metrics import METRICS
from disentanglement_bench.evaluation.metrics.driver import as_score, compute
from disentanglement_bench.evaluation.representation.file_format import (
    RepresentationError,
    make_representation,
)


def half(codes, factors, n_train):
    """Half of everything."""
    return 0.5


@pytest.fixture
def arrays(stream):
    factors = stream.integers(0, 3, (90, 2))
    return factors + 0.2 * stream.normal(size=(90, 2)), factors


def test_keys_of_the_four_scores(arrays):
    found = score(*arrays)
    assert list(found) == [
        "mig",
        "sap",
        "dci_disentanglement",
        "dci_completeness",
        "dci_informativeness_train",
        "dci_informativeness_test",
        "mi_matched",
        "mi_matched_fraction",
        "mi_mean_max",
    ]
    assert all(isinstance(value, float) for value in found.values())


def test_twins_come_with_log_variances(arrays):
    found = score(*arrays, ["mig", "mi"], log_variances=np.zeros((90, 2)))
    assert set(found) - set(score(*arrays, ["mig", "mi"])) == {
        "mig_sampled",
        "mi_matched_sampled",
        "mi_matched_fraction_sampled",
        "mi_mean_max_sampled",
    }


def test_seed_decides_the_draw(arrays):
    values = [score(*arrays, "mig", np.zeros((90, 2)), seed=s)["mig_sampled"] for s in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_undefined_is_nan(arrays):
    assert np.isnan(score(arrays[0][:, :1], arrays[1], "mig")["mig"])


@pytest.mark.parametrize("name", METRICS)
def test_metadata_agree_with_results(arrays, name):
    made = make_representation(*arrays, log_variances=np.zeros((90, 2)))
    found = compute(METRICS[name], made)
    assert isinstance(found, Score)
    assert found.metric == name
    assert found.variant == METRICS[name].variant


def test_unknown_metric(arrays):
    with pytest.raises(
        MetricError, match=r"unknown metric 'mgi'; did you mean 'mi'\? Available: mig"
    ):
        score(*arrays, ["sap", "mgi"])


def test_a_metric_on_posteriors_needs_them(arrays):
    with pytest.raises(MetricError, match="'mig_sampled' needs log_variances"):
        score(*arrays, ["mig_sampled"])


def test_arrays_are_checked(arrays):
    with pytest.raises(RepresentationError, match="codes have 89 rows but factors 90"):
        score(arrays[0][:89], arrays[1])


def test_a_function_of_ones_own(arrays, tmp_path, monkeypatch):
    (tmp_path / "own_metric.py").write_text(
        '"""Mine."""\n'
        "from disentanglement_bench.evaluation import Key, Metric\n\n\n"
        "def spread(codes, factors, n_train):\n"
        '    """Standard deviation of the codes."""\n'
        "    return codes[:n_train].std()\n\n\n"
        "def both(codes, factors, n_train, seed):\n"
        '    return {"low": codes.min(), "seed": seed}\n\n\n'
        'BOTH = Metric("both", both, (Key("low"), Key("seed")),'
        ' options=("seed",))\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    found = score(*arrays, ["own_metric:spread", "own_metric:BOTH"], n_train=60, seed=4)
    assert found == {
        "own_metric:spread": pytest.approx(arrays[0][:60].std()),
        "low": arrays[0].min(),
        "seed": 4.0,
    }


def test_results_that_are_not_scores():
    metric = Metric("m", half, (Key("a", ""), Key("b", "")))
    with pytest.raises(MetricError, match=r"declares \['a', 'b'\], not \['a'\]"):
        as_score(metric, 1.0)
    with pytest.raises(MetricError, match="must return numbers, not"):
        as_score(metric, {"a": "x", "b": 1})
    with pytest.raises(MetricError, match="declares"):
        as_score(metric, mig([[0.0, 1.0]] * 30, [[0]] * 30))
    found = as_score(metric, {"b": float("nan"), "a": 1})
    assert found.values == {"a": 1.0, "b": None}
    assert found.reasons == {"b": "the metric returned no finite number"}
