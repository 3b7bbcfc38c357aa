"""The sentence that says whether new seeds confirm a standard benchmark's hypotheses."""

import pytest

from disentanglement_bench.evaluation.page.all_findings import list_findings
from disentanglement_bench.evaluation.page.confirming import about_confirmation
from disentanglement_bench.evaluation.page.findings import main_findings
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.summary import summarise

BETAS = (1, 4, 8, 16, 32)


@pytest.fixture
def tell(write_scores, sweep, tmp_path):
    """The findings of a sweep of DB-1; without a hump on seeds from `flat_from` on."""

    def make(dataset="sprites-small", seeds=20, flat_from=99, change=None, keep=None):
        rows = sweep(dataset, "db1", seeds, BETAS)
        flat = sweep(dataset, "db1", seeds, BETAS, level=lambda beta: 0.2, noise=0.01)
        rows = [b if a["seed"] >= flat_from else a for a, b in zip(rows, flat, strict=True)]
        rows = [row for row in rows if row["seed"] < 10 or row["model"] != "betatcvae"]
        rows = [row | (change(row) if change else {}) for row in rows if not keep or keep(row)]
        summary = summarise(collect(write_scores(tmp_path, rows)))
        place = dataset, "db1"
        told = about_confirmation(summary, *place)
        assert set(told) <= set(main_findings(summary, *place))
        assert set(told) <= set(list_findings(summary, *place))
        return "".join(told)

    return make


def test_peaks_that_new_seeds_do_not_show_are_not_confirmed(tell):
    text = tell(flat_from=10)
    assert text.startswith(
        "Seeds 0–9 suggested the hypotheses of DB-1; on the new seeds 10–19, none of the 4 "
        "declared peaks is confirmed (p = "
    )
    assert text.endswith("largest at an intermediate β.")


def test_peaks_that_new_seeds_show_are_named(tell):
    # Only the β-VAE keeps its hump, in MIG.
    def change(row):
        weak = {"mi_matched_sampled": 2 + 0.01 * (row["seed"] * 7 % 5)}
        return weak | ({"mig": 0.2 + 0.01 * (row["seed"] * 3 % 4)} if row["lambda"] == 8 else {})

    text = tell(change=change)
    assert "on the new seeds 10–19, 1 of 4 declared peaks is confirmed: MIG of β-VAE (p = " in text


def test_without_new_seeds_the_hypotheses_are_not_confirmed_yet(tell):
    assert tell(seeds=10).startswith(
        "Not confirmed yet: DB-1 declared these hypotheses after seeds 0–9 were seen; seeds 10–19"
    )


def test_where_no_seed_was_seen_before_the_seeds_of_the_table_confirm(tell):
    assert tell("rooms3d", seeds=10).startswith(
        "DB-1 declared its hypotheses before any of these seeds was seen; on seeds 0–9, 2 of 4 "
        "declared peaks are confirmed: MIG of β-VAE and I_m (sampled codes) of β-VAE (p "
    )


def test_peaks_that_were_not_tested_are_counted_among_the_declared_ones(tell):
    text = tell("rooms3d", seeds=10, keep=lambda row: row["lambda"] != 8)
    assert "2 of 4 declared peaks are confirmed: " in text
    assert text.endswith("; 2 have too few runs for a test.")


def test_too_few_new_seeds_test_nothing(tell):
    assert tell(seeds=12).endswith("10–11, too few runs have scores to test them.")


def test_other_protocols_declare_nothing(sweep_summary):
    summary = sweep_summary(seeds=3)
    assert about_confirmation(summary, *summary.strata[0]) == []
