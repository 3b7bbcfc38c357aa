import re

import pytest

from disentanglement_bench.evaluation import tables
from disentanglement_bench.evaluation.page.all_findings import list_findings
from disentanglement_bench.evaluation.tables.methods import comparison_table, ranking_table
from disentanglement_bench.evaluation.tables.others import (
    other_curves_table,
    other_scores_table,
    undefined_table,
)
from disentanglement_bench.evaluation.tables.rendering import (
    to_csv,
    to_latex,
    to_markdown,
    to_text,
)
from disentanglement_bench.evaluation.tables.tables import all_tables

PLACE = ("dsprites", "paper")
CLASSES = "factor angle is continuous: use --bin-factors N"
MORE = {
    "mig_sampled": 0.5,
    "modularity": 0.9,
    "factorvae_score": 0.8,
    "factorvae_score_train": 0.7,
    "irs": 0.6,
    "irs_active": 0.5,
    "gaussian_total_correlation": 2.0,
}


def with_all(rows):
    """Rows of a scores.csv with further metrics."""
    return [row | {k: v * row["mig"] + row["seed"] / 1e3 for k, v in MORE.items()} for row in rows]


def undefine(rows, reasons):
    """Make keys undefined, each for its reason."""
    stated = "; ".join(f"{key}: {reason}" for key, reason in reasons.items())
    metrics = {f"{key}_status": "undefined" for key in ("mig", "sap", "irs", "factorvae_score")}
    return [row | dict.fromkeys(reasons) | {"reasons": stated} | metrics for row in rows]


@pytest.fixture(scope="module")
def summary(summary_of, sweep, tmp_path_factory):
    return summary_of(tmp_path_factory.mktemp("all"), with_all(sweep()))


def test_other_scores_have_a_row_each_and_methods_are_columns(summary):
    table = other_scores_table(summary, *PLACE)
    assert table.columns == ("Score", "Variant", "Range", "VAE", "β-VAE", "λβ-VAE", "β-TCVAE")
    assert [row[0] for row in table.rows] == [
        "MIG (sampled codes) ↑",
        "modularity ↑",
        "FactorVAE score ↑",
        "IRS ↑",
        "Gaussian TC (means) [nats]",
    ]
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    row = rows["FactorVAE score ↑"]
    assert row["Range"] == "0 … 1"
    assert row["Variant"] == "factorvae[b64,v10000+5000,std0.05]"
    assert "(best of 3)" in row["β-TCVAE"]
    assert "(first phase)" not in "".join(table.columns)
    assert "partly collapsed ones 0.69" in "\n".join(table.notes)
    assert table.secondary


def test_further_keys_and_twins_stand_in_a_table_of_details(summary):
    table = other_scores_table(summary, *PLACE, detail=True)
    assert [row[0] for row in table.rows] == ["FactorVAE score (train) ↑", "IRS (active codes) ↑"]


def test_the_main_tables_keep_their_columns(summary, summary_of, sweep, tmp_path):
    plain = summary_of(tmp_path, sweep())
    for make in (comparison_table, lambda s, *p: ranking_table(s, p[1], "genuine", p[0])):
        assert make(summary, *PLACE).rows == make(plain, *PLACE).rows
    names = {table.name for table in all_tables(plain)}
    assert not any(name.startswith(("scores-", "details-", "undefined-")) for name in names)


def test_other_scores_are_shown_over_the_sweep_and_ranked(summary):
    table = other_curves_table(summary, *PLACE, "beta")
    assert table.columns[:3] == ("Curve", "β", "MIG (sampled codes) ↑")
    assert len(table.rows) == 4 * 3
    assert "irs_active" in set(table.data["metric"]), "its data have every key"
    ranking = ranking_table(summary, "paper", "genuine", "dsprites", others=True)
    assert "FactorVAE score ↑" in ranking.columns
    assert "MIG ↑" not in ranking.columns
    assert "Gaussian TC (means) [nats]" not in ranking.columns, "it has no direction"
    assert ranking.secondary


def test_every_form_of_every_table_can_be_written(summary):
    for table in all_tables(summary):
        assert all(len(row) == len(table.columns) for row in table.rows)
        for render in (to_text, to_markdown, to_latex, to_csv):
            assert not re.search(r"\b(nan|None)\b", render(table)), table.name


def test_what_is_undefined_for_every_run_is_one_line(summary_of, sweep, tmp_path):
    few = "class 2 of shape has 12 rows"
    rows = undefine(with_all(sweep()), {"mig": CLASSES, "sap": CLASSES, "irs": few})
    summary = summary_of(tmp_path, rows)
    table = undefined_table(summary, *PLACE)
    assert table.rows == (
        ("MIG, SAP", "72 of 72", CLASSES),
        ("IRS", "72 of 72", few),
    )
    comparison = comparison_table(summary, *PLACE)
    assert not any("MIG" in column for column in comparison.columns)
    line = f"Undefined for every run: MIG, SAP – {CLASSES}."
    assert comparison.notes.count(line) == 1
    assert list_findings(summary, *PLACE).count(line) == 1
    for each in all_tables(summary):
        for render in (to_text, to_markdown, to_latex, to_csv):
            assert render(each)


def test_a_metric_stands_for_its_twins_and_its_first_key_for_all(summary_of, sweep, tmp_path):
    keys = ["factorvae_score", "factorvae_score_train", "irs", "irs_active"]
    rows = undefine(with_all(sweep(seeds=1)), dict.fromkeys(keys, CLASSES))
    rows = [row | {"irs_active_status": "undefined"} for row in rows]
    ((labels, _, _),) = undefined_table(summary_of(tmp_path, rows), *PLACE).rows
    assert labels == "FactorVAE score, IRS (also of sampled or active codes)"


def test_without_a_headline_score_the_others_stand_open_and_are_told(summary_of, sweep, tmp_path):
    rows = with_all(sweep())
    keys = ("mig", "sap", "dci_disentanglement", "dci_completeness", "mi_matched")
    rows = [row | dict.fromkeys((*keys, "mi_matched_sampled")) for row in rows]
    summary = summary_of(tmp_path, rows)
    assert not other_scores_table(summary, *PLACE).secondary
    assert other_scores_table(summary, *PLACE, detail=True).secondary
    assert not ranking_table(summary, "paper", "genuine", "dsprites", others=True).secondary
    assert any("FactorVAE score: " in text for text in list_findings(summary, *PLACE))


def test_what_is_undefined_for_some_runs_is_counted(summary_of, sweep, tmp_path):
    rows = with_all(sweep())
    mixed = [*undefine(rows[:2], {"irs": "one"}), *undefine(rows[2:3], {"irs": "two"}), *rows[3:]]
    summary = summary_of(tmp_path, mixed)
    ((labels, runs, reason),) = undefined_table(summary, *PLACE).rows
    assert (labels, runs, reason) == ("IRS", "3 of 72", "one (and 1 other reason)")
    assert not any("Undefined" in note for note in comparison_table(summary, *PLACE).notes)


def test_nothing_but_undefined_scores_still_gives_a_table(summary_of, sweep, tmp_path):
    keys = ("mig", "sap", "dci_disentanglement", "dci_completeness", "mi_matched")
    keys = (*keys, "mi_matched_sampled")
    rows = [row | {"nll": None, "kl": None, "bce_floor": None} for row in sweep(seeds=1)]
    rows = undefine(rows, dict.fromkeys(keys, CLASSES))
    summary = summary_of(tmp_path, rows)
    assert comparison_table(summary, *PLACE) is None
    assert CLASSES in "".join(list_findings(summary, *PLACE))
    assert undefined_table(summary, *PLACE).rows


def test_the_room_offers_every_table_by_itself(summary_of, sweep, tmp_path):
    summary = summary_of(tmp_path, sweep(seeds=5))
    functions = [name for name in tables.__all__ if name.endswith("_table")]
    assert {"other_scores_table", "other_curves_table", "undefined_table"} <= set(functions)
    assert all(callable(getattr(tables, name)) for name in functions)
    assert tables.comparison_table(summary, *PLACE).rows
