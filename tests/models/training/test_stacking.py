"""Stacked training: equal to single training up to round-off, and each member a run of its own."""

import dataclasses
import gc
import itertools
import math
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from disentanglement_bench.benchmark.datasets.base import ImageSource
from disentanglement_bench.evaluation.metrics.mig import measure_mig
from disentanglement_bench.models.terms import TERMS
from disentanglement_bench.models.training.images import Images
from disentanglement_bench.models.training.loop import Stopped
from disentanglement_bench.models.training.pairs import PairedBatches
from disentanglement_bench.models.training.stack import StackingError
from disentanglement_bench.models.training.stacking import StackedTrainer, find_family
from disentanglement_bench.models.training.streams import Noise
from disentanglement_bench.models.zoo import list_models, load_model
from disentanglement_bench.models.zoo.annealedvae import AnnealedVAE
from disentanglement_bench.models.zoo.betatcvae import BetaTCVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.dipvae1 import DIPVAE1
from disentanglement_bench.models.zoo.dipvae2 import DIPVAE2
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE
from disentanglement_bench.models.zoo.vae import VAE

MIXED = (
    (VAE, {}, 0),
    (BetaVAE, {"beta": 4.0}, 0),
    (LambdaBetaVAE, {"beta": 4.0, "lambda": 2.0}, 1),
    (BetaTCVAE, {"beta": 3.0}, 2),
    (BetaTCVAE, {"beta": 1.0}, 1),
)
STACKS = {
    "mixed": MIXED,
    "one seed": [(BetaVAE, {"beta": beta}, 3) for beta in (1.0, 4.0, 16.0)],
    "alone": [(BetaVAE, {"beta": 2.0}, 0)],
    "annealed": [(AnnealedVAE, {"gamma": 5.0, "c_max": c}, s) for c, s in ((5, 0), (1, 1))],
    "dipvae1": [(DIPVAE1, {"lambda_od": c, "lambda_d_factor": 10.0}, 0) for c in (1.0, 3.0)],
    "dipvae2": [(DIPVAE2, {"lambda_od": 2.0, "lambda_d_factor": 1.0}, s) for s in (0, 1)],
}


def nothing(*_):
    """Save nothing."""


@pytest.fixture(scope="module")
def squares():
    """A white square at each of 36 places, which a few steps learn something about."""
    array = np.zeros((6, 6, 8, 8, 1), np.uint8)
    for row, column in np.ndindex(6, 6):
        array[row, column, row : row + 3, column : column + 3] = 255
    return Images(ImageSource("uint8", array.reshape(36, 8, 8, 1), (8, 8, 1)), "cpu")


@pytest.fixture
def make_runs(make_trainer, squares):
    """Trainers of a list of (class, hyperparameters, seed)."""

    def make(runs, **options):
        return [
            make_trainer(model_class, dict(values), seed=seed, **{"images": squares, **options})
            for model_class, values, seed in runs
        ]

    return make


def assert_same_log(one, other, rtol=1e-4, atol=1e-4):
    """Every row of the log and the final means agree to round-off."""
    assert one.step == other.step
    assert one.steps_here == other.steps_here
    assert [row[0] for row in one.recorder.rows] == [row[0] for row in other.recorder.rows]
    for mine, theirs in zip(one.recorder.rows, other.recorder.rows, strict=True):
        assert mine == pytest.approx(theirs, rel=rtol, abs=atol)
    if one.step == one.schedule.end:
        assert one.recorder.final() == pytest.approx(other.recorder.final(), rel=rtol, abs=atol)


def assert_close(one, other):
    """The log agrees to round-off; weights and optimiser to what Adam makes of it in few steps.

    A gradient that is nothing but round-off moves its weight as far as any other.
    """
    assert_same_log(one, other)
    for name, weight in one.model.state_dict().items():
        torch.testing.assert_close(weight, other.model.state_dict()[name], rtol=0, atol=5e-3)
        assert weight.stride() == other.model.state_dict()[name].stride()
    left, right = one.optimiser.state_dict(), other.optimiser.state_dict()
    assert left["param_groups"] == right["param_groups"]
    assert left["state"].keys() == right["state"].keys()
    for place, state in left["state"].items():
        assert state.keys() == right["state"][place].keys()
        assert torch.equal(state["step"], right["state"][place]["step"])
        for name in state.keys() - {"step"}:
            there = right["state"][place][name]
            torch.testing.assert_close(state[name], there, rtol=2e-2, atol=1e-2)
            assert state[name].stride() == there.stride()


@pytest.mark.parametrize(
    "name",
    [name if name == "mixed" else pytest.param(name, marks=pytest.mark.slow) for name in STACKS],
)
def test_fifty_steps_over_two_phases_are_those_of_single_training(name, make_runs):
    options = {"phases": (30, 20), "learning_rate": 1e-3, "log_every": 1, "final_steps": 10}
    alone = make_runs(STACKS[name], **options)
    for trainer in alone:
        trainer.run(nothing)
    stacked = StackedTrainer(make_runs(STACKS[name], **options))
    stacked.run(nothing)
    for one, other in zip(stacked.members, alone, strict=True):
        assert len(one.recorder.rows) == 50
        assert_same_log(one, other)
    # The runs differ by more than stacked from single ones.
    ends = [trainer.recorder.final()["nll"] for trainer in alone]
    assert len(alone) == 1 or max(ends) - min(ends) > 1e-3


def test_the_log_is_the_same_whether_intervals_and_checkpoints_coincide_or_not(make_runs):
    runs = MIXED[:2]
    options = {"phases": (7, 6), "log_every": 4, "checkpoint_every": 3, "final_steps": 5}
    alone, seen = make_runs(runs, **options), []
    for trainer in alone:
        trainer.run(nothing, lambda step, row: seen.append((step, row[0])))
    stacked, told, saved = StackedTrainer(make_runs(runs, **options)), [], []

    def save(trainer):
        saved.append((stacked.members.index(trainer), trainer.step))

    stacked.run(save, lambda trainer, step, row: told.append((step, row[0])))
    assert sorted(told) == sorted(seen)
    assert saved == [(member, step) for step in (3, 6, 9, 12, 13) for member in (0, 1)]
    for one, other in zip(stacked.members, alone, strict=True):
        assert_close(one, other)
        head, *lines = one.recorder.csv().splitlines()
        assert head == other.recorder.csv().splitlines()[0]
        assert len(lines) == 4
    assert sum(trainer.seconds for trainer in stacked.members) > 0
    assert len({trainer.seconds_here for trainer in stacked.members}) == 1


@pytest.mark.parametrize("stop", [2, 7, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 9))])
def test_members_go_on_alone_and_single_runs_go_on_as_a_stack(stop, make_runs, freeze, thaw):
    """Also from within an interval, at the boundary of phases, and in the second one."""
    runs = [*MIXED[1:3], (AnnealedVAE, {"gamma": 3.0, "c_max": 2.0}, 0)]
    for some in (runs[:2], runs[2:]):
        whole = make_runs(some)
        for trainer in whole:
            trainer.run(nothing)
        saved = []
        stacked = StackedTrainer(make_runs(some))
        with pytest.raises(Stopped, match=f"^stopped at step {stop}$"):
            stacked.run(
                lambda trainer, to=saved: to.append(freeze(trainer)),
                should_stop=lambda trainer=stacked: trainer.step == stop,
            )
        again = make_runs(some)
        for trainer, data in zip(again, saved, strict=True):
            trainer.load(thaw(data))
            assert trainer.step == stop
            trainer.run(nothing)
        halves = make_runs(some)
        for trainer in halves:
            with pytest.raises(Stopped):
                trainer.run(nothing, should_stop=lambda trainer=trainer: trainer.step == stop)
        together = make_runs(some)
        for trainer, half in zip(together, halves, strict=True):
            trainer.load(thaw(freeze(half)))
        StackedTrainer(together).run(nothing)
        for one, two, three in zip(whole, again, together, strict=True):
            for other in (two, three):
                # Only the last session's steps are counted.
                other.steps_here = one.steps_here
                assert_close(one, other)


def test_a_checkpoint_of_a_member_is_as_large_as_that_of_a_single_run(make_runs, freeze):
    runs = MIXED[:3]
    alone = make_runs(runs)[0]
    alone.run(nothing)
    stacked, sizes = StackedTrainer(make_runs(runs)), []
    stacked.run(lambda trainer: sizes.append(len(freeze(trainer))))
    assert sizes == [pytest.approx(len(freeze(alone)), rel=0.02)] * 3
    state = stacked.members[0].state()
    assert state.keys() == alone.state().keys()
    assert state["random"]["cpu"].equal(alone.state()["random"]["cpu"])


def test_continuations_of_one_parent_begin_as_they_would_alone(make_runs, thaw, freeze):
    parent = make_runs([(BetaVAE, {"beta": 4.0}, 0)], phases=(7,))[0]
    parent.run(nothing)
    children = [(LambdaBetaVAE, {"beta": 4.0, "lambda": weight}, 0) for weight in (0.0, 2.0, 8.0)]
    both = [make_runs(children, start=7) for _ in range(2)]
    for trainer in (*both[0], *both[1]):
        trainer.inherit(thaw(freeze(parent)))
    for trainer in both[0]:
        trainer.run(nothing)
    StackedTrainer(both[1]).run(nothing)
    for one, other in zip(*both, strict=True):
        assert_close(one, other)


class Hopeless(BetaVAE):
    """A loss that is infinite at β = 99 from the start."""

    def loss(self, outputs, coefficients):
        loss, terms = super().loss(outputs, coefficients)
        return loss / (99 - coefficients["beta"]), terms


def test_a_member_that_diverges_is_taken_out_and_the_others_go_on(make_runs):
    runs = [(Hopeless, {"beta": beta}, 0) for beta in (1.0, 99.0, 4.0)]
    stacked, failures, saved = StackedTrainer(make_runs(runs)), [], []
    lost = stacked.members[1]
    stacked.run(
        lambda trainer: saved.append(trainer),
        on_failure=lambda trainer, error: failures.append((trainer, str(error))),
    )
    assert [trainer for trainer, _ in failures] == [lost]
    assert failures[0][1].startswith("the loss became inf at step 1;")
    assert saved == stacked.members
    assert lost not in saved
    assert lost.step == 4, "when its first interval was read"
    for one, other in zip(stacked.members, make_runs(runs[::2]), strict=True):
        other.run(nothing)
        assert_close(one, other)


def test_a_member_that_diverges_does_not_touch_the_others(make_runs):
    """To the last bit, as long as it is there."""
    ends = []
    for middle in (99.0, 2.0):
        runs = [(Hopeless, {"beta": beta}, seed) for seed, beta in enumerate((1.0, middle, 4.0))]
        stacked = StackedTrainer(make_runs(runs, log_every=100))
        with pytest.raises(Stopped):
            stacked.run(
                nothing,
                should_stop=lambda trainer=stacked: trainer.step == 6,
                on_failure=nothing,
            )
        ends.append([stacked.members[place].model.state_dict() for place in (0, -1)])
    for one, other in zip(*ends, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_weights_that_are_not_finite_are_not_saved(make_runs):
    runs = make_runs(MIXED[:2], log_every=1, phases=(1,), learning_rate=math.inf)
    failures = []
    StackedTrainer(runs).run(pytest.fail, on_failure=lambda _, error: failures.append(str(error)))
    assert len(failures) == 2
    assert failures[0].startswith("a weight became NaN or infinite at step 1;")


def test_an_error_of_one_member_is_that_members_own(make_runs):
    class Lost(Exception):
        pass

    stacked, saved, failures = StackedTrainer(make_runs(MIXED[:3], checkpoint_every=5)), [], []
    first, second, third = stacked.members

    def save(trainer):
        if trainer is first and trainer.step == 10:
            raise Lost("its claim")
        saved.append((trainer, trainer.step))

    def report(trainer, step, row):
        if trainer is second:
            raise Lost("its terminal")

    def fail(trainer, error):
        failures.append((trainer, trainer.step, str(error)))

    stacked.run(save, report, on_failure=fail)
    assert failures == [(second, 4, "its terminal"), (first, 10, "its claim")]
    assert stacked.members == [third]
    assert saved == [(first, 5), (third, 5), (third, 10), (third, 12)]
    alone = make_runs(MIXED[2:3])[0]
    alone.run(nothing)
    assert_close(third, alone)


def test_without_anyone_to_tell_an_error_ends_the_stack(make_runs):
    def refuse(trainer):
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        StackedTrainer(make_runs(MIXED[:2])).run(refuse)


def test_a_term_that_a_loss_lacks_does_not_reach_it_where_it_is_infinite(make_runs, monkeypatch):
    """Its product with a weight of 0 would be NaN, and so would the gradient."""
    monkeypatch.setitem(TERMS, "l2", lambda outputs: outputs.logits.square().sum() * math.inf)
    runs, failures = [*MIXED[:2], (LambdaBetaVAE, {"beta": 1.0, "lambda": 2.0}, 1)], []
    stacked = StackedTrainer(make_runs(runs))
    stacked.run(nothing, on_failure=lambda trainer, _: failures.append(type(trainer.model)))
    assert failures == [LambdaBetaVAE]
    alone = make_runs(runs[:2])
    for one, other in zip(stacked.members, alone, strict=True):
        other.run(nothing)
        assert_close(one, other)


class Averaged(BetaVAE):
    """A model of pairs whose posteriors are averaged."""

    pairs = True

    def couple(self, first, second):
        both = tuple((one + other) / 2 for one, other in zip(first, second, strict=True))
        return both, both


def test_pairs_are_coupled_member_by_member(make_runs, squares):
    both = []
    for _ in range(2):
        trainers = make_runs([(Averaged, {"beta": 1.0 + seed}, seed) for seed in (0, 0, 1)])
        for seed, trainer in zip((0, 0, 1), trainers, strict=True):
            trainer.batches = PairedBatches(squares, 4, seed, (6, 6))
            trainer.noise = Noise((8, 3), seed, "cpu")
        both.append(trainers)
    for trainer in both[0]:
        trainer.run(nothing)
    StackedTrainer(both[1]).run(nothing)
    for one, other in zip(*both, strict=True):
        assert_close(one, other)


class Perceptron(nn.Module):
    """A model that shares nothing with the zoo, with a weight that is never trained."""

    logs = ("penalty",)

    @dataclasses.dataclass(frozen=True)
    class Hyperparameters:
        weight: float = 1.0

    def __init__(self, image_shape, latent_size, network):
        super().__init__()
        pixels = math.prod(image_shape)
        self.shape = image_shape
        self.scale = nn.Parameter(torch.full((), 2.0), requires_grad=False)
        self.inward = nn.Linear(pixels, 2 * latent_size)
        self.outward = nn.Linear(latent_size, pixels)

    def encode(self, images):
        return self.inward(images.flatten(1)).chunk(2, dim=1)

    def decode(self, codes):
        return (self.scale * self.outward(codes)).view(-1, *self.shape)

    def loss(self, outputs, coefficients):
        nll, penalty = TERMS["nll"](outputs), outputs.codes.square().mean()
        return nll + coefficients["weight"] * penalty, {"nll": nll, "penalty": penalty}


def test_a_model_of_ones_own_is_stacked_with_its_own_loss_and_log(make_runs):
    runs = [(Perceptron, {"weight": weight}, seed) for weight in (0.5, 5.0) for seed in (0, 1)]
    alone, stacked = make_runs(runs), make_runs(runs)
    for trainer in alone:
        trainer.run(nothing)
    StackedTrainer(stacked).run(nothing)
    for one, other in zip(stacked, alone, strict=True):
        assert_close(one, other)
        assert one.recorder.csv().splitlines()[0].endswith(",penalty")
        assert one.model.scale.item() == 2


def test_networks_in_bfloat16_agree_to_what_that_has_of_digits(make_runs):
    both = [make_runs(MIXED[:4], amp=True, log_every=1) for _ in range(2)]
    for trainer in both[0]:
        trainer.run(nothing)
    StackedTrainer(both[1]).run(nothing)
    for one, other in zip(*both, strict=True):
        for mine, theirs in zip(one.recorder.rows, other.recorder.rows, strict=True):
            assert mine[1] == pytest.approx(theirs[1], rel=1e-2)


def test_families_are_those_of_weighted_terms_and_every_other_class():
    families = {name: find_family(load_model(name)) for name in list_models()}
    assert families["factorvae"] is None
    weighed = {"vae", "betavae", "lambdabeta", "betatcvae"}
    assert len({families[name] for name in weighed}) == 1
    for name in families.keys() - weighed - {"factorvae"}:
        assert families[name] is load_model(name)
    for changed in (Hopeless, Averaged, Perceptron):
        assert find_family(changed) is changed

    class Renamed(BetaVAE):
        label = "another name"

        @staticmethod
        def weigh_terms(coefficients):
            return {"l2": 1, "kl": coefficients["beta"]}

    assert find_family(Renamed) == families["vae"]
    assert find_family(type("OnPairs", (Renamed,), {"pairs": True})) != families["vae"]
    assert find_family(type("Permuted", (Renamed,), {"permutes": True})) is None


class Random(BetaVAE):
    def decode(self, codes):
        return super().decode(nn.functional.dropout(codes, 0.3))


class Normalised(BetaVAE):
    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        self.normalise = nn.BatchNorm2d(image_shape[0])

    def encode(self, images):
        return super().encode(self.normalise(images))


class Hidden(BetaVAE):
    """A random tensor that nobody knows to be part of the model."""

    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        mask = torch.rand(image_shape)
        self.hide = lambda images: images * mask

    def encode(self, images):
        return super().encode(self.hide(images))


class Masked(BetaVAE):
    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        self.masks = {"images": [torch.rand(image_shape)]}

    def encode(self, images):
        return super().encode(images * self.masks["images"][0])


class Scaled(BetaVAE):
    """A random weight of a term that is next to nothing in the first step."""

    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        self.decoder.scale = float(torch.rand(()))

    def loss(self, outputs, coefficients):
        kl, nll = TERMS["kl"](outputs), TERMS["nll"](outputs)
        return nll + self.decoder.scale * kl, {"nll": nll, "kl": kl}


class Bent(BetaVAE):
    """A random choice of the activation."""

    chosen = itertools.cycle((nn.Tanh, nn.Identity))

    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        self.bend = next(self.chosen)()

    def decode(self, codes):
        return super().decode(self.bend(codes))


class Reading(BetaVAE):
    def loss(self, outputs, coefficients):
        loss, terms = super().loss(outputs, coefficients)
        return (loss if loss.item() > 0 else -loss), terms


@pytest.mark.parametrize(
    ("model_class", "reason"),
    [
        (Random, "RuntimeError: vmap: called random operation while in randomness error mode"),
        (Normalised, "the model has a buffer 'normalise.running_mean', and a stack holds no state"),
        (Hidden, "a model computes something else in a stack than alone"),
        (Masked, "different values of 'masks', which is no parameter"),
        (Scaled, "different values of 'decoder.scale', which is no parameter"),
        (Bent, "different values of 'bend', which is no parameter"),
        (Reading, r"RuntimeError: vmap: It looks like you're calling \.item\(\) on a Tensor"),
    ],
)
def test_what_cannot_be_stacked_is_refused_and_trains_alone_as_if_nothing_had_been(
    model_class, reason, make_runs, freeze
):
    runs = [(model_class, {"beta": 2.0}, seed) for seed in (0, 1)]
    tried, whole = make_runs(runs), make_runs(runs)
    before = [freeze(trainer) for trainer in tried]
    state = torch.get_rng_state()
    with pytest.raises(StackingError, match=reason) as caught:
        StackedTrainer(tried).run(pytest.fail, on_failure=pytest.fail)
    assert "\n" not in str(caught.value)
    assert [freeze(trainer) for trainer in tried] == before
    assert torch.equal(torch.get_rng_state(), state)
    for one, other in zip(tried, whole, strict=True):
        one.run(nothing)
        other.run(nothing)
        assert one.recorder.rows == other.recorder.rows


def test_runs_that_do_not_fit_together_are_refused(make_runs, make_trainer):
    beta = [(BetaVAE, {"beta": 1.0}, 0)]
    one = make_runs(beta)[0]
    for other, reason in (
        (make_runs(beta, log_every=5)[0], "share schedule"),
        (make_runs([(AnnealedVAE, {"gamma": 1.0, "c_max": 1.0}, 0)])[0], "models of one family"),
        (make_runs(beta, amp=True)[0], "share amp"),
        (make_runs(beta, batch_size=5)[0], "codes, got .4, 3. and .5, 3."),
    ):
        with pytest.raises(StackingError, match=reason):
            StackedTrainer([one, other]).run(pytest.fail)
    with pytest.raises(StackingError, match="got 0"):
        StackedTrainer([])
    wide = make_runs(
        beta,
        images=Images(ImageSource("uint8", np.zeros((9, 16, 16, 1), "u1"), (16, 16, 1)), "cpu"),
    )
    with pytest.raises(StackingError, match="weights of the same shapes"):
        StackedTrainer([one, *wide])
    root = make_runs(beta, make_optimiser=lambda p, schedule: torch.optim.RMSprop(p))
    with pytest.raises(StackingError, match="RMSprop may not treat stacked weights as single"):
        StackedTrainer(root)
    far = make_runs(beta)[0]
    with pytest.raises(Stopped):
        far.run(nothing, should_stop=lambda: True)
    with pytest.raises(StackingError, match="share step, got 0 and 1"):
        StackedTrainer([one, far])


def test_a_graph_trains_a_stack_to_the_same_bits(tape, make_runs):
    """Over two phases, and after a member was taken out, each time with a new capture."""
    options = {"phases": (40, 20), "checkpoint_every": 20, "log_every": 6}
    ends, graphed = [], []
    for graph in (None, tape):
        stacked = StackedTrainer(make_runs(MIXED[:3], **options), graph=graph)
        first = stacked.members[0]

        def save(trainer, first=first):
            if trainer is first:
                raise OSError("no space left")

        stacked.run(save, on_failure=lambda trainer, error: None)
        ends.append(stacked.members)
        graphed.append([trainer.graphed for trainer in stacked.members])
    assert graphed == [[False, False], [True, True]]
    assert tape.captures == 3
    for one, other in zip(*ends, strict=True):
        assert one.recorder.rows == other.recorder.rows
        for left, right in zip(one.model.parameters(), other.model.parameters(), strict=True):
            assert torch.equal(left, right)


def test_a_stack_goes_on_with_ordinary_steps_where_no_graph_is_faster(rerun, make_runs):
    rerun.seconds = {False: 1.0, True: 1.0}
    notes = []
    runs = make_runs(MIXED[:2], phases=(30, 30))
    StackedTrainer(runs, graph=rerun, note=notes.append).run(nothing)
    assert [trainer.graphed for trainer in runs] == [False, False]
    assert len(notes) == 1
    assert notes[0].startswith("training without a CUDA graph: it is not faster (")
    assert rerun.captures == 1


@pytest.mark.slow
def test_after_hundreds_of_steps_scores_agree_within_the_spread_of_seeds(make_runs):
    """By then round-off has grown, but no more than another seed would change."""
    array = np.zeros((12, 12, 16, 16, 1), np.uint8)
    for row, column in np.ndindex(12, 12):
        array[row, column, row : row + 5, column : column + 5] = 255
    factors = np.stack([axis.ravel() for axis in np.indices((12, 12))], axis=1)
    images = Images(ImageSource("uint8", array.reshape(144, 16, 16, 1), (16, 16, 1)), "cpu")
    runs = [(BetaVAE, {"beta": 2.0}, seed) for seed in range(3)]
    options = {
        "images": images,
        "phases": (400, 200),
        "batch_size": 16,
        "learning_rate": 2e-3,
        "log_every": 50,
        "final_steps": 100,
    }
    alone, stacked = make_runs(runs, **options), make_runs(runs, **options)
    for trainer in alone:
        trainer.run(nothing)
    StackedTrainer(stacked).run(nothing)
    scores = []
    for trainers in (alone, stacked):
        codes = [trainer.model.encode(images(torch.arange(144)))[0] for trainer in trainers]
        found = [measure_mig(code.detach().numpy(), factors).value for code in codes]
        ends = [trainer.recorder.final() for trainer in trainers]
        scores.append([[end["nll"] for end in ends], [end["kl"] for end in ends], found])
    for one, other in zip(*map(np.array, scores), strict=True):
        assert one.std(ddof=1) > 0
        assert np.abs(other - one).mean() < one.std(ddof=1)


def test_what_was_trained_is_free_as_soon_as_nobody_needs_it(make_runs, rerun):
    """A cycle of references would keep weights and images on the device until some later time."""
    # The first optimiser of a process imports modules, which may keep who asked for it.
    make_runs(MIXED[:1])
    gc.collect()
    gc.disable()
    try:
        runs = make_runs(MIXED, graph=rerun)
        runs[0].run(nothing)
        stack = StackedTrainer(runs[1:], rerun)
        stack.run(nothing)
        parts = (*runs, *(trainer.model for trainer in runs), stack, stack.stack)
        left = [weakref.ref(part) for part in parts]
        del runs, stack, parts
        assert [reference() for reference in left] == [None] * len(left)
    finally:
        gc.enable()
