"""`bench submit` from its options to its scripts; tests/slurm submits for real."""

import shlex

import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.cli import cli
from disentanglement_bench.benchmark.commands.submit import NOT_SUBMITTED, command
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.request import TrainRequest
from disentanglement_bench.benchmark.runs.store import Store

TRAIN = ("submit", "train", "--model", "betavae", "--beta", "1,4", "--seeds", "2", "--time", "90")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    """Far from any cluster, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))


def submit(*arguments):
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def refuse(*arguments):
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code != 0
    return str(done.exception) if isinstance(done.exception, BenchError) else done.output


def end_runs(count, status="done"):
    """Write records of the first runs of the plan of `TRAIN`, as if they had ended."""
    plan = TrainRequest(models=("betavae",), betas=(1.0, 4.0), seeds=(0, 1)).plan()
    for spec in plan[:count]:
        folder = Store("results").folder(spec)
        folder.write_record({"status": status, "reason": "", "config": spec.resolved()})
        # An HDF5 file's first bytes, which say that it ends after 64.
        head = b"\x89HDF\r\n\x1a\n" + bytes(32) + (64).to_bytes(8, "little")
        folder.representation.write_bytes(head.ljust(64, b"\0"))


def test_the_words_of_train_are_passed_on_as_they_were_written(tmp_path):
    pytest.importorskip("submitit")
    done = submit(*TRAIN, "--array", "3", "--set", "batch_size=8,", "--compile", "--dry-run")
    (call,) = [line for line in done.stderr.splitlines() if line.startswith("Each task calls: ")]
    assert shlex.split(call.removeprefix("Each task calls: ")) == [
        *("bench", "train", "--model", "betavae", "--seeds", "2", "--beta", "1,4"),
        *("--set", "batch_size=8,", "--compile"),
        *("--results", str(tmp_path / "results"), "--no-wait"),
    ]
    assert done.stdout.startswith("#!/bin/bash")
    assert "#SBATCH --array=0-2%3" in done.stdout
    assert not list(tmp_path.iterdir()), "a dry run writes nothing"


def test_there_are_no_more_tasks_than_families_left():
    pytest.importorskip("submitit")
    end_runs(2)
    done = submit(*TRAIN, "--array", "9", "--dry-run")
    assert "4 runs: 2 done, 2 missing." in done.stderr
    assert "#SBATCH --array=0-1%2" in done.stdout


def test_nothing_left_submits_nothing():
    end_runs(4)
    done = submit(*TRAIN)
    assert "4 runs: 4 done." in done.stderr
    assert "Nothing is left to train" in done.stderr
    assert done.stdout == ""


def test_failed_runs_are_left_only_on_request():
    pytest.importorskip("submitit")
    end_runs(4, "failed")
    assert "Nothing is left" in submit(*TRAIN).stderr
    done = submit(*TRAIN, "--retry-failed", "--array", "2", "--dry-run")
    assert "--retry-failed" in done.stderr
    assert "#SBATCH --array=0-1%2" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--time", "4h"), "expected minutes, hours:minutes:seconds"),
        (("--device", "gpu"), "--device must be auto"),
        (("--dataset", "dsprites"), "bench data get dsprites"),
        (("--set", "beta=1"), "the same setting"),
        (("--slurm", "time=5"), "use --time"),
        (("--slurm", "gres="), "expected key=value or key"),
        (("--slurm", "p=gpu"), "the long name"),
        (("--slurm", "parsable"), "needs its own"),
        (("--results", "at 100%"), "SLURM cannot write logs below"),
        (("--results", "a\\b"), "choose another folder"),
        (("--results", "a\nb"), "choose another folder"),
        (("--array", "0"), "0 is not in the range"),
    ],
)
def test_careless_options_are_refused_before_anything_is_submitted(arguments, expected, tmp_path):
    assert expected in refuse(*TRAIN, *arguments)
    assert not list(tmp_path.iterdir())


def test_arrays_beyond_the_limit_are_several(monkeypatch, tmp_path):
    pytest.importorskip("submitit")
    from disentanglement_bench.benchmark.cluster import submit as submit_module

    monkeypatch.setattr(submit_module, "read_array_limit", lambda: 3)
    done = submit(*TRAIN, "--array", "4", "--dry-run")
    first, second = done.stdout.split("#!/bin/bash")[1:]
    assert "#SBATCH --array=0-2%3" in first
    assert "--array" not in second


def test_scores_are_submitted_in_parts_with_one_call_after_them(tmp_path):
    pytest.importorskip("submitit")
    (tmp_path / "mine").mkdir()
    for name in "abc":
        (tmp_path / "mine" / f"{name}.npz").touch()
    options = ("--time", "5", "--array", "9", "--metrics", "mig", "--dry-run")
    done = submit("submit", "evaluate", "mine", *options)
    parts, last = done.stdout.split("#!/bin/bash")[1:]
    assert "#SBATCH --array=0-2%3" in parts
    assert "dependency" not in parts
    assert "#SBATCH --dependency=afterany:NUMBER" in last
    assert f"output={tmp_path}/mine/jobs/" in last
    assert "bench evaluate mine --metrics mig --shard 0/3\n" in done.stderr
    assert done.stderr.endswith("bench evaluate mine --metrics mig\n")
    done = submit("submit", "evaluate", "mine", *options, "--force", "--output", "t.csv")
    assert "bench evaluate mine --metrics mig --force --shard 0/3\n" in done.stderr
    assert done.stderr.endswith("bench evaluate mine --metrics mig --output t.csv\n")


def test_an_unknown_metric_is_said_before_anything_is_submitted(tmp_path):
    (tmp_path / "a.npz").touch()
    assert "nope" in refuse("submit", "evaluate", ".", "--time", "5", "--metrics", "mig,nope")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_what_contradicts_a_benchmark_is_said_before_anything_is_submitted():
    call = ("submit", "evaluate", ".", "--time", "5", "--benchmark")
    assert "leave --metrics or --benchmark out" in refuse(*call, "db1", "--metrics", "mig")
    assert "unknown benchmark 'db2'" in refuse(*call, "db2")


def test_scores_of_nothing_are_refused_unless_jobs_will_write_something():
    pytest.importorskip("submitit")
    options = ("submit", "evaluate", "results", "--time", "5", "--array", "2", "--dry-run")
    assert "no representation" in refuse(*options)
    parts, last = submit(*options, "--dependency", "afterany:7").stdout.split("#!/bin/bash")[1:]
    assert "dependency=afterany:7" in parts
    assert "dependency=afterany:NUMBER" in last


def test_scores_are_not_submitted_where_slurm_would_write_logs_elsewhere(tmp_path):
    pytest.importorskip("submitit")
    (tmp_path / "%j").mkdir()
    (tmp_path / "%j/a.npz").touch()
    assert "choose another folder" in refuse("submit", "evaluate", "%j", "--time", "5")


def test_every_option_of_a_call_is_passed_on_or_known_not_to_be():
    for name, submitted in command.commands.items():
        mine = {param.name for param in submitted.params}
        other = cli.get_command(None, name)
        missing = {param.name for param in other.params} - mine
        assert missing <= set(NOT_SUBMITTED[name])
