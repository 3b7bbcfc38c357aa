"""The training loop: what it computes, and that stopping and going on change nothing."""

import io
import math

import numpy as np
import pytest
import torch
from torch import nn

from disentanglement_bench.benchmark.datasets.base import ImageSource
from disentanglement_bench.models.encoding import encode
from disentanglement_bench.models.terms import Outputs, bernoulli_entropy
from disentanglement_bench.models.training import loop
from disentanglement_bench.models.training.images import Images
from disentanglement_bench.models.training.loop import Stopped
from disentanglement_bench.models.training.recording import Diverged
from disentanglement_bench.models.training.schedule import Schedule
from disentanglement_bench.models.training.step import training_step
from disentanglement_bench.models.zoo.annealedvae import AnnealedVAE
from disentanglement_bench.models.zoo.betatcvae import BetaTCVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.dipvae2 import DIPVAE2
from disentanglement_bench.models.zoo.factorvae import FactorVAE
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE
from disentanglement_bench.models.zoo.vae import VAE


class WithDropout(BetaVAE):
    """A model with randomness and with state of its own."""

    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        self.dropout = nn.Dropout(0.3)
        self.normalise = nn.BatchNorm2d(image_shape[0])

    def encode(self, images):
        return super().encode(self.dropout(self.normalise(images)))


def nothing(trainer):
    """Save nothing."""


def flatten(value, path=""):
    """Leaves of nested dicts and lists, by path."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        return {path: value}
    found = {}
    for key, part in items:
        found |= flatten(part, f"{path}/{key}")
    return found


def assert_same(one, other):
    """Weights, optimiser, log, final means and random states agree to the last bit."""
    left, right = flatten(one.state()), flatten(other.state())
    assert left.keys() == right.keys()
    for path, value in left.items():
        if path == "/seconds":
            continue
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, right[path]), path
            assert value.stride() == right[path].stride(), path
        else:
            assert value == right[path], path
    assert one.recorder.rows == other.recorder.rows
    if one.step == one.schedule.end:
        assert one.recorder.final() == other.recorder.final()


class AnnealedPlayer(FactorVAE):
    """An adversary with dropout, and a weight that grows, at once."""

    def __init__(self, image_shape, latent_size, network):
        super().__init__(image_shape, latent_size, network)
        self.discriminator.append(nn.Dropout(0.3))

    @staticmethod
    def coefficients_at(hyperparameters, step, first_phase):
        return {"gamma": hyperparameters["gamma"] * step / first_phase}


MODELS = [
    (BetaVAE, {"beta": 2.0}, {}),
    (LambdaBetaVAE, {"beta": 2.0, "lambda": 1.0}, {}),
    (BetaTCVAE, {"beta": 2.0}, {}),
    (WithDropout, {"beta": 2.0}, {}),
    (AnnealedVAE, {"gamma": 9.0, "c_max": 3.0}, {}),
    (DIPVAE2, {"lambda_od": 2.0, "lambda_d_factor": 1.0}, {}),
    (AnnealedPlayer, {"gamma": 9.0}, {"second": True}),
]


@pytest.mark.parametrize(("model_class", "values", "options"), MODELS)
def test_every_checkpoint_leads_to_the_same_end(
    model_class, values, options, make_trainer, freeze, thaw
):
    """Also those within an interval of the log, on the phase boundary, and in the last phase."""
    saved = {}
    whole = make_trainer(model_class, values, checkpoint_every=1, **options)
    whole.run(lambda trainer: saved.update({trainer.step: freeze(trainer)}))
    assert sorted(saved) == list(range(1, 13))
    for data in saved.values():
        again = make_trainer(model_class, values, checkpoint_every=1, **options)
        again.load(thaw(data))
        again.run(nothing)
        assert_same(whole, again)


@pytest.mark.parametrize("stop", [1, 4, 6, 7, 8, 11])
def test_stopping_saves_first_and_going_on_changes_nothing(stop, make_trainer, freeze, thaw):
    whole = make_trainer(WithDropout)
    whole.run(nothing)
    saved = {}
    stopped = make_trainer(WithDropout)
    with pytest.raises(Stopped, match=f"^stopped at step {stop}$") as caught:
        stopped.run(
            lambda trainer: saved.update({trainer.step: freeze(trainer)}),
            should_stop=lambda: stopped.step == stop,
        )
    assert caught.value.step == stop
    assert list(saved) == [stop]
    torch.manual_seed(99)
    again = make_trainer(WithDropout)
    again.load(thaw(saved[stop]))
    again.run(nothing)
    assert_same(whole, again)

    # Outside of `run` a trainer's state is what it was when it stopped, and it can go on itself.
    loaded = make_trainer(WithDropout)
    loaded.load(thaw(saved[stop]))
    assert_same(stopped, loaded)
    stopped.run(nothing)
    assert_same(whole, stopped)


def test_a_request_to_stop_after_the_last_step_comes_too_late(make_trainer):
    saved = []
    trainer = make_trainer(phases=(3,))
    trainer.run(lambda t: saved.append(t.step), should_stop=lambda: trainer.step >= 3)
    assert saved == [3]


@pytest.mark.parametrize("model_class", [BetaVAE, WithDropout])
def test_a_child_continues_its_parent_as_one_long_run(model_class, make_trainer, freeze, thaw):
    whole = make_trainer(model_class, phases=(7, 5))
    whole.run(nothing)
    parent = make_trainer(model_class, phases=(7,))
    parent.run(nothing)
    child = make_trainer(model_class, phases=(7, 5), start=7)
    child.inherit(thaw(freeze(parent)))
    child.run(nothing)
    for (name, one), other in zip(
        whole.model.state_dict().items(), child.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    left, right = (flatten(t.optimiser.state_dict()) for t in (whole, child))
    for path, value in left.items():
        same = torch.equal(value, right[path]) if torch.is_tensor(value) else value == right[path]
        assert same, path
    assert whole.recorder.final() == child.recorder.final()
    assert child.step == 12
    assert child.steps_here == 5
    assert [row[0] for row in child.recorder.rows] == [11, 12]


def test_a_child_may_have_another_objective(make_trainer, freeze, thaw):
    parent = make_trainer(phases=(7,))
    parent.run(nothing)
    ends = []
    for weight in (0.0, 8.0):
        values = {"beta": 2.0, "lambda": weight}
        child = make_trainer(LambdaBetaVAE, values, phases=(7, 5), start=7)
        child.inherit(thaw(freeze(parent)))
        assert all(
            torch.equal(one, other)
            for one, other in zip(parent.model.parameters(), child.model.parameters(), strict=True)
        )
        child.run(nothing)
        ends.append(child.model.state_dict())
    same = make_trainer(phases=(7, 5))
    same.run(nothing)
    final = same.model.state_dict()
    for name, value in final.items():
        torch.testing.assert_close(ends[0][name], value, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ends[1]["encoder.0.weight"], final["encoder.0.weight"], atol=1e-4)


def test_a_parent_that_ended_elsewhere_is_refused(make_trainer):
    parent = make_trainer(phases=(6,))
    parent.run(nothing)
    child = make_trainer(phases=(7, 5), start=7)
    message = "^the parent's checkpoint is at step 6, but this run continues from step 7$"
    with pytest.raises(ValueError, match=message):
        child.inherit(parent.state())


def test_a_parent_from_another_device_leaves_this_devices_randomness(make_trainer):
    parent = make_trainer(phases=(7,))
    parent.run(nothing)
    child = make_trainer(phases=(7, 5), start=7)
    child._random["cuda"] = torch.tensor([5])
    child.inherit(parent.state())
    assert torch.equal(child._random["cpu"], parent.state()["random"]["cpu"])
    assert child._random["cuda"].tolist() == [5]


def test_a_run_starts_where_a_phase_begins():
    assert Schedule((7, 5, 2)).boundaries == (0, 7, 12)
    assert Schedule((7, 5, 2)).end == 14
    with pytest.raises(ValueError, match=r"cannot start at step 3; phases begin at 0, 7$"):
        Schedule((7, 5), start=3)


def test_the_loop_is_adam_on_the_gradients_of_the_loss(make_trainer):
    """Against a plain loop with the formulas of Adam, a fresh one in the second phase."""
    trainer = make_trainer(phases=(3, 2), learning_rate=1e-3)
    reference = make_trainer(phases=(3, 2))
    parameters = list(reference.model.parameters())
    for phase, length in enumerate((3, 2)):
        first = [torch.zeros_like(p) for p in parameters]
        second = [torch.zeros_like(p) for p in parameters]
        for t in range(1, length + 1):
            step = 3 * phase + t - 1
            loss, _, _ = reference.objective(
                reference.batches(step), reference.noise(step), {"beta": torch.tensor(2.0)}
            )
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                    m += 0.1 * (g - m)
                    v += 0.001 * (g * g - v)
                    p -= 1e-3 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    trainer.run(nothing)
    for one, other in zip(trainer.model.parameters(), parameters, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("model_class", "values"),
    [
        (VAE, {}),
        (BetaVAE, {"beta": 2.0}),
        (BetaTCVAE, {"beta": 2.0}),
        (LambdaBetaVAE, {"beta": 2.0, "lambda": 3.0}),
    ],
)
def test_a_model_without_hooks_trains_bit_for_bit_as_in_a_plain_loop(
    model_class, values, make_trainer
):
    """So what other models may have costs them nothing: `backward` to all, one Adam, no more."""
    trainer, plain = (make_trainer(model_class, values, phases=(4, 3)) for _ in range(2))
    trainer.run(nothing)
    coefficients = {name: torch.tensor(value) for name, value in values.items()}
    for phase in (range(4), range(4, 7)):
        adam = torch.optim.Adam(plain.model.parameters(), lr=1e-2, fused=True)
        for step in phase:
            images, noise = plain.batches(step), plain.noise(step)
            means, log_variances = plain.model.encode(images)
            codes = means + torch.exp(0.5 * log_variances) * noise
            outputs = Outputs(images, plain.model.decode(codes), codes, means, log_variances)
            plain.model.loss(outputs, coefficients)[0].backward()
            adam.step()
            adam.zero_grad()
    for one, other in zip(trainer.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert set(trainer.state()) == {
        *("step", "seconds", "model", "optimiser", "recorder", "random", "threads")
    }


def test_an_adversary_has_an_adam_of_its_own_that_starts_afresh_with_each_phase(make_trainer):
    trainer = make_trainer(FactorVAE, {"gamma": 5.0}, learning_rate=3e-3, checkpoint_every=1)
    weights, steps = {}, {}

    def look(trainer):
        state = trainer.adversary.optimiser.state_dict()["state"]
        steps[trainer.step] = {float(entry["step"]) for entry in state.values()}
        first = trainer.model.discriminator[0].weight
        weights[trainer.step] = first.detach().clone()

    trainer.run(look)
    (group,) = trainer.adversary.optimiser.param_groups
    assert (group["lr"], group["betas"], group["eps"]) == (1e-4, (0.5, 0.9), 1e-8)
    assert group["fused"]
    (group,) = trainer.optimiser.param_groups
    assert (group["lr"], group["betas"]) == (3e-3, (0.9, 0.999))
    assert steps == {step: {float(step if step <= 7 else step - 7)} for step in range(1, 13)}
    moved = (weights[8] - weights[7]).abs().max()
    assert 0 < moved < 2e-4, "it keeps its weights"


def test_an_adversary_that_was_not_saved_is_found(make_trainer):
    trainer = make_trainer(FactorVAE, {"gamma": 5.0})
    trainer.run(nothing)
    state = trainer.state()
    assert len(state["adversary"]["state"]) == 8
    del state["adversary"]
    with pytest.raises(ValueError, match="has none where the model has one: the optimiser of an"):
        make_trainer(FactorVAE, {"gamma": 5.0}).load(state)
    plain = make_trainer()
    plain.run(nothing)
    with pytest.raises(ValueError, match="has one where the model has none"):
        make_trainer().load({**plain.state(), "adversary": {}})


def test_a_model_that_permutes_needs_permutations(make_trainer):
    class Permuting(BetaVAE):
        permutes = True

    trainer = make_trainer(Permuting)
    with pytest.raises(ValueError, match="so its trainer needs permutations"):
        loop.Trainer(
            trainer.model, {"beta": 2.0}, trainer.batches, trainer.noise, trainer.schedule, 0
        )


@pytest.mark.parametrize("where", ["loss", "weight"])
def test_an_adversary_that_is_not_finite_is_found_and_never_saved(where, make_trainer):
    """Though the model's own loss does not depend on it."""

    class Apart(BetaVAE):
        adversary = "judge"

        def __init__(self, image_shape, latent_size, network):
            super().__init__(image_shape, latent_size, network)
            self.judge = nn.Linear(latent_size, 1)

        def adversary_loss(self, outputs, coefficients):
            if where == "weight" and trainer.step == 2:
                self.judge.weight.data[0, 0] = float("inf")
                return self.judge.bias.sum() + 0 * self.judge.weight[0, 1]
            return self.judge(outputs.codes).mean() / (trainer.step != 2)

    saves = []
    trainer = make_trainer(Apart, phases=(9,), checkpoint_every=3)
    expected = {
        "loss": r"^the adversary's loss became (nan|-?inf) at step 3; lower",
        "weight": r"^a weight became NaN or infinite at step 3; lower",
    }[where]
    with pytest.raises(Diverged, match=expected):
        trainer.run(lambda trainer: saves.append(trainer.step))
    assert saves == []


def test_further_terms_are_logged_in_columns_of_their_own(make_trainer):
    trainer = make_trainer(FactorVAE, {"gamma": 5.0}, phases=(8,))
    trainer.run(nothing)
    head, *rows = trainer.recorder.csv().splitlines()
    assert head == "step,nll,kl,l2,tc,active_units,tc_discriminator,adversary_loss"
    assert [len(row.split(",")) for row in rows] == [8, 8]
    final = trainer.recorder.final()
    assert list(final) == ["nll", "kl", "l2", "tc", "tc_discriminator", "adversary_loss"]
    assert final["adversary_loss"] == pytest.approx(math.log(2), abs=0.05)

    class Silent(BetaVAE):
        logs = ("penalty",)

    with pytest.raises(ValueError, match="logs names a term 'penalty' that loss does not return"):
        make_trainer(Silent).run(nothing)


def test_a_model_of_pairs_sees_two_images_a_pair_and_couples_their_posteriors(make_trainer):
    seen = []

    class Average(BetaVAE):
        pairs = True

        def couple(self, first, second):
            means = (first[0] + second[0]) / 2
            return (means, first[1]), (means, second[1])

        def loss(self, outputs, coefficients):
            seen.append(outputs)
            return super().loss(outputs, coefficients)

    # One batch of eight images stands for four pairs.
    trainer = make_trainer(Average, batch_size=8, phases=(1,))
    images = trainer.batches(0)
    means, log_variances = trainer.model.encode(images)
    trainer.run(nothing)
    (outputs,) = seen
    average = ((means[:4] + means[4:]) / 2).repeat(2, 1)
    torch.testing.assert_close(outputs.means, average)
    torch.testing.assert_close(outputs.log_variances, log_variances)
    torch.testing.assert_close(
        outputs.codes, average + torch.exp(0.5 * log_variances) * trainer.noise(0)
    )


def test_every_phase_begins_with_a_fresh_optimiser_of_the_schedule(make_trainer):
    made = []

    def make(parameters, schedule):
        made.append(torch.optim.SGD(parameters, lr=schedule.learning_rate))
        return made[-1]

    trainer = make_trainer(phases=(2, 0, 3), make_optimiser=make)
    trainer.run(nothing)
    assert len(made) == 2
    assert made[-1] is trainer.optimiser
    assert made[0].param_groups[0]["lr"] == 1e-2


def test_default_adam_takes_its_settings_from_the_schedule(make_trainer):
    (group,) = make_trainer(learning_rate=3e-3).optimiser.param_groups
    assert (group["lr"], group["betas"], group["eps"]) == (3e-3, (0.9, 0.999), 1e-8)
    assert group["fused"]


def test_training_approaches_the_floor_of_the_nll(make_trainer):
    bright = ImageSource("uint8", np.full((8, 8, 8, 1), 230, dtype=np.uint8), (8, 8, 1))
    images = Images(bright, "cpu")
    trainer = make_trainer(phases=(60,), log_every=20, final_steps=20, images=images)
    trainer.run(nothing)
    rows = trainer.recorder.rows
    assert [row[0] for row in rows] == [20, 40, 60]
    floor = float(bernoulli_entropy(images(torch.tensor([0]))))
    assert floor < rows[-1][1] < floor + 1 < rows[0][1]
    final = trainer.recorder.final()
    assert list(final.values()) == pytest.approx(rows[-1][1:5])


def test_rows_hold_the_terms_of_the_steps(make_trainer):
    trainer, by_hand = make_trainer(phases=(4,)), make_trainer(phases=(4,))
    trainer.run(nothing)
    steps = []
    for step in range(4):
        images, noise = by_hand.batches(step), by_hand.noise(step)
        logged, means = training_step(
            by_hand.objective, by_hand.optimiser, images, noise, by_hand.coefficients(step)
        )
        assert means.shape == (4, 3)
        steps.append(logged.double())
    assert trainer.recorder.rows[0][1:5] == pytest.approx(
        torch.stack(steps).mean(dim=0)[1:].tolist()
    )


def test_callbacks_come_at_their_steps(make_trainer):
    saves, rows, asked = [], [], []
    trainer = make_trainer(phases=(7, 3), log_every=4, checkpoint_every=3)
    trainer.run(
        lambda t: saves.append(t.step),
        on_progress=lambda step, row: rows.append((step, row)),
        should_stop=lambda: asked.append(trainer.step),
    )
    assert saves == [3, 6, 9, 10]
    assert [step for step, _ in rows] == [4, 8, 10]
    assert [row for _, row in rows] == trainer.recorder.rows
    assert asked == list(range(1, 10))
    assert trainer.steps_here == 10
    assert trainer.seconds >= trainer.seconds_here > 0


def test_a_finished_run_trains_and_saves_nothing_more(make_trainer):
    trainer = make_trainer()
    trainer.run(nothing)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    saves = []
    trainer.run(saves.append)
    assert saves == []
    assert all(torch.equal(v, before[k]) for k, v in trainer.model.state_dict().items())


@pytest.mark.parametrize("step", [1, 5, 8])
def test_a_loss_that_is_not_finite_ends_the_run_at_its_step(step, make_trainer):
    class Poisoned:
        shape = (4, 3)

        def __init__(self, noise):
            self.noise = noise

        def __call__(self, number):
            return self.noise(number) * (float("inf") if number == step - 1 else 1)

    saves = []
    trainer = make_trainer(phases=(9,))
    trainer.noise = Poisoned(trainer.noise)
    with pytest.raises(Diverged) as caught:
        trainer.run(saves.append)
    assert caught.value.step == step
    assert not np.isfinite(caught.value.value)
    assert saves == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("asked", [True, False])
def test_a_weight_that_is_not_finite_is_never_saved(value, asked, make_trainer):
    """At a checkpoint within an interval of the log, and when a stop was asked for."""

    class Spoiling(torch.optim.SGD):
        def step(self):
            super().step()
            if trainer.step == 2:
                self.param_groups[0]["params"][0].data.view(-1)[0] = value

    saves = []
    trainer = make_trainer(
        phases=(9,),
        checkpoint_every=100 if asked else 3,
        make_optimiser=lambda parameters, schedule: Spoiling(parameters, lr=1e-3),
    )
    with pytest.raises(Diverged, match=r"^a weight became NaN or infinite at step 3; lower"):
        trainer.run(saves.append, should_stop=lambda: asked and trainer.step == 3)
    assert saves == []


def test_a_loss_that_is_not_finite_is_never_saved(make_trainer):
    """Though the weights are, and the interval of the log is not complete."""
    saves = []
    trainer = make_trainer(phases=(9,), checkpoint_every=2)
    forward = trainer.objective.forward

    def forward_badly(images, noise, coefficients):
        loss, logged, outputs = forward(images, noise, coefficients)
        return loss, logged * (float("nan") if trainer.step == 1 else 1), outputs

    trainer.objective.forward = forward_badly
    with pytest.raises(Diverged, match=r"^the loss became nan at step 2;"):
        trainer.run(saves.append)
    assert saves == []


def test_time_does_not_count_saving(make_trainer, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])
    trainer = make_trainer(phases=(7, 5), checkpoint_every=5)
    batches = trainer.batches

    def spend(seconds):
        now[0] += seconds

    trainer.batches = lambda step: spend(1) or batches(step)
    trainer.run(lambda trainer: spend(100))
    assert trainer.seconds == trainer.seconds_here == 12


def test_a_failing_save_ends_the_run(make_trainer):
    def fail(trainer):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        make_trainer().run(fail)


def test_the_global_generator_is_left_alone_and_has_no_influence(make_trainer):
    ends = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        trainer = make_trainer(WithDropout)
        trainer.run(nothing)
        assert torch.equal(torch.get_rng_state(), before)
        ends.append(trainer)
    assert_same(*ends)


def test_the_seed_decides_the_models_own_randomness(make_trainer):
    masks = []
    for seed in (0, 0, 1):
        trainer = make_trainer(WithDropout, seed=seed, phases=(1,))
        trainer.model.dropout.register_forward_hook(lambda _, __, out: masks.append(out == 0))
        trainer.run(nothing)
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_checkpoints_hold_plain_values_and_know_their_threads(make_trainer, freeze, thaw):
    trainer = make_trainer()
    trainer.run(nothing)
    state = thaw(freeze(trainer))
    kinds = {type(value) for value in flatten(state).values()}
    assert kinds <= {torch.Tensor, int, float, bool, str, type(None)}
    assert state["threads"] == torch.get_num_threads()
    assert state["step"] == 12
    assert state["seconds"] == trainer.seconds > 0


def test_time_adds_up_over_sessions(make_trainer, freeze, thaw):
    first = make_trainer()
    with pytest.raises(Stopped):
        first.run(nothing, should_stop=lambda: first.step == 5)
    second = make_trainer()
    second.load(thaw(freeze(first)))
    second.run(nothing)
    assert second.steps_here == 7
    assert second.seconds == pytest.approx(first.seconds + second.seconds_here)


@pytest.mark.parametrize(
    ("model_class", "values"), [(BetaVAE, {"beta": 2.0}), (FactorVAE, {"gamma": 9.0})]
)
def test_bfloat16_training_stays_finite_and_resumes(
    model_class, values, make_trainer, freeze, thaw
):
    saved = {}
    whole = make_trainer(model_class, values, amp=True, checkpoint_every=5)
    whole.run(lambda trainer: saved.setdefault(trainer.step, freeze(trainer)))
    assert all(np.isfinite(row).all() for row in whole.recorder.rows)
    assert {p.dtype for p in whole.model.parameters()} == {torch.float32}
    again = make_trainer(model_class, values, amp=True)
    again.load(thaw(saved[5]))
    again.run(nothing)
    assert_same(whole, again)


def test_encoding_gives_the_posterior_of_every_index(make_trainer, tiny_source):
    trainer = make_trainer(WithDropout, phases=(3,))
    trainer.run(nothing)
    images = Images(tiny_source, "cpu")
    index = np.array([7, 3, 39, 0, 3])
    codes, log_variances, floor = encode(trainer.model, images, index, batch_size=2)
    assert codes.shape == log_variances.shape == (5, 3)
    assert codes.dtype == log_variances.dtype == np.float32
    assert trainer.model.training
    trainer.model.eval()
    batch = images(torch.from_numpy(index))
    with torch.no_grad():
        means, expected = trainer.model.encode(batch)
    np.testing.assert_allclose(codes, means, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(log_variances, expected, rtol=1e-4, atol=1e-5)
    assert floor == pytest.approx(float(bernoulli_entropy(batch)), rel=1e-5)
    assert np.array_equal(codes[1], codes[4]) or np.allclose(codes[1], codes[4], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model_class", "values"), [(BetaVAE, {"beta": 2.0}), (FactorVAE, {"gamma": 9.0})]
)
def test_a_compiled_objective_trains_as_the_plain_one(model_class, values, make_trainer):
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, RuntimeError) as error:
        pytest.skip(f"torch.compile finds no C++ compiler: {error}")
    plain, compiled = (
        make_trainer(model_class, values),
        make_trainer(model_class, values, compiled=True),
    )
    plain.run(nothing)
    compiled.run(nothing)
    assert compiled.objective is not plain.objective
    for one, other in zip(plain.recorder.rows, compiled.recorder.rows, strict=True):
        # The total correlation of this tiny model is itself as small as rounding.
        assert one == pytest.approx(other, rel=1e-3, abs=1e-4)
    file = io.BytesIO()
    torch.save(compiled.state(), file)
    plain.model.load_state_dict(compiled.state()["model"])
