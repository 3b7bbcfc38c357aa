import numpy as np
import pandas as pd
import pytest
from scipy import stats

from disentanglement_bench.evaluation import reference as published


def grid(dataset="dsprites", kind="genuine", protocol="paper", metric="mig", scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for lambda_ in (0, 2, 4, 6, 8):
        for beta in (1, 4, 8, 16, 32):
            method = "lambdabeta" if lambda_ else "vae" if beta == 1 else "betavae"
            rows.append(
                {
                    "dataset": dataset,
                    "dataset_kind": kind,
                    "protocol": protocol,
                    "metric": metric,
                    "variant": "mig[hist20,plugin,mean]",
                    "method": method,
                    "reduces_to": "vae",
                    "beta": float(beta),
                    "lambda": float(lambda_),
                    "setting": f"beta={beta}" + (f",lambda={lambda_}" if lambda_ else ""),
                    "mean": scale * rng.uniform(0.1, 0.5),
                    "n": 10,
                }
            )
    return pd.DataFrame(rows)


def test_the_papers_grid_is_complete():
    table = published.paper_percent_change()
    assert len(table) == 300
    assert set(table["dataset"]) == {"dsprites", "shapes3d", "mpi3d_real"}
    assert set(table["metric"]) == {"nll", "sap", "mig", "mi_matched"}
    cells = table.groupby(["dataset", "metric"])[["beta", "lambda"]].nunique()
    assert (cells == 5).all().all()
    base = table[(table["beta"] == 1) & (table["lambda"] == 0)]
    assert (base["percent_change"] == 0).all()
    place = (table["dataset"] == "dsprites") & (table["metric"] == "nll")
    one = table[place & (table["beta"] == 32) & (table["lambda"] == 8)]
    assert one["percent_change"].item() == 444.69


def test_what_is_handed_out_can_be_changed_without_harm():
    mine = published.paper_percent_change()
    mine["percent_change"] = 0
    assert published.paper_percent_change()["percent_change"].abs().max() > 100


def test_literature_scores_say_where_they_are_from():
    table = published.literature_scores()
    assert set(table["dataset"]) <= {"dsprites", "shapes3d"}
    assert set(table["method"]) <= {"vae", "betavae", "betatcvae"}
    for column in ("source", "variant", "place", "metric_printed"):
        assert (table[column].str.len() > 0).all()
    scores = table[table["metric"].isin(("mig", "sap"))]
    assert scores["value"].between(0, 1).all()
    assert (table[table["metric_printed"] == "DCI"]["metric"] == "").all()


def test_percent_change_is_against_the_equally_long_vae():
    cells = grid()
    found = published.percent_change(cells)
    base = cells["mean"].iloc[0]
    np.testing.assert_allclose(found["percent_change"], 100 * (cells["mean"] / base - 1))
    assert found["percent_change"].iloc[0] == 0


def test_settings_that_something_else_was_swept_for_are_no_part_of_the_grid():
    cells = grid()
    slow = cells.assign(setting=cells["setting"] + ",learning_rate=0.001", mean=100.0)
    both = published.percent_change(pd.concat([slow, cells], ignore_index=True))
    assert both["mean"].tolist() == cells["mean"].tolist()
    fast = cells.assign(setting=cells["setting"] + ",learning_rate=0.002")
    assert published.percent_change(pd.concat([slow, fast])).empty
    assert len(published.percent_change(slow)) == 25


def test_percent_change_of_nothing_is_undefined():
    cells = grid()
    assert published.percent_change(cells[cells["method"] != "vae"])["percent_change"].isna().all()
    zero = cells.assign(mean=cells["mean"].where(cells["method"] != "vae", 0.0))
    assert published.percent_change(zero)["percent_change"].isna().all()


def test_a_negative_baseline_keeps_the_direction():
    cells = grid(metric="nll").assign(mean=-1.0)
    cells.loc[3, "mean"] = -0.5
    assert published.percent_change(cells)["percent_change"].iloc[3] == 50


def test_the_published_grid_agrees_with_itself():
    table = published.paper_percent_change()
    own = table[(table["dataset"] == "shapes3d") & (table["metric"] == "mig")]
    cells = (
        grid("shapes3d").drop(columns="mean").merge(own, on=["beta", "lambda", "dataset", "metric"])
    )
    cells["mean"] = 0.2 * (1 + cells["percent_change"] / 100)
    _, agreement = published.compare_with_paper(cells)
    found = agreement.iloc[0]
    assert (found["n"], found["same_sign"]) == (24, 1.0)
    assert found["rank_correlation"] == pytest.approx(1)


def test_agreement_is_spearman_over_the_common_cells():
    cells = grid()
    cells.loc[7, "mean"] = np.nan
    both, agreement = published.compare_with_paper(cells)
    part = both.drop(index=0).dropna()
    expected = stats.spearmanr(part["ours"], part["published"]).statistic
    assert agreement["n"].item() == 23
    assert agreement["rank_correlation"].item() == pytest.approx(expected)


@pytest.mark.parametrize(
    "cells",
    [
        grid("sprites", "re-rendered"),
        grid("dsprites", "re-rendered"),
        grid(protocol="quick"),
        grid(protocol="quick+long"),
        grid("mine", "added"),
    ],
    ids=["other name", "re-rendered", "quick", "tagged quick", "own data"],
)
def test_nothing_but_genuine_data_is_compared(cells):
    both, agreement = published.compare_with_paper(cells)
    assert both.empty
    assert agreement.empty
    assert "rank_correlation" in agreement
