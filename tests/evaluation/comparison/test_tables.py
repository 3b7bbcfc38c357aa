import dataclasses

import pytest

from disentanglement_bench.evaluation.comparison.scoring import find_metrics
from disentanglement_bench.evaluation.comparison.tables import CONTEXT, context_table
from disentanglement_bench.evaluation.reference import literature_scores, load_benchmark


def test_published_figures_are_context():
    table = context_table(load_benchmark("db1-paper"), "dsprites")
    known = literature_scores()
    known = known[(known["dataset"] == "dsprites") & (known["metric"] != "")]
    assert len(table.rows) == len(known) > 5
    assert table.notes == (CONTEXT,)
    assert table.secondary
    assert "MIG" in {row[2] for row in table.rows}
    assert context_table(load_benchmark("db1"), "rooms3d") is None


def test_a_metric_of_another_variant_is_not_scored():
    definition = load_benchmark("db1")
    metrics = {**definition.metrics, "sap": "sap[other]", "unheard": "unheard[x]"}
    names, other = find_metrics(dataclasses.replace(definition, metrics=metrics))
    assert names == ["mig", "sap_continuous", "dci", "mi", "modularity", "explicitness"]
    assert other.keys() == {"sap", "unheard"}
    assert (
        "DB-1 compares sap[other], and this version of disentanglement-bench scores it as sap[l"
        in (other["sap"])
    )
    assert "does not know it" in other["unheard"]


@pytest.mark.parametrize("name", ["db1", "db1-paper"])
def test_every_metric_of_a_benchmark_is_scored_by_this_version(name):
    assert find_metrics(load_benchmark(name))[1] == {}
