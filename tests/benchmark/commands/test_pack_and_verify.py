import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from disentanglement_bench import load_dataset, write_representation
from disentanglement_bench.benchmark.cli import cli
from disentanglement_bench.benchmark.commands import verify
from disentanglement_bench.evaluation.contributions.verifying import Comparison

ROW = """\
name = "projection"
label = "Projection"
description = "Ten random projections of the pixels."
citation = "Nobody (2026)."
code = "https://example.org/code"
[training]
summary = "Normal weights from a seed."
data = "none"
steps = 0
tuning = "none"
settings_tried = 1
"""


def invoke(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_the_template_is_printed_without_anything_else():
    result = invoke("pack", "--template")
    assert result.exit_code == 0
    assert result.stdout.startswith("# A row of a standard table")
    assert "settings_tried" in result.stdout


def test_everything_that_is_missing_is_listed(tmp_path):
    (tmp_path / "row.toml").write_text(invoke("pack", "--template").stdout)
    output = tmp_path / "mine.zip"
    result = invoke("pack", tmp_path, "--about", tmp_path / "row.toml", "--output", output)
    assert result.exit_code == 1
    assert "Error: not packed, for these reasons (10):" in result.stderr
    assert result.stderr.count(" is required: ") == 10
    assert not output.exists()


def test_an_archive_that_is_none(tmp_path):
    result = invoke("verify", tmp_path / "none.zip")
    assert result.exit_code == 1
    assert "Error: not verified, for these reasons (1):" in result.stderr
    assert "none.zip: cannot be read (No such file or directory)" in result.stderr


@pytest.mark.parametrize("command", ["pack", "verify"])
def test_an_unknown_benchmark(tmp_path, command):
    arguments = [tmp_path / "a", "--benchmark", "db11"]
    if command == "pack":
        arguments += ["--about", "row.toml", "--output", "mine.zip"]
    error = invoke(command, *arguments).exception
    assert str(error).startswith("unknown benchmark 'db11'; did you mean 'db1'?")


def test_the_table_shows_the_worst_of_each_key():
    name = "representations/mine/toy/seed-{}.npz".format
    comparisons = [
        Comparison(name(0), "mig", 0.5, 0.5 + 2e-9, 1e-9),
        Comparison(name(1), "mig", None, 0.5, 1e-9),
        Comparison(name(2), "mig", 0.5, 0.5, 1e-9),
        Comparison(name(0), "sap", None, None, 1e-3),
    ]
    shown = verify.tabulate_comparisons(type("V", (), {"comparisons": comparisons}))
    rows = [list(column.cells) for column in shown.columns]
    assert rows == [
        ["mig", "sap"],
        ["undefined", "undefined"],
        ["0.500000", "undefined"],
        ["inf", "0"],
        ["1e-09", "0.001"],
        ["1 of 3", "all"],
        ["mine/toy/seed-1", "mine/toy/seed-0"],
    ]


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Five seeds of a projection on the true data set, packed by the command line."""
    folder = tmp_path_factory.mktemp("packed")
    dataset = load_dataset("sprites-small")
    for seed in range(5):
        sample = dataset.evaluation_sample(seed)
        pixels = sample.images.reshape(len(sample.images), -1)
        weights = np.random.default_rng(seed).normal(size=(pixels.shape[1], 4)) / 30
        write_representation(
            folder / f"mine/seed-{seed}.npz",
            pixels @ weights,
            sample.factors,
            n_train=3000,
            index=sample.index,
            dataset="sprites-small",
        )
    (folder / "row.toml").write_text(ROW)
    about, output = folder / "row.toml", folder / "mine.zip"
    result = invoke("pack", folder / "mine", "--about", about, "--output", output)
    assert result.exit_code == 0, result.output
    assert "projection, sprites-small: 5 seeds (ranked)" in result.stdout
    assert "bench verify" in result.stdout
    return output


@pytest.mark.slow
def test_there_and_back(packed, tmp_path):
    result = invoke("verify", packed, "--output", tmp_path / "rows.csv")
    assert result.exit_code == 0, result.output
    assert "all 85 scores hold within their tolerances (20 of them are undefined" in result.stdout
    assert (tmp_path / "rows.csv").read_text().count("\n") == 6
    assert "Projection (external)" in (tmp_path / "rows.md").read_text()
    assert "/tmp" not in result.stderr
    with zipfile.ZipFile(packed) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(contents["manifest.json"])
    manifest["members"][2]["scores"]["dci_disentanglement"] += 0.02
    contents["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(tmp_path / "false.zip", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    result = invoke("verify", tmp_path / "false.zip")
    assert result.exit_code == 1
    assert "1 of 85 scores do not hold" in result.stdout
    assert "seed-2" in result.stdout.split("Scores that do not hold")[1]


@pytest.mark.slow
def test_nothing_is_left_of_a_call_that_is_interrupted(packed, tmp_path):
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "disentanglement_bench.benchmark.cli", "verify", str(packed)],
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("Representations to score"):
            process.send_signal(signal.SIGINT)
            break
    assert process.wait(60) == 130
    assert list(Path(tmp_path / "temporary").iterdir()) == []
