import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation.comparison import (
    Comparison,
    ComparisonError,
    compare,
    comparing,
)
from disentanglement_bench.evaluation.comparison.entries import Entry
from disentanglement_bench.evaluation.comparison.tables import CONTEXT

FIVE = [0.40, 0.41, 0.42, 0.40, 0.41]


def test_a_row_is_placed_among_the_methods_at_their_chosen_settings(place):
    made = place([("mine", seed, value) for seed, value in enumerate(FIVE)])
    assert isinstance(made, Comparison)
    assert made.rows == {"mine_external": "mine (external)"}
    (found,) = made.places.to_dict("records")
    assert found["metric"] == "mig"
    assert found["mean"] == pytest.approx(np.mean(FIVE))
    # The β-VAE at β = 8 has 0.3, the β-TCVAE at β = 8 has 0.5, the VAE 0.1.
    assert (found["rank"], found["rank_low"], found["rank_high"], found["of"]) == (2, 2, 2, 4)
    assert not found["paired"]
    chances = made.chances.set_index("other_label")["p_better"].to_dict()
    assert chances == {"VAE": 1.0, "β-VAE": 1.0, "β-TCVAE": 0.0}
    assert made.sentences == [
        "MIG on sprites-small: mine (external) has 0.408 (mean of 5 runs), rank 2 [2, 2] of 4; "
        "probability of being better than VAE > 0.99, β-VAE > 0.99, β-TCVAE < 0.01."
    ]
    assert "rank 2 [2, 2] of 4" in repr(made)
    assert "<td>mine (external)</td>" in made._repr_html_()


def test_the_comparison_shows_the_row_beside_the_others(place):
    made = place([("mine", seed, value) for seed, value in enumerate(FIVE)])
    table = made.tables[0]
    assert [row[0] for row in table.rows] == ["VAE", "β-VAE", "β-TCVAE", "mine (external)"]
    assert table.rows[-1][1].startswith("0.408 ± 0.008")
    assert table.rows[-1][1].endswith("5/5")
    assert "β = 8" in table.rows[1][1]
    assert sum("External, trained elsewhere" in note for note in table.notes) == 1
    assert any(note.startswith("How external rows were trained is unknown") for note in made.notes)


def test_the_latex_row_has_the_columns_of_the_comparison(place):
    made = place([("my_model & co", seed, value) for seed, value in enumerate(FIVE)])
    comment, row = made.latex.strip().split("\n")
    assert comment.startswith("% Comparison on sprites-small, protocol db1: Method & MIG")
    assert row.startswith(r"my\_model \& co (external) & 0.408 $\pm$ 0.008 & -- & ")
    assert row.endswith(r"\\")
    assert comment.count("&") == row.replace(r"\&", "").count("&")


@pytest.mark.parametrize("count", [1, 4])
def test_few_files_are_ranked_and_illustrative(place, count):
    made = place([("mine", seed, value) for seed, value in enumerate(FIVE[:count])])
    (found,) = made.places.to_dict("records")
    assert found["rank"] == 2
    assert found["illustrative"]
    assert math.isnan(found["rank_low"])
    (sentence,) = made.sentences
    assert "rank 2 of 4; illustrative, because intervals need at least 5 files" in sentence
    assert "probability" not in sentence


def test_several_models_make_several_rows(place):
    made = place([("a", 0, 0.4), ("b", 0, 0.6), ("a", 1, 0.42)])
    assert list(made.rows.values()) == ["a (external)", "b (external)"]
    ranks = made.places.set_index("method_label")["rank"].to_dict()
    assert ranks == {"a (external)": 2, "b (external)": 1}  # each among the shipped ones alone
    assert made.latex.count("(external) &") == 2


@pytest.mark.parametrize("name", ["VAE", "betavae", "β-VAE", "<b>$x_1$</b>"])
def test_rows_are_never_taken_for_shipped_methods(place, name):
    made = place([(name, seed, value) for seed, value in enumerate(FIVE)])
    labels = [row[0] for row in made.tables[0].rows]
    assert labels[:3] == ["VAE", "β-VAE", "β-TCVAE"]
    assert len(labels) == 4
    assert labels[3].endswith("(external)")
    assert made.places["of"].tolist() == [4]
    assert "<b>" not in made._repr_html_()


def test_a_seed_twice_counts_once(place):
    made = place([("mine", 0, 0.4), ("mine", 0, 0.9), ("mine", 1, 0.4)])
    assert made.places["n"].tolist() == [2]
    assert made.places["mean"].tolist() == [pytest.approx(0.4)]
    (refusal,) = made.refusals
    said = re.fullmatch(
        r".*1\.h5: it is seed 0 of the row mine \(external\), as (.*) is: .*", refusal
    )
    assert Path(said[1]).name == "0.h5"


def test_files_without_seeds_are_runs_of_one_row(place):
    made = place([("mine", None, value) for value in FIVE])
    assert made.places["n"].tolist() == [5]
    assert made.places["rank_low"].tolist() == [2]


def test_files_that_each_make_a_row_are_told_how_to_make_one(place):
    made = place([("a", None, 0.4), ("b", None, 0.41)])
    assert any(
        note.startswith("Each of 2 external files is a row of its own") for note in made.notes
    )
    one = place([("a", 0, 0.4), ("a", 1, 0.41)])
    assert not any("row of its own" in note for note in one.notes)


def test_a_shipped_method_with_too_few_scores_is_not_ranked(place, shipped):
    scores, records = shipped
    scores = scores.copy()
    seeds = sorted(scores["seed"].unique())[1::2]
    few = scores["model"].eq("betatcvae") & scores["seed"].isin(seeds[:2])
    assert few.any()
    scores.loc[few, "mig"] = np.nan
    values = [("mine", seed, value) for seed, value in enumerate(FIVE)]
    made = place(values, reference=(scores, records))
    (found,) = made.places.to_dict("records")
    assert found["of"] == place(values).places["of"].item() - 1
    assert np.isfinite(found["rank_low"])
    assert "; not ranked, with fewer than 5 scores: β-TCVAE (3)." in made.sentences[0]


def test_the_best_of_a_sweep_is_chosen_on_half_the_seeds(place):
    values = [
        ("mine", seed, 0.35 + 0.1 * (beta == 4), beta) for seed in range(4) for beta in (2, 4)
    ]
    made = place(values)
    (found,) = made.places.to_dict("records")
    assert found["chosen"] == "best of 2, held-out seeds"
    assert (found["setting"], found["n"]) == ("beta=4", 2)


def test_a_sweep_without_seeds_to_choose_on_is_refused(place):
    made = place([("mine", 0, 0.35, 2), ("mine", 0, 0.45, 4), ("other", 0, 0.4)])
    assert made.places["method_label"].tolist() == ["other (external)"]
    assert any(note.startswith("mine (external): several settings") for note in made.notes)


def test_a_refused_file_takes_its_cell_away_and_not_its_row(place, tmp_path):
    refused = Entry(tmp_path / "r.h5", model="late", dataset="sprites-small", refusal="too long")
    foreign = Entry(tmp_path / "f.h5", model="far", dataset="sprites", refusal="its data set is x")
    made = place([("mine", 0, 0.4)], [refused, foreign])
    rows = {row[0]: row[1:] for row in made.tables[0].rows}
    assert rows["late (external)"][0] == "–\n0/1*"
    assert "far (external)" not in rows
    assert made.refusals == [
        f"{tmp_path / 'r.h5'}: too long.",
        f"{tmp_path / 'f.h5'}: its data set is x.",
    ]


def test_a_score_that_is_undefined_is_told_with_its_reason(place):
    made = place([("mine", 0, 0.4)])
    (note,) = [note for note in made.notes if "without SAP" in note]
    assert note.startswith("mine (external) on sprites-small: 1 file without SAP")
    assert note.endswith(": not computed.")
    (sampled,) = [note for note in made.notes if "I_m (sampled codes)" in note]
    assert "no log-variances are stored" in sampled


def test_a_variant_that_this_version_does_not_compute_is_told(place):
    reason = "DB-1 compares mig[x], and this version scores it as mig[y]"
    made = place([("mine", 0, 0.4)], other={"mig": reason})
    assert made.places.empty
    assert any("1 file without MIG" in note and reason in note for note in made.notes)


def test_nothing_that_compares_is_an_error(place, tmp_path):
    refused = [Entry(tmp_path / f"{i}.h5", model="x", refusal="too long") for i in range(5)]
    with pytest.raises(ComparisonError, match=r"nothing can be compared: .* and 2 more: too long"):
        place([], refused)


def test_without_shipped_scores_rows_stand_by_themselves(place, monkeypatch):
    monkeypatch.setattr(comparing, "find_scores", lambda name: None)
    made = place([("mine", seed, value) for seed, value in enumerate(FIVE)], reference=None)
    assert made.places.empty
    assert made.sentences == []
    assert [row[0] for row in made.tables[0].rows] == ["mine (external)"]
    assert made.notes[0].startswith("No scores of DB-1 on sprites-small ship with this version")


def test_rows_of_db1_paper_stand_beside_published_figures(tmp_path, score_row, use_scores):
    path = tmp_path / "a.h5"
    entries = [Entry(path, model="mine", dataset="dsprites")]
    use_scores(entries, [score_row(path, 0.3, dataset="dsprites")])
    made = compare("mine", "db1-paper")
    assert [table.name for table in made.tables] == [
        "comparison-dsprites-db1-paper",
        "published-dsprites-db1-paper",
    ]
    assert made.sentences == []
    assert made.notes[:2] == [
        "No scores of DB-1-paper on dsprites ship with this version: rows stand by themselves.",
        CONTEXT,
    ]
    assert "mine (external) & 0.300* " in made.latex


@pytest.fixture
def compare_own(tmp_path, small, shipped, score_row, use_scores):
    """Compare runs that `bench train --benchmark db1` made of a model of one's own."""
    own = shipped[0].query("model == 'betavae' and beta == 8").set_index("seed")["mig"]
    # Better than the β-VAE by a little on every seed, within the spread of seeds.
    values = (own + 0.002).to_dict()

    def compare_runs(seeds, **changes):
        dataset = {"name": "sprites-small", "version": "1", "kind": "re-rendered"} | changes
        entries, rows = [], []
        for seed in seeds:
            folder = tmp_path / f"runs/sprites-small/db1/mine.Mine/default/seed-{seed}"
            folder.mkdir(parents=True)
            run = {"dataset": "sprites-small", "preset": "db1", "model": "mine.Mine", "seed": seed}
            record = {
                "schema_version": 2,
                "status": "done",
                "run": run | {"init": "scratch", "tag": "", "hyperparameters": {}},
                "method": {"name": "mine.Mine", "label": "Mine"},
                "config": {"steps": 4000},
                "dataset": dataset,
            }
            (folder / "run.json").write_text(json.dumps(record))
            path = folder / "representation.h5"
            entries.append(Entry(path, True, "mine.Mine", seed, "sprites-small"))
            about = {"source": "bench", "model": "mine.Mine", "seed": seed}
            rows.append(score_row(path, values[seed], **about))
        use_scores(entries, rows)
        return compare("runs", reference=shipped)

    return compare_runs


def test_runs_that_were_trained_here_are_paired_with_the_shipped_ones(compare_own):
    made = compare_own(range(10))
    assert made.rows == {"mine.Mine": "Mine"}
    (found,) = made.places.to_dict("records")
    assert (found["rank"], found["n"], found["paired"]) == (2, 5, True)
    chances = made.chances.set_index("other_label")["p_better"].to_dict()
    assert chances["β-VAE"] == 1  # unpaired it would be about 0.6
    ranking = next(table for table in made.tables if table.name.startswith("ranking"))
    assert [row[0] for row in ranking.rows] == ["VAE", "β-VAE", "β-TCVAE", "Mine"]
    assert not any("external" in note for note in made.notes)
    (placing,) = [table for table in made.tables if table.name.startswith("placing")]
    assert any(note.startswith("Runs that were trained here share") for note in placing.notes)


def test_seeds_that_do_not_report_are_told(compare_own):
    made = compare_own(range(5))
    (note,) = made.notes[:1]
    assert note.startswith("Mine on sprites-small reports on 2 of its 5 seeds.")
    assert "report on the seeds 1, 3, 5, 7, 9," in note


def test_runs_on_other_seeds_are_not_paired(compare_own):
    made = compare_own((0, 1, 3, 5, 7))
    assert made.places["paired"].tolist() == [False]
    assert made.places["n"].tolist() == [4]  # of the seeds that report: 1, 3, 5, 7
    (placing,) = [table for table in made.tables if table.name.startswith("placing")]
    assert any("report on other seeds than the shipped methods" in note for note in placing.notes)
    assert not any("external rows" in note for note in placing.notes)


def test_runs_on_other_images_are_refused(compare_own):
    with pytest.raises(ComparisonError, match="images of its data set are not those of the shipp"):
        compare_own(range(2), renderer="another")


def test_a_file_is_scored_once(write, small, shipped, tmp_path, monkeypatch):
    path = write("mine/clean-seed-0.h5")
    made = compare(path, reference=shipped, jobs=1)
    assert made.computed > 6
    cells = made.summary.selected_cells
    best = cells[cells["method"].isin(made.rows)].set_index("metric")["mean"]
    assert best["mig"] > 0.8
    assert best["dci_disentanglement"] > 0.8
    assert made.output is None
    monkeypatch.setattr("disentanglement_bench.evaluation.scoring.workers.Worker", None)
    again = compare(path, reference=shipped, name="mine & mine")
    assert again.computed == 0
    assert list(again.rows.values()) == ["mine & mine (external)"]


@pytest.mark.slow
def test_files_are_compared_and_drawn(write, small, shipped, tmp_path):
    for seed in range(2):
        write(f"mine/clean-seed-{seed}.h5", seed)
    write("mine/one.h5", seed=5, codes=np.random.default_rng(0).normal(size=(300, 1)))
    write("mine/constant.h5", seed=6, codes=np.zeros((300, 3)))
    write("mine/other.h5", dataset="rooms3d", factor_names=None, factor_sizes=None)
    (tmp_path / "mine/text.h5").write_text("no representation")
    made = compare(tmp_path / "mine", output=tmp_path / "out", reference=shipped, jobs=2)
    assert list(made.rows.values()) == ["clean (external)", "constant (external)", "one (external)"]
    assert [line.split(":")[0] for line in made.problems] == [str(tmp_path / "mine/text.h5")]
    assert any("mine/other.h5" in line for line in made.refusals)
    assert any(note.startswith("constant (external)") for note in made.notes)
    figures = {path.name for path in (tmp_path / "out/figures").iterdir()}
    assert {"standing-sprites-small-db1.png", "curve-mig-sprites-small-db1.pdf"} <= figures
    assert {f"overview{form}-sprites-small-db1.png" for form in ("", "-narrow")} <= figures


def test_paths_without_representations_are_an_error(tmp_path, small):
    with pytest.raises(ComparisonError, match="nowhere: no such file or folder"):
        compare(tmp_path / "nowhere")
    with pytest.raises(ComparisonError, match=r"no representation \(.h5, .hdf5, .npz\) below"):
        compare([tmp_path])


def test_one_name_for_several_models_is_refused(write, small, tmp_path, monkeypatch):
    for number, model in enumerate(("a", "b")):
        write(f"mine/{number}.h5", number, attributes={"model": model, "seed": number})
    with pytest.raises(ComparisonError, match="the files state several models: a, b"):
        compare(tmp_path / "mine", name="both")


def test_scores_that_cannot_be_written_are_told(write, small):
    path = write("mine/a.h5")
    path.with_name("a.scores").write_text("in the way")
    with pytest.raises(ComparisonError, match=r"cannot write .* copy it to a folder that you can"):
        compare(path, jobs=1)


def test_an_unknown_benchmark_is_told():
    with pytest.raises(ValueError, match=re.escape("unknown benchmark 'db2'; did you mean 'db1'?")):
        compare("mine", "db2")


def test_places_have_a_short_form_with_one_line_a_method(place):
    made = place([("mine", seed, value) for seed, value in enumerate(FIVE)])
    table = next(table for table in made.tables if table.name.startswith("placing"))
    names = [row[0] for row in table.compact.rows]
    assert names == ["mine (external)", "  than VAE", "  than β-VAE", "  than β-TCVAE"]
    assert [row[1:] for row in table.compact.rows] == [row[2:] for row in table.rows]
