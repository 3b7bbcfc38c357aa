import builtins
import io
import json
import os

import h5py
import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.reporting.overview import show_status
from disentanglement_bench.benchmark.runs.claims import Observer
from disentanglement_bench.benchmark.runs.store import Store, find_damage


def record(spec, status="done", **changes):
    return {
        "status": status,
        "reason": "",
        "run": spec.identity(),
        "config": spec.resolved(),
        **changes,
    }


def publish(folder):
    """A representation, as far as its length and first bytes tell."""
    with h5py.File(folder.representation, "w") as file:
        file["codes"] = [1.0]


def test_a_run_lies_where_its_identity_says(store, plan):
    spec = plan()[0]
    assert store.folder(spec).path == store.runs / "tiny/quick/betavae/beta=2/seed-0"


def test_statuses(store, plan):
    folder = store.folder(plan()[0])
    observer = Observer()
    assert folder.status(observer) == ("missing", "")
    folder.write_record(record(plan()[0], "running"))
    assert folder.status(observer) == ("interrupted", "its process ended")
    with folder.claim():
        assert folder.status(observer) == ("running", "")
    folder.write_record(record(plan()[0], "failed", reason="why"))
    assert folder.status(observer) == ("failed", "why")
    folder.write_record(record(plan()[0]))
    publish(folder)
    with folder.claim():
        assert folder.status(observer) == ("done", "")


def test_a_run_that_is_published_while_it_is_looked_at_was_not_interrupted(store, plan):
    folder, observer = store.folder(plan()[0]), Observer()
    folder.write_record(record(plan()[0], "running"))

    class Late:
        """Looks for the claim after the owner has published the run and let go."""

        def observe(self, path):
            folder.write_record(record(plan()[0]))
            publish(folder)
            return observer.observe(path)

    assert folder.status(Late()) == ("done", "")


@pytest.fixture
def places(store, monkeypatch):
    """What is opened, looked up or listed below the runs' folder: one path for each call."""
    seen = []

    def note(function):
        def call(path, *arguments, **options):
            if str(path).startswith(str(store.runs)):
                seen.append(str(path))
            return function(path, *arguments, **options)

        return call

    for module in (os, io, builtins):
        for name in ("open", "stat", "lstat", "listdir", "scandir"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, note(getattr(module, name)))
    return seen


def test_a_finished_run_costs_two_files(store, plan, places):
    specs = plan(betas=range(1, 6), lambdas=(0.0,))
    for spec in specs:
        folder = store.folder(spec)
        folder.write_record(record(spec))
        publish(folder)
        (folder.path / "scores").mkdir()
    observer = Observer()
    places.clear()
    assert {status for status, _ in store.survey(specs, observer).values()} == {"done"}
    assert len(places) == 2 * len(specs), places
    places.clear()
    show_status(store.results)
    runs = [place for place in places if "/seed-" in place]
    # Its folder is looked up and listed, and the two files are read.
    assert len(runs) == 4 * len(specs), runs


def test_a_run_that_is_not_there_costs_two_looks(store, plan, places):
    specs = plan(betas=range(1, 6), lambdas=(0.0,))
    store.survey(specs, Observer())
    # Its record, and whether anybody has claimed it.
    assert len(places) == 2 * len(specs), places


def test_a_run_of_another_configuration_is_refused_with_the_keys(store, plan):
    spec = plan()[0]
    store.folder(spec).write_record(record(spec))
    store.survey(plan())
    with pytest.raises(BenchError, match=r"batch_size: 8 there, 4 wanted.*--tag NAME") as caught:
        store.survey(plan(settings=[("batch_size", "4")]))
    assert caught.value.exit_code == 2


def test_a_broken_record_is_named(store, plan):
    folder = store.folder(plan()[0])
    folder.path.mkdir(parents=True)
    (folder.path / "run.json").write_text("{")
    with pytest.raises(BenchError, match=r"run\.json.*remove the file"):
        folder.read()


def test_claiming_clears_what_was_left_half_written(store, plan):
    folder = store.folder(plan()[0])
    folder.path.mkdir(parents=True)
    (folder.path / ".checkpoint.pt.1.abc.tmp").write_text("half")
    with folder.claim():
        assert not list(folder.path.glob(".*.tmp"))


def test_a_lost_run_is_recorded_as_failed(store, plan):
    spec = plan()[0]
    folder = store.folder(spec)
    folder.write_record(record(spec, "running"))
    folder.record_lost(spec, "its worker process was ended by SIGKILL")
    assert folder.status(Observer()) == ("failed", "its worker process was ended by SIGKILL")
    assert "SIGKILL" in folder.traceback.read_text()
    assert json.loads((folder.path / "run.json").read_text())["config"] == spec.resolved()


def test_a_done_run_is_never_recorded_as_lost(store, plan):
    spec = plan()[0]
    store.folder(spec).write_record(record(spec))
    publish(store.folder(spec))
    store.folder(spec).record_lost(spec, "lost")
    assert store.folder(spec).status(Observer())[0] == "done"


def test_a_results_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(BenchError, match=r"cannot write to .*--results"):
        Store(tmp_path / "results").check_writable()


@pytest.mark.parametrize("libver", ["earliest", "v110", "latest"])
def test_damage_of_a_file_is_seen_in_its_first_bytes_and_length(libver, tmp_path):
    path = tmp_path / "representation.h5"
    assert find_damage(path) == "is missing"
    with h5py.File(path, "w", libver=libver) as file:
        file["codes"] = list(range(100))
    assert find_damage(path) is None
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    assert find_damage(path) == f"has {len(content) - 5:,} bytes instead of {len(content):,}"
    path.write_bytes(bytes(len(content)))
    assert find_damage(path) == "is no HDF5 file"
    path.write_bytes(b"")
    assert find_damage(path) == "is no HDF5 file"


def test_a_configuration_that_is_none_is_named(store, plan):
    folder = store.folder(plan()[0])
    folder.write_record({"status": "failed", "config": [1]})
    with pytest.raises(BenchError, match=r"run\.json.*config.*remove the file"):
        store.survey(plan())
