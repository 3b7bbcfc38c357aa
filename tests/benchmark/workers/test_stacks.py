"""Which runs go together, how many of them, and what is measured for it."""

import dataclasses
from dataclasses import replace

import pytest

from disentanglement_bench.benchmark.workers.calibration import Calibration
from disentanglement_bench.benchmark.workers.choices import Choices
from disentanglement_bench.benchmark.workers.measuring import Measurement
from disentanglement_bench.benchmark.workers.processes import Worker
from disentanglement_bench.benchmark.workers.sizes import StackSizes
from disentanglement_bench.benchmark.workers.stacks import measuring_key, stacking_key

SHAPE = (16, 16, 1)


def test_runs_that_differ_in_coefficients_and_seeds_only_go_together(plan):
    options = {"models": ("betatcvae", "lambdabeta"), "seeds": (0, 1), "init": "scratch"}
    specs = [spec for spec in plan(**options) if spec.phases == (6, 4) and spec.start == 0]
    assert {spec.model.name for spec in specs} == {"betatcvae", "lambdabeta"}
    assert len({stacking_key(spec) for spec in specs}) == 1
    parent, control, child = plan()
    assert stacking_key(control) == stacking_key(child) != stacking_key(parent)


@pytest.mark.parametrize(
    "settings",
    [("latent_size", "4"), ("learning_rate", "0.1"), ("log_every", "3"), ("amp", "bf16")],
)
def test_runs_of_other_settings_do_not(settings, plan):
    (spec,) = plan(models=("betavae",))
    (other,) = plan(models=("betavae",), settings=[settings])
    assert stacking_key(spec) != stacking_key(other)
    assert stacking_key(spec) != stacking_key(dataclasses.replace(spec, dataset="other"))


def test_a_model_with_an_adversary_is_alone_but_has_a_cost(plan):
    specs = plan(models=("factorvae",), sweeps={"gamma": (2.0, 5.0)})
    assert [stacking_key(spec) for spec in specs] == [None, None]
    assert measuring_key(specs[0], SHAPE) == measuring_key(specs[1], SHAPE)
    (spec,) = plan(models=("betavae",))
    assert measuring_key(spec, SHAPE) != measuring_key(specs[0], SHAPE)


def test_cost_depends_on_shapes_and_not_on_phases_or_rates(plan):
    parent, child, _ = plan()
    assert measuring_key(parent, (64, 64, 1)) == measuring_key(child, (32, 32, 1)), "pooled alike"
    (other,) = plan(models=("betavae",), settings=[("learning_rate", "0.1")])
    assert measuring_key(other, SHAPE) == measuring_key(parent, SHAPE)
    (other,) = plan(models=("betavae",), settings=[("batch_size", "4")])
    assert measuring_key(other, SHAPE) != measuring_key(parent, SHAPE)
    for way in ({"compiled": True}, {"deterministic": True}, {"graphs": False}):
        assert measuring_key(parent, SHAPE, **way) != measuring_key(parent, SHAPE), way
    assert measuring_key(parent, (16, 16, 3)) != measuring_key(parent, SHAPE)


def test_sizes_are_those_that_were_asked_for(plan):
    (spec,), (alone,) = (
        plan(models=("betavae",)),
        plan(models=("factorvae",), sweeps={"gamma": (2.0,)}),
    )
    assert [StackSizes(1).find(spec), StackSizes(8).find(spec)] == [1, 8]
    assert StackSizes(8).find(alone) == 1
    assert StackSizes(1).key(spec) is None
    sizes = StackSizes(8)
    sizes.refuse(spec)
    assert sizes.find(spec) == 1


class Calls:
    """Workers that answer what they are asked, and what was told and asked."""

    def __init__(self, plan, tmp_path, jobs=2, steps=10**5, speeds=(100.0, 160.0)):
        self.specs = plan(models=("betavae",), betas=(1.0, 2.0, 4.0, 8.0), steps=steps)
        self.sizes = StackSizes("auto")
        self.sizes.set_image_shapes({"tiny": SHAPE})
        self.told, self.asked = [], []
        self.speeds = dict(zip((1, 2), speeds, strict=True))
        self.workers = [Worker(None, None, slot, "cpu", ready=True) for slot in range(jobs)]
        self.choices = Choices(tmp_path, "cpu", 1, jobs)
        self.calibration = Calibration(self.specs, self.sizes, ["cpu"], jobs, self.told.append)

    def send(self, worker, message):
        self.asked.append(message)
        worker.message = message

    def answer(self, worker):
        return tuple(Measurement(m, 1 / self.speeds[m], 1) for m in worker.message.sizes)

    def run(self):
        while not self.calibration.done:
            self.calibration.go_on(self.workers, self.choices, self.send)
            for worker in self.workers:
                if worker.measuring:
                    assert not worker.idle
                    self.calibration.receive(worker, self.answer(worker))
        return self.sizes.find(self.specs[0])


def test_a_calibration_asks_all_workers_and_keeps_the_choice(plan, tmp_path):
    calls = Calls(plan, tmp_path)
    assert calls.run() == 2
    # 4 runs of 100,000 steps at 200 a second take 2,000 s: a fiftieth may be spent.
    first, again, second, _ = calls.asked
    assert first == again
    assert (first.sizes, first.workers, len(first.specs)) == ((1,), 2, 1)
    assert (second.sizes, second.seconds, second.specs) == ((1, 2), 40.0, tuple(calls.specs[:2]))
    assert calls.told == ["stacks of 2 runs on cpu: 320 run-steps/s, 200 one by one"]
    later = Calls(plan, tmp_path)
    assert (later.run(), later.asked) == (2, [])
    assert later.told == calls.told


def test_a_calibration_that_costs_too_much_is_not_made(plan, tmp_path):
    calls = Calls(plan, tmp_path, steps=5_000)
    assert (calls.run(), len(calls.asked)) == (1, 2)
    assert calls.told == []
    calls = Calls(plan, tmp_path, steps=100)
    assert (calls.run(), calls.asked) == (1, [])


def test_with_a_worker_for_every_run_nothing_is_measured(plan, tmp_path):
    assert Calls(plan, tmp_path, jobs=4).calibration.done


def test_a_worker_that_is_lost_while_it_measures_means_one_by_one(plan, tmp_path):
    calls = Calls(plan, tmp_path)
    ordinary = calls.answer
    calls.answer = lambda worker: (
        () if worker.slot and worker.message.sizes != (1,) else ordinary(worker)
    )
    assert calls.run() == 1
    assert calls.choices.find(calls.sizes.kind(calls.specs[0])) is None
    (told,) = calls.told
    assert told.startswith("runs are trained one by one: a worker could not end its measurement")


def test_a_model_that_cannot_be_stacked_is_trained_one_by_one_and_it_is_said_why(plan, tmp_path):
    calls = Calls(plan, tmp_path)
    ordinary = calls.answer
    calls.answer = lambda worker: tuple(
        replace(found, error="it has a buffer") if found.members > 1 else found
        for found in ordinary(worker)
    )
    assert calls.run() == 1
    assert calls.told[0] == "runs are trained one by one: it has a buffer"
    assert calls.told[-1] == "runs one by one on cpu: 200 run-steps/s, no stack is faster"


def test_a_choice_that_cannot_be_kept_is_used_and_it_is_said(plan, tmp_path, monkeypatch):
    def full(self, kind, choice):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Choices, "store", full)
    calls = Calls(plan, tmp_path)
    assert calls.run() == 2
    assert "cannot be written (No space left on device)" in calls.told[0]
