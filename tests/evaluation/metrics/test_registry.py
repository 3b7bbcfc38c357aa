"""Metrics by name, by reference and as objects; names that are protected."""

import subprocess
import sys

import numpy as np
import pytest

from disentanglement_bench.evaluation import Key, Metric, MetricError, get_metric, score
from disentanglement_bench.evaluation.metrics import (
    METRICS,
    TRAINING_KEYS,
    as_metric,
    choose_metrics,
    default_metrics,
    plugins,
    with_twins,
)
from disentanglement_bench.evaluation.metrics.metric import TOLERANCE


def half(codes, factors, n_train):
    """Half of everything."""
    return 0.5


def metric(name, *keys, function=half, **declared):
    return Metric(name, function, tuple(Key(key) for key in keys), **declared)


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    """Write a module into a folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    written = []

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        written.append(name)

    yield write
    for name in written:
        sys.modules.pop(name, None)


@pytest.fixture
def install(monkeypatch):
    """Pretend that packages offer metrics by entry points: a name, and what loading gives."""

    class Entry:
        def __init__(self, name, given):
            self.name, self.given = name, given

        def load(self):
            if isinstance(self.given, BaseException):
                raise self.given
            return self.given

    def offer(**entries):
        made = [Entry(name, given) for name, given in entries.items()]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: made)

    return offer


def test_flat_keys_are_unique_and_described():
    keys = [key for each in METRICS.values() for key in each.keys] + list(TRAINING_KEYS.values())
    assert len({key.name for key in keys}) == len(keys)
    assert len({key.label for key in keys}) == len(keys)
    assert all(key.description and key.low < key.high for key in keys)


def test_every_metric_declares_itself_completely():
    for name, each in METRICS.items():
        assert each.name == name
        assert each.description
        assert each.citation
        assert each.variant.endswith("]")


def test_sampled_twins_say_that_they_are():
    twin = METRICS["mi_sampled"]
    assert twin.variant == "mi[hist20,plugin,nats,sampled]"
    assert [key.name for key in twin.keys] == [
        "mi_matched_sampled",
        "mi_matched_fraction_sampled",
        "mi_mean_max_sampled",
    ]
    assert twin.keys[0].label == "I_m (sampled codes)"
    assert twin.keys[0].description.startswith("I_m: information of codes drawn from the posterior")
    assert metric("m", "m", twin=True, variant="m[x]").sampled_twin.variant == "m[x,sampled]"


def test_twins_on_active_codes_say_that_they_are():
    twins = metric("m", "m", twin=True, masked=True, variant="m[x,mean]", continuous=True).twins
    assert [twin.name for twin in twins] == ["m_sampled", "m_active"]
    active = twins[1]
    assert active.variant == "m[x,mean,kl>0.01]"
    assert [(key.name, key.label) for key in active.keys] == [("m_active", "m (active codes)")]
    assert active.continuous
    assert active.needs_log_variances
    assert active.twins == twins[0].twins == ()
    assert metric("m", "m").twins == ()


@pytest.mark.parametrize(
    ("label", "twin"),
    [
        ("MIG", "MIG (sampled codes)"),
        ("I_m (means)", "I_m (sampled codes)"),
        ("I_m (kNN, means)", "I_m (kNN, sampled codes)"),
        ("score (train)", "score (train, sampled codes)"),
    ],
)
def test_labels_of_twins(label, twin):
    own = Metric("m", half, (Key("m", label),), twin=True)
    assert own.sampled_twin.keys[0].label == twin


def test_a_declaration_is_plain_data():
    assert METRICS["mi"].declaration()["keys"][0] == {
        "name": "mi_matched",
        "label": "I_m (means)",
        "description": METRICS["mi"].keys[0].description,
        "higher_is_better": True,
        "low": 0.0,
        "high": None,
        "unit": "nats",
    }


def test_an_unknown_name():
    with pytest.raises(
        MetricError, match=r"unknown metric 'mgi'; did you mean 'mi'\? Available: mig"
    ):
        get_metric("mgi")


def test_a_function_by_reference_is_named_after_its_file(write_module):
    write_module("mymod", "def mig(codes, factors, n_train):\n    '''Mine.'''\n    return 0.25\n")
    for reference in ("mymod:mig", "./mymod.py:mig"):
        mine = get_metric(reference)
        assert mine.name == "mymod:mig"
        assert [(key.name, key.description) for key in mine.keys] == [("mymod:mig", "Mine.")]
    factors = np.random.default_rng(0).integers(0, 3, (60, 2))
    found = score(factors * 1.0, factors, metrics=["mymod:mig", "mig"])
    assert set(found) == {"mymod:mig", "mig"}
    assert found["mymod:mig"] == 0.25


def test_a_metric_by_reference_keeps_what_it_declares(write_module):
    write_module(
        "mymod",
        "from disentanglement_bench.evaluation import Key, Metric\n\n\n"
        "def spread(codes, factors, n_train):\n    return codes.std()\n\n\n"
        "SPREAD = Metric('spread', spread, (Key('spread', 'Spread', 'd', False),), "
        "variant='spread[all]')\n",
    )
    mine = get_metric("mymod.py:SPREAD")
    assert (mine.name, mine.variant) == ("spread", "spread[all]")
    assert mine.keys[0].higher_is_better is False


def test_functions_and_metrics_themselves():
    assert get_metric(half).name == "half"
    own = metric("own", "own")
    assert get_metric(own) is own
    assert get_metric(METRICS["mig"]) is METRICS["mig"]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (metric("mig", "x"), "cannot be called 'mig'"),
        (metric("mig_sampled", "x"), "cannot be called 'mig_sampled'"),
        (metric("x", "sap"), "has a key 'sap', which is a key of metric 'sap'"),
        (metric("x", "kl"), "has a key 'kl', which is a key of training"),
        (metric("mi_matched", "mi_matched", twin=True), "has a key 'mi_matched'"),
    ],
)
def test_built_in_names_are_protected(own, message):
    with pytest.raises(MetricError, match=message):
        get_metric(own)


def test_a_function_may_return_any_number():
    key = as_metric(lambda codes, factors: 5.0, "five").keys[0]
    assert (key.low, key.high) == (-np.inf, np.inf)


def test_a_function_called_like_a_built_in_metric_is_refused():
    def sap(codes, factors, n_train):
        return 1.0

    with pytest.raises(MetricError, match="cannot be called 'sap'"):
        get_metric(sap)


def test_two_metrics_of_one_call_must_differ():
    assert [m.name for m in choose_metrics(["mig", "mig", "mig_sampled"])] == ["mig", "mig_sampled"]
    assert len(choose_metrics([half, half])) == 1
    for pair in (
        (metric("a", "x"), metric("b", "x")),
        (metric("a", "x"), metric("a", "y")),
        (metric("a", "x", twin=True), metric("b", "x_sampled")),
    ):
        with pytest.raises(MetricError, match="two of these metrics have the name"):
            choose_metrics(pair)


def test_one_metric_alone():
    assert [m.name for m in choose_metrics("mig")] == ["mig"]
    assert [m.name for m in choose_metrics(half)] == ["half"]


def test_metrics_of_installed_packages(install):
    install(half=half, mig=half, broken=ImportError("no\nsuch thing"), leaving=SystemExit(0))
    assert set(plugins()) == {"half", "broken", "leaving"}
    assert get_metric("half").description == "Half of everything."
    assert get_metric("mig") is METRICS["mig"]
    with pytest.raises(MetricError, match=r"'broken' of an installed package .*: no such thing"):
        get_metric("broken")
    with pytest.raises(MetricError, match="'leaving'"):
        get_metric("leaving")


def test_metrics_of_installed_packages_are_computed_by_default(install):
    install(half=half, broken=ImportError("no such thing"))
    with pytest.warns(UserWarning, match="left out: metric 'broken'"):
        names = default_metrics()
    assert names == [
        "mig",
        "sap",
        "sap_continuous",
        "dci",
        "mi",
        "modularity",
        "explicitness",
        "udr",
        "half",
    ]


def test_all_stands_for_every_metric(install):
    install(half=half, seldom=metric("seldom", "seldom", default=False))
    names = [m.name for m in choose_metrics("all")]
    assert names == [name for name, m in METRICS.items() if not m.suffix] + ["half", "seldom"]
    assert "seldom" not in default_metrics()
    own = metric("own", "own", default=False)
    assert [m.name for m in choose_metrics([own, "all", "mig"])] == ["own", *names]
    assert [m.name for m in choose_metrics([own])] == ["own"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("no_such_module:f", "No module named"),
        ("numpy:no_such_name", "unknown metric 'no_such_name'"),
        ("numpy:pi", "numpy:pi: expected the name of a metric, a Metric or a function, not float"),
    ],
)
def test_references_that_lead_nowhere(reference, message):
    with pytest.raises(MetricError, match=message):
        get_metric(reference)


def test_what_is_no_metric():
    with pytest.raises(MetricError, match=r"3: expected the name of a metric, .* not int"):
        as_metric(3)
    with pytest.raises(MetricError, match=r"part of a file name, so not '\.\./x'"):
        metric("../x", "a")
    with pytest.raises(MetricError, match="declares no keys"):
        metric("x")


def test_declarations_that_say_nothing():
    with pytest.raises(MetricError, match="expected a tuple of Key"):
        Metric("x", half, Key("x"))
    with pytest.raises(MetricError, match="no function that can be called"):
        Metric("x", "module:half", (Key("x"),))
    with pytest.raises(MetricError, match="name of a column"):
        Key("a\nb")
    for low, high in ((float("nan"), 1), (0, float("nan")), (1, 0)):
        with pytest.raises(MetricError, match="has no range"):
            Key("x", low=low, high=high)
    assert Metric("x", half, [Key("x")]).keys == (Key("x"),)


def test_twins_follow_their_metrics():
    names = [m.name for m in with_twins([METRICS["mig_sampled"], METRICS["mig"]], True)]
    assert names == ["mig_sampled", "mig"]
    assert with_twins([METRICS["mig_sampled"]], False) == []
    own = metric("own", "own", twin=True)
    assert [m.name for m in with_twins([own], True)] == ["own", "own_sampled"]


def test_declarations_need_no_heavy_library():
    code = (
        "import sys; from disentanglement_bench.evaluation.metrics import METRICS; len(METRICS); "
        "heavy = {'scipy', 'sklearn', 'numba', 'h5py'}; "
        "print(heavy & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_metric_says_how_far_a_second_computation_may_lie_off():
    for each in METRICS.values():
        assert 0 < each.tolerance <= 0.02
        assert each.declaration()["tolerance"] == each.tolerance
        assert {twin.tolerance for twin in each.twins} <= {each.tolerance}
    assert as_metric(half).tolerance == TOLERANCE
    for wrong in (-1e-6, float("nan"), float("inf"), "little", None):
        with pytest.raises(MetricError, match=r"has a tolerance of .*: expected a number from 0"):
            metric("m", "m", tolerance=wrong)
