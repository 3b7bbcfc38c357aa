from dataclasses import replace
from itertools import product

import pytest

from disentanglement_bench.benchmark.datasets.genuine import releases
from disentanglement_bench.benchmark.datasets.rendered import rooms3d, sprites
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol import presets, standard
from disentanglement_bench.benchmark.protocol.plan import config_sha256
from disentanglement_bench.benchmark.protocol.request import TrainRequest
from disentanglement_bench.benchmark.protocol.standard import (
    check_version,
    list_runs,
    split_shipped,
)
from disentanglement_bench.evaluation.reference.benchmarks import load_benchmark

OWN = """
from disentanglement_bench.models.zoo.factorvae import FactorVAE
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE

class Mine(FactorVAE):
    '''A method of my own.'''

class Longer(LambdaBetaVAE):
    '''A method of my own that continues the β-VAE.'''

    continues = "betavae"
"""


@pytest.fixture(autouse=True)
def _nothing_ships(monkeypatch):
    """Whatever scores ship, a plan has all runs here."""
    monkeypatch.setattr(standard, "list_shipped", lambda name: {})


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)


def plan(**options):
    return TrainRequest(benchmark="db1", **options).plan()


def test_a_plan_is_what_the_definition_lists():
    settings = [f"betavae/beta={b}" for b in (1, 4, 8, 16, 32)]
    settings += [f"lambdabeta/beta={b},lambda={v}" for b in (1, 4, 8, 16, 32) for v in (0, 8)]
    settings += [f"betatcvae/beta={b}" for b in (1, 4, 8, 16, 32)]
    settings += [f"factorvae/gamma={g}" for g in (2, 10, 40)]
    settings += [f"annealedvae/gamma=5,c_max={c}" for c in (5, 10, 20)]
    settings += [f"dipvae1/lambda_od={v},lambda_d_factor=10" for v in (1, 10, 50)]
    settings += [f"dipvae2/lambda_od={v},lambda_d_factor=1" for v in (1, 10, 50)]
    names = product(("sprites-small", "rooms3d"), settings, range(10))
    wanted = {f"{dataset}/db1/{setting}/seed-{seed}" for dataset, setting, seed in names}
    runs = plan()
    assert {spec.path for spec in runs} == wanted
    assert len(runs) == len(wanted)
    assert {spec.phases for spec in runs if spec.model.name != "betavae"} == {(3000, 1000)}
    assert list_runs(load_benchmark("db1")) == runs


def test_confirmation_seeds_are_those_of_the_primary_hypotheses():
    runs = list_runs(load_benchmark("db1"), confirmation=True)
    assert {spec.seed for spec in runs} == set(range(10, 20))
    assert {spec.dataset for spec in runs} == {"sprites-small"}
    assert {spec.model.name for spec in runs} == {"betavae", "lambdabeta"}
    assert len(runs) == 150


def test_the_hashes_of_runs_stay_as_they_are():
    """What shipped scores and the runs of others are recognised by."""
    known = {spec.path: config_sha256(spec.resolved()) for spec in plan(seeds=(0,))}
    assert known["sprites-small/db1/dipvae1/lambda_od=50,lambda_d_factor=10/seed-0"] == (
        "f707635bff39d89265a6679626c1901c131e158b9eb510fde3c08475153a969c"
    )


def test_a_change_of_the_preset_that_it_copied_changes_nothing(monkeypatch):
    before = [(spec.path, spec.resolved()) for spec in plan(seeds=(0,))]
    quick = presets.PRESETS["quick"]
    other = replace(
        quick,
        sweeps={"beta": (2,), "lambda": (3,), "gamma": (7,), "c_max": (9,)},
        config=replace(quick.config, steps=17, network="conv", latent_size=4, pair_factors=1),
    )
    monkeypatch.setitem(presets.PRESETS, "quick", other)
    assert [(spec.path, spec.resolved()) for spec in plan(seeds=(0,))] == before


def test_the_versions_of_data_sets_are_those_of_their_loaders():
    for name in ("db1", "db1-paper"):
        for dataset, entry in load_benchmark(name).datasets.items():
            here = {"sprites-small": sprites.RENDERER_VERSION, "rooms3d": rooms3d.RENDERER_VERSION}
            assert entry.version == here.get(dataset, releases.FORMAT_VERSION)
    assert set(load_benchmark("db1-paper").datasets) == set(releases.RELEASES)


def test_another_version_of_a_data_set_is_refused():
    check_version("rooms3d", "1", load_benchmark("db1"))
    with pytest.raises(BenchError, match=r"DB-1 is defined on version 1 of rooms3d, and this is v"):
        check_version("rooms3d", "2", load_benchmark("db1"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "quick"}, "--benchmark db1 has a protocol of its own; leave --preset quick"),
        (
            {"steps": 5},
            "DB-1 has steps = 3000, got 5; leave it out, or train what is not of DB-1 w",
        ),
        ({"continue_steps": 5}, "DB-1 has continue_steps = 1000, got 5"),
        ({"amp": "bf16"}, "DB-1 has amp = none, got bf16"),
        ({"settings": (("batch_size", "64"),)}, "DB-1 has batch_size = 32, got 64"),
        ({"settings": (("latent_size", "5,10"),)}, "DB-1 has latent_size = 10, got 5"),
        ({"tag": "mine"}, "DB-1 has no variants, got --tag mine; leave it out, or train what is"),
        ({"datasets": ("sprites",)}, "unknown data set of DB-1 'sprites'; did you mean 'sprites-"),
        ({"betas": (1.0, 2.0)}, "sprites-small/db1/betavae/beta=2 is not of DB-1, which trains be"),
        ({"settings": (("gamma", "3"),)}, "factorvae at gamma 2, 10, 40; leave other values out"),
        ({"init": "scratch"}, "beta=1,lambda=8,init=scratch is not of DB-1"),
    ],
)
def test_runs_that_are_not_of_a_benchmark_do_not_lie_under_its_name(options, message):
    with pytest.raises(BenchError) as caught:
        plan(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_part_of_a_benchmark_can_be_trained_and_with_other_seeds():
    (spec,) = plan(
        models=("betavae",), betas=(8.0,), seeds=(33,), datasets=("rooms3d",), amp="none"
    )
    assert spec.path == "rooms3d/db1/betavae/beta=8/seed-33"


def test_a_model_of_ones_own_is_free_in_its_hyperparameters(own):
    options = {"datasets": ("rooms3d",), "seeds": (0,), "models": ("mine.py:Mine",)}
    paths = [spec.path for spec in plan(**options, settings=(("gamma", "3,5"),))]
    assert paths == [f"rooms3d/db1/mine.Mine/gamma={gamma}/seed-0" for gamma in (3, 5)]
    with pytest.raises(BenchError, match="DB-1 has batch_size = 32, got 64"):
        plan(**options, settings=(("batch_size", "64"),))


def test_runs_whose_scores_ship_are_left_out_unless_they_are_continued(own, monkeypatch):
    runs = [s for s in plan(seeds=(0,), datasets=("rooms3d",)) if s.hyperparameters[0][1] == 8]
    shipped = {spec.path: config_sha256(spec.resolved()) for spec in runs}
    monkeypatch.setattr(standard, "list_shipped", lambda name: shipped)
    options = {"seeds": (0,), "datasets": ("rooms3d",), "betas": (8.0,)}
    zoo = TrainRequest(benchmark="db1", models=("lambdabeta",), **options)
    left, known = zoo.split_plan()
    assert left == []
    assert [spec.path.split("/")[2] for spec in known] == ["betavae", "lambdabeta", "lambdabeta"]
    assert len(replace(zoo, retrain_shipped=True).plan()) == 3
    with_own = TrainRequest(benchmark="db1", models=("lambdabeta", "mine.py:Longer"), **options)
    left, known = with_own.split_plan()
    assert [spec.path.split("/")[2] for spec in left][:2] == ["betavae", "mine.Longer"]
    assert {spec.path.split("/")[2] for spec in known} == {"lambdabeta"}


def test_a_shipped_run_of_another_configuration_is_trained():
    runs = plan(seeds=(0,), datasets=("rooms3d",), models=("dipvae1",))
    assert split_shipped(runs, "db1") == (runs, [])
