"""Several runs in one process: each publishes, fails, stops and is continued by itself."""

import gc
import json
import math
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from disentanglement_bench.benchmark.runs import execute, stacked
from disentanglement_bench.benchmark.runs.checkpoints import read_checkpoint, write_checkpoint
from disentanglement_bench.benchmark.runs.execute import Execution
from disentanglement_bench.benchmark.runs.stacked import group_alike, run_together
from disentanglement_bench.evaluation.representation.file_format import read_representation
from disentanglement_bench.models.training.stacking import StackingError
from disentanglement_bench.models.zoo.betavae import BetaVAE

from .test_execute import carry_out, codes, run_json


class Stopper:
    """Asks to stop after a number of questions."""

    def __init__(self, after=math.inf):
        self.asked = 0
        self.after = after

    def __call__(self):
        self.asked += 1
        return self.asked >= self.after


def carry_out_together(
    specs, store, dataset, members=8, stop_after=math.inf, on_progress=lambda *_: None
):
    """Execute runs together in this process: outcomes by path in order of their ends, and texts."""
    outcomes, texts, claims = {}, [], []
    executions = []
    for spec in specs:
        claims.append(store.folder(spec).claim())
        executions.append(Execution(spec, store, dataset, "cpu", claims[-1], {"command": "x"}))

    def end(execution, outcome):
        assert execution.spec.path not in outcomes
        outcomes[execution.spec.path] = outcome

    run_together(
        executions,
        members,
        end,
        on_progress,
        Stopper(stop_after),
        lambda execution, text: texts.append(text),
    )
    for claim in claims:
        claim.release()
    assert outcomes.keys() == {spec.path for spec in specs}
    return outcomes, texts


def statuses(outcomes):
    return [outcome.status for outcome in outcomes.values()]


def parents(plan, count=2, **options):
    return plan(models=("betavae",), betas=tuple(range(1, 1 + count)), **options)


def assert_close_to_single_runs(specs, store, dataset):
    """The codes are those of runs that trained alone, up to round-off."""
    alone = {spec: replace(spec, tag="alone", parent=None) for spec in specs}
    for spec, single in alone.items():
        if spec.parent is None:
            carry_out(single, store, dataset)
            np.testing.assert_allclose(codes(store, spec), codes(store, single), atol=2e-3)


def test_runs_together_publish_the_same_files_as_runs_alone(store, plan, dataset):
    specs = parents(plan, seeds=(0, 1))
    rows = {}
    outcomes, texts = carry_out_together(
        specs,
        store,
        dataset,
        on_progress=lambda execution, steps, row: rows.setdefault(execution.spec, []).append(
            (steps, row[0])
        ),
    )
    assert (statuses(outcomes), texts) == (["done"] * 4, [])
    for spec in specs:
        assert rows[spec] == [(2, 2), (4, 4), (6, 6)]
        record = run_json(store, spec)
        assert [session["stack"] for session in record["sessions"]] == [4]
        assert record["steps_per_second"] > 0
        assert {f.name for f in store.folder(spec).path.iterdir()} == {
            "run.json",
            "training.csv",
            "checkpoint.pt",
            "representation.h5",
        }
    assert_close_to_single_runs(specs, store, dataset)
    assert not np.array_equal(codes(store, specs[0]), codes(store, specs[1]))


def test_children_of_one_parent_start_from_it_together(store, plan, dataset):
    parent, *children = plan(lambdas=(0.0, 4.0, 8.0))
    carry_out(parent, store, dataset)
    outcomes, _ = carry_out_together(children, store, dataset)
    assert statuses(outcomes) == ["done"] * 3
    for child in children:
        record = run_json(store, child)
        assert record["parent"]["path"] == parent.path
        assert [session["first_step"] for session in record["sessions"]] == [6]
        state = read_checkpoint(store.folder(child).checkpoint, "")
        assert {float(s["step"]) for s in state["optimiser"]["state"].values()} == {4.0}


def test_a_stack_is_continued_by_single_runs(store, plan, dataset):
    specs = parents(plan)
    outcomes, _ = carry_out_together(specs, store, dataset, stop_after=4)
    for spec in specs:
        assert outcomes[spec.path].status == "interrupted"
        assert outcomes[spec.path].reason == "stopped at step 4; its checkpoint is saved"
        assert read_checkpoint(store.folder(spec).checkpoint, "")["step"] == 4
        assert carry_out(spec, store, dataset).status == "done"
        sessions = run_json(store, spec)["sessions"]
        assert [(s["stack"], s["first_step"]) for s in sessions] == [(2, 0), (1, 4)]
    assert_close_to_single_runs(specs, store, dataset)


def test_single_runs_are_continued_by_a_stack(store, plan, dataset):
    specs = parents(plan)
    for spec in specs:
        carry_out(spec, store, dataset, stop_after=3)
    outcomes, _ = carry_out_together(specs, store, dataset)
    assert statuses(outcomes) == ["done", "done"]
    for spec in specs:
        sessions = run_json(store, spec)["sessions"]
        assert [(s["stack"], s["first_step"]) for s in sessions] == [(1, 0), (2, 3)]
    assert_close_to_single_runs(specs, store, dataset)


def test_a_session_says_that_a_stack_is_not_compiled(store, plan, dataset):
    """As the run alone would be."""
    (spec,) = parents(plan, 1)
    with store.folder(spec).claim() as claim:
        execution = Execution(spec, store, dataset, "cpu", claim, {})
        assert execution.begin() is None
        execution.compiled = True
        for members, compiled in ((2, False), (1, True)):
            execution.open_session(members)
            (session,) = execution.sessions
            assert (session["stack"], session["compile"]) == (members, compiled)


def test_a_run_alone_has_the_same_bits_as_ever(store, plan, dataset):
    (spec,) = parents(plan, 1)
    carry_out_together([spec], store, dataset)
    single = replace(spec, tag="alone")
    carry_out(single, store, dataset)
    np.testing.assert_array_equal(codes(store, spec), codes(store, single))
    assert run_json(store, spec)["sessions"][0]["stack"] == 1


def test_a_member_that_diverges_leaves_the_others_untouched(store, plan, dataset):
    bad, *good = parents(plan, 3)
    for spec in (bad, *good):
        carry_out(spec, store, dataset, stop_after=3)
    path = store.folder(bad).checkpoint
    state = read_checkpoint(path, "")
    state["model"]["encoder.0.weight"][0] = 1e30
    write_checkpoint(path, state)
    outcomes, _ = carry_out_together([good[0], bad, good[1]], store, dataset)
    assert [outcomes[spec.path].status for spec in (*good, bad)] == ["done", "done", "failed"]
    assert "became" in outcomes[bad.path].reason
    record = run_json(store, bad)
    assert (record["status"], record["reason"]) == ("failed", outcomes[bad.path].reason)
    assert "Diverged" in store.folder(bad).traceback.read_text()
    assert not store.folder(bad).representation.exists()
    assert_close_to_single_runs(good, store, dataset)


def test_a_member_that_another_process_took_over_is_left_to_it(store, plan, dataset):
    lost, kept = parents(plan)

    def take_over(execution, steps, row):
        if execution.spec == lost and steps == 2:
            claim = execution.claim
            (claim.folder / f"claim-after-{claim.token}").write_text(json.dumps({"token": "other"}))

    outcomes, _ = carry_out_together([lost, kept], store, dataset, on_progress=take_over)
    assert statuses(outcomes) == ["lost", "done"]
    assert run_json(store, lost)["status"] == "running", "the new owner's business"
    assert not store.folder(lost).checkpoint.exists()
    assert_close_to_single_runs([kept], store, dataset)


def test_runs_at_different_steps_go_on_in_different_stacks(store, plan, dataset):
    specs = parents(plan, 5)
    carry_out(specs[1], store, dataset, stop_after=3)
    carry_out(specs[3], store, dataset, stop_after=3)
    outcomes, _ = carry_out_together(specs, store, dataset)
    assert [outcomes[spec.path].status for spec in specs] == ["done", "returned"] * 2 + ["done"]
    assert store.folder(specs[1]).status()[0] == "interrupted"
    outcomes, _ = carry_out_together([specs[1], specs[3]], store, dataset)
    assert statuses(outcomes) == ["done", "done"]
    together = [run_json(store, spec)["sessions"][-1]["stack"] for spec in specs]
    assert together == [3, 2, 3, 2, 3]


def test_groups_are_of_nearly_equal_size_and_agree_in_step_and_threads():
    class Part:
        def __init__(self, step, threads=1):
            self.trainer = self
            self.step, self.threads = step, threads

    runs = [Part(0) for _ in range(9)]
    assert [len(group) for group in group_alike(runs, 4)] == [3, 3, 3]
    assert [len(group) for group in group_alike(runs, 1)] == [1] * 9
    runs = [Part(0), Part(3), Part(0, threads=2), Part(3)]
    assert group_alike(runs, 8) == [[runs[0]], [runs[1], runs[3]], [runs[2]]]


def test_a_run_that_cannot_begin_does_not_hold_the_others_up(store, plan, dataset):
    specs = parents(plan, 3)
    carry_out(specs[0], store, dataset, stop_after=3)
    store.folder(specs[0]).checkpoint.write_bytes(b"nothing")
    outcomes, _ = carry_out_together(specs, store, dataset)
    assert statuses(outcomes) == ["failed", "done", "done"]
    assert "is damaged" in outcomes[specs[0].path].reason
    assert run_json(store, specs[1])["sessions"][0]["stack"] == 2


def test_of_runs_that_cannot_be_stacked_one_is_trained_and_it_is_said(
    store, plan, dataset, monkeypatch
):
    def refuse(trainers, note):
        raise StackingError("no rule\nfor this") from cause

    specs = parents(plan)
    monkeypatch.setattr(stacked, "StackedTrainer", refuse)
    cause = None
    outcomes, texts = carry_out_together(specs, store, dataset)
    assert [outcomes[spec.path].status for spec in specs] == ["done", "returned"]
    (text,) = texts
    assert text.startswith("runs are trained one by one instead of 2 together: no rule")
    assert "\n" not in text
    assert run_json(store, specs[0])["sessions"][0]["stack"] == 1
    single = replace(specs[0], tag="alone")
    carry_out(single, store, dataset)
    np.testing.assert_array_equal(codes(store, specs[0]), codes(store, single))
    assert carry_out(specs[1], store, dataset).status == "done"

    cause = torch.OutOfMemoryError("CUDA out of memory")
    _, texts = carry_out_together(parents(plan, tag="b"), store, dataset)
    assert texts == [
        "2 runs together need more memory than there is, so they are trained one by one; give "
        "--stack a smaller number"
    ]


class Broken:
    """A stack that breaks in the middle."""

    error: BaseException

    def __init__(self, trainers, note):
        pass

    def run(self, *_):
        raise self.error


@pytest.mark.parametrize(
    ("error", "reason", "unexpected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "fewer than 2 runs together", False),
        (RuntimeError("CUDA error: unspecified launch failure\nmore"), "RuntimeError: CUDA", True),
    ],
)
def test_what_befalls_a_whole_stack_ends_all_its_runs(
    error, reason, unexpected, store, plan, dataset, monkeypatch
):
    specs = parents(plan)
    monkeypatch.setattr(Broken, "error", error, raising=False)
    monkeypatch.setattr(stacked, "StackedTrainer", Broken)
    outcomes, _ = carry_out_together(specs, store, dataset)
    for spec in specs:
        outcome = outcomes[spec.path]
        assert (outcome.status, outcome.unexpected) == ("failed", unexpected)
        assert reason in outcome.reason
        assert run_json(store, spec)["status"] == "failed"
        assert type(error).__name__ in store.folder(spec).traceback.read_text()


def test_a_stop_before_runs_are_published_leaves_that_to_the_next_call(store, plan, dataset):
    specs = parents(plan)
    # Asked after each step but the last, then before each run is published.
    outcomes, _ = carry_out_together(specs, store, dataset, stop_after=6)
    assert statuses(outcomes) == ["interrupted"] * 2
    assert not store.folder(specs[0]).representation.exists()
    assert read_checkpoint(store.folder(specs[0]).checkpoint, "")["step"] == 6
    outcomes, _ = carry_out_together(specs, store, dataset)
    assert statuses(outcomes) == ["done"] * 2
    assert len(run_json(store, specs[0])["sessions"]) == 1
    assert read_representation(store.folder(specs[0]).representation).codes.shape == (30, 3)


def test_a_model_that_exits_in_a_stack_ends_no_worker(store, plan, dataset, monkeypatch):
    def leave(*_):
        raise SystemExit(3)

    specs = parents(plan)
    monkeypatch.setattr(BetaVAE, "loss", leave)
    outcomes, _ = carry_out_together(specs, store, dataset)
    assert statuses(outcomes) == ["failed", "failed"]
    assert "sys.exit(3)" in outcomes[specs[0].path].reason


@pytest.mark.parametrize("case", ["together", "alone", "stopped", "refused"])
def test_ended_runs_leave_no_trainers_behind(case, store, plan, dataset, monkeypatch):
    """They hold a data set's images, for which a device may have room only once."""
    trainers, build = [], execute.build_trainer

    def build_and_watch(*arguments):
        trainer = build(*arguments)
        trainers.append(weakref.ref(trainer))
        return trainer

    monkeypatch.setattr(execute, "build_trainer", build_and_watch)
    if case == "refused":
        monkeypatch.setattr(stacked.StackedTrainer, "_try_step", _refuse)
    # The first optimiser of a process imports modules, which may keep who asked for it.
    torch.optim.Adam([torch.zeros(1)])
    gc.collect()
    gc.disable()
    try:
        members, stop_after = 1 if case == "alone" else 8, 4 if case == "stopped" else math.inf
        carry_out_together(parents(plan), store, dataset, members, stop_after)
        assert len(trainers) == 2
        assert [trainer() for trainer in trainers] == [None, None]
    finally:
        gc.enable()


def _refuse(trainer, step):
    raise StackingError("no rule for this")
