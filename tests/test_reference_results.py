"""results/reference is what the shipped scores give: run its command after a change of tables."""

from pathlib import Path

import pytest

from disentanglement_bench.evaluation.statistics.shipped_runs import collect_shipped
from disentanglement_bench.evaluation.statistics.summary import summarise
from disentanglement_bench.evaluation.tables.rendering import to_markdown
from disentanglement_bench.evaluation.tables.tables import all_tables

KEPT = Path(__file__).parents[1] / "results/reference/db1/tables"


@pytest.mark.slow
def test_the_tables_kept_there_come_out_again():
    tables = all_tables(summarise(collect_shipped("db1")))
    kept = {path.stem: path.read_text() for path in KEPT.glob("*.md")}
    made = {table.name: to_markdown(table) for table in tables}
    advice = "bench report --benchmark db1 --figures main --output results/reference/db1"
    assert kept == made, f"run: {advice}"
