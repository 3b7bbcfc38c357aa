import dataclasses

import pandas as pd
import pytest

from disentanglement_bench.evaluation.page.all_findings import list_findings
from disentanglement_bench.evaluation.statistics.labels import HEADLINE
from disentanglement_bench.evaluation.tables.collapse import p_text

WHERE = ("dsprites", "paper")


def text_of(summary):
    return "\n".join(list_findings(summary, *WHERE))


def test_a_peak_is_told_with_its_numbers(sweep_summary):
    summary = sweep_summary(seeds=10)
    text = text_of(summary)
    row = summary.trends.query("metric == 'mig' and curve == 'betavae'").iloc[0]
    assert row["verdict"] == "peak"
    drop = f"{100 * row['drop']:.0f} % [{100 * row['drop_low']:.0f}, {100 * row['drop_high']:.0f}]"
    shown = f"mean {row['peak_mean']:.3f}; peak test {p_text(row['p_peak_holm'])}"
    assert f"MIG of β-VAE peaks at β = 8 ({shown})" in text
    assert f"falls by {drop} to β = 32" in text
    assert "β-VAE at β = 32: 10 of 10 (mean KL 0.05 nats)" in text
    assert "λβ-VAE, λ = 8 at β = 32: 0 of 10" in text


def test_a_kl_without_an_active_unit_is_not_taken_for_information(summary_of, sweep, tmp_path):
    def count_units(row):
        one = row["beta"] == 8 and row["lambda"] and row["seed"] == 0
        return 1 if one else 0 if row["beta"] == 8 or row["kl"] < 0.1 else 3

    rows = [row | {"active_units": count_units(row)} for row in sweep(seeds=5)]
    text = text_of(summary_of(tmp_path, rows))
    (line,) = [one for one in text.split("\n") if "no active unit" in one]
    assert "β-VAE, β = 8 (mean KL 2.50 nats)" in line
    assert "β = 32" not in line  # collapsed, which is said by itself
    assert "λ" not in line  # one of its runs has an active unit


def test_what_lambda_changes_is_paired_and_has_an_interval(sweep_summary):
    text = text_of(sweep_summary(seeds=10))
    (line,) = [one for one in text.split("\n") if one.startswith("At β = 32, λ = 8 against λ = 0")]
    assert "I_m (sampled codes) rises: +0.7" in line
    assert "NLL falls: −1.9" in line
    assert "illustrative" not in line


def test_nothing_is_said_of_lambda_where_something_else_differs(sweep_summary):
    found = sweep_summary()
    slow = found.scores.assign(setting=found.scores["setting"] + ",learning_rate=0.001")
    scores = pd.concat([found.scores, slow], ignore_index=True)
    both = dataclasses.replace(found, scores=scores, parts={})
    assert "against λ = 0" in text_of(found)
    assert "against λ = 0" not in text_of(both)


def test_an_absent_effect_is_told_as_absent(flat_summary):
    text = text_of(flat_summary)
    assert "peaks at" not in text
    assert "MIG of β-VAE stays within 10 % of its largest mean" in text
    assert "A peak is not confirmed (peak test p = " in text
    assert "MIG shows no clear change (" in text
    assert "no winner" in text


def test_a_plain_fall_is_not_called_a_peak(summary_of, sweep, tmp_path):
    levels = {1: 0.5, 8: 0.3, 32: 0.1}
    summary = summary_of(tmp_path, sweep(seeds=10, level=levels.get))
    text = text_of(summary)
    assert "MIG of β-VAE is largest at the smallest β tried, 1" in text
    assert "a fall, not a peak. A peak is not confirmed" in text
    unsure = summary.trends.assign(drop=-0.05, drop_low=-0.3, drop_high=0.2)
    text = text_of(dataclasses.replace(summary, trends=unsure, parts={}))
    assert "MIG of β-VAE is largest at the smallest β tried, 1" in text
    assert "; the drop to β = 32 is −5 % [−30, 20]. A peak is not confirmed" in text
    assert "a fall" not in text
    assert "lower by" not in text


def test_a_rise_to_the_end_is_not_called_a_peak(summary_of, sweep, tmp_path):
    levels = {1: 0.1, 8: 0.3, 32: 0.5}
    text = text_of(summary_of(tmp_path, sweep(seeds=10, level=levels.get)))
    assert "MIG of β-VAE is largest at the largest β tried, 32" in text
    assert "no fall was seen" in text


@pytest.mark.parametrize("seeds", [1, 3])
def test_few_seeds_illustrate_and_name_no_winner(seeds, sweep_summary):
    text = text_of(sweep_summary(seeds=seeds))
    assert "everything below illustrates, nothing is tested and no winner is named" in text
    assert f"Too few seeds for a test ({seeds})" in text
    assert "peaks at" not in text
    assert "ranks first" not in text
    assert "Best means, illustrative, no winner named – MIG: " in text


def test_a_single_beta_is_no_curve(summary_of, sweep, tmp_path):
    text = text_of(summary_of(tmp_path, sweep(betas=(8,), lambdas=(0,))))
    assert "MIG of β-VAE is known at a single β (8): there is no curve to judge." in text


def test_at_a_single_beta_a_curve_goes_over_lambda(summary_of, sweep, tmp_path):
    text = text_of(summary_of(tmp_path, sweep(betas=(32,), lambdas=(0, 4, 8))))
    assert "MIG of λβ-VAE, β = 32 is largest at" in text or "over every λ tried, 0 to 8" in text
    assert "at the largest value tried – λβ-VAE, β = 32 at λ = 8: 0 of 6" in text


def test_a_clear_winner_is_named(winner_summary):
    text = text_of(winner_summary)
    assert "MIG: β-TCVAE ranks first, in 100 % of resampled sets of seeds." in text


def test_without_any_score_that_is_what_it_says(summary_of, sweep, tmp_path):
    nothing = dict.fromkeys((*HEADLINE, "nll", "kl"))
    text = text_of(summary_of(tmp_path, [{**row, **nothing} for row in sweep(seeds=2)]))
    assert "No score is known or defined" in text
    assert "\n" not in text


def test_failed_runs_are_counted(summary_of, sweep, tmp_path):
    rows = sweep()
    rows[0]["run_status"] = "failed"
    assert "1 run without scores" in text_of(summary_of(tmp_path, rows))
