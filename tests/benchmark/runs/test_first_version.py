"""Runs that version 0.1.0 left: done ones count, parents and checkpoints are continued."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from disentanglement_bench.benchmark import datasets
from disentanglement_bench.benchmark.protocol.request import TrainRequest
from disentanglement_bench.benchmark.runs.checkpoints import read_checkpoint
from disentanglement_bench.benchmark.runs.claims import Observer
from disentanglement_bench.benchmark.runs.execute import Execution
from disentanglement_bench.benchmark.runs.store import Store
from disentanglement_bench.evaluation.representation.file_format import read_representation

OLD = Path(__file__).parents[2] / "data/results-0.1.0"


@pytest.fixture
def store(tmp_path):
    shutil.copytree(OLD, tmp_path / "results")
    return Store(tmp_path / "results")


def plan(**changes):
    request = TrainRequest(
        models=("lambdabeta", "betatcvae"),
        seeds=(0, 1),
        steps=40,
        betas=(1.0, 8.0),
        settings=(("n_train", "240"), ("n_test", "120"), ("image_size", "16")),
    )
    return replace(request, **changes).plan()


def carry_out(spec, store):
    with store.folder(spec).claim() as claim:
        dataset = datasets.load_dataset("sprites-small")
        return Execution(spec, store, dataset, "cpu", claim, {}).run()


def find(plan, path):
    return next(spec for spec in plan if spec.path.endswith(path))


def test_done_runs_are_skipped(store):
    states = store.survey(plan(), Observer())
    assert len(states) == 16
    assert set(states.values()) == {("done", "")}


def test_a_child_continues_from_a_parent(store):
    spec = find(plan(lambdas=(0.0, 2.0, 8.0)), "lambdabeta/beta=8,lambda=2/seed-0")
    assert carry_out(spec, store).status == "done"
    record = store.folder(spec).read()
    assert record["config"]["start"] == 40
    assert record["parent"]["path"] == spec.parent.path


def test_a_child_trained_again_is_the_one_of_then(store):
    spec = find(plan(), "lambdabeta/beta=8,lambda=8/seed-0")
    folder = store.folder(spec)
    then, figures = read_representation(folder.representation), folder.read()["final"]
    shutil.rmtree(folder.path)
    torch.set_num_threads(1)
    assert carry_out(spec, store).status == "done"
    now = read_representation(folder.representation)
    assert (now.index == then.index).all()
    assert (now.factors == then.factors).all()
    assert abs(now.codes - then.codes).max() < 1e-4
    assert folder.read()["final"]["nll"] == pytest.approx(figures["nll"], rel=1e-5)


def test_an_interrupted_run_goes_on_from_its_checkpoint(store):
    spec = find(plan(), "betavae/beta=8/seed-0")
    folder = store.folder(spec)
    record = json.loads((folder.path / "run.json").read_text())
    then = read_representation(folder.representation).codes
    folder.representation.unlink()
    (folder.path / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    old_hash = read_checkpoint(folder.checkpoint, "")["config_sha256"]
    assert carry_out(spec, store).status == "done"
    new = read_checkpoint(folder.checkpoint, "")
    assert new["config_sha256"] == folder.read()["config_sha256"] != old_hash
    assert abs(read_representation(folder.representation).codes - then).max() < 1e-4


def test_a_checkpoint_is_refused_where_the_record_beside_it_says_something_else(store):
    spec = find(plan(), "betavae/beta=8/seed-0")
    folder = store.folder(spec)
    record = json.loads((folder.path / "run.json").read_text())
    record |= {"status": "interrupted", "config_sha256": "0" * 64}
    (folder.path / "run.json").write_text(json.dumps(record))
    assert "belongs to another configuration" in carry_out(spec, store).reason
