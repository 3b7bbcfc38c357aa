"""A results folder that version 0.1.0 wrote is skipped as done, evaluated and reported."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.cli import cli

STORED = Path(__file__).parent / "data" / "results-0.1.0"
# The command that made it.
COMMAND = (
    "train --model lambdabeta --model betatcvae --seeds 2 --steps 40 --beta 1,8 "
    "--set n_train=240 --set n_test=120 --set image_size=16 --device cpu --jobs 1"
)
TRAIN = COMMAND.split()


@pytest.fixture
def results(tmp_path):
    shutil.copytree(STORED, tmp_path / "results")
    return tmp_path / "results"


def run(*arguments):
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def contents(folder, pattern):
    return {path: path.read_bytes() for path in sorted(folder.rglob(pattern))}


def test_finished_runs_are_skipped(results):
    before = contents(results / "runs", "run.json")
    output = run(*TRAIN, "--results", results)
    assert "16 done; 0 trained" in output, output
    assert contents(results / "runs", "run.json") == before


def test_scores_are_kept_and_the_table_holds_the_same_numbers(results):
    before = contents(results / "runs", "*.json")
    output = run("evaluate", results)
    assert "computed: 0" in output, output
    assert contents(results / "runs", "*.json") == before
    old, new = pd.read_csv(STORED / "scores.csv"), pd.read_csv(results / "scores.csv")
    assert set(old) <= set(new)
    pd.testing.assert_frame_equal(new[list(old)], old, check_exact=True)


def test_scores_computed_again_are_the_same(results):
    for folder in list(results.rglob("scores"))[2:]:
        shutil.rmtree(folder.parent)
    for folder in results.rglob("scores"):
        shutil.rmtree(folder)
    run("evaluate", results)
    old = pd.read_csv(STORED / "scores.csv").set_index("path")
    new = pd.read_csv(results / "scores.csv").set_index("path")
    assert len(new) == 2
    old = old.loc[new.index].drop(columns="reasons")
    pd.testing.assert_frame_equal(new[list(old)], old, check_exact=False, rtol=1e-12)


def test_an_interrupted_run_goes_on_from_its_checkpoint(results):
    """Its checkpoint names the configuration by the hash that version 0.1.0 gave it."""
    folder = results / "runs/sprites-small/quick/betavae/beta=8/seed-0"
    record = json.loads((folder / "run.json").read_text())
    record["status"] = "interrupted"
    (folder / "run.json").write_text(json.dumps(record))
    output = run(*TRAIN, "--results", results)
    assert "failed" not in output, output
    after = json.loads((folder / "run.json").read_text())
    assert after["status"] == "done"
    assert after["final"]["kl"] == record["final"]["kl"]


def test_a_child_continues_from_a_parent_of_that_version(results):
    command = COMMAND.replace("--model betatcvae ", "").replace("--beta 1,8", "--beta 8")
    train = [*command.replace("--seeds 2", "--seeds 0-0").split(), "--lambda", "4"]
    output = run(*train, "--continue-steps", "20", "--results", results)
    assert "1 trained" in output, output
