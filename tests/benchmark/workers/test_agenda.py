import errno

import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.runs import claims
from disentanglement_bench.benchmark.workers.agenda import Agenda


def take_next(agenda):
    spec, _ = agenda.next_ready(lambda spec: None)
    if spec is not None:
        agenda.take(spec)
    return spec


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


def test_a_run_that_another_process_owns_is_seen_again_later(store, plan, monkeypatch):
    (spec,) = plan(models=("betavae",))
    agenda = Agenda([spec], store, retry_failed=False)
    elsewhere = []
    with store.folder(spec).claim():
        assert agenda.next_ready(elsewhere.append) == (None, None)
    assert elsewhere == [spec]
    monkeypatch.setattr("disentanglement_bench.benchmark.workers.agenda.ELSEWHERE_SECONDS", -1)
    assert list(agenda.check_elsewhere()) == []
    assert take_next(agenda) is spec


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
