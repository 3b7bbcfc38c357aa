"""What only a CUDA device can show: real graphs, Adam in a graph, precision, images on the device.

Everything that these tests share with a CPU is tested there; `pytest -m gpu` runs these alone.
"""

import io

import pytest
import torch
from torch import nn

from disentanglement_bench.models.training import precision
from disentanglement_bench.models.training.graph import TIMED, WARM_UP
from disentanglement_bench.models.training.images import ImageCache, Images
from disentanglement_bench.models.training.loop import Stopped
from disentanglement_bench.models.training.optimisers import fused_adam
from disentanglement_bench.models.training.schedule import Schedule
from disentanglement_bench.models.training.stacking import StackedTrainer
from disentanglement_bench.models.zoo.betatcvae import BetaTCVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE

from .test_graph import Draws, Waits

CUDA = torch.device("cuda")
# The steps of a phase after which a graph is in use, and some more.
LONG = WARM_UP + 2 * TIMED + 12

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


def nothing(*_):
    """Save nothing."""


@pytest.fixture(autouse=True)
def _full_precision():
    """So that two ways of computing the same differ by round-off alone."""
    precision.apply(CUDA, tf32="none")
    yield
    precision.apply(CUDA)
    torch.backends.cudnn.benchmark = False


@pytest.fixture
def make(make_trainer):
    """A trainer on the device, slow enough in learning that round-off does not grow."""

    def build(*arguments, graph="auto", **options):
        options = {"phases": (LONG, LONG), "learning_rate": 1e-3, "log_every": 5, **options}
        return make_trainer(*arguments, device=CUDA, graph=graph, **options)

    return build


def assert_close(one, other, rel=1e-3):
    """Logs, final means and weights agree to round-off after some dozens of steps."""
    for mine, theirs in zip(one.recorder.rows, other.recorder.rows, strict=True):
        # The number of active units may jump at its threshold.
        assert mine[:5] == pytest.approx(theirs[:5], rel=rel, abs=1e-2)
    assert one.recorder.final() == pytest.approx(other.recorder.final(), rel=rel, abs=1e-2)
    for name, weight in one.model.state_dict().items():
        torch.testing.assert_close(weight, other.model.state_dict()[name], rtol=0, atol=5e-3)


@pytest.mark.parametrize("amp", [False, True])
def test_a_graph_trains_every_model_as_ordinary_steps_do(zoo_model, amp, make):
    notes = []
    plain = make(*zoo_model, graph=None, amp=amp)
    graphed = make(*zoo_model, note=notes.append, amp=amp)
    plain.run(nothing)
    graphed.run(nothing)
    assert notes == []
    assert (plain.graphed, graphed.graphed) == (False, True)
    assert_close(graphed, plain, rel=2e-2 if amp else 1e-3)


def test_deterministic_graphs_repeat_their_bits(make):
    precision.apply(CUDA, tf32="none", deterministic=True)
    ends = [make(LambdaBetaVAE, {"beta": 4.0, "lambda": 2.0}) for _ in range(2)]
    for trainer in ends:
        trainer.run(nothing)
    assert ends[0].recorder.rows == ends[1].recorder.rows
    for one, other in zip(*(trainer.model.parameters() for trainer in ends), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("stop", [3, LONG - 1, LONG + 5])
def test_a_graphed_run_is_continued_from_its_checkpoint(stop, make, freeze):
    whole = make()
    whole.run(nothing)
    saved = []
    stopped = make()
    with pytest.raises(Stopped):
        stopped.run(lambda t: saved.append(freeze(t)), should_stop=lambda: stopped.step == stop)
    again = make()
    again.load(torch.load(io.BytesIO(saved[0]), map_location="cpu", weights_only=True))
    again.run(nothing)
    assert again.graphed
    assert_close(again, whole)


def test_a_checkpoint_of_a_cpu_is_continued_in_a_graph(make, make_trainer, freeze):
    options = {"phases": (LONG, LONG), "learning_rate": 1e-3, "log_every": 5}
    saved = []
    on_host = make_trainer(**options)
    with pytest.raises(Stopped):
        on_host.run(lambda t: saved.append(freeze(t)), should_stop=lambda: on_host.step == 7)
    trainer = make()
    trainer.load(torch.load(io.BytesIO(saved[0]), map_location="cpu", weights_only=True))
    trainer.run(nothing)
    assert trainer.graphed
    assert trainer.step == 2 * LONG


def test_adam_that_can_be_captured_moves_as_the_plain_one():
    values = torch.linspace(-1, 1, 100, device=CUDA)
    one, other = (nn.Parameter(values.clone()) for _ in range(2))
    captured = fused_adam([one], Schedule((5,), learning_rate=1e-2))
    assert captured.param_groups[0]["capturable"]
    plain = torch.optim.Adam([other], lr=1e-2, fused=True)
    for _ in range(30):
        for parameter, optimiser in ((one, captured), (other, plain)):
            (parameter**4 - parameter).sum().backward()
            optimiser.step()
            optimiser.zero_grad()
    torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("model_class", "reason"),
    [(Waits, "a step waits for the device"), (Draws, "the model draws random numbers")],
)
def test_a_model_that_no_graph_can_repeat_trains_as_ever(model_class, reason, make):
    notes = []
    plain = make(model_class, graph=None)
    plain.run(nothing)
    refused = make(model_class, note=notes.append)
    refused.run(nothing)
    assert len(notes) == 1
    assert reason in notes[0]
    assert_close(refused, plain)
    # The next run in this process has its graph.
    again = make()
    again.run(nothing)
    assert again.graphed


def test_batches_that_are_read_ahead_reach_the_graph(make, tiny_source):
    """Images that do not fit on the device, copied by a thread and on a stream of its own."""
    apart = Images(tiny_source, CUDA, reserve=1 << 60)
    assert not apart.resident
    reading = make(images=apart)
    reading.run(nothing)
    reading.batches.close()
    resident = make()
    resident.run(nothing)
    assert reading.graphed
    assert resident.batches.images.resident
    assert_close(reading, resident)


def test_graphs_give_their_memory_back(make):
    """So that a worker can train one run after another."""
    taken = []
    for _ in range(4):
        trainer = make(phases=(LONG,))
        trainer.run(nothing)
        del trainer
        torch.cuda.synchronize()
        taken.append(torch.cuda.memory_allocated())
    assert taken[-1] == taken[1]


def test_images_stay_on_the_device_from_one_run_to_the_next(tiny_source):
    cache = ImageCache()
    images = cache(tiny_source, CUDA)
    before = torch.cuda.memory_allocated()
    assert cache(tiny_source, CUDA) is images
    assert torch.cuda.memory_allocated() == before
    index = torch.tensor([3, 1])
    torch.testing.assert_close(images(index).cpu(), Images(tiny_source, "cpu")(index))


@pytest.mark.parametrize("graph", [None, "auto"])
def test_a_stack_trains_its_members_as_single_runs(graph, make):
    runs = [(BetaVAE, {"beta": 4.0}), (LambdaBetaVAE, {"beta": 4.0, "lambda": 2.0})]
    runs.append((BetaTCVAE, {"beta": 3.0}))
    alone = [make(*run, seed=seed) for seed, run in enumerate(runs)]
    for trainer in alone:
        trainer.run(nothing)
    members = [make(*run, seed=seed) for seed, run in enumerate(runs)]
    StackedTrainer(members, graph=graph).run(nothing)
    assert [trainer.graphed for trainer in members] == [graph == "auto"] * 3
    for one, other in zip(members, alone, strict=True):
        assert_close(one, other)


def test_tf32_rounds_what_the_setting_says():
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("this device has no TF32")
    draw = torch.Generator(CUDA).manual_seed(0)
    matrix = torch.rand((512, 512), generator=draw, device=CUDA)
    images = torch.rand((8, 64, 32, 32), generator=draw, device=CUDA)
    weights = torch.rand((64, 64, 4, 4), generator=draw, device=CUDA)
    exact = (
        matrix.double() @ matrix.double(),
        nn.functional.conv2d(images.double(), weights.double()),
    )
    errors = {}
    for tf32 in ("none", "convolutions", "all"):
        precision.apply(CUDA, tf32)
        # The fastest algorithm may be one without TF32.
        torch.backends.cudnn.benchmark = False
        computed = matrix @ matrix, nn.functional.conv2d(images, weights)
        errors[tf32] = [
            float(((one - other).abs() / other).max())
            for one, other in zip(computed, exact, strict=True)
        ]
    rounded = 1e-5
    assert [error > rounded for error in errors["none"]] == [False, False]
    assert [error > rounded for error in errors["convolutions"]] == [False, True]
    assert [error > rounded for error in errors["all"]] == [True, True]
