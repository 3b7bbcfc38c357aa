"""Adding a metric touches one file: drop it into a copy of the package, and it is everywhere."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NEW = '''
"""How far codes spread."""

from .metric import Key, Metric
from .score import Score


def measure_spread(codes, factors):
    """Mean standard deviation of the codes."""
    each = codes.std(axis=0)
    return Score(values={"spread": each.mean()}, per_code={"spread": each})


spread = Metric(
    "spread",
    measure_spread,
    (Key("spread", "Spread", "mean standard deviation", higher_is_better=None, high=9, unit="au"),),
    variant="spread[std]",
    citation="somebody2030",
    twin=True,
)
'''
USE = """
import numpy as np
from disentanglement_bench.evaluation import score, spread, write_representation
factors = np.random.default_rng(0).integers(0, 3, (60, 2))
codes, spreads = factors * 1.0, np.zeros((60, 2))
print(score(codes, factors, ["spread"], spreads))
print(spread(codes, factors).variant)
write_representation("mine.npz", codes, factors, log_variances=spreads)
"""


@pytest.fixture
def run(tmp_path):
    package = tmp_path / "site" / "disentanglement_bench"
    shutil.copytree(ROOT / "disentanglement_bench", package)
    for name in ("benchmark", "evaluation", "models"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, package / name, ignore=ignored)
    (package / "evaluation" / "metrics" / "spread.py").write_text(NEW)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "COLUMNS": "250"}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    return run


@pytest.mark.slow
def test_a_new_file_is_listed_computed_and_tabled(run, tmp_path):
    bench = ("-c", "from disentanglement_bench.benchmark.cli import main; main()")
    listed = run(*bench, "list", "metrics")
    assert "spread[std]" in listed
    assert "spread[std,sampled]" in listed
    used = run("-c", USE)
    assert "'spread': " in used
    assert "'spread_sampled': " in used
    assert "spread[std]" in used
    run(*bench, "evaluate", "mine.npz", "--output", "scores.csv", "--jobs", "1")
    with open(tmp_path / "scores.csv") as file:
        (row,) = csv.DictReader(file)
    assert 0 < float(row["spread"]) < float(row["spread_sampled"])
    labels = "from disentanglement_bench.evaluation.statistics.labels import describe_key as d; "
    assert run("-c", labels + "print(d('spread').axis, d('spread').variant)") == (
        "Spread (au) spread[std]\n"
    )
