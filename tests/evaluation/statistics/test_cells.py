import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from disentanglement_bench.evaluation.statistics.cells import (
    cells,
    collect,
    curves,
    failed_and_missing,
    metric_agreement,
    tidy,
)
from disentanglement_bench.evaluation.statistics.run_reading import ScoresError


def write(folder, rows):
    given = {"dataset": "dsprites", "preset": "paper", "model": "betavae", "run_status": "done"}
    frame = pd.DataFrame([given | row for row in rows])
    if "path" not in frame:
        frame["path"] = [f"run{i}/representation.h5" for i in range(len(frame))]
    frame.to_csv(folder / "scores.csv", index=False)
    return folder


def sweep(betas=(1, 4), seeds=(0, 1, 2), **more):
    return [
        {"beta": beta, "seed": seed, "mig": beta / 10 + seed / 100, "kl": 1.0, **more}
        for beta, seed in itertools.product(betas, seeds)
    ]


def test_tidy_has_a_row_for_each_run_and_metric(tmp_path):
    scores = tidy(collect(write(tmp_path, sweep())))
    assert len(scores) == 6 * 2
    mig = scores[scores["metric"] == "mig"]
    assert set(mig["variant"]) == {"mig[hist20,plugin,mean]"}
    assert mig["value"].tolist() == pytest.approx([0.1, 0.11, 0.12, 0.4, 0.41, 0.42])
    assert set(scores["status"]) == {"done"}


def test_undefined_scores_keep_their_reason_and_are_never_filled(tmp_path):
    rows = sweep(betas=(4,))
    rows[1] |= {"mig": None, "mig_status": "undefined", "reasons": "mig: one code; sap: x"}
    rows[2] |= {"mig": None}
    scores = tidy(collect(write(tmp_path, rows)), ["mig"])
    assert scores["status"].tolist() == ["done", "undefined", "missing"]
    assert scores["reason"].tolist()[1] == "one code"
    cell = cells(scores).iloc[0]
    assert (cell["n"], cell["n_asked"], cell["n_failed"]) == (1, 3, 2)
    assert cell["mean"] == 0.4


def test_failed_runs_have_no_scores_even_where_the_table_has_some(tmp_path):
    rows = sweep(betas=(4,))
    rows[0]["run_status"] = "failed"
    scores = tidy(collect(write(tmp_path, rows)), ["mig"])
    assert scores["status"].tolist() == ["failed", "done", "done"]
    assert np.isnan(scores["value"].iloc[0])


def test_cells_agree_with_pandas_and_scipy(tmp_path):
    rng = np.random.default_rng(0)
    rows = sweep(betas=(1, 4, 8), seeds=range(6))
    for row in rows:
        row["mig"] = rng.uniform()
    scores = tidy(collect(write(tmp_path, rows)), ["mig"])
    found = cells(scores)
    for cell in found.to_dict("records"):
        own = scores[scores["setting"] == cell["setting"]]["value"]
        assert cell["mean"] == pytest.approx(own.mean())
        assert cell["std"] == pytest.approx(own.std())
        interval = stats.t.interval(0.95, 5, own.mean(), own.std() / np.sqrt(6))
        assert (cell["low"], cell["high"]) == pytest.approx(interval)
        assert not cell["illustrative"]


def test_seeds_count_as_asked_for_where_other_settings_have_them(tmp_path):
    rows = sweep(betas=(1, 4), seeds=range(4))
    runs = collect(write(tmp_path, rows[:-1]))
    found = cells(tidy(runs, ["mig"]))
    assert found["n"].tolist() == [4, 3]
    assert found["n_asked"].tolist() == [4, 4]
    assert found["illustrative"].all()
    gaps = failed_and_missing(runs)
    assert gaps[["setting", "seed", "status"]].values.tolist() == [["beta=4", 3, "missing"]]


def test_variants_never_share_a_cell(tmp_path):
    rows = sweep(betas=(4,))
    rows[0]["mig_variant"] = "mig[hist30,plugin,mean]"
    found = cells(tidy(collect(write(tmp_path, rows)), ["mig"]))
    assert found[["variant", "n"]].values.tolist() == [
        ["mig[hist30,plugin,mean]", 1],
        ["mig[hist20,plugin,mean]", 2],
    ]


def test_collapsed_runs_are_counted(tmp_path):
    rows = sweep(betas=(4,))
    rows[0]["kl"] = 0.02
    rows[1]["kl"] = None
    cell = cells(tidy(collect(write(tmp_path, rows)), ["mig"])).iloc[0]
    assert (cell["collapsed"], cell["n_kl"]) == (1, 2)


def test_curves_hold_seeds_by_beta_with_holes(tmp_path):
    rows = sweep(betas=(8, 1, 4), seeds=(5, 2))
    (curve,) = curves(tidy(collect(write(tmp_path, rows[:-1])), ["mig"]))
    assert curve.betas.tolist() == [1, 4, 8]
    assert curve.seeds.tolist() == [2, 5]
    np.testing.assert_allclose(curve.values, [[0.12, np.nan, 0.82], [0.15, 0.45, 0.85]])
    assert curve.key["curve"] == "betavae"


def test_metric_agreement_is_spearmans(tmp_path):
    rng = np.random.default_rng(1)
    rows = sweep(betas=(1, 4, 8), seeds=range(5))
    for row in rows:
        row["sap"] = row["mig"] + rng.normal() * 0.3
        row["nll"] = -row["mig"]
    rows[0]["sap"] = None
    scores = tidy(collect(write(tmp_path, rows)))
    found = metric_agreement(scores, ["mig", "sap", "nll"])
    by = found.set_index(["first", "second"])
    frame = pd.DataFrame(rows)[1:]
    expected = stats.spearmanr(frame["mig"], frame["sap"]).statistic
    assert by.loc[("mig", "sap"), "correlation"] == pytest.approx(expected)
    assert by.loc[("mig", "sap"), "n"] == 14
    assert by.loc[("mig", "nll"), "correlation"] == pytest.approx(1), "lower NLL is better"


def test_runs_without_beta_or_seed_have_no_curve(tmp_path):
    rows = [{"mig": 0.2, "model": "other"}, {"mig": 0.3, "beta": 4, "seed": 0}]
    found = curves(tidy(collect(write(tmp_path, rows)), ["mig"]))
    assert [curve.key["curve"] for curve in found] == ["betavae"]


def test_collect_says_what_is_missing(tmp_path):
    with pytest.raises(ScoresError, match="no such folder"):
        collect(tmp_path / "nowhere")
    with pytest.raises(ScoresError, match="holds no run"):
        collect(tmp_path)


def test_a_table_without_rows_is_one_clear_line(tmp_path):
    (tmp_path / "scores.csv").write_text("path,dataset,mig\n")
    with pytest.raises(ScoresError, match="holds no run; run bench train"):
        collect(tmp_path)


def test_collect_takes_the_table_itself(tmp_path):
    write(tmp_path, sweep())
    assert len(collect(tmp_path / "scores.csv")) == 6
