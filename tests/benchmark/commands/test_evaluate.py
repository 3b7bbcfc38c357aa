import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.commands import evaluate
from disentanglement_bench.benchmark.commands.evaluate import command
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.reporting import standard
from disentanglement_bench.benchmark.runs.execute import Execution
from disentanglement_bench.evaluation import read_representation, write_representation
from disentanglement_bench.evaluation.metrics import MetricError
from disentanglement_bench.evaluation.reference import load_benchmark
from disentanglement_bench.evaluation.reference.grids import grid_sizes
from disentanglement_bench.evaluation.scoring.standard import list_metrics


def invoke(*arguments):
    arguments = [str(argument) for argument in arguments]
    jobs = [] if "--jobs" in arguments else ["--jobs", "1"]
    return CliRunner().invoke(command, arguments + jobs)


@pytest.fixture
def folder(tmp_path):
    stream = np.random.default_rng(0)
    factors = stream.integers(0, 3, (60, 2))
    for name in ("a.h5", "b/representation.h5"):
        write_representation(tmp_path / name, factors + stream.normal(size=(60, 2)), factors)
    return tmp_path


def test_scores_and_prints(folder):
    result = invoke(folder, "--metrics", "mig,sap_continuous", "--jobs", 1)
    assert result.exit_code == 0
    assert "Representations to score: 2" in result.stderr
    assert "[2/2]" in result.stderr
    assert "b/representation.h5: 2 scores" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["representation", "mig", "sap"]
    assert lines[1].split() == ["continuous"]
    assert [line.split()[0] for line in lines[3:5]] == ["a.h5", "b"]
    assert lines[-1] == (
        f"Representations: 2. Scores computed: 4, kept: 0. All scores: {folder / 'scores.csv'}"
    )


def test_a_second_call_has_nothing_to_do(folder):
    invoke(folder, "--metrics", "mig")
    result = invoke(folder, "--metrics", "mig")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "Scores computed: 0, kept: 2." in result.stdout
    assert "Scores computed: 2" in invoke(folder, "--metrics", "mig", "--force").stdout


def test_a_benchmark_chooses_the_metrics_and_says_which_files_do_not_compare(tmp_path, monkeypatch):
    monkeypatch.setattr(standard, "list_metrics", lambda benchmark: ("mig",))
    stream = np.random.default_rng(0)
    for name, rows, dataset in (
        ("a.h5", 4500, "rooms3d"),
        ("b.h5", 90, "rooms3d"),
        ("c.h5", 90, ""),
    ):
        factors = stream.integers(0, grid_sizes("rooms3d"), (rows, 6))
        write_representation(
            tmp_path / name, factors * 1.0, factors, n_train=rows * 2 // 3, dataset=dataset
        )
    result = invoke(tmp_path, "--benchmark", "db1")
    assert result.exit_code == 0
    assert "Scores computed: 3" in result.stdout
    notes = [line for line in result.stderr.splitlines() if "does not compare with DB-1" in line]
    assert len(notes) == 2
    assert notes[0].endswith(
        "b.h5 does not compare with DB-1: its sample has 60 + 30 rows, and that of DB-1 3000 + 1500"
    )
    assert "it names no data set, and DB-1 has sprites-small, rooms3d" in notes[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--benchmark", "db2"], "unknown benchmark 'db2'; did you mean 'db1'?"),
        (["--benchmark", "db1", "--metrics", "mig"], "leave --metrics or --benchmark out"),
        (["--benchmark", "db1", "--seed", "1"], "leave --seed or --benchmark out"),
        (["--benchmark", "db1", "--bin-factors", "5"], "leave --bin-factors or --benchmark out"),
        (["--benchmark", "db1", "--without-factors", "x"], "leave --without-factors or --benchm"),
    ],
)
def test_what_contradicts_a_benchmark_is_refused(arguments, message, tmp_path):
    refused = invoke(tmp_path, *arguments)
    assert isinstance(refused.exception, BenchError)
    assert message in str(refused.exception)


def test_a_metric_of_another_variant_than_the_definition_is_not_scored_for_it():
    db1 = load_benchmark("db1")
    other = dataclasses.replace(db1, metrics={**db1.metrics, "sap": "sap[other]"})
    with pytest.raises(
        MetricError, match=r"DB-1 has sap as sap\[other\], and this version .* sap\[l"
    ):
        list_metrics(other)


def test_what_could_not_be_scored_is_listed_at_the_end(folder):
    (folder / "broken.npz").write_text("hello")
    result = invoke(folder, folder / "none.h5", "--metrics", "mig", "--output", folder / "t.csv")
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-3:]
    assert last[0] == "Error: could not be scored (2):"
    assert last[1] == f"  {folder / 'none.h5'}: no such file or folder"
    assert last[2].startswith(f"  {folder / 'broken.npz'}: is not a readable .npz file")
    assert "Traceback" not in result.output
    assert (folder / "t.csv").exists()
    assert not (folder / "scores.csv").exists()


def test_a_file_of_scores_that_leaves_its_reasons_out(tmp_path):
    write_representation(tmp_path / "a.h5", np.arange(8.0)[:, None], np.zeros((8, 1)))
    result = invoke(tmp_path, "--metrics", "mi")
    assert "The column reasons" in result.stderr
    path = tmp_path / "a.scores" / "mi.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "reasons": {}}))
    result = invoke(tmp_path, "--metrics", "mi")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[-1].endswith("for so many representations: mi (1).")


def test_nothing_found(tmp_path):
    result = invoke(tmp_path)
    assert result.exit_code == 1
    assert result.stderr == (f"Error: no representation (.h5, .hdf5, .npz) below {tmp_path}\n")


def test_unknown_metric(folder):
    result = invoke(folder, "--metrics", "mgi")
    assert isinstance(result.exception, BenchError)
    assert result.exception.exit_code == 2
    assert str(result.exception).startswith("unknown metric 'mgi'; did you mean 'mi'?")


def test_a_table_that_cannot_be_written(folder):
    (folder / "file").touch()
    result = invoke(folder, "--metrics", "mig", "--output", folder / "file" / "t.csv")
    assert isinstance(result.exception, BenchError)
    assert "cannot write" in str(result.exception)


def test_wrong_usage():
    assert invoke().exit_code == 2
    assert invoke("x", "--jobs", 0).exit_code == 2
    assert invoke("x", "--time-limit", 0).exit_code == 2


def test_shards(folder):
    """Each tells what it did and what is left to do; an empty one is no failure."""
    for name in ("a.h5", "b/representation.h5"):
        write_representation(folder / "more" / name, np.zeros((4, 1)), np.zeros((4, 1), int))
    results = [invoke(folder, "--metrics", "mi", "--shard", f"{k}/5") for k in range(5)]
    assert [result.exit_code for result in results] == [0] * 5
    lines = [result.stdout.splitlines()[-1] for result in results]
    assert sorted(line.split(":")[1] for line in lines) == [
        " 0 of 4 representations. Scores computed",
        *[" 1 of 4 representations. Scores computed"] * 4,
    ]
    for index, line in enumerate(lines):
        assert line.startswith(f"Shard {index}/5: ")
        assert line.endswith(
            "When all 5 shards are done, run the same command without --shard: it compares seeds "
            "and writes the table."
        )
    assert not (folder / "scores.csv").exists()
    undefined = next(result for result in results if "undefined" in result.stderr)
    assert "(1). For example more/" in undefined.stderr
    again = invoke(folder, "--metrics", "mi", "--shard", "0/1", "--force")
    assert "Scores computed: 4, kept: 0. When all 1 shards are done" in again.stdout
    assert "without --shard and --force: " in again.stdout
    last = invoke(folder, "--metrics", "mi")
    assert "Representations: 4. Scores computed: 0, kept: 4." in last.stdout
    assert (folder / "scores.csv").exists()


def test_shards_of_nothing_and_with_a_table(tmp_path):
    nothing = invoke(tmp_path, "--shard", "0/2")
    assert nothing.exit_code == 1
    assert nothing.stderr.startswith("Error: no representation")
    table = invoke(tmp_path, "--shard", "0/2", "--output", "t.csv")
    assert table.exit_code == 2
    assert "--shard writes no table: leave --output to the last call" in table.stderr
    assert invoke(tmp_path, "--shard", "2/2").exit_code == 2


def test_a_shard_that_cannot_score_everything_fails(folder):
    (folder / "broken.npz").write_text("hello")
    codes = [invoke(folder, "--metrics", "mig", "--shard", f"{k}/3").exit_code for k in range(3)]
    assert sorted(codes) == [0, 0, 1]


def test_long_reading_is_shown(folder, monkeypatch):
    monkeypatch.setattr(evaluate, "SILENT_SECONDS", 0.0)
    result = invoke(folder, "--metrics", "mig")
    assert result.stderr.splitlines()[:3] == [
        *("reading scores 50 %", "reading scores 100 %", "Representations to score: 2")
    ]


def test_metrics_by_module_and_by_path(folder, monkeypatch):
    (folder / "work").mkdir()
    text = "def gap(codes, factors, n_train):\n    return helper.VALUE\n"
    (folder / "work" / "mine.py").write_text("import helper\n" + text)
    (folder / "work" / "helper.py").write_text("VALUE = 0.25\n")
    (folder / "here.py").write_text("def gap(codes, factors, n_train):\n    return 0.75\n")
    monkeypatch.chdir(folder)
    result = invoke("a.h5", "--metrics", "work/mine.py:gap,here:gap")
    assert result.exit_code == 0, result.output
    table = (folder / "scores.csv").read_text().splitlines()
    row = dict(zip(table[0].split(","), table[1].split(","), strict=True))
    assert (row["mine:gap"], row["here:gap"]) == ("0.25", "0.75")


def test_foreign_text_never_reaches_the_terminal_as_it_is(folder):
    (folder / "evil\x1b[31m\n.npz").write_text("hello")
    (folder / "mine.py").write_text(
        "def bad(codes, factors, n_train):\n    raise ValueError('\\x1b[31m\\n' * 20_000)\n"
    )
    result = invoke(folder, "--metrics", f"{folder}/mine.py:bad")
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    problems = result.stderr.split("Error: could not be scored (3):\n")[1].splitlines()
    assert len(problems) == 3
    assert max(map(len, problems)) < 310


def test_an_interrupted_call_leaves_no_half_file(folder):
    (folder / "mine.py").write_text(
        "import os, threading\n"
        "def waits(codes, factors, n_train):\n"
        f"    open({str(folder / 'up')!r}, 'w').close()\n"
        "    threading.Event().wait(300)\n"
    )
    code = "from disentanglement_bench.benchmark.cli import main; main()"
    arguments = ["evaluate", str(folder), "--metrics", f"mig,{folder}/mine.py:waits"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--jobs", "1"], stderr=subprocess.PIPE, text=True
    )
    while not (folder / "up").exists():
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130
    assert error.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in error
    assert [path.name for path in folder.rglob("*.json")] == ["mig.json"]
    assert not list(folder.rglob("*.tmp"))
    assert not (folder / "scores.csv").exists()


def test_continuous_factors_are_binned_or_left_out(tmp_path):
    stream = np.random.default_rng(0)
    factors = np.column_stack([stream.integers(0, 3, 90), stream.uniform(size=90)])
    codes = factors + 0.1 * stream.normal(size=(90, 2))
    write_representation(tmp_path / "arm.h5", codes, factors, factor_names=["shape", "azimuth"])
    plain = invoke(tmp_path, "--metrics", "mig,sap_continuous")
    assert plain.exit_code == 0
    assert "mig" not in plain.stdout.splitlines()[0]
    assert "representations: mig (1). The column reasons of" in plain.stderr
    assert "arm.h5: mig: this score needs classes, and azimuth is continuous" in plain.stderr
    assert "--bin-factors N" in plain.stderr
    binned = invoke(tmp_path, "--metrics", "mig,sap_continuous", "--bin-factors", 5)
    assert binned.stdout.splitlines()[0].split() == ["representation", "mig", "sap"]
    assert "Scores computed: 1, kept: 1" in binned.stdout
    assert "not defined" not in binned.stderr
    left = invoke(tmp_path, "--metrics", "mig", "--without-factors", "azimuth")
    assert "Scores computed: 1" in left.stdout
    wrong = invoke(tmp_path, "--metrics", "mig", "--without-factors", "azimut")
    assert wrong.exit_code == 1
    assert "unknown factor 'azimut'; did you mean 'azimuth'?" in wrong.stderr
    assert "not in the range x>=2" in invoke(tmp_path, "--bin-factors", 1).stderr


def test_seeds_of_a_trained_setting_are_compared(tmp_path, store, plan, dataset):
    """Train, compare, change one seed: what was compared is outdated, and compared again."""
    specs = plan(models=("betavae",), seeds=(0, 1, 2), betas=(0.01,), steps=40)
    results, folders = tmp_path / "results", []
    for spec in specs:
        folder = store.folder(spec)
        with folder.claim() as claim:
            assert Execution(spec, store, dataset, "cpu", claim, {}).run().status == "done"
        folders.append(folder.path)

    def udr():
        with open(results / "scores.csv", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: row["seed"])
        return [(row["udr_status"], row["udr"], row["udr_variant"]) for row in rows]

    result = invoke(results, "--metrics", "udr")
    assert result.exit_code == 0, result.output
    assert "[1/1]" in result.stderr
    assert "Scores computed: 3, kept: 0." in result.stdout
    first = udr()
    assert {(status, variant) for status, _, variant in first} == {
        ("done", "udr[lasso0.1,kl>0.01]")
    }
    assert all(0 < float(value) < 1 for _, value, _ in first)

    found = read_representation(folders[1] / "representation.h5")
    codes = found.shared.codes @ np.linalg.qr(np.arange(9.0).reshape(3, 3) ** 2)[0]
    write_representation(
        folders[1] / "representation.h5",
        found.codes,
        found.factors,
        dataset=found.dataset,
        shared=dataclasses.replace(found.shared, codes=codes),
    )
    invoke(results, "--metrics", "sap_continuous")
    assert udr() == [("outdated", "", "udr[lasso0.1,kl>0.01]")] * 3
    assert "Scores computed: 3, kept: 0." in invoke(results, "--metrics", "udr").stdout
    second = udr()
    assert [status for status, *_ in second] == ["done"] * 3
    assert second != first
    assert "Scores computed: 0, kept: 3." in invoke(results, "--metrics", "udr").stdout
    assert udr() == second
