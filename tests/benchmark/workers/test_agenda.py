import dataclasses
import errno
import json
from collections import Counter
from pathlib import Path

import h5py
import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.plan import RunSpec
from disentanglement_bench.benchmark.runs import claims
from disentanglement_bench.benchmark.runs.claims import Observer
from disentanglement_bench.benchmark.workers import agenda as agenda_module
from disentanglement_bench.benchmark.workers.agenda import LOOKS, Agenda


def take_next(agenda):
    return next(iter(agenda.take(lambda spec: None)), None)


def take_together(agenda, limit):
    return list(agenda.take(lambda spec: None, lambda spec: limit))


@pytest.fixture
def hasty(monkeypatch):
    """Other processes' runs are looked at again at once."""
    monkeypatch.setattr(agenda_module, "ELSEWHERE_SECONDS", -1)
    monkeypatch.setattr(agenda_module, "LOOKS_SECONDS", -1)


def test_children_wait_for_their_parent(store, plan):
    specs = plan()
    parent, control, child = specs
    agenda = Agenda(specs, store, retry_failed=False)
    assert take_next(agenda) is parent
    assert take_next(agenda) is None
    agenda.end(parent, "done", "")
    assert [take_next(agenda), take_next(agenda), take_next(agenda)] == [control, child, None]


def test_a_failed_parent_blocks_its_children(store, plan):
    specs = plan()
    agenda = Agenda(specs, store, retry_failed=False)
    agenda.end(take_next(agenda), "failed", "for a reason")
    assert agenda.pending == []
    assert agenda.summary.counts() == {"failed": 1, "blocked": 2}
    assert agenda.summary.exit_code == 1


def test_a_run_that_another_process_owns_is_seen_again_later(store, plan, hasty):
    (spec,) = plan(models=("betavae",))
    agenda = Agenda([spec], store, retry_failed=False)
    elsewhere = []
    with store.folder(spec).claim():
        assert agenda.take(elsewhere.append) == {}
        assert not agenda.find_ready(elsewhere.append)
    assert elsewhere == [spec]
    assert list(agenda.check_elsewhere()) == []
    assert take_next(agenda) is spec


def test_runs_of_one_key_are_taken_together_in_the_order_of_the_plan(store, plan):
    specs = plan(models=("betavae", "betatcvae"), betas=(1.0, 2.0), seeds=(0, 1))
    agenda = Agenda(specs, store, retry_failed=False, key=lambda spec: spec.model.name)
    assert agenda.ready == 8
    first = take_together(agenda, 3)
    assert first == [spec for spec in specs if spec.model.name == "betavae"][:3]
    assert take_together(agenda, 9) == [s for s in specs if s.model.name == "betatcvae"]
    assert take_together(agenda, 9) == [specs[5]]
    assert take_together(agenda, 9) == []
    agenda.put_back(first)
    assert agenda.pending == take_together(agenda, 9) == first


def test_runs_without_a_key_are_alone(store, plan):
    specs = plan(models=("betavae",), betas=(1.0, 2.0))
    agenda = Agenda(specs, store, retry_failed=False, key=lambda spec: None)
    assert take_together(agenda, 8) == specs[:1]


def test_others_have_the_rest_once_their_processes_were_seen_alive(store, plan, hasty):
    parent, *_ = specs = plan()
    agenda = Agenda(specs, store, retry_failed=False)
    assert not agenda.others_have_the_rest
    with store.folder(parent).claim():
        assert take_next(agenda) is None
        assert not agenda.others_have_the_rest
        assert list(agenda.check_elsewhere()) == []
        assert agenda.others_have_the_rest
        agenda.leave()
    assert not agenda.unfinished
    assert agenda.summary.counts() == {"elsewhere": 3}
    assert agenda.summary.exit_code == 0
    assert agenda.summary.reasons[specs[1]] == "another process trains its parent"


def test_an_owner_on_another_machine_is_alive_once_it_has_counted_up(store, plan, hasty):
    (spec,) = plan(models=("betavae",))
    agenda = Agenda([spec], store, retry_failed=False)
    with store.folder(spec).claim() as claim:
        path = claim.folder / "claim-1"
        path.write_text(json.dumps({**json.loads(path.read_text()), "host": "another"}))
        assert take_next(agenda) is None
        for _ in range(2):
            assert list(agenda.check_elsewhere()) == []
            assert not agenda.others_have_the_rest, "it may be dead"
        claim._beat()
        assert list(agenda.check_elsewhere()) == []
        assert agenda.others_have_the_rest


@pytest.fixture
def many(plan):
    """12,600 runs: 840 parents with 14 children each."""
    parent, *_ = plan(models=("lambdabeta",), lambdas=(2.0,))
    parents = [dataclasses.replace(parent, seed=seed) for seed in range(840)]
    return [
        spec
        for parent in parents
        for spec in (
            parent,
            *(
                dataclasses.replace(
                    parent, hyperparameters=(("lambda", value),), parent=parent, init="parent"
                )
                for value in range(14)
            ),
        )
    ]


class EmptyStore:
    """A store in which nothing lies, that counts what is read."""

    def __init__(self):
        self.looks = Counter()

    def survey(self, plan, observer):
        return dict.fromkeys(plan, ("missing", ""))

    def folder(self, spec):
        return EmptyFolder(self, spec)


class EmptyFolder:
    def __init__(self, store, spec):
        self._store = store
        self._spec = spec
        self.path = Path("nowhere", spec.path)

    def status(self, observer=None):
        self._store.looks[self._spec.path] += 1
        return "running", ""


@pytest.fixture
def counts(monkeypatch):
    """Counts comparisons of runs, and claims that are read."""
    counted = Counter()
    equal, observe = RunSpec.__eq__, Observer.observe

    def count_equal(self, other):
        counted["compared"] += 1
        return equal(self, other)

    def count_observe(self, folder):
        counted["observed"] += 1
        return observe(self, folder)

    monkeypatch.setattr(RunSpec, "__eq__", count_equal)
    monkeypatch.setattr(Observer, "observe", count_observe)
    return counted


def test_12600_runs_cost_one_look_each_and_no_comparisons(many, counts):
    agenda = Agenda(many, EmptyStore(), retry_failed=False, key=lambda spec: spec.parent is None)
    trained = 0
    while taken := take_together(agenda, 8):
        trained += len(taken)
        for spec in taken:
            fails = spec.parent is None and spec.seed % 2
            agenda.end(spec, "failed" if fails else "done", "")
    assert trained == 840 + 420 * 14
    assert agenda.summary.counts() == {"done": 420 * 15, "failed": 420, "blocked": 420 * 14}
    assert counts["observed"] == trained
    assert counts["compared"] < len(many) / 10


def test_thousands_of_runs_elsewhere_are_looked_at_in_turn_few_at_a_time(many, monkeypatch, hasty):
    store = EmptyStore()
    monkeypatch.setattr(Observer, "observe", lambda self, folder: (True, None))
    monkeypatch.setattr(Observer, "knows_alive", lambda self, folder: True)
    agenda = Agenda(many, store, retry_failed=False)
    assert take_next(agenda) is None
    polls = -(-840 // LOOKS)
    for poll in range(1, polls + 1):
        assert list(agenda.check_elsewhere()) == []
        assert sum(store.looks.values()) == LOOKS * poll
    assert len(store.looks) == 840
    assert agenda.others_have_the_rest


def end_elsewhere(store, spec, status):
    """Leave a run as another process does that has ended it."""
    folder = store.folder(spec)
    record = {"run": spec.identity(), "config": spec.resolved()}
    folder.write_record({"status": status, "reason": "", **record})
    with h5py.File(folder.representation, "w") as file:
        file["codes"] = [1.0]


def test_what_others_have_ended_meanwhile_is_settled_without_a_claim(store, plan, monkeypatch):
    specs = plan(betas=(1.0, 2.0), lambdas=(8.0,))
    first, first_child, second, second_child = specs
    agenda = Agenda(specs, store, retry_failed=False)
    end_elsewhere(store, first, "done")
    end_elsewhere(store, second, "failed")
    monkeypatch.setattr(claims, "_create", None)
    assert take_next(agenda) is first_child
    assert agenda.take(None) == {}
    assert agenda.unfinished, "what was found is still to be told"
    assert set(agenda.check_elsewhere()) == {(first, "done"), (second, "failed")}
    assert not agenda.unfinished
    assert agenda.summary.statuses[second_child] == "blocked"


def test_failed_runs_that_are_to_be_retried_are_taken(store, plan):
    (spec,) = plan(models=("betavae",))
    end_elsewhere(store, spec, "failed")
    assert take_next(Agenda([spec], store, retry_failed=True)) is spec


def test_a_record_that_breaks_meanwhile_is_left_to_a_worker_to_name(store, plan, hasty):
    (spec,) = plan(models=("betavae",))
    agenda = Agenda([spec], store, retry_failed=False)
    with store.folder(spec).claim():
        assert agenda.take(lambda spec: None) == {}
    (store.folder(spec).path / "run.json").write_text("{")
    assert list(agenda.check_elsewhere()) == []
    assert take_next(agenda) is spec


def test_processes_that_share_a_plan_go_on_at_places_of_their_own(store, plan, monkeypatch):
    specs = plan(models=("betavae",), betas=range(1, 101))
    with store.folder(specs[1]).claim():
        alone = Agenda(specs[:1] + specs[2:], store, retry_failed=False)
        assert [take_next(alone) for _ in range(99)] == specs[:1] + specs[2:]
        places = []
        for pid in range(32):
            monkeypatch.setattr(agenda_module.os, "getpid", lambda pid=pid: pid)
            agenda = Agenda(specs, store, retry_failed=False)
            assert take_next(agenda) is specs[0]
            taken = [take_next(agenda) for _ in range(98)]
            place = specs.index(taken[0])
            assert taken == [s for s in specs[place:] + specs[2:place] if s is not specs[1]]
            places.append(place)
    assert len(set(places)) > 20


def test_a_file_system_in_trouble_does_not_end_the_call(store, plan, monkeypatch):
    (spec,) = plan(models=("betavae",))
    agenda = Agenda([spec], store, retry_failed=False)

    def fail(path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(claims, "RETRY_PAUSES", ())
    monkeypatch.setattr(claims, "_read_owner", fail)
    assert take_next(agenda) is None
    assert agenda.pending == [spec]
    with pytest.raises(BenchError, match="cannot be read"):
        Agenda([spec], store, retry_failed=False)
