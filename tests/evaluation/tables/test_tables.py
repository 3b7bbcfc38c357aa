import itertools
import re

import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.files import write_json
from disentanglement_bench.evaluation.scoring.score_files import scores_folder
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.summary import summarise
from disentanglement_bench.evaluation.tables.collapse import collapse_table, published_table
from disentanglement_bench.evaluation.tables.confirmation import confirmation_table
from disentanglement_bench.evaluation.tables.latex import to_latex
from disentanglement_bench.evaluation.tables.methods import comparison_table, ranking_table
from disentanglement_bench.evaluation.tables.rendering import to_csv, to_markdown, to_text
from disentanglement_bench.evaluation.tables.tables import all_tables, curve_table

HUMP = {1: 0.08, 4: 0.15, 8: 0.20, 16: 0.20, 32: 0.05}
SCORES = ("mig", "sap", "dci_disentanglement", "dci_completeness", "mi_matched")


def sweep(dataset="dsprites", preset="paper", n=6, betas=(1, 4, 8, 16, 32), lambdas=(0, 8), seed=0):
    """Rows of a scores.csv: first phase, β-VAE, λβ-VAE and β-TCVAE; β = 32 collapses at λ = 0."""
    rng = np.random.default_rng(seed)
    models = [("betavae", None, "scratch", 2500), ("betatcvae", None, "scratch", 3300)]
    models += [("lambdabeta", lambda_, "parent", 3300) for lambda_ in lambdas]
    rows = []
    for (model, lambda_, init, steps), beta, s in itertools.product(models, betas, range(n)):
        level = 0.2 if lambda_ and beta == 32 else HUMP[beta]
        scores = {name: level + 0.02 * rng.normal() for name in SCORES}
        rows.append(
            {
                "path": f"{dataset}/{preset}/{model},{lambda_}/{beta}/seed-{s}/representation.h5",
                "dataset": dataset,
                "dataset_version": "1",
                "preset": preset,
                "model": model,
                "beta": beta,
                "lambda": lambda_,
                "init": init,
                "seed": s,
                "steps": steps,
                "nll": 40.0 + beta,
                "kl": 0.05 if beta == 32 and not lambda_ else 20 / beta,
                "bce_floor": 9.8,
                "mi_matched_sampled": 5 * level,
                "run_status": "done",
                **scores,
            }
        )
    return rows


def summary_of(folder, *parts):
    folder.mkdir(exist_ok=True)
    frame = pd.DataFrame([row for part in parts for row in part])
    frame.to_csv(folder / "scores.csv", index=False)
    return summarise(collect(folder))


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    return summary_of(tmp_path_factory.mktemp("results"), sweep(), sweep("sprites", "quick", n=4))


def rows_of(table):
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


def test_all_tables_render_in_every_form(summary):
    tables = all_tables(summary)
    assert len({table.name for table in tables}) == len(tables)
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        for render in (to_text, to_markdown, to_latex, to_csv):
            text = render(table)
            assert not re.search(r"\b(nan|None)\b", text), (table.name, render)


def test_every_table_says_what_it_is_made_of(summary):
    for table in all_tables(summary):
        if table.name == "gaps":
            continue
        notes = "\n".join(table.notes)
        for wanted in ("Data: ", "Protocol: ", "Seeds: 0–", "Variants: "):
            assert wanted in notes, (table.name, wanted)
        if any("mig[" in note for note in table.notes):
            assert "MIG with 20 bins is at most" in notes
        assert "disentanglement_bench" in table.citations
        assert "vu2026mutual" in table.citations or "I_m" not in notes


def test_the_comparison_shows_methods_once_with_their_choice(summary):
    table = comparison_table(summary, "dsprites", "paper")
    rows = rows_of(table)
    assert list(rows) == [
        "VAE",
        "β-VAE",
        "λβ-VAE",
        "β-TCVAE",
        "β-VAE (first phase)\N{NO-BREAK SPACE}§",
    ]
    mig = rows["λβ-VAE"]["MIG ↑"].split("\n")
    assert mig[1].endswith("3/3*")
    assert "(best of 5)" in mig[2]
    assert "λ = 8" in mig[2]
    assert rows["VAE"]["MIG ↑"].split("\n")[2] == "β = 1"
    assert "KL [nats]" in table.columns, "neither a high nor a low KL is better: no arrow"
    assert "NLL [nats] ↓" in table.columns
    assert any(note.startswith("§") for note in table.notes)
    assert any("cannot fall below 9.8 nats" in note for note in table.notes)
    own = table.data[(table.data["method"] == "vae") & (table.data["metric"] == "mig")].iloc[0]
    assert rows["VAE"]["MIG ↑"].startswith(f"{own['mean']:.3f} ± {own['std']:.3f}")


def test_the_ranking_names_winners_only_with_five_seeds(summary):
    table = ranking_table(summary, "quick", "re-rendered", "sprites")
    text = to_text(table)
    assert "illustrative*" in text
    assert "winner" not in "".join(cell for row in table.rows for cell in row)
    assert "β-VAE (first phase)" not in rows_of(table)


def test_the_curve_table_has_every_beta_and_the_collapsed_runs(summary):
    table = curve_table(summary, "dsprites", "paper")
    assert len(table.rows) == 4 * 5
    last = [row for row in table.rows if row[:2] == ("β-VAE", "32")]
    assert last[0][-1] == "6/6"
    assert [row[-1] for row in table.rows if row[:2] == ("λβ-VAE, λ = 8", "32")] == ["0/6"]


def test_the_collapse_table_tells_the_story(summary):
    table = collapse_table(summary, "dsprites", "paper")
    rows = rows_of(table)
    beta, rescued = rows["β-VAE"], rows["λβ-VAE, λ = 8"]
    assert beta["MIG peaks at β"].startswith(("8", "16"))
    assert beta["drop to largest β"].startswith("7")
    assert re.fullmatch(r"peak\np [<=] 0\.00\d \(β = (8|16)\)\nprimary", beta["peak test"])
    assert rows["β-TCVAE"]["peak test"].endswith("\nsecondary")
    notes = "\n".join(table.notes)
    assert "within the 4 primary tests and within the " in notes
    assert notes.count("Primary: declared to be the question") == 1
    assert "primary tests" in "\n".join(table.compact.notes)
    assert {"question", "primary", "family"} <= set(table.data)
    assert beta["Collapsed"] == "6/6"
    assert rescued["Collapsed"] == "0/6"
    assert rescued["peak test"].startswith("no peak shown")
    assert rescued["effective β range"] == "8–32 (≥ 2.0 octaves)"
    assert beta["I_m (sampled codes) [nats] ↑\nat largest β"] == "0.250"
    assert table.data["last_collapsed"].tolist()[:2] == [6, 0]


def test_quick_is_marked(summary):
    notes = "\n".join(curve_table(summary, "sprites", "quick").notes)
    assert "quick: not comparable" in notes
    assert "Re-rendered data: scores do not compare with published ones." in notes
    assert "quick" not in "\n".join(curve_table(summary, "dsprites", "paper").notes)


def test_quick_prints_its_pressure(tmp_path):
    for row in sweep("sprites", "quick", n=1, lambdas=(0,)):
        write_json(
            (tmp_path / row["path"]).parent / "run.json",
            {
                "schema_version": 1,
                "status": "done",
                "run": {k: row[k] for k in ("dataset", "preset", "model", "init", "seed")}
                | {"hyperparameters": {"beta": row["beta"]}},
                "config": {"phases": [row["steps"]], "latent_size": 10},
                "dataset": {"name": "sprites", "version": "1", "kind": "re-rendered"},
                "notes": ["orientation 0 and orientation 39 are the same picture", "re-rendered"],
                "pixels": 1024,
            },
        )
    summary = summary_of(tmp_path, sweep("sprites", "quick", n=1, lambdas=(0,)))
    notes = "\n".join(curve_table(summary, "sprites", "quick").notes)
    assert "0.0098 at β = 1" in notes.replace("0.00977", "0.0098")
    assert "0.312 at β = 32" in notes
    assert "orientation 0 and orientation 39 are the same picture" in notes
    assert "Data: sprites, version 1, re-rendered." in notes
    assert "Re-rendered data" not in notes, "the data say it in their own words"


def test_reference_values_come_from_the_score_files(tmp_path):
    rows = sweep(n=1, lambdas=(0,))
    about = {"factor_names": ["shape", "orientation"], "n_train": 3000}
    common = {"schema_version": 1, "status": "done", "values": {}, "reasons": {}}
    common |= {"request": {}, "source": {}, "representation": about}
    for row in rows:
        folder = scores_folder(tmp_path / row["path"])
        references = {
            "mig": {
                "ceiling": 0.9,
                "ceiling_per_factor": [1.0, 0.8],
                "without_unidentifiable": {"factors": ["orientation"], "value": 0.31},
            },
            "sap": {"perfect_ordinal": [0.7, 0.06]},
            "mi": {"noise": 0.12, "max": 4.5},
        }
        for name, reference in references.items():
            own = {"metric": name, "variant": name, "reference": reference}
            write_json(folder / f"{name}.json", common | own)
    summary = summary_of(tmp_path, rows)
    table = comparison_table(summary, "dsprites", "paper")
    notes = "\n".join(table.notes)
    assert "at most 0.90 on these factors (shape 1.00, orientation 0.80)" in notes
    assert "by factor: shape 0.70, orientation 0.06." in notes
    assert "I_m: 0.12 nats by chance (factors shuffled, 3,000 points, one run)" in notes
    assert rows_of(table)["VAE"]["MIG, identifiable factors ↑"].startswith("0.310")
    assert "factors: without orientation, which images do not determine." in notes


def test_published_figures_stand_beside_genuine_data_only(summary, tmp_path):
    table = published_table(summary)
    assert {row[0] for row in table.rows} == {"dsprites"}
    assert "arXiv:2602.09277" in "\n".join(table.notes)
    assert published_table(summary_of(tmp_path, sweep("sprites"))) is None


def test_failed_and_missing_runs_are_listed(tmp_path):
    rows = sweep()
    rows[0] |= {"run_status": "failed", "mig": None}
    del rows[40]
    summary = summary_of(tmp_path, rows)
    (table,) = [table for table in all_tables(summary) if table.name == "gaps"]
    assert sorted(row[5] for row in table.rows) == ["failed", "missing"]
    notes = "\n".join(comparison_table(summary, "dsprites", "paper").notes)
    assert "1 failed" in notes


def add_metric(folder, **more):
    """Declare a metric `spread`, as `bench evaluate` does, for which lower is better."""
    key = {"name": "spread", "label": "Spread", "unit": "cm", "low": 0.0, "high": None}
    declared = {
        "variant": "spread[v2]",
        "citation": "A. Author, 2030",
        "keys": [key | {"description": "", "higher_is_better": False} | more],
    }
    write_json(
        folder / "scores.metrics.json", {"schema_version": 1, "metrics": {"spread": declared}}
    )


def test_a_metric_of_ones_own_stands_after_ours_in_every_table(tmp_path):
    add_metric(tmp_path)
    summary = summary_of(tmp_path, [row | {"spread": 1 - row["mig"]} for row in sweep()])
    comparison = comparison_table(summary, "dsprites", "paper")
    heads = list(comparison.columns)
    assert heads.index("Spread [cm] ↓") == heads.index("NLL [nats] ↓") - 1
    assert "Spread: spread[v2]" in "\n".join(comparison.notes)
    assert "Spread [cm] ↓" in ranking_table(summary, "paper", "genuine", "dsprites").columns
    assert "Spread [cm] ↓" in curve_table(summary, "dsprites", "paper").columns
    assert "Spread (A. Author, 2030)" in to_latex(comparison)
    smallest = summary.ranks.query("metric == 'spread' and dataset == 'dsprites'")
    largest = summary.ranks.query("metric == 'mig' and dataset == 'dsprites'")
    assert (smallest["rank"].to_numpy() == largest["rank"].to_numpy()).all()
    assert collapse_table(summary, "dsprites", "paper", "spread") is None, "lower is better"


def test_a_metric_without_a_direction_says_so(tmp_path):
    add_metric(tmp_path, higher_is_better=None)
    summary = summary_of(tmp_path, [row | {"spread": 1.0} for row in sweep()])
    table = comparison_table(summary, "dsprites", "paper")
    assert "Spread [cm]" in table.columns
    assert any(note.startswith("Spread: its metric declares no direction") for note in table.notes)


def test_scores_of_another_variant_are_left_out_and_named(tmp_path):
    rows = [row | {"mig_variant": "mig[hist20,plugin,mean]"} for row in sweep()]
    for row in rows[:3]:
        row["mig_variant"] = "mig[hist50,plugin,mean]"
    table = comparison_table(summary_of(tmp_path, rows), "dsprites", "paper")
    assert any("3 scores left out (scored as mig[hist50" in note for note in table.notes)


def test_a_representation_from_elsewhere_is_marked_and_its_training_unknown(tmp_path):
    mine = {"path": "mine.h5", "dataset": "dsprites", "preset": "paper", "mig": 0.3, "seed": 99}
    summary = summary_of(tmp_path, sweep(), [mine | {"steps": 10**6}])
    table = comparison_table(summary, "dsprites", "paper")
    assert "mine (external)" in rows_of(table)
    notes = "\n".join(table.notes)
    assert (
        "External, trained elsewhere: mine (external). Their training, its steps included" in notes
    )
    assert "3,300 training steps" in notes
    assert "1,000,000" not in notes
    assert "/7" not in "".join(cell for row in table.rows for cell in row)


def test_the_first_phase_is_explained_where_it_is_not_ranked(tmp_path):
    own = [row | {"model": "mine:VAE"} for row in sweep(lambdas=()) if row["model"] == "betatcvae"]
    rows = [*sweep(lambdas=(8,)), *(row | {"path": f"own/{row['path']}"} for row in own)]
    summary = summary_of(tmp_path, rows)
    ranking = ranking_table(summary, "paper", "genuine", "dsprites")
    assert "β-VAE" not in {row[0] for row in ranking.rows}
    assert any(
        note == "β-VAE (first phase): the runs that λβ-VAE continues; they have fewer steps and "
        "are not ranked. No continuation stands for the β-VAE at equal steps."
        for note in ranking.notes
    )


def test_a_shorter_method_that_nothing_continues_is_ranked_and_marked(tmp_path):
    rows = [row for row in sweep(lambdas=()) if row["model"] in ("betavae", "betatcvae")]
    ranking = ranking_table(summary_of(tmp_path, rows), "paper", "genuine", "dsprites")
    marked = {row[0] for row in ranking.rows if row[0].endswith("§")}
    assert marked == {"VAE\N{NO-BREAK SPACE}§", "β-VAE\N{NO-BREAK SPACE}§"}
    assert any(note.startswith("§") for note in ranking.notes)


def test_an_unfinished_beta_is_named_under_the_collapse_table(tmp_path):
    rows = [r for r in sweep() if r["beta"] < 32 or r["seed"] == 0 or r["model"] != "betatcvae"]
    table = collapse_table(summary_of(tmp_path, rows), "dsprites", "paper")
    assert rows_of(table)["β-TCVAE"]["largest β"] == "16"
    note = "Left out, because too few seeds have it: β-TCVAE at β = 32 (1 of 6 seeds)."
    assert note in table.notes


def test_intervals_that_were_cut_are_named(tmp_path):
    summary = summary_of(tmp_path, sweep(n=2))
    table = curve_table(summary, "dsprites", "paper")
    assert table.data["low"].min() >= 0
    assert any("cut at its end" in note for note in table.notes)


def test_names_that_look_alike_have_tables_of_their_own(tmp_path):
    names = ("Toy", "toy", "日本", "中国")
    rows = [row | {"path": f"{name}/{row['path']}"} for name in names for row in sweep(name, n=1)]
    tables = all_tables(summary_of(tmp_path, rows))
    files = [table.name.casefold() for table in tables]
    assert len(set(files)) == len(files)
    assert all(name.isascii() for name in files)
    places = {table.place for table in tables}
    assert {(name, "paper") for name in names} <= places


DEGENERATE = {
    "one seed": sweep(n=1),
    "one beta": sweep(betas=(8,)),
    "one model": [row for row in sweep(lambdas=()) if row["model"] == "betatcvae"],
    "all undefined": [row | dict.fromkeys([*SCORES, "mi_matched_sampled"]) for row in sweep(n=2)],
    "a missing beta": [r for r in sweep() if not (r["model"] == "betatcvae" and r["beta"] == 8)],
    "one run": sweep(n=1, betas=(8,), lambdas=())[:1],
    "two kinds": sweep(n=2) + sweep("sprites", n=2) + sweep("mine", n=2),
    "no beta": [row | {"beta": None, "model": "mine", "lambda": None} for row in sweep(n=2)[:2]],
    "no training": [
        {k: v for k, v in row.items() if k not in ("nll", "kl", "bce_floor")} for row in sweep(n=2)
    ],
    "nothing but a path": [{"path": "a.h5", "mig": 0.2}],
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_results_still_give_tables(name, tmp_path):
    summary = summary_of(tmp_path, DEGENERATE[name])
    tables = all_tables(summary)
    assert tables
    for table in tables:
        for render in (to_text, to_markdown, to_latex, to_csv):
            assert render(table)


def test_all_undefined_shows_what_training_measured(tmp_path):
    summary = summary_of(tmp_path, DEGENERATE["all undefined"])
    table = comparison_table(summary, "dsprites", "paper")
    assert table.columns == ("Method", "NLL [nats] ↓", "KL [nats]", "Collapsed")


def test_seconds_say_how_long_each_part_took(summary):
    assert set(summary.seconds) == {
        "confirmation",
        "tidy",
        "cells",
        "selection",
        "ranking",
        "trends",
        "agreement",
        "UDR",
    }
    assert all(value >= 0 for value in summary.seconds.values())


@pytest.fixture(scope="module")
def standard(summary_of, sweep, tmp_path_factory):
    rows = sweep("sprites-small", "db1", 20, (1, 4, 8, 16, 32))
    rows = [row for row in rows if row["seed"] < 10 or row["model"] != "betatcvae"]
    return summary_of(tmp_path_factory.mktemp("standard"), rows)


def test_primary_hypotheses_are_confirmed_in_a_table_of_their_own(standard):
    table = confirmation_table(standard, "sprites-small", "db1")
    seeds = [(row[0], row[1].split()[0]) for row in table.rows]
    assert seeds == [("0–9", "after")] * 4 + [("10–19", "before")] * 4
    assert table.rows[0][2:4] == ("MIG", "β-VAE")
    assert table.rows[4][-1].startswith("peak\np ")
    notes = "\n".join(table.notes)
    assert "declared after seeds 0 to 9 of sprites-small were seen" in notes
    assert "(4 on seeds 0–9, 4 on seeds 10–19)" in notes
    assert "Confirmation seeds stand in this table alone." in notes
    assert {"declared_before", "p_peak_holm", "drop_low"} <= set(table.data)
    assert table.name in {one.name for one in all_tables(standard)}


def test_confirmation_seeds_are_asked_for_in_no_other_table(standard):
    for table in all_tables(standard):
        if not table.name.startswith("confirmation"):
            shown = "\n".join(cell for row in table.rows for cell in row)
            assert "/20" not in shown
            assert "20/" not in shown
            assert "20 seeds" not in "\n".join(table.notes)


def test_other_protocols_have_no_table_of_confirmation(summary):
    assert confirmation_table(summary, "dsprites", "paper") is None
