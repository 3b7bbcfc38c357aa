import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.presets import PRESETS, Config, get_preset, override


def test_an_unknown_preset_is_answered_with_the_closest():
    with pytest.raises(BenchError, match=r"unknown preset 'papr'; did you mean 'paper'\?"):
        get_preset("papr")


def test_steps_alone_keep_the_ratio_of_the_phases():
    config = override(PRESETS["paper"].config, steps=300)
    assert (config.steps, config.continue_steps) == (300, 100)
    assert override(PRESETS["paper"].config, steps=1).continue_steps == 1


def test_both_phases_can_be_set():
    config = override(PRESETS["quick"].config, steps=10, continue_steps=0)
    assert (config.steps, config.continue_steps) == (10, 0)
    assert override(PRESETS["quick"].config, settings=[("steps", "30")]).continue_steps == 10


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("batch_size", "many", "batch_size must be a whole number, got 'many'"),
        ("batch_size", "1.5", "batch_size must be a whole number, got '1.5'"),
        ("batch_size", "0", "batch_size must be from 1 to"),
        ("batch_size", "inf", "batch_size must be a whole number, got 'inf'"),
        ("learning_rate", "-1", "learning_rate must be from"),
        ("learning_rate", "nan", "learning_rate must be from"),
        ("learning_rate", "x", "learning_rate must be a number, got 'x'"),
        ("amp", "fp16", "amp must be none or bf16, got 'fp16'"),
        ("learnin_rate", "1", "unknown setting 'learnin_rate'; did you mean 'learning_rate'?"),
    ],
)
def test_bad_settings_say_what_was_expected(key, value, message):
    with pytest.raises(BenchError) as caught:
        override(Config(), settings=[(key, value)])
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_whole_numbers_may_be_written_as_powers_of_ten():
    assert override(Config(), settings=[("steps", "1e3")]).steps == 1000


def test_the_protocols_are_the_published_ones():
    paper, dlib = PRESETS["paper"], PRESETS["dlib"]
    assert paper.sweeps["beta"] == (1, 4, 8, 16, 32)
    assert paper.sweeps["lambda"] == (0, 2, 4, 6, 8)
    assert (paper.config.network, paper.config.batch_size) == ("conv", 64)
    assert (paper.config.steps, paper.config.continue_steps) == (150_000, 50_000)
    assert (paper.config.learning_rate, paper.config.n_train, paper.config.n_test) == (
        1e-4,
        10_000,
        5_000,
    )
    assert (dlib.config.network, dlib.config.steps) == ("conv-dlib", 300_000)
    batches = {name: preset.config.permuted_batch for name, preset in PRESETS.items()}
    assert batches == {"quick": "second", "paper": "second", "dlib": "same"}
