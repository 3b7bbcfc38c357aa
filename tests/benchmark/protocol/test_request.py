import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.request import TrainRequest

BLOCKS = """
import numpy as np

class Blocks:
    factor_names = ("x", "y")
    factor_sizes = (3, 4)
    def images(self, index):
        return np.zeros((len(index), {side}, {side}), np.uint8)
"""


def plan(**options):
    return TrainRequest(**{"seeds": (0,), **options}).plan()


@pytest.fixture
def blocks(tmp_path, monkeypatch):
    """A data set of twelve images in a file of the current folder."""
    (tmp_path / "blocks.py").write_text(BLOCKS.format(side=64))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_setting_can_name_a_hyperparameter():
    (spec,) = plan(models=("betavae",), settings=(("beta", "3"),))
    assert spec.path == "sprites-small/quick/betavae/beta=3/seed-0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 5, "settings": (("steps", "7"),)}, "--steps and --set steps=… are the same"),
        ({"amp": "bf16", "settings": (("amp", "none"),)}, "--amp and --set amp=… are the same"),
        ({"continue_steps": 0, "settings": (("continue_steps", "7"),)}, "--continue-steps and"),
        ({"betas": (1.0,), "settings": (("beta", "3"),)}, "--beta and --set beta=…"),
        ({"settings": (("beta", "3"), ("beta", "4"))}, "--set beta=… is given 2 times"),
        ({"models": ("vae",), "betas": (8.0,)}, r"\(vae\) has a hyperparameter 'beta'"),
        ({"models": ("betavae",), "lambdas": (8.0,)}, "'lambda'; theirs: beta"),
        ({"models": ("vae",), "init": "scratch"}, "none of vae does"),
        ({"settings": (("gama", "text"),)}, "unknown setting or hyperparameter 'gama'"),
        ({"settings": (("beta", "text"),)}, "beta must be a number, got 'text'"),
        ({"settings": (("beta", "-2"),)}, "beta must be a finite number of at least 0"),
        ({"settings": (("lambda", "nan"),)}, "lambda must be a finite number of at least 0"),
        ({"settings": (("network", "conf"),)}, "unknown network 'conf'; did you mean 'conv'?"),
        ({"settings": (("image_size", "7"),)}, "image_size = 7 does not suit sprites-small"),
        ({"settings": (("n_train", "50000"),)}, "needs more images than sprites-small has"),
        ({"datasets": ("nowhere.py:Data",)}, "there is no file"),
        ({"models": ("vae",), "settings": (("pair_factors", "2"),)}, "changes nothing for "),
        ({"models": ("vae",), "settings": (("permuted_batch", "same"),)}, "leave --set permuted_"),
    ],
)
def test_contradictions_and_impossible_values_are_refused_before_anything_runs(options, message):
    with pytest.raises(BenchError, match=message.replace("?", r"\?")) as caught:
        plan(**options)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reference", ["blocks:Blocks", "blocks.py:Blocks", "./blocks.py:Blocks"])
def test_a_small_data_set_of_ones_own_gets_a_sample_that_it_can_give(reference, blocks):
    (spec,) = plan(datasets=(reference,), models=("betavae",), betas=(1.0,))
    assert (spec.config.n_train, spec.config.n_test, spec.config.batch_size) == (8, 4, 12)
    assert spec.resolved()["n_train"] == 8
    assert "has 12 images: 8 + 4 are scored" in spec.notes[0]
    assert spec.path == "blocks.Blocks/quick/betavae/beta=1/seed-0"
    assert spec.identity()["dataset"] == "blocks:Blocks"


def test_a_data_set_from_a_file_is_found_from_any_folder(blocks):
    (spec,) = plan(datasets=("blocks.py:Blocks",), models=("betavae",), betas=(1.0,))
    assert spec.dataset == f"{blocks}/blocks.py:Blocks"


def test_two_data_sets_of_one_name_are_refused(blocks):
    (blocks / "more").mkdir()
    (blocks / "more/blocks.py").write_text(BLOCKS.format(side=64))
    with pytest.raises(BenchError, match="are both called blocks:Blocks"):
        plan(datasets=("blocks.py:Blocks", "more/blocks.py:Blocks"), models=("betavae",))


def test_a_hundred_thousand_runs_are_planned_without_looking_at_each_one_twice(monkeypatch):
    """Planning is linear: every setting is resolved once, not once a seed."""
    from disentanglement_bench.benchmark.protocol import sweep

    resolved = []
    original = sweep.resolve_hyperparameters

    def count(*arguments):
        resolved.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(sweep, "resolve_hyperparameters", count)
    planned = plan(models=("lambdabeta",), seeds=tuple(range(7_000)))
    assert len(planned) == 105_000
    assert len(resolved) <= 20


PAIRS = """
from disentanglement_bench.models.zoo.vae import VAE

class Pairs(VAE):
    pairs = True
"""
LABELLED = (
    BLOCKS
    + """
    factors = [(i // 4, i % 4) for i in range(12)]
"""
)


def test_pairs_that_a_data_set_does_not_have_are_refused_before_anything_runs(blocks):
    (blocks / "pairs.py").write_text(PAIRS)
    (blocks / "labelled.py").write_text(LABELLED.format(side=64))
    models, k = ("pairs.py:Pairs",), (("pair_factors", "3"),)
    cases = (
        ("blocks.py:Blocks", k, "blocks.py:Blocks: pair_factors = 3, but the number of"),
        ("labelled.py:Blocks", (), "pairs need a data set with one image for every combination"),
    )
    for dataset, settings, message in cases:
        with pytest.raises(BenchError, match=message) as caught:
            plan(models=models, datasets=(dataset,), settings=settings)
        assert caught.value.exit_code == 2
    assert plan(models=models, datasets=("blocks.py:Blocks",), settings=(("pair_factors", "2"),))
    assert plan(models=("vae",), datasets=("labelled.py:Blocks",))
