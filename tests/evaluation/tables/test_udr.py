import pytest

from disentanglement_bench.evaluation.page.all_findings import list_findings
from disentanglement_bench.evaluation.tables.rendering import (
    to_csv,
    to_latex,
    to_markdown,
    to_text,
)
from disentanglement_bench.evaluation.tables.tables import all_tables
from disentanglement_bench.evaluation.tables.udr import udr_table

UDR = {1: 0.3, 8: 0.2, 32: 0.1}


def with_udr(rows, levels=UDR):
    """Rows of a scores.csv with a UDR that β decides, apart from a little of the seed."""
    return [
        row | {"udr": levels[row["beta"]] + row["seed"] / 1000, "udr_spearman": None}
        for row in rows
    ]


@pytest.fixture(scope="module")
def summary(summary_of, sweep, tmp_path_factory):
    return summary_of(tmp_path_factory.mktemp("udr"), with_udr(sweep()))


def test_the_table_shows_the_choice_and_what_it_costs(summary):
    table = udr_table(summary, "dsprites", "paper")
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert list(rows) == [
        "all methods, UDR",
        "β-VAE, UDR",
        "λβ-VAE, UDR",
        "β-TCVAE, UDR",
    ]
    row = rows["β-VAE, UDR"]
    assert row["UDR chooses"].startswith("β = 8\nUDR 0.20")
    assert "of 2 settings" in row["UDR chooses"]
    assert "the best" in row["MIG ↑"], "VAE, β = 1, is a method of its own"
    cell = rows["β-TCVAE, UDR"]["MIG ↑"]
    assert "(β = 8)\ncost 0.1" in cell
    assert "6 pairs" in cell
    assert "ρ" in cell
    notes = "\n".join(table.notes)
    for wanted in ("needs no labels", "too high", "Data: ", "UDR: udr["):
        assert wanted in notes, wanted
    for render in (to_text, to_markdown, to_latex, to_csv):
        assert render(table)
    assert "duan2020unsupervised" in to_latex(table)


def test_the_sentence_says_the_choice_and_the_cost(summary):
    every, *others = [text for text in list_findings(summary, "dsprites", "paper") if "UDR" in text]
    assert "settings of all methods – MIG" in every
    text = others[-1]
    assert text.startswith(
        "Without labels, UDR would choose β = 1 of the 3 settings of β-TCVAE – MIG 0.0"
    )
    assert "best 0.20" in text or "best 0.19" in text
    assert "at β = 8, cost 0.1" in text
    assert "rank correlation over settings +0.50" in text


def test_below_five_seeds_the_cost_is_illustrative_and_has_no_interval(summary_of, sweep, tmp_path):
    few = summary_of(tmp_path, with_udr(sweep(seeds=3)))
    (row,) = [row for row in udr_table(few, "dsprites", "paper").rows if "TCVAE" in row[0]]
    assert "3 pairs*" in row[2]
    assert "[" not in row[2]
    text = "".join(text for text in list_findings(few, "dsprites", "paper") if "UDR" in text)
    assert "3 pairs, illustrative" in text


def test_methods_are_not_ranked_by_a_score_that_does_not_compare_between_them(summary):
    names = {table.name for table in all_tables(summary)}
    assert "scores-dsprites-paper" in names
    assert not any(name.startswith("ranking-other") for name in names)


def test_without_udr_there_is_no_table(summary_of, sweep, tmp_path):
    summary = summary_of(tmp_path, sweep(seeds=2))
    assert udr_table(summary, "dsprites", "paper") is None
    assert not any(table.name.startswith("udr") for table in all_tables(summary))
    assert not any("UDR" in text for text in list_findings(summary, "dsprites", "paper"))
