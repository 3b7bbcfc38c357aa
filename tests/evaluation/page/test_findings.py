import dataclasses
import re

import pytest

from disentanglement_bench.evaluation.files import write_json
from disentanglement_bench.evaluation.page.findings import MOST, main_findings
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.labels import HEADLINE
from disentanglement_bench.evaluation.statistics.summary import summarise

WHERE = ("dsprites", "paper")


def findings_of(summary):
    found = main_findings(summary, *summary.strata[0])
    assert 1 <= len(found) <= MOST
    for text in found:
        assert text.endswith(".")
        assert text == text.strip()
        assert "nan" not in text.lower()
        assert "P(best)" not in text
    return found


def test_the_chief_findings_come_in_the_order_of_their_importance(sweep_summary):
    best, peak, information, collapse, effect = findings_of(sweep_summary(seeds=10))
    assert best.startswith("No method is clearly best: β-VAE has the best mean MIG (0.")
    assert best.endswith("; but other seeds may change that.")
    assert peak.startswith("MIG peaks at β = 8 for β-VAE (p = 0.0")
    assert ", and falls by 80 % [7" in peak
    assert peak.endswith(" to β = 32; no peak is shown for λβ-VAE with λ = 8.")
    assert information.startswith("I_m (sampled codes) peaks at β = 8")
    assert collapse.startswith("At β = 32, 10 of 10 runs of β-VAE and 10 of 10 runs of β-TCVAE")
    assert effect.startswith("At β = 32, λ = 8 raises I_m (sampled codes) by 0.7")
    assert "and lowers NLL by 1.9" in effect


@pytest.mark.parametrize("seeds", [1, 3, 5, 10])
def test_a_sentence_is_read_in_one_breath(seeds, sweep_summary):
    for text in findings_of(sweep_summary(seeds=seeds)):
        assert len(text.split()) <= 40, text


@pytest.mark.parametrize("seeds", [1, 3])
def test_few_seeds_are_said_not_to_test_anything(seeds, sweep_summary):
    text = "\n".join(findings_of(sweep_summary(seeds=seeds)))
    assert "so no winner is named" in text
    assert "too few for a test" in text
    assert "illustrative" in text
    assert "clearly best" not in text
    assert "peaks" not in text


def test_a_winner_is_named_with_its_mean(winner_summary):
    found = findings_of(winner_summary)
    assert found[0].startswith("β-TCVAE is clearly best in MIG (0.4")
    assert found[1].startswith("In the other scores no method is clearly best: ")


def test_equal_methods_share_the_best_mean(summary_of, sweep, tmp_path):
    rows = [row | {"sap": 0.0} for row in sweep(seeds=3, models=("betavae", "betatcvae"))]
    (text,) = [one for one in findings_of(summary_of(tmp_path, rows)) if "best mean" in one]
    assert "VAE, β-VAE and β-TCVAE share the best mean SAP (0.000)" in text


def test_primary_hypotheses_are_told_and_without_one_every_curve(sweep_summary):
    summary = sweep_summary(seeds=10)
    assert set(summary.trends.loc[summary.trends["primary"], "curve"]) == {
        "betavae",
        "lambdabeta,lambda=8",
    }
    assert "β-TCVAE" not in findings_of(summary)[1]
    trends = summary.trends.assign(primary=False)
    every = findings_of(dataclasses.replace(summary, trends=trends, parts={}))
    assert every[1].startswith("MIG peaks at β = 8 for β-VAE and β-TCVAE (p ")


def test_a_winner_among_some_of_the_methods_is_told_so(summary_of, sweep, tmp_path):
    rows = [
        row | ({"mig": None} if row["model"] == "betatcvae" and row["seed"] > 4 else {})
        for row in sweep(seeds=10)
    ]
    best = findings_of(summary_of(tmp_path, rows))[0]
    assert re.search(r"MIG \(0\.\d+, where 3 of 4 methods have a rank\)", best), best
    assert best.count("have a rank") == 1, "every method has a rank in the other scores"


def test_no_peak_is_told_with_the_smallest_p(flat_summary):
    (text,) = [one for one in findings_of(flat_summary) if one.startswith("No peak of MIG")]
    assert "is shown for β-VAE and λβ-VAE with λ = 8 (smallest p = " in text


def test_without_a_sweep_nothing_is_said_about_peaks_or_collapse(summary_of, sweep, tmp_path):
    rows = [
        row | {"beta": None, "path": f"{row['seed']}.h5"}
        for row in sweep(seeds=5, betas=(8,), models=("betatcvae",))
    ]
    (text,) = findings_of(summary_of(tmp_path, rows))
    assert text.startswith("β-TCVAE is the only method, so nothing is ranked; its mean MIG is 0.")


def test_a_single_value_is_no_curve(summary_of, sweep, tmp_path):
    text = "\n".join(findings_of(summary_of(tmp_path, sweep(betas=(8,), lambdas=(0,)))))
    assert "Fewer than three values of β were run, so nothing can be said about a peak." in text


def test_another_axis_has_its_own_symbol(summary_of, sweep, sweep_over, tmp_path):
    rows = sweep_over([], gamma=("factorvae", (10, 20, 40)))
    text = "\n".join(findings_of(summary_of(tmp_path, rows)))
    assert "MIG peaks at gamma = 20 for factorvae (p" in text
    assert "At gamma = 40, 6 of 6 runs of factorvae collapsed" in text


def test_undefined_scores_are_told_with_their_reason(summary_of, sweep, tmp_path):
    nothing = {"sap": None, "sap_status": "undefined", "reasons": "sap: too few rows of class 3"}
    rows = [row | nothing for row in sweep()]
    text = "\n".join(findings_of(summary_of(tmp_path, rows)))
    assert "SAP is undefined for 72 of 72 runs: too few rows of class 3." in text


def test_what_is_undefined_in_a_few_runs_alone_is_told_last(summary_of, sweep, tmp_path):
    rows = sweep(seeds=10)
    rows[0] |= {"sap": None, "sap_status": "undefined", "reasons": "sap: one class"}
    found = findings_of(summary_of(tmp_path, rows))
    assert found[-1] == f"SAP is undefined for 1 of {len(rows)} runs: one class."


def test_with_nothing_defined_that_comes_first(summary_of, sweep, tmp_path):
    found = findings_of(
        summary_of(tmp_path, [row | dict.fromkeys(HEADLINE) for row in sweep(seeds=2)])
    )
    assert found == ["No score is known or defined, so nothing can be said about these runs."]


def test_failed_and_missing_runs_are_among_the_chief_findings(summary_of, sweep, tmp_path):
    rows = sweep(seeds=6)[:-3]
    for row in rows[:2]:
        row["run_status"] = "failed"
    text = "\n".join(findings_of(summary_of(tmp_path, rows)))
    assert "2 of 69 runs have no scores (2 failed) and 3 runs are missing" in text


def test_representations_from_elsewhere_are_said_to_be(summary_of, tmp_path):
    rows = [{"path": f"{name}.h5", "mig": 0.1} for name in "ab"]
    found = findings_of(summary_of(tmp_path, rows))
    assert found[0] == "The 2 methods are not ranked, because no seed is recorded."
    assert found[1].endswith("were trained elsewhere; how is unknown here.")


def test_scores_that_order_runs_in_opposite_ways_are_a_finding(summary_of, sweep, tmp_path):
    rows = [row | {"sap": 1 - row["mig"]} for row in sweep(seeds=5)]
    found = findings_of(summary_of(tmp_path, rows))
    assert found[-1].startswith("MIG and SAP order the runs in opposite ways: their rank correl")


@pytest.mark.parametrize(("n", "correlation", "told"), [(12, -0.5, False), (200, -0.3, True)])
def test_a_correlation_that_may_be_chance_is_no_finding(n, correlation, told, sweep_summary):
    summary = sweep_summary(seeds=3)
    pairs = summary.agreement.assign(n=n, correlation=correlation)
    found = findings_of(dataclasses.replace(summary, agreement=pairs, parts={}))
    assert any("in opposite ways" in text for text in found) == told


def test_a_metric_of_ones_own_has_its_best_mean_and_its_peak_told(
    write_scores, sweep, add_metric, tmp_path
):
    rows = add_metric(sweep(seeds=6), "mine", lambda row: row["mig"])
    write_scores(tmp_path, rows)
    key = {"name": "mine", "label": "Mine", "description": "", "unit": "", "low": 0.0, "high": 1.0}
    declared = {"variant": "mine[v1]", "citation": "", "keys": [key | {"higher_is_better": True}]}
    write_json(
        tmp_path / "scores.metrics.json", {"schema_version": 1, "metrics": {"mine": declared}}
    )
    found = findings_of(summarise(collect(tmp_path)))
    assert any(text.startswith("Mine peaks at β = 8 for β-VAE") for text in found)
    assert "Mine (0." in found[0]
