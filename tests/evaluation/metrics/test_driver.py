import numpy as np
import pytest

from disentanglement_bench.evaluation import Key, Metric, MetricError, Score, get_metric, mig, score
from disentanglement_bench.evaluation.metrics import (
    METRICS,
    TRAINING_KEYS,
    metric_names,
    with_twins,
)
from disentanglement_bench.evaluation.metrics.driver import as_score, compute
from disentanglement_bench.evaluation.metrics.registry import as_metric, load_object
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


def test_flat_keys_are_unique_and_described():
    keys = [key for metric in METRICS.values() for key in metric.keys] + list(
        TRAINING_KEYS.values()
    )
    names = [key.name for key in keys]
    assert len(names) == len(set(names)) == 22
    assert all(key.description and key.low < key.high for key in keys)
    assert all(metric.name == name for name, metric in METRICS.items())


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
        "from evaluation import Key, Metric\n\n\n"
        "def spread(codes, factors, n_train):\n"
        '    """Standard deviation of the codes."""\n'
        "    return codes[:n_train].std()\n\n\n"
        "def both(codes, factors, n_train, seed):\n"
        '    return {"low": codes.min(), "seed": seed}\n\n\n'
        'BOTH = Metric("both", both, (Key("low", "least"), Key("seed", "seed")),'
        ' options=("seed",))\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    found = score(*arrays, ["own_metric:spread", "own_metric:BOTH"], n_train=60, seed=4)
    assert found == {
        "spread": pytest.approx(arrays[0][:60].std()),
        "low": arrays[0].min(),
        "seed": 4.0,
    }
    assert get_metric("own_metric:spread").keys[0].description == "Standard deviation of the codes."


def test_a_metric_of_an_installed_package(monkeypatch):
    class Entry:
        name = "half"

        def load(self):
            return half

    class Broken(Entry):
        name = "broken"

        def load(self):
            raise ImportError("no such thing")

    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: [Entry(), Broken()], raising=True
    )
    assert metric_names()[-2:] == ["broken", "half"]
    assert get_metric("half").description == "Half of everything."
    with pytest.raises(MetricError, match="'broken' of a plugin cannot be loaded: no such thing"):
        get_metric("broken")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("numpy", "expected module:name"),
        ("no_such_module:f", "No module named"),
        ("numpy:no_such_name", "module numpy has no 'no_such_name'"),
    ],
)
def test_references_that_lead_nowhere(reference, message):
    with pytest.raises(MetricError, match=message):
        load_object(reference)


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


def test_what_is_no_metric():
    with pytest.raises(MetricError, match="expected a Metric or a function, not int"):
        as_metric(3, "three")
    with pytest.raises(MetricError, match=r"part of a file name, so not '\.\./x'"):
        Metric("../x", half, (Key("a", ""),))
    with pytest.raises(MetricError, match="declares no keys"):
        Metric("x", half, ())


def test_twins_are_only_of_built_in_metrics():
    own = Metric("mig", half, (Key("mig", ""),))
    assert with_twins([own], True) == [own]
    assert [m.name for m in with_twins([METRICS["mig_sampled"], METRICS["mig"]], True)] == [
        "mig_sampled",
        "mig",
    ]
    assert with_twins([METRICS["mig_sampled"]], False) == []
