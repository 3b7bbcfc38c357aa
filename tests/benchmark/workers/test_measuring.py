import math

import pytest
import torch

from disentanglement_bench.benchmark.runs.building import build_trainer
from disentanglement_bench.benchmark.workers import measuring
from disentanglement_bench.benchmark.workers.measuring import Measurement, measure
from disentanglement_bench.models.training.images import Images
from disentanglement_bench.models.training.loop import Stopped
from disentanglement_bench.models.zoo.betavae import BetaVAE


class Idle:
    """A stack that counts its steps and does nothing else."""

    def __init__(self, trainers):
        self.members = trainers

    def run(self, save, on_progress, should_stop, on_failure):
        while not should_stop():
            self.members[0].step += 1
        raise Stopped(self.members[0].step)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Few bursts, of one step."""
    monkeypatch.setattr(measuring, "BURST_SECONDS", 0)
    monkeypatch.setattr(measuring, "ROUNDS", measuring.FEWEST_ROUNDS)
    monkeypatch.setattr(measuring, "release_memory", lambda device: None)


@pytest.fixture
def idle(monkeypatch):
    monkeypatch.setattr(measuring, "StackedTrainer", Idle)


@pytest.fixture
def images(dataset):
    return Images(dataset.source, "cpu")


@pytest.fixture
def specs(plan):
    return plan(models=("betavae",), betas=(1.0, 2.0, 4.0), seeds=(0, 1))


@pytest.fixture
def costs(monkeypatch, idle):
    """Make a step of so many members take a given number of seconds."""

    def make(**seconds):
        table = {int(members.strip("_")): value for members, value in seconds.items()}
        monkeypatch.setattr(
            measuring._Group, "_time", lambda self, steps: table[len(self._trainers)]
        )

    return make


def measure_here(specs, images, sizes=(1, 2, 4), seconds=600, **options):
    return measure(specs, images, (4, 4, 4), "cpu", sizes, seconds, **options)


def speeds_of(measurements):
    return {
        measured.members: pytest.approx(measured.run_steps_per_second) for measured in measurements
    }


def test_the_single_run_and_stacks_are_measured(specs, images):
    found = measure_here(specs, images)
    assert [measured.members for measured in found] == [1, 2, 4]
    for measured in found:
        assert measured.error == ""
        assert 0 < measured.seconds_per_run_step < math.inf
        assert measured.memory_bytes >= 0


def test_run_steps_are_counted_over_all_members(specs, images, costs):
    costs(_1=0.1, _2=0.125, _4=0.2)
    assert speeds_of(measure_here(specs, images)) == {1: 10, 2: 16, 4: 20}


def test_the_speed_of_a_stack_is_relative_to_the_single_run_beside_it(
    specs, images, monkeypatch, idle
):
    """The machine is twice as slow from the second size on."""
    single = iter([0.1] * 5 + [0.2] * 100)
    monkeypatch.setattr(
        measuring._Group,
        "_time",
        lambda self, steps: next(single) if len(self._trainers) == 1 else 0.2,
    )
    assert speeds_of(measure_here(specs, images, (2,))) == {1: 10, 2: 20}


def test_larger_stacks_are_not_tried_after_two_that_were_not_faster(specs, images, costs):
    costs(_1=1.0, _2=2.2, _4=3.0, _8=7.0, _16=13.0, _32=1.0)
    found = measure_here(specs, images, (1, 2, 4, 8, 16, 32))
    assert [measured.members for measured in found] == [1, 2, 4, 8, 16]


def test_what_would_not_fit_in_the_time_is_not_begun(specs, images, costs):
    costs(_1=1.0, _2=1.0, _4=1.0)
    assert [m.members for m in measure_here(specs, images, seconds=20)] == [1, 2]
    assert [m.members for m in measure_here(specs, images, seconds=0)] == [1]


def test_what_would_not_fit_in_the_memory_is_not_begun(specs, images, costs, monkeypatch):
    costs(_1=1.0, _2=1.0, _4=1.0)
    used = iter([0, 70, 0, 100, 0, 200, 0])
    monkeypatch.setattr(measuring, "memory_in_use", lambda device, peak=False: next(used))
    monkeypatch.setattr(measuring, "free_memory", lambda device: 399)
    found = measure_here(specs, images)
    assert [(m.members, m.memory_bytes) for m in found] == [(1, 100), (2, 200)]
    used = iter([0, 70, 0, 100])
    assert [m.members for m in measure_here(specs, images, workers=2)] == [1]


def fail_beyond(members, error):
    class Failing(Idle):
        def __init__(self, trainers):
            super().__init__(trainers)
            if len(trainers) > members:
                raise error

    return Failing


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out of memory"),
        (RuntimeError("vmap: no batching rule\nfor this"), "vmap: no batching rule"),
        (SystemExit(3), "sys.exit(3)"),
    ],
)
def test_a_failure_is_a_measurement_and_ends_the_growth(
    specs, images, costs, monkeypatch, error, reason
):
    costs(_1=1.0, _2=1.0, _4=1.0)
    monkeypatch.setattr(measuring, "StackedTrainer", fail_beyond(2, error))
    *good, failed = measure_here(specs, images, (2, 4, 8))
    assert [measured.members for measured in good] == [1, 2]
    assert failed == Measurement(4, math.inf, 0, error=failed.error)
    assert reason in failed.error
    assert failed.run_steps_per_second == 0


def test_a_member_that_fails_fails_its_size(specs, images, monkeypatch):
    class Dropping(Idle):
        def run(self, save, on_progress, should_stop, on_failure):
            on_failure(self.members[0], ArithmeticError("the loss became NaN"))
            super().run(save, on_progress, should_stop, on_failure)

    monkeypatch.setattr(measuring, "StackedTrainer", Dropping)
    assert "the loss became NaN" in measure_here(specs, images, (2,))[1].error


def test_a_model_that_cannot_be_trained_is_one_failed_measurement(specs, images, monkeypatch):
    monkeypatch.setattr(BetaVAE, "loss", lambda *_: 1 / 0)
    (failed,) = measure_here(specs, images)
    assert "division by zero" in failed.error


def test_a_wish_to_stop_ends_the_measurement(specs, images, idle):
    assert measure_here(specs, images, should_stop=lambda: True) == ()
    steps = []

    def after_some_steps():
        steps.append(None)
        return len(steps) > 5

    assert [m.members for m in measure_here(specs, images, should_stop=after_some_steps)] == [1]


def test_nothing_stays_behind(specs, images):
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    measure_here(specs, images, (2,))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_training_afterwards_has_the_same_bits(specs, images):
    def train(spec):
        trainer = build_trainer(spec, images, (4, 4, 4), "cpu")
        trainer.run(lambda trainer: None)
        return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])

    before = train(specs[0])
    measure_here(specs, images, (2,))
    assert torch.equal(train(specs[0]), before)


@pytest.mark.parametrize("model", ["lambdabeta", "annealedvae", "factorvae"])
def test_continuations_and_models_with_members_of_their_own_are_measured(plan, images, model):
    specs = [spec for spec in plan(models=(model,), sweeps={}) if spec.model.name == model]
    (found,) = measure_here(specs[-1:], images, (1,))
    assert found.error == ""
    assert found.run_steps_per_second > 0
