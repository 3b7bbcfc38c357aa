"""`bench train --benchmark` where scores ship; no run is trained here."""

import re

import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.cli import cli
from disentanglement_bench.benchmark.protocol import standard
from disentanglement_bench.benchmark.protocol.plan import config_sha256
from disentanglement_bench.benchmark.protocol.standard import list_runs
from disentanglement_bench.evaluation.reference import load_benchmark

CALL = ("train", "--benchmark", "db1", "--dataset", "rooms3d", "--model", "dipvae1")
SHIPPED = (
    "3 runs count as done: their scores ship with the package (--retrain-shipped trains them)."
)


@pytest.fixture(autouse=True)
def _one_seed_ships(tmp_path, monkeypatch):
    runs = [spec for spec in list_runs(load_benchmark("db1")) if spec.seed == 0]
    shipped = {spec.path: config_sha256(spec.resolved()) for spec in runs}
    monkeypatch.setattr(standard, "list_shipped", lambda name: shipped)
    monkeypatch.chdir(tmp_path)


def bench(*arguments):
    done = CliRunner().invoke(cli, [*CALL, *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_dry_run_shows_which_runs_count_as_done():
    output = bench("--seeds", "2", "--dry-run")
    assert SHIPPED in output
    assert "3 runs would be trained, 12,000 steps at most." in output
    assert "6 runs below results/runs" in output
    assert output.count("its scores ship") == 3
    assert re.search(r"lambda_od=1,.*/seed-0 .* skip \(--retrain-shipped trains it\)", output)


def test_nothing_is_trained_where_all_scores_ship(tmp_path):
    output = bench("--seeds", "1", "--jobs", "1")
    assert output.splitlines() == [SHIPPED, "Nothing is left to train."]
    assert not list(tmp_path.iterdir())


def test_an_estimate_says_why_nothing_is_left():
    output = bench("--seeds", "1", "--estimate")
    assert output.splitlines() == [SHIPPED, "Nothing is left to train."]


def test_they_are_trained_on_request():
    output = bench("--seeds", "1", "--retrain-shipped", "--dry-run")
    assert "3 runs would be trained, 12,000 steps at most." in output
    assert "ship" not in output


def test_what_ships_is_not_submitted():
    words = ("submit", *CALL, "--seeds", "1", "--time", "10")
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert SHIPPED in done.stderr
    assert "so nothing is submitted" in done.stderr
