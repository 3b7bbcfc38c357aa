import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.presets import PRESETS, Config
from disentanglement_bench.benchmark.protocol.request import TrainRequest
from disentanglement_bench.benchmark.protocol.settings import SWEEPABLE, list_variants

MINE = """
from disentanglement_bench.models.zoo.betavae import BetaVAE

class Plain(BetaVAE):
    continues = "betavae"
    def __init__(self, image_shape, latent_size):
        super().__init__(image_shape, latent_size=latent_size, network="conv-small")
"""


def plan(**options):
    return TrainRequest(**{"models": ("betavae",), "seeds": (0,), **options}).plan()


def folders(runs):
    """The part of the paths that says model and settings."""
    return [spec.path.removeprefix("sprites-small/quick/").removesuffix("/seed-0") for spec in runs]


def test_each_value_that_is_not_the_protocols_gets_a_folder_of_its_own():
    runs = plan(betas=(1.0, 4.0), settings=(("learning_rate", "1e-3,2e-3"),))
    assert folders(runs) == [
        "betavae/beta=1,learning_rate=0.001",
        "betavae/beta=1",
        "betavae/beta=4,learning_rate=0.001",
        "betavae/beta=4",
    ]
    assert [spec.config.learning_rate for spec in runs] == [1e-3, 2e-3, 1e-3, 2e-3]
    assert runs[0].identity()["settings"] == {"learning_rate": 1e-3}
    assert runs[0].resolved()["learning_rate"] == 1e-3


def test_the_protocols_own_value_is_the_ordinary_run():
    swept, ordinary = (
        plan(betas=(4.0,), settings=(("latent_size", "10,"),)),
        plan(betas=(4.0,)),
    )
    assert swept == ordinary
    assert "settings" not in ordinary[0].identity()


def test_one_value_is_the_protocols_and_one_value_of_a_list_is_a_sweep():
    """So runs of earlier versions keep their place."""
    (single,) = plan(betas=(4.0,), settings=(("learning_rate", "1e-3"),))
    (listed,) = plan(betas=(4.0,), settings=(("learning_rate", "1e-3,"),))
    assert folders([single, listed]) == ["betavae/beta=4", "betavae/beta=4,learning_rate=0.001"]
    assert single.resolved() == listed.resolved()
    assert single.settings == ()


def test_sweeps_combine_with_each_other_whatever_their_order():
    settings = (("latent_size", "5,10"), ("network", "conv-small,conv"))
    runs = plan(betas=(1.0,), settings=settings)
    assert sorted(folders(runs)) == [
        "betavae/beta=1",
        "betavae/beta=1,latent_size=5",
        "betavae/beta=1,network=conv",
        "betavae/beta=1,network=conv,latent_size=5",
    ]
    assert sorted(folders(plan(betas=(1.0,), settings=settings[::-1]))) == sorted(folders(runs))


def test_a_parent_has_the_settings_of_its_child():
    settings = (("learning_rate", "1e-3,2e-3"), ("lambda", "0,8"))
    runs = plan(models=("lambdabeta",), betas=(4.0,), settings=settings)
    children = [spec for spec in runs if spec.parent]
    assert (len(runs), len(children)) == (6, 4)
    for spec in children:
        assert spec.parent.settings == spec.settings
        assert spec.parent.config == spec.config
        assert runs.index(spec.parent) < runs.index(spec)


def test_a_hyperparameter_takes_a_list_as_its_own_option_does():
    assert plan(settings=(("beta", "1,4"),)) == plan(betas=(1.0, 4.0))
    assert plan(settings=(("beta", "4,"),)) == plan(settings=(("beta", "4"),))


PERMUTES = """
from disentanglement_bench.models.zoo.betavae import BetaVAE

class Permutes(BetaVAE):
    permutes = True
"""


def test_a_setting_of_a_hook_is_swept_for_the_models_that_have_it(tmp_path):
    (tmp_path / "mine.py").write_text(PERMUTES)
    models = (f"{tmp_path}/mine.py:Permutes", "betavae")
    settings = (("permuted_batch", "second,same"),)
    assert folders(plan(models=models, betas=(4.0,), settings=settings)) == [
        "mine.Permutes/beta=4",
        "mine.Permutes/beta=4,permuted_batch=same",
        "betavae/beta=4",
    ]
    with pytest.raises(BenchError, match="pair_factors changes nothing for mine:Permutes, betavae"):
        plan(models=models, settings=(("pair_factors", "1,2"),))


def test_every_setting_that_decides_a_result_can_be_swept():
    values = {"network": "conv,conv-dlib", "amp": "none,bf16", "image_size": "16,32"}
    own = {"adam_beta1": "0.5,0.9", "adam_beta2": "0.9,0.99", "adam_epsilon": "1e-8,1e-4"}
    values |= own | {"latent_size": "5,6", "batch_size": "16,32", "learning_rate": "1,2"}
    values |= {"permuted_batch": "same,second", "pair_factors": "0,1", "tf32": "none,all"}
    assert set(values) == set(SWEEPABLE)
    for name in SWEEPABLE:
        variants = list_variants(Config(), {name: tuple(values[name].split(","))})
        assert len(set(variants)) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((("learning_rate", "1e-3,0.001"),), "--set learning_rate=… names 0.001 twice"),
        ((("beta", "1,4,1.0"),), "--set beta=… names 1 twice"),
        ((("learning_rate", "1e-3,20"),), "learning_rate must be from 1e-12 to 10, got 20"),
        ((("latent_size", "5,2.5"),), "latent_size must be a whole number, got '2.5'"),
        ((("latent_size", "5,,10"),), "latent_size must be a whole number, got ''"),
        ((("beta", "1,x"),), "beta must be a number, got 'x'"),
        ((("beta", "1,-4"),), "beta must be a finite number of at least 0, got -4"),
        ((("network", "conv,conf"),), "unknown network 'conf'; did you mean 'conv'?"),
        ((("amp", "none,fp16"),), "amp must be none or bf16, got 'fp16'"),
        ((("steps", "10,20"),), "steps takes one value, got 10,20"),
        ((("n_train", "10,20"),), "n_train takes one value, got 10,20"),
        ((("latentsize", "5,10"),), "did you mean 'latent_size'?"),
        ((("batch_size", "16,100000"),), "needs more images than sprites-small has"),
        ((("image_size", "32,7"),), "image_size = 7 does not suit sprites-small"),
        ((("learning_rate", "1"), ("learning_rate", "1,2")), "is given 2 times; give it once"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_anything_runs(settings, message):
    with pytest.raises(BenchError) as caught:
        plan(settings=settings)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_an_option_and_its_sweep_are_the_same_setting():
    with pytest.raises(BenchError, match="--amp and --set amp=… are the same setting"):
        plan(amp="bf16", settings=(("amp", "none,bf16"),))


def test_what_a_model_does_not_use_makes_no_second_run(tmp_path):
    """A model that builds its own networks is trained once, or once for each parent."""
    (tmp_path / "mine.py").write_text(MINE.replace('    continues = "betavae"\n', ""))
    model = f"{tmp_path}/mine.py:Plain"
    settings = (("network", "conv,conv-small"),)
    runs = plan(models=(model, "betavae"), betas=(4.0,), settings=settings)
    assert folders(runs) == [
        "mine.Plain/beta=4",
        "betavae/beta=4,network=conv",
        "betavae/beta=4",
    ]
    with pytest.raises(BenchError, match="network changes nothing for mine:Plain"):
        plan(models=(model,), settings=settings)
    (tmp_path / "heir.py").write_text(MINE)
    runs = plan(models=(f"{tmp_path}/heir.py:Plain", "betavae"), betas=(4.0,), settings=settings)
    assert "heir.Plain/beta=4,network=conv" in folders(runs)


def test_all_is_the_zoo_and_takes_others_beside_it(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    alone = plan(models=())
    assert plan(models=("all",)) == alone
    more = plan(models=("all", f"{tmp_path}/mine.py:Plain"))
    assert more[: len(alone)] == alone
    assert {spec.model.name for spec in more[len(alone) :]} == {"mine:Plain"}


def test_ordinary_is_the_preset_with_what_else_is_set():
    """The ordinary folder is that of the preset with its single settings, not of a constant."""
    assert PRESETS["quick"].config.batch_size == 32
    runs = plan(betas=(1.0,), settings=(("batch_size", "32,64"), ("image_size", "16")))
    assert folders(runs) == ["betavae/beta=1", "betavae/beta=1,batch_size=64"]
    assert {spec.config.image_size for spec in runs} == {16}
