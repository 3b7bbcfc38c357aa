"""Seeds that confirm primary hypotheses, and that they change nothing else."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.reference import load_benchmark
from disentanglement_bench.evaluation.statistics import collect, confirm_primary, summarise, tidy
from disentanglement_bench.evaluation.statistics.confirm import ADDED
from disentanglement_bench.evaluation.statistics.trends import holm

BETAS = (1, 4, 8, 16, 32)
DB1 = load_benchmark("db1")


@pytest.fixture(scope="module")
def rows(sweep):
    """Both data sets, ten seeds; of sprites-small the primary curves have ten further ones."""
    made = []
    for dataset, seeds in (("sprites-small", 20), ("rooms3d", 10)):
        made += [
            row
            for row in sweep(dataset, "db1", seeds, BETAS)
            if row["seed"] < 10 or row["model"] != "betatcvae"
        ]
    return made


@pytest.fixture(scope="module")
def runs(write_scores, rows, tmp_path_factory):
    return collect(write_scores(tmp_path_factory.mktemp("results"), rows))


def test_confirmation_seeds_are_marked_and_nothing_else(runs):
    marked = runs[runs["confirmation"]]
    assert set(marked["dataset"]) == {"sprites-small"}
    assert set(marked["seed"]) == set(DB1.datasets["sprites-small"].confirmation_seeds)
    assert set(marked["model"]) == {"betavae", "lambdabeta"}
    assert set(runs.loc[~runs["confirmation"], "seed"]) == set(range(10))


def test_the_table_is_as_if_nobody_had_trained_confirmation_seeds(
    runs, rows, write_scores, tmp_path
):
    alone = collect(write_scores(tmp_path / "alone", [row for row in rows if row["seed"] < 10]))
    with_them, without = summarise(runs), summarise(alone)
    for field in dataclasses.fields(with_them):
        found, expected = (getattr(summary, field.name) for summary in (with_them, without))
        if isinstance(found, pd.DataFrame) and field.name not in ("runs", "confirmation"):
            pd.testing.assert_frame_equal(found, expected)
    assert len(with_them.runs) == len(without.runs)
    assert len(with_them.confirmation) == len(without.confirmation) + 4


def test_every_group_of_seeds_is_tested_by_itself(runs):
    table = confirm_primary(runs)
    groups = {
        ("sprites-small", "0–9"): False,
        ("sprites-small", "10–19"): True,
        ("rooms3d", "0–9"): True,
    }
    for (dataset, seeds), declared_before in groups.items():
        part = table[(table["dataset"] == dataset) & (table["seeds"] == seeds)]
        assert set(part["curve"]) == {"betavae", "lambdabeta,lambda=8"}
        assert set(part["metric"]) == set(DB1.primary["metrics"])
        assert (part["n"] == 10).all()
        assert (part["declared_before"] == declared_before).all()
        np.testing.assert_allclose(part["p_peak_holm"], holm(part["p_peak"]))
        assert part.loc[part["curve"] == "betavae", "verdict"].eq("peak").all()
    assert len(table) == 12


def test_what_confirms_is_made_of_confirmation_seeds_alone(runs):
    table = confirm_primary(runs)
    row = table[table["confirmation"] & (table["metric"] == "mig")].iloc[0]
    own = runs[runs["confirmation"] & (runs["curve"] == row["curve"])]
    means = own.groupby("axis_value")["mig"].mean()
    assert row["peak_mean"] == pytest.approx(means.max())
    scores = tidy(runs, ["mig"], confirmation=True)
    assert set(scores["seed"]) == set(range(10, 20))


def test_confirmation_seeds_without_a_table_are_an_ordinary_part(sweep, write_scores, tmp_path):
    rows = sweep("sprites-small", "db1", 20, BETAS)
    runs = collect(write_scores(tmp_path / "later", [row for row in rows if row["seed"] > 9]))
    assert not runs["confirmation"].any()
    table = confirm_primary(runs)
    assert table["declared_before"].all()
    assert set(table["seeds"]) == {"10–19"}


def test_seeds_of_others_are_their_own(rows, write_scores, tmp_path):
    mine = [
        row | {"path": f"mine-{row['seed']}.h5", "model": "mine", "run_status": None}
        for row in rows
        if row["model"] == "betatcvae" and row["dataset"] == "sprites-small" and row["beta"] == 4
    ]
    mine = [row | {"seed": row["seed"] + 10} for row in mine]
    runs = collect(write_scores(tmp_path / "with-mine", [*rows, *mine]))
    external = runs[runs["source"] == "external"]
    assert len(external) == 10
    assert not external["confirmation"].any()


def test_seeds_of_models_that_the_hypotheses_are_not_about_stay(sweep, write_scores, tmp_path):
    runs = collect(write_scores(tmp_path / "all", sweep("sprites-small", "db1", 12)))
    assert set(runs.loc[runs["confirmation"], "model"]) == {"betavae", "lambdabeta"}
    assert set(runs.loc[runs["model"] == "betatcvae", "seed"]) == set(range(12))


def test_other_protocols_have_nothing_to_confirm(sweep, write_scores, tmp_path):
    runs = collect(write_scores(tmp_path / "quick", sweep("sprites-small", "quick", 20)))
    assert not runs["confirmation"].any()
    table = confirm_primary(runs)
    assert table.empty
    assert set(ADDED) <= set(table)
