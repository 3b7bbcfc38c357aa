"""results/reference is what the shipped scores give: run its command after a change of tables."""

import runpy
from pathlib import Path

import pytest

from disentanglement_bench.evaluation.statistics.shipped_runs import collect_shipped
from disentanglement_bench.evaluation.statistics.summary import summarise
from disentanglement_bench.evaluation.tables.rendering import to_markdown
from disentanglement_bench.evaluation.tables.tables import all_tables

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "results/reference/db1/tables"


@pytest.mark.slow
def test_the_tables_kept_there_come_out_again():
    tables = all_tables(summarise(collect_shipped("db1")))
    kept = {path.stem: path.read_text() for path in KEPT.glob("*.md")}
    made = {table.name: to_markdown(table) for table in tables}
    advice = "bench report --benchmark db1 --figures main --output results/reference/db1"
    assert kept == made, f"run: {advice}"


def test_the_check_at_full_size_is_what_its_scores_give():
    script = runpy.run_path(ROOT / "docs/make_size_check.py")
    scores = script["read_runs"]()
    seeds = scores.groupby(["dataset", "lambda", "beta", "metric"])["seed"].nunique()
    counts = seeds.groupby("dataset").agg(["min", "max", "size"])
    # Two λ, five β and three scores each.
    assert counts.T.to_dict("list") == {"sprites": [3, 3, 30], "sprites-small": [10, 10, 30]}
    page = (ROOT / "results/reference/README.md").read_text()
    assert f"\n{script['write_table'](scores)}\n\n" in page, "run: python docs/make_size_check.py"
    assert len(script["draw"](scores).axes) == 3
