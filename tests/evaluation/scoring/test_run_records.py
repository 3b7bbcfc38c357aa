import json
import shutil
from pathlib import Path

import pytest

from disentanglement_bench.evaluation.files import RecordError, write_json
from disentanglement_bench.evaluation.scoring import run_records
from disentanglement_bench.evaluation.scoring.run_records import find_runs, read_run

OLD = Path(__file__).parents[2] / "data/results-0.1.0/runs/sprites-small/quick"


def run(**changes):
    return {"schema_version": 2, "status": "done", **changes}


def test_read_run_by_file_or_folder(tmp_path):
    write_json(tmp_path / "run.json", run(reason=None))
    record = read_run(tmp_path)
    assert record == read_run(tmp_path / "run.json")
    assert record["reason"] == ""
    for part in ("run", "config", "dataset", "final", "method"):
        assert isinstance(record[part], dict)
    with pytest.raises(FileNotFoundError):
        read_run(tmp_path / "none")


def test_migrations_are_applied_in_turn(tmp_path, monkeypatch):
    write_json(tmp_path / "run.json", run(schema_version=1, note="a"))
    migrations = {
        1: lambda record: {**record, "note": record["note"] + "b"},
        2: lambda record: {**record, "note": record["note"] + "c"},
    }
    monkeypatch.setattr(run_records, "MIGRATIONS", migrations)
    monkeypatch.setattr(run_records, "RUN_SCHEMA_VERSION", 3)
    record = read_run(tmp_path)
    assert record["note"] == "abc"
    assert record["schema_version"] == 3


def test_records_of_the_first_version_learn_their_method():
    lambdabeta = read_run(OLD / "lambdabeta/beta=8,lambda=8/seed-0")
    assert lambdabeta["config"]["model"] == lambdabeta["run"]["model"] == "lambdabeta"
    assert lambdabeta["method"] == {
        "name": "lambdabeta",
        "label": "λβ-VAE",
        "citation": "vu2026mutual",
        "continues": "betavae",
        "reduces_to": [
            {"name": "vae", "label": "VAE", "where": {"beta": 1, "lambda": 0}},
            {"name": "betavae", "label": "β-VAE", "where": {"lambda": 0}},
        ],
        "axis": "beta",
        "symbols": {"beta": "β", "lambda": "λ"},
    }
    betavae = read_run(OLD / "betavae/beta=8/seed-0")
    assert betavae["method"]["continues"] is None
    assert [entry["name"] for entry in betavae["method"]["reduces_to"]] == ["vae"]
    betatcvae = read_run(OLD / "betatcvae/beta=8/seed-0")
    assert betatcvae["method"]["label"] == "β-TCVAE"
    assert betatcvae["method"]["reduces_to"] == []


def test_an_old_record_of_an_own_model_is_named_as_its_run(tmp_path):
    config = {"model": "pkg.mod:VAE"}
    old = run(schema_version=1, run={"model": "mine"}, config=config)
    write_json(tmp_path / "run.json", old)
    record = read_run(tmp_path)
    assert record["config"]["model"] == "mine"
    assert record["method"]["label"] == "mine"


@pytest.mark.parametrize(
    ("hyperparameters", "declared", "axis"),
    [
        ({"beta": 4, "gamma": 1}, {}, "beta"),
        ({"gamma": 1, "delta": 2}, {}, "gamma"),
        ({}, {}, None),
        ({"beta": 4, "gamma": 1}, {"axis": "gamma", "symbols": {"gamma": "γ"}}, "gamma"),
    ],
)
def test_what_curves_are_drawn_over_is_declared_or_guessed(
    tmp_path, hyperparameters, declared, axis
):
    method = {"name": "mine", "label": "mine", **declared}
    write_json(tmp_path / "run.json", run(run={"hyperparameters": hyperparameters}, method=method))
    record = read_run(tmp_path)
    assert record["method"]["axis"] == axis
    symbols = {"beta": "β", "lambda": "λ", **declared.get("symbols", {})}
    assert record["method"]["symbols"] == symbols


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "no schema_version"),
        ({"status": "done"}, "no schema_version"),
        (run(schema_version=True), "no schema_version"),
        (run(schema_version=-1), "no schema_version"),
        (run(schema_version=99), "newer than 2.*update disentanglement-bench"),
        (run(status="finished"), "status must be one of done, failed, interrupted, running"),
        (run(status=["done"]), "status must be one of .*, not a list"),
        ({"schema_version": 2}, "has no status"),
        (run(run=[1]), "run must be an object, not a list"),
        (run(run={"hyperparameters": {"beta": [1]}}), "run.hyperparameters.beta must be a finite"),
        (run(run={"hyperparameters": {"beta": True}}), "a finite number, not a truth value"),
        (run(run={"seed": 1.5}), "run.seed must be a whole number"),
        (run(run={"seed": -1}), "run.seed must be in 0"),
        (run(run={"settings": {"amp": "a\nb"}}), "run.settings.amp must be a name without line"),
        (run(run={"settings": {"batch_size": [8]}}), "run.settings.batch_size must be a finite"),
        (run(method={"name": "a", "label": "a", "axis": 3}), "method.axis must be text, not 3"),
        (run(run={"model": None}), "run.model must be text, not null"),
        (run(run={"model": "a\x1b[31m"}), "run.model must be a name without line breaks"),
        (run(run={"model": "a" * 2000}), "run.model has 2000 characters"),
        (run(config={"phases": ["a", 1]}), r"config.phases\[0\] must be a whole number"),
        (run(config={"phases": 3}), "config.phases must be a list"),
        (run(final={"nll": "low"}), "final.nll must be a finite number"),
        (run(final=[1]), "final must be an object"),
        (run(notes="note"), "notes must be a list"),
        (run(dataset={"version": {}}), "dataset.version must be text"),
        (run(method={"name": "a"}), "method has no label"),
        (
            run(method={"name": "a", "label": "a", "reduces_to": [{"name": "b"}]}),
            r"reduces_to\[0\] has no label",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path, record, message):
    write_json(tmp_path / "run.json", record)
    with pytest.raises(RecordError, match=message) as caught:
        read_run(tmp_path)
    assert "\n" not in str(caught.value)


def test_odd_json_is_one_line(tmp_path):
    start = '{"schema_version": 2, "status": "done", "x": '
    deep = "[" * 500 + "]" * 500
    many = "1" * 4000
    contents = ["1" * 5000, many, f"[1, {many}]", "1e999", '"\\ud800"', deep, "[" * 10**5, '"\xff"']
    for odd in contents:
        (tmp_path / "run.json").write_bytes((start + odd + "}").encode("latin-1"))
        with pytest.raises(RecordError) as caught:
            read_run(tmp_path)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500


def test_a_pipe_and_a_huge_file_are_not_read(tmp_path):
    import os

    os.mkfifo(tmp_path / "run.json")
    with pytest.raises(RecordError, match="not a regular file"):
        read_run(tmp_path / "run.json")
    (tmp_path / "run.json").unlink()
    with open(tmp_path / "run.json", "wb") as file:
        file.truncate(2**33)
    with pytest.raises(RecordError, match="8589934592 bytes, more than"):
        read_run(tmp_path / "run.json")


def test_a_record_survives_reading_and_writing(tmp_path):
    shutil.copy(OLD / "lambdabeta/beta=8,lambda=8/seed-0/run.json", tmp_path)
    record = read_run(tmp_path)
    write_json(tmp_path / "run.json", record)
    assert read_run(tmp_path) == record == json.loads((tmp_path / "run.json").read_text())


def test_find_runs_sorted_and_without_loops(tmp_path):
    for name in ("b/seed-1", "b/seed-0", "a", ".hidden/run"):
        write_json(tmp_path / "runs" / name / "run.json", run())
    (tmp_path / "runs" / "b" / "loop").symlink_to(tmp_path / "runs", target_is_directory=True)
    (tmp_path / "runs" / "self").symlink_to(tmp_path / "runs" / "self")
    write_json(tmp_path / "elsewhere" / "run.json", run())
    (tmp_path / "runs" / "c").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found = [
        path.relative_to(tmp_path / "runs").as_posix() for path in find_runs(tmp_path / "runs")
    ]
    assert found == ["a", "b/seed-0", "b/seed-1", "c"]
    assert list(find_runs(tmp_path / "runs" / "a")) == [tmp_path / "runs" / "a"]


def test_find_runs_needs_a_folder(tmp_path):
    with pytest.raises(RecordError, match="no such folder"):
        list(find_runs(tmp_path / "none"))
