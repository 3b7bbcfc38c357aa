"""From a results folder to the files that ship, and from these to what a report says."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.commands.report import command
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.plan import config_sha256
from disentanglement_bench.benchmark.protocol.standard import list_runs
from disentanglement_bench.benchmark.reporting import shipping
from disentanglement_bench.benchmark.reporting.reproduction import describe_shipped
from disentanglement_bench.benchmark.reporting.shipping import ship
from disentanglement_bench.evaluation.reference import shipped
from disentanglement_bench.evaluation.reference.benchmarks import load_benchmark
from disentanglement_bench.evaluation.reference.shipped import load_provenance, load_scores
from disentanglement_bench.evaluation.representation import write_representation
from disentanglement_bench.evaluation.scoring.batch import evaluate_paths
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.labels import describe_key
from disentanglement_bench.evaluation.statistics.run_reading import ScoresError
from disentanglement_bench.evaluation.statistics.shipped_runs import collect_shipped
from disentanglement_bench.evaluation.tables.notes import general_notes, metric_notes

SIZES = (3, 6, 10, 16, 16)
NAMES = ("shape", "scale", "orientation", "posX", "posY")
SETTINGS = ("betavae/beta=4", "lambdabeta/beta=4,lambda=8", "factorvae/gamma=2")


def write_run(results, spec, **changes):
    """A finished run as training leaves it, with codes that are noise."""
    folder = results / "runs" / spec.path
    generator = np.random.default_rng(len(spec.path) + spec.seed)
    folder.mkdir(parents=True)
    write_representation(
        folder / "representation.h5",
        generator.normal(size=(4500, 3)).astype(np.float32),
        np.stack([generator.integers(size, size=4500) for size in SIZES], axis=1),
        n_train=3000,
        log_variances=np.full((4500, 3), -1.0, np.float32),
        factor_names=NAMES,
        factor_sizes=SIZES,
        dataset=spec.dataset,
        attributes={"dataset_version": "1", "note": "of one machine"},
    )
    record = {
        "schema_version": 2,
        "status": "done",
        "reason": "",
        "run": spec.identity(),
        "method": spec.method(),
        "config": spec.resolved(),
        "config_sha256": config_sha256(spec.resolved()),
        "dataset": {"name": spec.dataset, "version": "1", "kind": "re-rendered", "grid": {"x": 1}},
        "notes": ["a note on the data"],
        "pixels": 1024,
        "command": "bench train --benchmark db1 --results /home/me/results --stack 8",
        "git_commit": "0123456789abcdef",
        "git_dirty": False,
        "versions": {"python": "3.13", "torch": "9.9"},
        "processor": "a processor",
        "device": "cpu",
        "sessions": [{"stack": 8, "deterministic": False}],
        "written": f"2026-01-0{spec.seed + 1}T00:00:00Z",
        "seconds": 10.0,
        "final": {"nll": 30.1, "kl": 9.25, "l2": 5.0, "tc": -0.5, "active_units": 4},
        **changes,
    }
    (folder / "run.json").write_text(json.dumps(record))


@pytest.fixture
def specs():
    """Runs of three models, two seeds each, by setting and seed."""
    plan = list_runs(load_benchmark("db1"))
    known = {(*spec.path.split("/")[2:4], spec.seed): spec for spec in plan[:320]}
    return [known[*setting.split("/"), seed] for setting in SETTINGS for seed in range(2)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder in the place of the one that ships, and one metric instead of seven."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr(shipped, "find_folder", lambda: folder)
    monkeypatch.setattr(shipping, "list_metrics", lambda benchmark: ("mig",))
    return folder


@pytest.fixture
def results(tmp_path, specs):
    for spec in specs:
        write_run(tmp_path / "results", spec)
    return tmp_path / "results"


def score(results):
    evaluate_paths(results, metrics=("mig",))


def test_shipped_scores_say_all_that_a_report_of_the_runs_says(results, folder):
    score(results)
    made = ship("db1", results)
    assert (made.runs, made.added, made.left_out) == (6, 6, [])
    ours, theirs = collect(results), collect_shipped("db1")
    here = ("file", "folder", "command", "attribute.note")
    ours, theirs = (
        runs.sort_values(["model", "seed"]).reset_index(drop=True).dropna(axis=1, how="all")
        for runs in (ours, theirs)
    )
    columns = [name for name in ours if name not in here]
    pd.testing.assert_frame_equal(theirs[columns], ours[columns], check_dtype=False)
    facts = [describe_key("mig")]
    notes, others = (
        [*general_notes(runs), *metric_notes(runs, facts)]
        for runs in (collect_shipped("db1"), collect(results))
    )
    assert notes == others
    assert any("Data: sprites-small, version 1, re-rendered." in note for note in notes)
    assert any("db1: not comparable with published figures" in note for note in notes)
    assert any(note.startswith("MIG with 20 bins is at most") for note in notes)


def test_a_second_batch_adds_to_the_first_and_changes_nothing(results, specs, folder, tmp_path):
    other = tmp_path / "other"
    for spec in specs:
        if spec.seed == 1:
            path = f"runs/{spec.path}"
            shutil.move(results / path, other / path)
    score(results), score(other)
    assert ship("db1", results).added == 3
    first = (folder / "db1-scores.csv").read_text().splitlines()
    assert (ship("db1", other).runs, ship("db1", other).added) == (6, 0)
    both = (folder / "db1-scores.csv").read_text().splitlines()
    assert set(first) < set(both)
    assert [row["seed"] for row in csv.DictReader(both)] == list("000111")
    about = load_provenance("db1")
    assert [each["runs"]["sprites-small"]["factorvae"] for each in about["batches"]] == [
        {"seeds": "0-0", "runs": 1},
        {"seeds": "1-1", "runs": 1},
    ]
    content = (folder / "db1-scores.csv").read_bytes()
    assert about["scores"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert about["scores"]["runs"] == 6
    ship("db1", other, anew=True)
    assert len(load_scores("db1")) == 3


def test_confirmation_seeds_are_reported_apart(tmp_path, specs, folder):
    for spec in specs[:2]:
        write_run(tmp_path / "results", spec)
    with_more = [*specs[2:4], *(replace(spec, seed=10 + spec.seed) for spec in specs[2:4])]
    for spec in with_more:
        write_run(tmp_path / "results", spec)
    score(tmp_path / "results")
    assert ship("db1", tmp_path / "results").runs == 6
    runs = collect_shipped("db1")
    assert set(runs.loc[~runs["confirmation"], "seed"]) == {0, 1}
    assert set(runs.loc[runs["confirmation"], "seed"]) == {10, 11}
    assert set(collect_shipped("db1", confirmation=True)["seed"]) == {10, 11}
    output = tmp_path / "report"
    options = ["--benchmark", "db1", "--confirmation", "--output", str(output), "--figures", "none"]
    done = CliRunner().invoke(command, options)
    assert done.exit_code == 0, done.output
    (table,) = (output / "tables").glob("beta-curves-sprites-small-db1.md")
    assert "Protocol: db1 (DB-1, version 1.0), 4,000 training steps." in table.read_text()
    assert "Seeds: 10, 11; 2 runs." in table.read_text()
    page = (output / "index.html").read_text()
    assert "bench report --benchmark db1 --confirmation --output report" in page


def test_the_files_are_the_same_each_time_and_name_no_place_of_a_machine(results, folder):
    score(results)
    texts = []
    for _ in range(2):
        ship("db1", results, anew=True)
        texts.append([path.read_text() for path in sorted(folder.iterdir())])
    assert texts[0] == texts[1]
    assert not any("/home" in text or "of one machine" in text for text in texts[0])
    training = load_provenance("db1")["batches"][0]["training"]
    assert training["commands"] == ["bench train --benchmark db1 --stack 8"]
    assert training["commits"] == {"0123456789abcdef": 6}
    assert training["runs_together"] == {"8": 6}
    assert training["first_written"] < training["last_written"]
    facts = dict(describe_shipped("db1")["facts"])
    assert facts["Code that trained"] == "0123456789ab"
    assert facts["Trained with"] == "python 3.13, torch 9.9"


def test_runs_that_cannot_ship_are_left_out_with_the_reason(tmp_path, specs, folder):
    results = tmp_path / "results"
    wrong = {**specs[3].resolved(), "batch_size": 64}
    write_run(results, specs[0])
    write_run(results, specs[1], git_dirty=True)
    write_run(results, specs[2], status="interrupted")
    write_run(results, specs[3], config=wrong)
    write_run(results, specs[4], git_commit=None)
    shutil.copytree(results / "runs" / specs[0].path, results / "runs/sprites-small/db1/x/y/seed-0")
    score(results)
    write_run(results, specs[5])
    made = ship("db1", results)
    assert (made.runs, made.added) == (1, 1)
    told = "\n".join(sorted(made.left_out))
    for reason in (
        "seed-1: commit 0123456789ab had uncommitted changes",
        "seed-0: is interrupted",
        "seed-1: its configuration is not that of DB-1",
        "seed-0: nothing says which commit trained it",
        "db1/x/y/seed-0: is no run of DB-1",
        "gamma=2/seed-1: not scored",
    ):
        assert reason in told
    assert len(made.left_out) == 6


def test_a_folder_without_any_run_that_can_ship_is_an_error(tmp_path, specs, folder):
    (tmp_path / "results/runs").mkdir(parents=True)
    with pytest.raises(BenchError, match="holds no run of DB-1 that can ship; there is none"):
        ship("db1", tmp_path / "results")
    write_run(tmp_path / "results", specs[0])
    with pytest.raises(BenchError, match="beta=4/seed-0: not scored"):
        ship("db1", tmp_path / "results")
    assert list(folder.iterdir()) == []


def test_a_table_that_somebody_edited_is_not_added_to(results, folder):
    score(results)
    ship("db1", results)
    table, about = folder / "db1-scores.csv", (folder / "db1-provenance.json").read_bytes()
    edited = table.read_text().replace("factorvae", "betavae")
    table.write_text(edited)
    done = CliRunner().invoke(shipping.main, ["db1", str(results)])
    assert done.exit_code == 1
    assert "is not the table that its provenance names" in done.output
    assert "restore it with git, or forget it with --anew" in done.output
    assert (table.read_text(), (folder / "db1-provenance.json").read_bytes()) == (edited, about)
    assert ship("db1", results, anew=True).runs == 6


def test_a_folder_without_runs_is_told_in_one_line(folder, tmp_path):
    done = CliRunner().invoke(shipping.main, ["db1", str(tmp_path)])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith("Error: ")


def test_where_no_scores_ship_everything_says_so(folder, tmp_path):
    assert load_scores("db1") is None
    assert load_provenance("db1") is None
    with pytest.raises(ScoresError, match="no scores of DB-1 ship with this version; train and"):
        collect_shipped("db1")
    done = CliRunner().invoke(command, ["--benchmark", "db1", "--output", str(tmp_path / "report")])
    assert isinstance(done.exception, BenchError)
    assert "no scores of DB-1 ship" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results", "--benchmark", "db1", "--output", "x"], "give PATH or --benchmark, not both"),
        (["--confirmation"], "--confirmation is for --benchmark"),
        (["--benchmark", "db1"], "--benchmark needs --output: the folder of the report"),
    ],
)
def test_a_report_of_a_benchmark_has_no_path_but_an_output(arguments, message):
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_an_unknown_benchmark_is_refused(tmp_path):
    done = CliRunner().invoke(command, ["--benchmark", "db2", "--output", str(tmp_path)])
    assert "unknown benchmark 'db2'; did you mean 'db1'?" in str(done.exception)
    assert isinstance(done.exception, BenchError)
