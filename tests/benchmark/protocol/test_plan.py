import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.plan import config_sha256, families, make_plan, shard
from disentanglement_bench.benchmark.protocol.presets import PRESETS, override
from disentanglement_bench.benchmark.runs.store import compare

QUICK = PRESETS["quick"]


def quick_plan(betas=None, lambdas=None, **options):
    sweeps = {"beta": betas, "lambda": lambdas}
    sweeps = {name: values for name, values in sweeps.items() if values is not None}
    return make_plan(QUICK, options.pop("config", QUICK.config), sweeps=sweeps, **options)


def paths(plan):
    return [spec.path for spec in plan]


def test_a_missing_parent_is_planned_first_and_once():
    plan = quick_plan(models=("lambdabeta",), seeds=(0,), betas=(4.0,))
    assert paths(plan) == [
        "sprites-small/quick/betavae/beta=4/seed-0",
        "sprites-small/quick/lambdabeta/beta=4,lambda=0/seed-0",
        "sprites-small/quick/lambdabeta/beta=4,lambda=8/seed-0",
    ]
    assert plan[1].parent == plan[0]


def test_the_parent_is_shared_with_the_model_betavae():
    both = quick_plan(models=("lambdabeta", "betavae"), seeds=(0,), betas=(4.0,))
    assert len(both) == 3
    assert paths(both).count("sprites-small/quick/betavae/beta=4/seed-0") == 1


def test_vae_is_the_same_run_as_lambda_beta_at_beta_1_and_lambda_0():
    alone = quick_plan(models=("vae",), seeds=(0,))
    assert paths(alone) == [
        "sprites-small/quick/betavae/beta=1/seed-0",
        "sprites-small/quick/lambdabeta/beta=1,lambda=0/seed-0",
    ]
    with_lambda = quick_plan(models=("vae", "lambdabeta"), seeds=(0,), betas=(1.0,))
    assert len(with_lambda) == 3


def test_vae_without_a_second_phase_is_betavae_at_beta_1():
    config = override(QUICK.config, continue_steps=0)
    plan = quick_plan(config=config, models=("vae",), seeds=(0,))
    assert paths(plan) == ["sprites-small/quick/betavae/beta=1/seed-0"]


def test_compared_runs_take_equal_steps_in_equal_phases():
    plan = quick_plan(seeds=(0,))
    compared = [spec for spec in plan if spec.model.name != "betavae"]
    assert {spec.phases for spec in compared} == {(3000, 1000)}
    parents = [spec for spec in plan if spec.model.name == "betavae"]
    assert {spec.phases for spec in parents} == {(3000,)}


def test_scratch_is_part_of_the_identity_and_lambda_0_is_not_trained_twice():
    scratch = quick_plan(models=("lambdabeta",), seeds=(0,), betas=(4.0,), init="scratch")
    assert paths(scratch) == [
        "sprites-small/quick/betavae/beta=4/seed-0",
        "sprites-small/quick/lambdabeta/beta=4,lambda=0/seed-0",
        "sprites-small/quick/lambdabeta/beta=4,lambda=8,init=scratch/seed-0",
    ]
    assert scratch[2].parent is None
    assert scratch[2].own_steps == sum(scratch[2].phases) == scratch[1].own_steps + 3000


def test_a_continuation_of_no_steps_is_refused_with_the_way_out():
    config = override(QUICK.config, continue_steps=0)
    with pytest.raises(BenchError, match=r"--continue-steps, which is 0.*--init scratch"):
        quick_plan(config=config, models=("lambdabeta",))


def test_without_a_second_phase_the_parent_is_the_control():
    config = override(QUICK.config, continue_steps=0)
    plan = quick_plan(
        config=config, models=("lambdabeta",), seeds=(0,), betas=(4.0,), init="scratch"
    )
    assert paths(plan) == [
        "sprites-small/quick/betavae/beta=4/seed-0",
        "sprites-small/quick/lambdabeta/beta=4,lambda=8,init=scratch/seed-0",
    ]


def test_the_tag_names_a_folder_of_its_own():
    plan = quick_plan(models=("betavae",), seeds=(0,), betas=(4.0,), tag="wide")
    assert paths(plan) == ["sprites-small/quick+wide/betavae/beta=4/seed-0"]


@pytest.mark.parametrize(
    ("models", "name", "message"),
    [
        (("betavae",), "gama", "unknown setting or hyperparameter 'gama'"),
        (("betavae",), "batchsize", "did you mean 'batch_size'?"),
        (("betavae", "betatcvae"), "lambda", "no model of this call (betavae, betatcvae)"),
        (("vae",), "beta", "no model of this call (vae)"),
    ],
)
def test_a_hyperparameter_that_no_planned_model_has_is_refused(models, name, message):
    with pytest.raises(BenchError) as caught:
        make_plan(QUICK, QUICK.config, models=models, sweeps={name: (1.0,)})
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("value", [-2.0, float("nan"), float("inf"), 1e300])
def test_a_hyperparameter_out_of_range_is_refused_before_anything_runs(value):
    for model in ("betavae", "lambdabeta", "betatcvae"):
        with pytest.raises(BenchError, match="beta must be a finite number of at least 0"):
            quick_plan(models=(model,), betas=(value,))


def test_a_hyperparameter_can_be_fixed():
    plan = quick_plan(models=("betatcvae",), seeds=(0,), betas=(3.0,))
    assert paths(plan) == ["sprites-small/quick/betatcvae/beta=3/seed-0"]


def test_models_of_ones_own_continue_from_a_common_parent(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from disentanglement_bench.models.zoo.betavae import BetaVAE\n"
        "class Start(BetaVAE):\n    pass\n"
        "class Next(BetaVAE):\n    continues = 'betavae'\n    reduces_to = {}\n"
        "class Far(BetaVAE):\n    continues = 'lambdabeta'\n"
        "class Own(BetaVAE):\n    continues = 'Start'\n"
    )
    file = tmp_path / "mine.py"
    plan = quick_plan(models=(f"{file}:Next", "betavae"), seeds=(0,), betas=(4.0,))
    assert paths(plan) == [
        "sprites-small/quick/betavae/beta=4/seed-0",
        "sprites-small/quick/mine.Next/beta=4/seed-0",
    ]
    assert plan[1].parent == plan[0]
    both = quick_plan(models=(f"{file}:Start", f"{file}:Own"), seeds=(0,), betas=(4.0,))
    assert paths(both) == [
        "sprites-small/quick/mine.Start/beta=4/seed-0",
        "sprites-small/quick/mine.Own/beta=4/seed-0",
    ]
    assert [spec.phases for spec in both] == [(3000,), (3000, 1000)]
    assert both[1].method()["continues"] == "mine:Start"
    with pytest.raises(BenchError, match="a parent must be trained from the start"):
        quick_plan(models=(f"{file}:Far",))


def test_two_models_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(
            "from disentanglement_bench.models.zoo.vae import VAE\n"
        )
    references = [f"{tmp_path}/{folder}/mine.py:VAE" for folder in ("a", "b")]
    with pytest.raises(BenchError, match="are both called mine:VAE"):
        quick_plan(models=references)


def test_dlib_has_its_own_sweep_for_betatcvae():
    dlib = PRESETS["dlib"]
    plan = make_plan(dlib, dlib.config, models=("betatcvae",), datasets=("dsprites",), seeds=(0,))
    assert [dict(spec.hyperparameters)["beta"] for spec in plan] == [1, 2, 4, 6, 8, 10]


LOCATELLO = {
    ("annealedvae", "gamma"): (1000,),
    ("annealedvae", "c_max"): (5, 10, 25, 50, 75, 100),
    ("dipvae1", "lambda_od"): (1, 2, 5, 10, 20, 50),
    ("dipvae1", "lambda_d_factor"): (10,),
    ("dipvae2", "lambda_od"): (1, 2, 5, 10, 20, 50),
    ("dipvae2", "lambda_d_factor"): (1,),
    ("factorvae", "gamma"): (10, 20, 30, 40, 50, 100),
}


@pytest.mark.parametrize(("model", "name"), LOCATELLO)
def test_the_canon_is_swept_as_in_its_study_and_quick_trains_three_values(model, name):
    for preset in ("dlib", "paper"):
        plan = make_plan(
            PRESETS[preset],
            PRESETS[preset].config,
            models=(model,),
            datasets=("dsprites",),
            seeds=(0,),
        )
        values = dict.fromkeys(dict(spec.hyperparameters)[name] for spec in plan)
        assert tuple(values) == LOCATELLO[model, name]
        assert len(plan) == 6
    assert len(quick_plan(models=(model,), seeds=(0,))) == 3


def test_the_paper_grid_has_its_size():
    paper = PRESETS["paper"]
    plan = make_plan(paper, paper.config, models=("lambdabeta",), datasets=("dsprites",))
    assert len(plan) == 10 * 5 * (1 + 5)
    assert {spec.phases for spec in plan} == {(150_000,), (150_000, 50_000)}
    assert {spec.resolved()["final_steps"] for spec in plan} == {5_000}


def test_shards_cover_the_plan_once_and_keep_families_whole():
    plan = quick_plan(seeds=(0, 1, 2))
    parts = [shard(plan, index, 4) for index in range(4)]
    assert sorted(p for part in parts for p in paths(part)) == sorted(paths(plan))
    for part in parts:
        assert all(spec.parent is None or spec.parent in part for spec in part)
    assert max(map(len, parts)) - min(map(len, parts)) <= 3 * max(map(len, families(plan)))


def test_every_run_has_a_path_of_its_own():
    plan = quick_plan()
    assert len(set(paths(plan))) == len(plan)


def test_bookkeeping_does_not_change_a_run_but_everything_else_does():
    def resolved(**changes):
        settings = list(changes.items())
        config = override(QUICK.config, settings=settings)
        return quick_plan(config=config, models=("betavae",), seeds=(0,), betas=(4.0,))[
            0
        ].resolved()

    assert config_sha256(resolved()) == config_sha256(resolved(checkpoint_every="7"))
    assert config_sha256(resolved()) == config_sha256(resolved(continue_steps="7"))
    assert compare(resolved(), resolved(batch_size="7")) == ["batch_size: 32 there, 7 wanted"]
    assert compare(resolved(), resolved()) == []


def test_a_setting_that_an_old_run_does_not_name_has_its_default():
    """So a setting of a later version does not orphan the runs of this one."""
    (spec, *_) = quick_plan(models=("betavae",), seeds=(0,))
    new = spec.resolved()
    old = {key: value for key, value in new.items() if key not in ("amp", "tf32", "adam_beta2")}
    assert config_sha256(old) == config_sha256(new)
    assert compare(old, new) == []
    assert compare(old, {**new, "amp": "bf16"}) == ["amp: none there, bf16 wanted"]
