import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from disentanglement_bench.benchmark.datasets.base import Dataset, ImageSource
from disentanglement_bench.benchmark.reporting.pictures import make_pictures
from disentanglement_bench.benchmark.runs.execute import Execution
from disentanglement_bench.evaluation import evaluate_paths
from disentanglement_bench.evaluation.files import read_json, write_json
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.median_runs import median_runs


@pytest.fixture
def runs(store, plan, dataset, tmp_path):
    """Two trained settings, and the data set that loading by name gives for them."""
    for spec in plan(lambdas=(8.0,)):
        with store.folder(spec).claim() as claim:
            outcome = Execution(spec, store, dataset, "cpu", claim, {"command": "x"}).run()
        assert outcome.status == "done", outcome.reason
    return collect(store.results)


@pytest.fixture
def loads(monkeypatch, dataset):
    calls = []

    def load(name, data_dir=None):
        calls.append(name)
        return dataset

    monkeypatch.setattr("disentanglement_bench.benchmark.datasets.load_dataset", load)
    return calls


def test_every_setting_gets_its_pictures(runs, loads, tmp_path):
    data = make_pictures(runs, tmp_path / "pictures")
    assert data["skipped"] == []
    assert {entry["method"] for entry in data["pictures"]} == {"betavae_first", "lambdabeta"}
    assert loads == ["tiny"]
    for entry in data["pictures"]:
        assert set(entry["files"]) == {"reconstructions.png", "traversals.png", "traversals.gif"}
        assert all(
            (tmp_path / "pictures" / path).stat().st_size for path in entry["files"].values()
        )
        assert sorted(entry["latents"]) == [0, 1, 2]
        assert entry["kl"] == sorted(entry["kl"], reverse=True)
    assert read_json(tmp_path / "pictures" / "pictures.json")["pictures"] == data["pictures"]


def test_pictures_are_drawn_once(runs, loads, tmp_path):
    first = make_pictures(runs, tmp_path / "pictures")
    told = []
    second = make_pictures(runs, tmp_path / "pictures", progress=told.append)
    assert second["pictures"] == first["pictures"]
    assert told == []
    assert loads == ["tiny"]
    gone = tmp_path / "pictures" / first["pictures"][0]["files"]["traversals.gif"]
    gone.unlink()
    make_pictures(runs, tmp_path / "pictures", progress=told.append)
    assert len(told) == 1
    assert gone.exists()


def test_other_data_are_not_drawn(runs, monkeypatch, tmp_path):
    source = ImageSource("uint8", np.zeros((64, 16, 16, 1), np.uint8), (16, 16, 1))
    other = Dataset("tiny", "2", ("x",), (64,), source, {"name": "tiny", "version": "2"})
    monkeypatch.setattr(
        "disentanglement_bench.benchmark.datasets.load_dataset", lambda name, data_dir=None: other
    )
    data = make_pictures(runs, tmp_path / "pictures")
    assert data["pictures"] == []
    assert len(data["skipped"]) == 2
    assert all("not the one that it was trained on" in text for text in data["skipped"])


def test_a_checkpoint_that_does_not_fit_skips_one_setting_only(runs, loads, tmp_path):
    folder = runs.loc[runs["method"] == "lambdabeta", "folder"].iloc[0]
    path = f"{folder}/checkpoint.pt"
    state = torch.load(path, weights_only=True)
    state["model"] = {"other": torch.zeros(1)}
    torch.save(state, path)
    data = make_pictures(runs, tmp_path / "pictures")
    assert [entry["method"] for entry in data["pictures"]] == ["betavae_first"]
    assert len(data["skipped"]) == 1
    assert "does not fit the model" in data["skipped"][0]


def test_a_record_without_configuration_is_skipped_with_its_reason(runs, loads, tmp_path):
    folder = runs.loc[runs["method"] == "lambdabeta", "folder"].iloc[0]
    record = read_json(f"{folder}/run.json")
    del record["config"]
    write_json(f"{folder}/run.json", record)
    (text,) = make_pictures(runs, tmp_path / "pictures")["skipped"]
    assert "does not say what was trained" in text


def test_a_representation_from_elsewhere_stands_beside_trained_runs(store, runs, loads, tmp_path):
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 3, size=(60, 2))
    np.savez(store.results / "mine.npz", codes=factors * 1.0, factors=factors, model="mine")
    evaluate_paths(str(store.results), metrics=["mig"])
    runs = collect(store.results)
    assert runs["source"].eq("external").sum() == 1
    data = make_pictures(runs, tmp_path / "pictures")
    assert {entry["method"] for entry in data["pictures"]} == {"betavae_first", "lambdabeta"}
    assert data["skipped"] == []


def test_runs_without_checkpoints_leave_no_trace(runs, loads, tmp_path):
    for folder in runs["folder"]:
        shutil.move(f"{folder}/checkpoint.pt", f"{folder}/elsewhere")
    assert make_pictures(runs, tmp_path / "pictures")["pictures"] == []
    assert not (tmp_path / "pictures").exists()


def frame(values, key="mig"):
    rows = [
        {
            "dataset": "d", "protocol": "p", "method": "betavae", "curve": "betavae",
            "setting": "beta=2", "beta": 2.0, "lambda": 0.0, "seed": seed, "status": "scored",
            key: value,
        }
        for seed, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_median_run_is_the_lower_middle_one_of_those_with_a_score():
    assert median_runs(frame([0.1, 0.9, 0.4]))["seed"].tolist() == [2]
    assert median_runs(frame([0.1, 0.9, 0.4, 0.3]))["seed"].tolist() == [3]
    assert median_runs(frame([np.nan, 0.9, np.nan]))["seed"].tolist() == [1]


def test_without_mig_the_nll_decides_and_else_the_first_seed():
    found = median_runs(frame([30.0, 20.0, 25.0], "nll"))
    assert found[["seed", "median_by"]].to_numpy().tolist() == [[2, "nll"]]
    found = median_runs(frame([1.0, 2.0], "unknown"))
    assert found[["seed", "median_by"]].to_numpy().tolist() == [[0, "seed"]]
