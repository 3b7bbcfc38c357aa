"""The logic of a captured step, on a CPU: what it repeats, when it is used, and when it is not."""

import copy

import pytest
import torch
from torch import nn

from disentanglement_bench.models.training.graph import TIMED, WARM_UP, GraphedStep
from disentanglement_bench.models.training.loop import Stopped
from disentanglement_bench.models.training.permutations import Permutation
from disentanglement_bench.models.training.recording import Interval
from disentanglement_bench.models.zoo.annealedvae import AnnealedVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.factorvae import FactorVAE

CPU = torch.device("cpu")
# The call that captures, counted from 0, and the first that only repeats.
CAPTURED = WARM_UP + TIMED
ADOPTED = CAPTURED + TIMED + 2
PHASES = (ADOPTED + 10, ADOPTED + 9)


def nothing(trainer):
    """Save nothing."""


def assert_same(one, other):
    """Two trainers ended with the same bits."""
    states = one.state(), other.state()
    for left, right in zip(*(tensors(state) for state in states), strict=True):
        assert left[0] == right[0]
        assert torch.equal(left[1], right[1]), left[0]
    assert one.recorder.rows == other.recorder.rows
    assert one.recorder.final() == other.recorder.final()


def tensors(value, path=""):
    """Tensors in nested dicts and lists, with their paths."""
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, dict | list | tuple):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors(part, f"{path}/{key}")


class Normalising(BetaVAE):
    """A model with buffers, which training changes beside its weights."""

    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        self.normalise = nn.BatchNorm2d(image_shape[0])

    def encode(self, images):
        return super().encode(self.normalise(images))


def test_a_graph_trains_every_model_to_the_same_bits(zoo_model, tape, make_trainer):
    """Over two phases, each with a capture of its own, and with coefficients that grow."""
    plain, graphed = (
        make_trainer(*zoo_model, phases=PHASES, log_every=6, graph=graph) for graph in (None, tape)
    )
    plain.run(nothing)
    graphed.run(nothing)
    assert_same(plain, graphed)
    assert (plain.graphed, graphed.graphed) == (False, True)
    assert tape.captures == 2
    assert tape.replays == sum(PHASES) - 2 * CAPTURED


@pytest.mark.parametrize(
    ("model_class", "values", "options"),
    [
        (BetaVAE, {"beta": 2.0}, {"amp": True}),
        (Normalising, {"beta": 2.0}, {}),
        (FactorVAE, {"gamma": 9.0}, {"second": False}),
    ],
)
def test_a_graph_trains_to_the_same_bits(model_class, values, options, capture, make_trainer):
    ends = [
        make_trainer(model_class, values, phases=(ADOPTED + 8,), graph=graph, **options)
        for graph in (None, capture)
    ]
    for trainer in ends:
        trainer.run(nothing)
    assert_same(*ends)
    assert ends[1].graphed


@pytest.mark.parametrize(
    ("model_class", "stop"),
    [
        (AnnealedVAE, CAPTURED + 1),
        (FactorVAE, ADOPTED + 3),
        *(
            pytest.param(model_class, stop, marks=pytest.mark.slow)
            for model_class in (AnnealedVAE, FactorVAE)
            for stop in (2, CAPTURED, PHASES[0], PHASES[0] + 5)
        ),
    ],
)
def test_a_graphed_run_can_be_stopped_and_continued(
    model_class, stop, tape, make_trainer, freeze, thaw
):
    """A checkpoint is loaded before anything is captured, and then captured anew."""
    values = {"gamma": 9.0, "c_max": 3.0} if model_class is AnnealedVAE else {"gamma": 9.0}
    whole = make_trainer(model_class, values, phases=PHASES)
    whole.run(nothing)
    saved = []
    stopped = make_trainer(model_class, values, phases=PHASES, graph=tape)
    with pytest.raises(Stopped):
        stopped.run(lambda t: saved.append(freeze(t)), should_stop=lambda: stopped.step == stop)
    again = make_trainer(model_class, values, phases=PHASES, graph=tape)
    again.load(thaw(saved[0]))
    again.run(nothing)
    assert_same(whole, again)
    assert again.graphed == (sum(PHASES) - stop > ADOPTED)

    # The trainer that stopped can go on itself, also from another state.
    stopped.load(thaw(saved[0]))
    stopped.run(nothing)
    assert_same(whole, stopped)


def replace_parameter(trainer):
    bias = trainer.model.encoder[-1].bias
    trainer.model.encoder[-1].bias = nn.Parameter(bias.detach().clone())


def replace_storage(trainer):
    bias = trainer.model.encoder[-1].bias
    bias.data = bias.data.clone()


def replace_optimiser_state(trainer):
    trainer.optimiser.load_state_dict(copy.deepcopy(trainer.optimiser.state_dict()))


def replace_adversary_state(trainer):
    optimiser = trainer.adversary.optimiser
    optimiser.load_state_dict(copy.deepcopy(optimiser.state_dict()))


def replace_interval(trainer):
    trainer.recorder.here = Interval(4, 7, 3, "cpu")


def replace_log(trainer):
    trainer.recorder.here.values = trainer.recorder.here.values.clone()


def replace_coefficient(trainer):
    trainer.coefficients.tensors["gamma"] = torch.tensor(9.0)


@pytest.mark.parametrize(
    ("replace", "name"),
    [
        (replace_parameter, "weights"),
        (replace_storage, "weights"),
        (replace_optimiser_state, "exp_avg, exp_avg_sq"),
        (replace_adversary_state, "adversary's exp_avg, adversary's exp_avg_sq"),
        (replace_interval, "log"),
        (replace_log, "log"),
        (replace_coefficient, "coefficients"),
    ],
)
def test_a_tensor_that_is_replaced_behind_the_graphs_back_is_caught(
    replace, name, rerun, make_trainer
):
    """A real graph would go on with the old one, in silence."""
    trainer = make_trainer(FactorVAE, {"gamma": 9.0}, phases=(99,), graph=rerun)

    def should_stop():
        if trainer.step == ADOPTED + 2:
            replace(trainer)

    with pytest.raises(AssertionError, match="moved since the capture: .*" + name):
        trainer.run(nothing, should_stop=should_stop)
    assert trainer.step == ADOPTED + 2


class Waits(BetaVAE):
    """Reads a value on the host, which a capture cannot."""

    def loss(self, outputs, coefficients):
        loss, terms = super().loss(outputs, coefficients)
        return (loss if loss.item() > 0 else 2 * loss), terms


class Draws(BetaVAE):
    """Has randomness of its own."""

    def encode(self, images):
        return super().encode(nn.functional.dropout(images, 0.3))


class Forgets(BetaVAE):
    """Keeps a state in a new tensor at every step."""

    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        self.register_buffer("mean", torch.zeros(()))

    def loss(self, outputs, coefficients):
        loss, terms = super().loss(outputs, coefficients)
        self.mean = 0.9 * self.mean + 0.1 * loss.detach()
        return loss + 0.1 * self.mean, terms


class Counts(BetaVAE):
    """Lets its loss depend on a number that the host counts."""

    calls = 0

    def loss(self, outputs, coefficients):
        self.calls += 1
        loss, terms = super().loss(outputs, coefficients)
        return loss * (1 if self.calls < CAPTURED + 3 else -1), terms


@pytest.mark.parametrize(
    ("model_class", "reason"),
    [
        (Draws, "the model draws random numbers of its own"),
        (Forgets, "every step makes new tensors for its buffers"),
        (Waits, "capturing a step failed (RuntimeError: operation not permitted when stream is "
         "capturing)"),
    ],
)  # fmt: skip
def test_a_model_that_no_graph_can_repeat_trains_as_ever(model_class, reason, tape, make_trainer):
    notes = []
    plain = make_trainer(model_class, phases=PHASES)
    plain.run(nothing)
    graphed = make_trainer(model_class, phases=PHASES, graph=tape, note=notes.append)
    graphed.run(nothing)
    assert_same(plain, graphed)
    assert notes == [f"training without a CUDA graph: {reason}"]
    assert not graphed.graphed
    assert tape.replays == 0
    assert tape.captures <= 1, "a second phase does not try what failed in the first"


def test_a_step_that_waits_for_the_device_is_found_before_a_capture_begins(rerun, make_trainer):
    """A part of the step is done by then; it is done again from the start."""
    plain = make_trainer(phases=PHASES)
    plain.run(nothing)

    def refuse(function, inputs):
        images, *others = inputs
        function(images[:2], *others[:1], None) if len(images) < 2 else function(images, *others)
        graphed.model.encoder[-1].bias.grad = torch.ones_like(graphed.model.encoder[-1].bias)
        raise RuntimeError("called a synchronizing CUDA operation")

    rerun.rehearse = refuse
    notes = []
    graphed = make_trainer(phases=PHASES, graph=rerun, note=notes.append)
    graphed.run(nothing)
    assert_same(plain, graphed)
    assert notes == [
        "training without a CUDA graph: a step waits for the device (RuntimeError: called a "
        "synchronizing CUDA operation)"
    ]
    assert rerun.captures == 0


def test_an_error_of_the_step_itself_is_not_taken_for_one_of_the_graph(rerun, make_trainer):
    class Fails(BetaVAE):
        def loss(self, outputs, coefficients):
            if trainer.step == CAPTURED:
                raise RuntimeError("out of memory")
            return super().loss(outputs, coefficients)

    trainer = make_trainer(Fails, phases=PHASES, graph=rerun)
    with pytest.raises(RuntimeError, match=r"^out of memory$"):
        trainer.run(nothing)


@pytest.mark.parametrize(
    ("what", "when"), [("weights", CAPTURED), ("exp_avg", ADOPTED - 1), ("log", ADOPTED - 1)]
)
def test_a_graph_that_disagrees_is_not_used(when, what, rerun, make_trainer):
    """The steps that were compared are those of the ordinary training."""
    remember = rerun.remember

    def damaged(function, watched):
        again = remember(function, watched)

        def replay():
            again()
            if graphed.step == when:
                watched()[what][0].data.view(-1)[0] += 1

        return replay

    rerun.remember = damaged
    notes = []
    plain = make_trainer(phases=PHASES)
    plain.run(nothing)
    graphed = make_trainer(phases=PHASES, graph=rerun, note=notes.append)
    graphed.run(nothing)
    assert_same(plain, graphed)
    assert notes == [f"training without a CUDA graph: a replayed step differs in its {what}"]


def test_a_model_that_counts_steps_on_the_host_is_found(tape, make_trainer):
    """The second comparison sees what the first cannot: the sign changes between the two."""
    notes = []
    trainer = make_trainer(Counts, phases=(ADOPTED + 2,), graph=tape, note=notes.append)
    trainer.run(nothing)
    assert len(notes) == 1
    assert "a replayed step differs in its weights" in notes[0]


@pytest.mark.parametrize("seconds", [{False: 1.0, True: 1.0}, {False: 1.0, True: 2.0}])
def test_a_graph_that_is_not_faster_is_not_used(seconds, rerun, make_trainer):
    rerun.seconds = seconds
    notes = []
    plain = make_trainer(phases=PHASES)
    plain.run(nothing)
    graphed = make_trainer(phases=PHASES, graph=rerun, note=notes.append)
    graphed.run(nothing)
    assert_same(plain, graphed)
    times = f"{1e3 * seconds[True]:.2f} ms a step against 1000.00 ms"
    assert notes == [f"training without a CUDA graph: it is not faster ({times})"]
    assert (rerun.captures, rerun.replays) == (1, TIMED + 2)


def test_a_step_reads_its_inputs_wherever_they_are_nested(capture):
    """Tuples, named tuples, dicts and None; a step of another shape is carried out as ever."""
    total = torch.zeros(3)

    def add(images, permutation, more):
        total.add_(images.sum(dim=0) * more["scale"])
        if permutation.noise is not None:
            total.add_(permutation.noise)
        total.add_(permutation.order[0])

    step = GraphedStep(add, lambda: {"total": [total]}, capture, CPU)
    expected = torch.zeros(3)
    draw = torch.Generator().manual_seed(0)
    for number in range(ADOPTED + 9):
        rows = 5 if number == ADOPTED + 4 else 4
        images = torch.randint(9, (rows, 3), generator=draw).float()
        order, scale = (torch.randint(9, shape, generator=draw) for shape in ((4, 3), ()))
        noise = torch.ones(3) if number == ADOPTED + 6 else None
        step(images, Permutation(order, None, noise), {"scale": scale})
        expected += images.sum(dim=0) * scale + order[0] + (0 if noise is None else noise)
        assert torch.equal(total, expected), number
    assert step.adopted
    assert capture.replays == ADOPTED + 9 - CAPTURED - 2


def test_steps_that_are_not_of_one_shape_from_the_start_are_not_captured(rerun):
    total, notes = torch.zeros(()), []
    step = GraphedStep(
        lambda values: total.add_(values.sum()), lambda: {"t": [total]}, rerun, CPU, notes.append
    )
    for number in range(ADOPTED + 2):
        step(torch.ones(1 if number == ADOPTED - 1 else 2))
    assert total == 2 * (ADOPTED + 2) - 1
    assert notes == ["training without a CUDA graph: its steps are not all of one shape"]


@pytest.mark.parametrize("place", [0, 1], ids=["images", "noise"])
def test_a_graph_that_reads_old_inputs_is_found(place, rerun, make_trainer):
    """They are the right ones when it is captured, and so in the first comparison."""

    def keep_one_input(function, watched):
        old = watched()["inputs"][place].clone()

        def replay():
            watched()["inputs"][place].copy_(old)
            function()

        return replay

    rerun.remember = keep_one_input
    notes = []
    trainer = make_trainer(phases=PHASES, learning_rate=1e-3, graph=rerun, note=notes.append)
    trainer.run(nothing)
    assert len(notes) == 1
    assert "a replayed step differs in its weights" in notes[0]
    assert rerun.replays == TIMED + 2
