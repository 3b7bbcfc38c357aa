import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.fit import check_images, fit_config
from disentanglement_bench.benchmark.protocol.plan import make_plan
from disentanglement_bench.benchmark.protocol.presets import PRESETS, override

QUICK = PRESETS["quick"]


@pytest.mark.parametrize("count", [None, 4_500, 46_080])
def test_a_data_set_with_enough_images_or_an_unknown_number_changes_nothing(count):
    assert fit_config(QUICK.config, "faces", count) == (QUICK.config, ())


@pytest.mark.parametrize(
    ("count", "sizes"), [(4_499, (2_999, 1_500, 32)), (12, (8, 4, 12)), (2, (1, 1, 2))]
)
def test_sample_and_batch_are_lowered_to_what_there_is_and_it_is_said(count, sizes):
    config, notes = fit_config(QUICK.config, "faces", count)
    assert (config.n_train, config.n_test, config.batch_size) == sizes
    assert (
        f"{sizes[0]:,} + {sizes[1]:,} are scored, where the protocol says 3,000 + 1,500"
        in (notes[0])
    )
    assert len(notes) == 1 + (count < 32)


@pytest.mark.parametrize("given", ["n_train", "n_test", "batch_size"])
def test_what_the_user_named_is_refused_instead_of_lowered(given):
    with pytest.raises(BenchError, match=r"needs more images than faces has \(12\)"):
        fit_config(QUICK.config, "faces", 12, {given})


@pytest.mark.parametrize("count", [0, 1])
def test_a_data_set_that_cannot_be_split_is_refused(count):
    with pytest.raises(BenchError, match="at least two are needed"):
        fit_config(QUICK.config, "faces", count)


def plan_with(**settings):
    config = override(QUICK.config, settings=[(k, str(v)) for k, v in settings.items()])
    return make_plan(QUICK, config, models=("vae",), seeds=(0,))


@pytest.mark.parametrize(
    ("settings", "shape", "message"),
    [
        ({"image_size": 7}, (64, 64, 1), "image_size = 7 does not suit faces"),
        ({"image_size": 32}, (64, 48, 1), "whose images are 64×48"),
        ({"image_size": 4}, (64, 64, 1), "a side divisible by 8, got 4×4"),
        ({"image_size": 0, "network": "conv"}, (24, 24, 3), "divisible by 16, got 24×24"),
    ],
)
def test_images_that_a_network_cannot_take_are_refused(settings, shape, message):
    with pytest.raises(BenchError) as caught:
        check_images(plan_with(**settings), "faces", shape)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_model_with_a_network_of_its_own_takes_any_images(tmp_path):
    (tmp_path / "odd.py").write_text(
        "from torch import nn\n"
        "class Odd(nn.Module):\n"
        "    def __init__(self, image_shape, latent_size):\n        super().__init__()\n"
        "    encode = decode = loss = print\n"
    )
    config = override(QUICK.config, settings=[("image_size", "0")])
    plan = make_plan(QUICK, config, models=(f"{tmp_path}/odd.py:Odd",), seeds=(0,))
    check_images(plan, "faces", (20, 31, 2))
