import collections
import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from disentanglement_bench.evaluation import (
    MetricError,
    Shared,
    evaluate_paths,
    write_representation,
)
from disentanglement_bench.evaluation.files import write_json
from disentanglement_bench.evaluation.metrics import choose_metrics
from disentanglement_bench.evaluation.scoring import find_representations, waiting
from disentanglement_bench.evaluation.scoring.file_scores import Options, score_file

FAST = ("mig", "mi", "sap_continuous")


def write(path, seed=0, rows=60, **options):
    stream = np.random.default_rng(seed)
    factors = stream.integers(0, 3, (rows, 2))
    write_representation(path, factors + stream.normal(size=(rows, 2)), factors, **options)


def score_files(root):
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*.scores/*.json")
    }


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_finds_run_folders_and_stray_files(tmp_path):
    for name in ("b/representation.h5", "a.npz", "c/d/e.hdf5", ".hidden/x.h5"):
        write(tmp_path / name)
    for name in ("b/scores/x.h5", "a.scores/x.h5"):  # beside their representations
        write(tmp_path / name)
    (tmp_path / "notes.txt").touch()
    found, problems = find_representations([tmp_path, tmp_path / "a.npz", tmp_path / "none"])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "a.npz",
        "b/representation.h5",
        "c/d/e.hdf5",
    ]
    assert problems == [(tmp_path / "none", "no such file or folder")]


def test_computes_once_and_tabulates(tmp_path):
    write(tmp_path / "a.h5", dataset="toy", attributes={"beta": 4.0, "note": "mine"})
    write(tmp_path / "b.h5", log_variances=np.zeros((60, 2)))
    first = evaluate_paths(tmp_path, metrics=FAST)
    assert (first.computed, first.kept, first.problems) == (8, 0, [])
    assert sorted(os.listdir(tmp_path / "a.scores")) == [
        "mi.json",
        "mig.json",
        "sap_continuous.json",
    ]
    assert "mig_sampled.json" in os.listdir(tmp_path / "b.scores")
    before = score_files(tmp_path)
    second = evaluate_paths(tmp_path, metrics=FAST)
    assert (second.computed, second.kept) == (0, 8)
    assert score_files(tmp_path) == before
    rows = read_table(tmp_path / "scores.csv")
    assert [row["path"] for row in rows] == ["a.h5", "b.h5"]
    assert rows[0]["dataset"] == "toy"
    assert rows[0]["beta"] == "4.0"
    assert rows[0]["attribute.note"] == "mine"
    assert "note" not in rows[0]
    assert rows[0]["mig_sampled"] == rows[0]["mig_sampled_status"] == ""
    assert float(rows[1]["mig_sampled"]) >= 0
    saved = json.loads((tmp_path / "a.scores" / "mig.json").read_text())
    assert float(rows[0]["mig"]) == saved["values"]["mig"] == first.rows[0]["mig"]


def test_force_and_changed_files(tmp_path):
    write(tmp_path / "a.h5")
    evaluate_paths(tmp_path, metrics=["mig"])
    assert evaluate_paths(tmp_path, metrics=["mig"], force=True).computed == 1
    assert evaluate_paths(tmp_path, metrics=["mig", "mi"]).computed == 1
    old = evaluate_paths(tmp_path, metrics=["mig"]).rows[0]
    write(tmp_path / "a.h5", seed=1)
    report = evaluate_paths(tmp_path, metrics=["mig"])
    assert report.computed == 1
    assert report.rows[0]["mig"] != old["mig"]
    assert report.rows[0]["mi_status"] == "outdated"
    assert report.rows[0].get("mi_matched") is None


def test_broken_files_do_not_stop_the_others(tmp_path):
    write(tmp_path / "good.h5")
    (tmp_path / "empty.h5").touch()
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "folder.h5").mkdir()
    (tmp_path / "dangling.h5").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.h5")
    report = evaluate_paths(tmp_path, metrics=["mig"])
    assert report.computed == 1
    assert sorted(path.name for path, _ in report.problems) == [
        "dangling.h5",
        "empty.h5",
        "folder.h5",
        "pipe.h5",
        "text.npz",
    ]
    assert all("\n" not in problem and str(path) in problem for path, problem in report.problems)
    rows = {row["path"]: row for row in read_table(tmp_path / "scores.csv")}
    assert rows["good.h5"]["mig_status"] == "done"
    assert "HDF5" in rows["empty.h5"]["reasons"]


def test_a_failing_metric_does_not_stop_the_others(tmp_path, monkeypatch):
    (tmp_path / "failing.py").write_text(
        "def crash(codes, factors, n_train):\n    raise KeyError('a\\nb')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    write(tmp_path / "a.h5")
    for _ in range(2):
        report = evaluate_paths(tmp_path, metrics=["failing:crash", "mig"])
        (problem,) = report.problems
        assert "metric failing:crash failed: KeyError: 'a\\nb' (failing.py, line 2)" in problem[1]
        assert report.rows[0]["failing:crash_status"] == "failed"
    assert report.computed == 1, "a failure is tried again, the rest is kept"
    assert report.rows[0]["mig"] is not None


def test_undefined_is_reported_with_its_reason(tmp_path):
    write_representation(tmp_path / "a.h5", np.arange(60.0)[:, None], np.arange(60)[:, None] % 3)
    (row,) = evaluate_paths(tmp_path, metrics=["mig"]).rows
    assert row["mig"] is None
    assert row["mig_status"] == "undefined"
    assert row["reasons"].startswith("mig: one code")
    assert evaluate_paths(tmp_path, metrics=["mig"]).computed == 0


def test_runs_bring_their_attributes(tmp_path):
    folder = tmp_path / "runs" / "seed-0"
    write(folder / "representation.h5", attributes={"beta": 99, "extra": 1})
    write_json(
        folder / "run.json",
        {
            "schema_version": 1,
            "status": "done",
            "run": {
                "dataset": "toy",
                "preset": "quick",
                "tag": "",
                "model": "lambdabeta",
                "hyperparameters": {"beta": 4, "lambda": 2, "gamma": 7},
                "init": "parent",
                "seed": 0,
            },
            "config": {"phases": [2000, 700]},
            "dataset": {"version": "1"},
            "final": {"nll": 10.5, "kl": 3.0, "l2": 2.0, "tc": 0.1, "active_units": 2},
        },
    )
    evaluate_paths(tmp_path, metrics=["mig"])
    with open(tmp_path / "scores.csv") as file:
        header = file.readline().strip().split(",")
    (row,) = read_table(tmp_path / "scores.csv")
    assert row["path"] == "runs/seed-0/representation.h5"
    wanted = {
        "dataset": "toy",
        "dataset_version": "1",
        "preset": "quick",
        "model": "lambdabeta",
        "beta": "4",
        "lambda": "2",
        "gamma": "7",
        "init": "parent",
        "seed": "0",
        "steps": "2700",
        "nll": "10.5",
        "active_units": "2",
        "bce_floor": "",
        "attribute.extra": "1",
        "run_status": "done",
    }
    assert {key: row[key] for key in wanted} == wanted
    order = [
        "path",
        "dataset",
        "model",
        "gamma",
        "steps",
        "nll",
        "mig",
        "dci_completeness",
        "reasons",
    ]
    assert [name for name in header if name in order] == order
    assert os.listdir(folder / "scores") == ["mig.json"]


def test_a_broken_run_record_is_told_and_the_scores_stand(tmp_path):
    write(tmp_path / "representation.h5")
    (tmp_path / "run.json").write_text("{")
    report = evaluate_paths(tmp_path, metrics=["mig"])
    assert report.rows[0]["mig"] is not None
    assert "not valid JSON" in report.problems[0][1]


def test_progress_is_told(tmp_path):
    for name in "abc":
        write(tmp_path / f"{name}.h5")
    evaluate_paths(tmp_path / "b.h5", metrics=["mig"])
    said = []
    evaluate_paths(
        tmp_path,
        metrics=["mig"],
        progress=lambda done, total, outcome: said.append(
            (done, total, outcome and outcome.path.name)
        ),
    )
    assert said == [(0, 2, None), (1, 2, "a.h5"), (2, 2, "c.h5")]


def test_table_elsewhere_and_none_without_representations(tmp_path):
    write(tmp_path / "in" / "a.h5")
    report = evaluate_paths(tmp_path / "in", metrics=["mig"], table=tmp_path / "out" / "t.csv")
    assert report.table == tmp_path / "out" / "t.csv"
    assert read_table(report.table)[0]["path"] == "../in/a.h5"
    assert not (tmp_path / "in" / "scores.csv").exists()
    (tmp_path / "empty").mkdir()
    assert evaluate_paths(tmp_path / "empty").table is None
    assert os.listdir(tmp_path / "empty") == []


def test_wrong_requests(tmp_path):
    with pytest.raises(MetricError, match="did you mean 'sap'"):
        evaluate_paths(tmp_path, metrics=["sapp"])
    with pytest.raises(ValueError, match="jobs must be at least 1, not 0"):
        evaluate_paths(tmp_path, jobs=0)
    with pytest.raises(ValueError, match="time limit must be at least 1 second"):
        evaluate_paths(tmp_path, time_limit=0)


def test_processes_give_the_same_scores(tmp_path):
    for seed in range(4):
        write(tmp_path / "one" / f"{seed}.h5", seed)
        write(tmp_path / "two" / f"{seed}.h5", seed)
    evaluate_paths(tmp_path / "one", metrics=FAST)
    report = evaluate_paths(tmp_path / "two", metrics=FAST, jobs=2)
    assert report.computed == 12
    assert (tmp_path / "one" / "scores.csv").read_text() == (
        tmp_path / "two" / "scores.csv"
    ).read_text()


def call(root, jobs=1, shard=None, metrics=FAST):
    """`evaluate_paths` in a process of its own."""
    code = (
        "import sys; from disentanglement_bench.evaluation import evaluate_paths; "
        f"r = evaluate_paths(sys.argv[1], metrics={metrics}, jobs={jobs}, shard={shard}); "
        "print(r.computed, r.kept)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, root],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_killed_outright_loses_and_repeats_nothing(tmp_path):
    count = 24
    for seed in range(count):
        write(tmp_path / f"{seed}.h5", seed, rows=2000)
    process = call(tmp_path)
    deadline = time.monotonic() + 60
    while len(score_files(tmp_path)) < 5 and time.monotonic() < deadline:
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = score_files(tmp_path)
    assert 5 <= len(before) < 3 * count, "killed in the middle"
    for _, content in before.values():
        assert json.loads(content)["status"] == "done"
    report = evaluate_paths(tmp_path, metrics=FAST)
    assert report.computed == 3 * count - len(before)
    after = score_files(tmp_path)
    assert all(after[path] == before[path] for path in before)
    assert not [row for row in report.rows if row["mig_status"] != "done"]


def test_several_processes_on_one_folder(tmp_path):
    for seed in range(6):
        write(tmp_path / f"{seed}.h5", seed)
    processes = [call(tmp_path, shard=shard) for shard in (None, (0, 2), (1, 2))]
    assert [process.wait() for process in processes] == [0, 0, 0]
    for process in processes:
        process.stdout.close()
    for _, content in score_files(tmp_path).values():
        assert json.loads(content)["status"] == "done"
    assert evaluate_paths(tmp_path, metrics=FAST).computed == 0
    assert len(read_table(tmp_path / "scores.csv")) == 6
    assert not list(tmp_path.rglob(".*.tmp"))


def write_settings(root):
    """Two settings of three seeds that hold the same shared images, and a file of its own."""
    paths = [root / f"beta={beta}" / f"seed-{seed}" for beta in (1, 4) for seed in range(3)]
    for seed, path in enumerate(paths):
        codes = np.random.default_rng(seed).normal(size=(20, 2))
        shared = Shared(codes=codes, index=np.arange(20), log_variances=np.full((20, 2), -1.0))
        write(path / "representation.h5", seed, shared=shared)
    write(root / "mine.npz")
    return [*paths, root / "mine.npz"]


def test_shards_score_everything_once_and_the_last_call_does_the_rest(tmp_path):
    paths = write_settings(tmp_path)
    metrics = ["mig", "udr"]
    reports = [evaluate_paths(tmp_path, metrics=metrics, shard=(k, 3)) for k in range(3)]
    assert [len(report.rows) for report in reports] == [2, 3, 2]
    assert [report.computed for report in reports] == [2, 3, 2]
    assert {report.table for report in reports} == {None}
    assert {report.found for report in reports} == {len(paths)}
    assert [report.problems for report in reports] == [[], [], []]
    assert not list(tmp_path.rglob("udr.json"))
    assert not list(tmp_path.glob("scores.*"))
    again = evaluate_paths(tmp_path, metrics=metrics, shard=(0, 3))
    assert (again.computed, again.kept) == (0, 2)
    last = evaluate_paths(tmp_path, metrics=metrics)
    assert (last.computed, last.kept) == (6, 7), "seeds are compared, nothing else"
    assert len(read_table(last.table)) == last.found == len(paths)


def test_the_last_call_scores_what_a_shard_left(tmp_path):
    write_settings(tmp_path)
    evaluate_paths(tmp_path, metrics=["mig"], shard=(1, 3))
    last = evaluate_paths(tmp_path, metrics=["mig"])
    assert (last.computed, last.kept) == (4, 3)


def test_more_shards_than_files(tmp_path):
    write(tmp_path / "a.h5")
    reports = [evaluate_paths(tmp_path, metrics=["mig"], shard=(k, 5)) for k in range(5)]
    assert sorted(report.computed for report in reports) == [0, 0, 0, 0, 1]
    assert {report.found for report in reports} == {1}
    assert [report.problems for report in reports] == [[]] * 5


def test_a_shard_need_not_have_the_factors_that_are_left_out(tmp_path):
    write(tmp_path / "a.h5", factor_names=["shape", "x"])
    write(tmp_path / "b.h5", factor_names=["shape", "orientation"])
    for index in range(2):
        options = {"metrics": ["mig"], "without_factors": ["orientation"]}
        assert evaluate_paths(tmp_path, shard=(index, 2), **options).problems == []


def test_shards_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="from 0 to n - 1"):
        evaluate_paths(tmp_path, shard=(2, 2))
    with pytest.raises(ValueError, match="a shard writes no table"):
        evaluate_paths(tmp_path, shard=(0, 2), table=tmp_path / "t.csv")


def test_calls_that_meet_share_what_is_left(tmp_path, monkeypatch):
    """After the first file of this call, another one scores all the others."""
    for name in "abcde":
        write(tmp_path / f"{name}.h5")
    monkeypatch.setattr(waiting.random.Random, "shuffle", lambda self, work: work.reverse())
    said = []

    def progress(done, total, outcome):
        if outcome is not None:
            said.append((outcome.path.stem, outcome.computed))
        if done == 1:
            for name in "bcde":
                score_file(tmp_path / f"{name}.h5", choose_metrics(["mig"]), Options(("mig",)))

    report = evaluate_paths(tmp_path, metrics=["mig"], progress=progress)
    assert said == [("a", 1), ("b", 0), ("e", 0), ("d", 0), ("c", 0)]
    assert (report.computed, report.kept) == (1, 4)
    assert {row["mig_status"] for row in read_table(report.table)} == {"done"}


@pytest.mark.slow
def test_calls_at_once_compute_little_twice_and_outlive_one_that_is_killed(tmp_path):
    count = 30
    for seed in range(count):
        write(tmp_path / f"{seed}.h5", seed)
    (tmp_path / "mine.py").write_text(
        "import os, pathlib, tempfile\n"
        "def works(codes, factors, n_train):\n"
        f"    tempfile.mkstemp(dir={str(tmp_path / 'computed')!r})\n"
        "    return sum(1 / number for number in range(1, 2_000_000)) / 20\n"
    )
    (tmp_path / "computed").mkdir()
    metrics = ("mig", f"{tmp_path}/mine.py:works")
    calls = [call(tmp_path, metrics=metrics) for _ in range(3)]
    while len(os.listdir(tmp_path / "computed")) < 6:
        assert all(each.poll() is None for each in calls)
        os.sched_yield()
    calls[0].kill()
    assert [each.wait() for each in calls] == [-signal.SIGKILL, 0, 0]
    for each in calls:
        each.stdout.close()
    assert count <= len(os.listdir(tmp_path / "computed")) < 2 * count, "alone they compute 90"
    rows = read_table(tmp_path / "scores.csv")
    assert [row["mine:works_status"] for row in rows] == ["done"] * count
    assert evaluate_paths(tmp_path, metrics=metrics).computed == 0


def test_what_another_call_has_begun_comes_last(tmp_path, monkeypatch):
    for name in "abcde":
        write(tmp_path / f"{name}.h5")
    monkeypatch.setattr(waiting.random.Random, "shuffle", lambda self, work: work.reverse())
    said = []

    def progress(done, total, outcome):
        if outcome is not None:
            said.append((outcome.path.stem, outcome.computed))
        if done == 1:
            score_file(tmp_path / "b.h5", choose_metrics(["mig"]), Options(("mig",)))

    report = evaluate_paths(tmp_path, metrics=FAST, progress=progress)
    assert said == [("a", 3), ("e", 3), ("d", 3), ("c", 3), ("b", 2)]
    assert (report.computed, report.kept) == (14, 1)


def test_reading_is_told(tmp_path):
    for name in "ab":
        write(tmp_path / f"{name}.h5")
    said = []
    evaluate_paths(tmp_path, metrics=["mig"], reading=lambda *done: said.append(done))
    assert said == [(1, 2), (2, 2)]


def test_what_is_up_to_date_costs_few_file_operations(tmp_path, monkeypatch):
    """Over a network each of them takes its time, and there are thousands of runs."""
    paths = write_settings(tmp_path)
    for path in paths[:-1]:
        write_json(path / "run.json", {"schema_version": 1, "status": "done"})
    metrics = [*FAST, "udr"]
    evaluate_paths(tmp_path, metrics=metrics)
    counts = collections.Counter()
    for name in ("open", "stat", "listdir", "scandir"):

        def count(*given, name=name, operate=getattr(os, name), **options):
            counts[name] += str(given[0]).startswith(str(tmp_path))
            return operate(*given, **options)

        monkeypatch.setattr(os, name, count)
    totals = []
    for folders in ([tmp_path / "beta=1"], [tmp_path / "beta=1", tmp_path / "beta=4"]):
        counts.clear()
        report = evaluate_paths(folders, metrics=metrics, table=tmp_path / "t.csv")
        assert report.computed == 0
        totals.append(dict(counts))
    more = {name: totals[1][name] - totals[0][name] for name in totals[0]}
    runs, scores = 3, len(FAST)
    # A run: its scores and its record are opened, it and its folder are looked at. A setting: its
    # comparison is opened, its folder is searched for runs and for seeds.
    assert more["open"] == runs * (scores + 1) + 1
    assert more["stat"] <= runs * 2 + 3
    assert more["scandir"] + more["listdir"] <= runs * 2 + 3


def test_metrics_are_named_by_text(tmp_path):
    write(tmp_path / "a.h5")
    with pytest.raises(MetricError, match="worker processes import them"):
        evaluate_paths(tmp_path, metrics=[write])


def write_mixed(path, names=("shape", "azimuth"), **options):
    stream = np.random.default_rng(0)
    factors = np.column_stack([stream.integers(0, 3, 90), stream.uniform(size=90)])
    codes = factors + 0.1 * stream.normal(size=(90, 2))
    write_representation(path, codes, factors, factor_names=names, **options)


def test_continuous_factors_are_scored_binned_or_undefined(tmp_path):
    write(tmp_path / "classes.h5")
    write_mixed(tmp_path / "mixed.npz")
    metrics = ["mig", "sap_continuous"]
    first = evaluate_paths(tmp_path, metrics=metrics)
    assert (first.computed, first.problems) == (4, [])
    classes, mixed = first.rows
    assert mixed["mig"] is None
    assert mixed["mig_status"] == "undefined"
    assert "azimuth is continuous: put it into N bins by --bin-factors N" in mixed["reasons"]
    assert mixed["sap_continuous"] > 0.5

    binned = evaluate_paths(tmp_path, metrics=metrics, bin_factors=5)
    assert (binned.computed, binned.kept) == (1, 3), "only what the bins concern"
    assert binned.rows[0] == classes
    assert binned.rows[1]["mig"] > 0.3
    assert binned.rows[1]["mig_variant"] == "mig[hist20,plugin,mean] with bin_factors=5"
    assert evaluate_paths(tmp_path, metrics=metrics, bin_factors=5).computed == 0
    other = evaluate_paths(tmp_path, metrics=metrics, bin_factors=3)
    assert (other.computed, other.kept) == (1, 3)
    assert other.rows[1]["mig"] != binned.rows[1]["mig"]
    again = evaluate_paths(tmp_path, metrics=metrics)
    assert (again.computed, again.rows[1]["mig"]) == (1, None)
    record = json.loads((tmp_path / "mixed.scores" / "mig.json").read_text())
    assert record["representation"]["continuous_factors"] == ["azimuth"]


def test_scores_with_other_bins_are_outdated_where_they_are_not_asked_for(tmp_path):
    write_mixed(tmp_path / "mixed.npz")
    evaluate_paths(tmp_path, metrics=["mig"], bin_factors=5)
    (row,) = evaluate_paths(tmp_path, metrics=["sap_continuous"], bin_factors=3).rows
    assert (row["mig_status"], row.get("mig")) == ("outdated", None)


def test_factors_are_left_out_of_the_files_that_have_them(tmp_path):
    write(tmp_path / "a.h5", factor_names=["shape", "x"])
    write(tmp_path / "b.h5", factor_names=["shape", "orientation"])
    plain = evaluate_paths(tmp_path, metrics=["mig"])
    found = evaluate_paths(tmp_path, metrics=["mig"], without_factors=["orientation"])
    assert (found.computed, found.kept, found.problems) == (1, 1, [])
    assert found.rows[0] == plain.rows[0]
    assert found.rows[1]["mig"] != plain.rows[1]["mig"]
    assert found.rows[1]["mig_variant"] == "mig[hist20,plugin,mean] without orientation"
    record = json.loads((tmp_path / "b.scores" / "mig.json").read_text())
    assert record["request"]["without_factors"] == ["orientation"]
    for _ in range(2):
        wrong = evaluate_paths(tmp_path, metrics=["mig"], without_factors=["orientaton"])
        ((_, line),) = wrong.problems
        assert line.startswith("unknown factor 'orientaton'; did you mean 'orientation'?")


@pytest.mark.slow
def test_all_metrics_and_the_default_ones(tmp_path):
    write(tmp_path / "a.h5", rows=90)
    assert evaluate_paths(tmp_path).computed == 7
    assert "dci_regression.json" not in os.listdir(tmp_path / "a.scores")
    everything = evaluate_paths(tmp_path, metrics=["all"])
    assert everything.problems == []
    assert everything.kept == 7
    assert "dci_regression.json" in os.listdir(tmp_path / "a.scores")


def test_numbers_of_bins_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="bin_factors must be at least 2, not 1"):
        evaluate_paths(tmp_path, bin_factors=1)
