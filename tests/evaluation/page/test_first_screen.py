import pytest

from disentanglement_bench.evaluation.page.first_screen import (
    compare_strata,
    describe_study,
    rank_compactly,
)
from disentanglement_bench.evaluation.statistics.labels import HEADLINE

WHERE = ("dsprites", "paper")


def study_of(summary):
    return describe_study(summary.part("runs", *summary.strata[0]))


def test_the_study_is_told_in_one_sentence(summary_of, sweep, tmp_path):
    assert study_of(summary_of(tmp_path, sweep(seeds=3, lambdas=(0, 2, 8)))) == (
        "45 runs on dsprites (genuine data), protocol paper: VAE, β-VAE, λβ-VAE (λ = 2 and 8) and "
        "β-TCVAE at β = 1, 8 and 32; 3 seeds each, 3,300 training steps."
    )


def test_models_over_something_else_are_told_apart(summary_of, sweep, sweep_over, tmp_path):
    rows = sweep_over(sweep(seeds=1, models=("betatcvae",)), gamma=("factorvae", (10, 20, 40)))
    text = study_of(summary_of(tmp_path, rows))
    assert "β-TCVAE at β = 1, 8 and 32; factorvae at gamma = 10, 20 and 40; 1 to 6 seeds" in text


def test_what_is_not_recorded_is_said_not_to_be(summary_of, tmp_path):
    text = study_of(summary_of(tmp_path, [{"path": "a.h5", "mig": 0.1}]))
    assert text == "1 run on unknown, protocol unstated: a (external); seeds not recorded."


def test_unequal_numbers_of_seeds_are_a_range(summary_of, sweep, tmp_path):
    assert "5 to 6 seeds for each setting" in study_of(summary_of(tmp_path, sweep(seeds=6)[:-1]))


def test_methods_stand_in_the_order_of_their_mean_rank(sweep_summary):
    summary = sweep_summary(seeds=10)
    found = rank_compactly(summary, *WHERE)
    heads = ["MIG", "SAP", "DCI disentanglement", "I_m (sampled codes) [nats]"]
    assert [column["label"] for column in found["columns"]] == heads
    assert found["rows"][-1]["label"] == "VAE"
    means = [row["mean_rank"] for row in found["rows"]]
    assert means == sorted(means)
    cell = next(row for row in found["rows"] if row["label"] == "β-VAE")["cells"][0]
    known = summary.selected_cells.query("metric == 'mig' and method == 'betavae'").iloc[0]
    assert cell["mean"] == f"{known['mean']:.3f}"
    assert cell["interval"] == f"{known['low']:.3f} to {known['high']:.3f}"
    assert {cell["mark"] for row in found["rows"] for cell in row["cells"]} == {"tied", ""}
    assert "first phase" not in str(found["rows"])
    assert any(note.startswith("Tied: the 95 % interval of its rank") for note in found["notes"])


def test_a_winner_is_marked_and_the_mark_explained(winner_summary):
    found = rank_compactly(winner_summary, *WHERE)
    marks = {row["label"]: row["cells"][0]["mark"] for row in found["rows"]}
    assert marks == {"β-TCVAE": "best", "β-VAE": "", "λβ-VAE": "", "VAE": ""}
    assert "more than 95 % of resampled sets of seeds" in " ".join(found["notes"])


def test_a_method_without_a_rank_says_so_and_why(summary_of, sweep, tmp_path):
    rows = [
        row | ({"mig": None} if row["model"] == "betatcvae" and row["seed"] > 4 else {})
        for row in sweep(seeds=10)
    ]
    found = rank_compactly(summary_of(tmp_path, rows), *WHERE)
    ranks = {row["label"]: row["cells"][0]["rank"] for row in found["rows"]}
    assert ranks["β-TCVAE"] == "no rank"
    assert sorted(rank for label, rank in ranks.items() if label != "β-TCVAE") == ["1", "2", "3"]
    assert "No rank: too few of its seeds have the score." in found["notes"]


@pytest.mark.parametrize("seeds", [1, 3])
def test_few_seeds_are_marked_by_a_note_alone(seeds, sweep_summary):
    found = rank_compactly(sweep_summary(seeds=seeds), *WHERE)
    assert {cell["mark"] for row in found["rows"] for cell in row["cells"]} == {""}
    notes = " ".join(found["notes"])
    assert ("half of the seeds chose it" in notes) == (seeds == 3)
    assert ("the same ones choose the best setting and are reported" in notes) == (seeds == 1)
    assert found["notes"][-1] == "Illustrative: fewer than 5 seeds, so no winner is named."


def test_without_scores_there_is_no_ranking(summary_of, sweep, tmp_path):
    nothing = dict.fromkeys(HEADLINE)
    assert rank_compactly(summary_of(tmp_path, [row | nothing for row in sweep()]), *WHERE) is None


def test_every_data_set_has_a_row_with_who_is_first(summary_of, sweep, tmp_path):
    rows = [*sweep(seeds=10), *sweep("sprites", "quick", seeds=1)]
    found = compare_strata(summary_of(tmp_path, rows))
    assert [row["place"] for row in found["rows"]] == [("dsprites", "paper"), ("sprites", "quick")]
    assert [row["seeds"] for row in found["rows"]] == ["10", "1"]
    assert found["rows"][0]["cells"][0].endswith("(tied)")
    assert found["rows"][1]["cells"][0].endswith("(illustrative)")
