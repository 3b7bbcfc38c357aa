import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from disentanglement_bench.evaluation.statistics.agreement import correlate_metrics
from disentanglement_bench.evaluation.statistics.cells import (
    collect,
    compute_cells,
    gather_curves,
    tidy,
)
from disentanglement_bench.evaluation.statistics.gaps import find_gaps
from disentanglement_bench.evaluation.statistics.labels import describe_key
from disentanglement_bench.evaluation.statistics.ranking import rank_methods
from disentanglement_bench.evaluation.statistics.run_reading import ScoresError
from disentanglement_bench.evaluation.statistics.run_table import own_keys
from disentanglement_bench.evaluation.statistics.selection import select_settings


def write(folder, rows):
    given = {"dataset": "dsprites", "preset": "paper", "model": "betavae", "run_status": "done"}
    frame = pd.DataFrame([given | row for row in rows])
    paths = pd.Series([f"run{i}/representation.h5" for i in range(len(frame))])
    frame["path"] = frame["path"].fillna(paths) if "path" in frame else paths
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
    cell = compute_cells(scores).iloc[0]
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
    found = compute_cells(scores)
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
    found = compute_cells(tidy(runs, ["mig"]))
    assert found["n"].tolist() == [4, 3]
    assert found["n_asked"].tolist() == [4, 4]
    assert found["illustrative"].all()
    gaps = find_gaps(runs)
    assert gaps[["setting", "seed", "status"]].values.tolist() == [["beta=4", 3, "missing"]]


def test_variants_never_share_a_cell(tmp_path):
    rows = sweep(betas=(4,))
    rows[0]["mig_variant"] = "mig[hist30,plugin,mean]"
    rows[1]["mig_variant"] = rows[2]["mig_variant"] = "mig[hist20,plugin,mean]"
    scores = tidy(collect(write(tmp_path, rows)), ["mig"])
    assert scores["status"].tolist() == ["other variant", "done", "done"]
    assert scores["reason"].iloc[0] == (
        "scored as mig[hist30,plugin,mean], while most runs here are scored as "
        "mig[hist20,plugin,mean]"
    )
    (cell,) = compute_cells(scores).to_dict("records")
    assert (cell["variant"], cell["n"], cell["n_failed"]) == ("mig[hist20,plugin,mean]", 2, 1)


def declare(folder, **keys):
    """Write the declarations of a metric `spread` beside a table of scores."""
    key = {"name": "spread", "label": "Spread", "description": "", "unit": "cm", "low": 0.0,
           "high": None, "higher_is_better": False, **keys}  # fmt: skip
    declared = {"variant": "spread[v2]", "citation": "A. Author, 2030", "keys": [key]}
    record = {"schema_version": 1, "metrics": {"spread": declared}}
    (folder / "scores.metrics.json").write_text(json.dumps(record))
    return folder


def with_spread(rows):
    return [row | {"spread": 1 / row["beta"], "spread_status": "done"} for row in rows]


def test_a_metric_of_ones_own_keeps_what_it_declares(tmp_path):
    runs = collect(declare(write(tmp_path, with_spread(sweep(betas=(2, 4))))))
    scores = tidy(runs)
    own = scores[scores["metric"] == "spread"]
    assert set(own["variant"]) == {"spread[v2]"}
    facts = describe_key("spread", scores)
    assert (facts.label, facts.unit, facts.arrow, facts.high) == ("Spread", "cm", "↓", np.inf)
    assert own_keys(runs) == ("spread",)
    selected = select_settings(scores)
    chosen = selected[selected["metric"] == "spread"]
    assert set(chosen["setting"]) == {"beta=4"}, "the smallest is best"


def test_a_metric_without_a_declaration_has_no_direction(tmp_path):
    rows = [r | {"explicitness_test": 0.5} for r in sweep()]
    rows = [{**{k: v for k, v in row.items() if k != "run_status"}, "odd": 1.0} for row in rows]
    frame = pd.DataFrame(rows).assign(dataset="d", preset="paper", model="m", run_status="done")
    frame["path"] = [f"run{i}/representation.h5" for i in range(len(frame))]
    frame.to_csv(tmp_path / "scores.csv", index=False)
    scores = tidy(collect(tmp_path))
    assert describe_key("odd", scores).higher_is_better is None
    assert rank_methods(select_settings(scores), ["odd"]).empty


def test_broken_declarations_are_named_in_one_line(tmp_path):
    write(tmp_path, sweep())
    (tmp_path / "scores.metrics.json").write_text('{"metrics": {"a": {"keys": 3}}}')
    with pytest.raises(ScoresError, match="does not describe metrics") as caught:
        collect(tmp_path)
    assert "\n" not in str(caught.value)


def test_intervals_do_not_leave_the_range_of_their_score(tmp_path):
    rows = [{"beta": 4, "seed": seed, "mig": value} for seed, value in enumerate((0.0, 0.9, 1.0))]
    (cell,) = compute_cells(tidy(collect(write(tmp_path, rows)), ["mig"])).to_dict("records")
    assert (cell["low"], cell["high"], cell["clipped"]) == (0.0, 1.0, True)


@pytest.mark.parametrize(
    ("floor", "low"),
    [(9.8, 9.8), (None, 0.0), (30.0, 0.0)],
    ids=["known", "unknown", "contradicted by a run"],
)
def test_an_interval_of_nll_ends_at_the_entropy_of_the_targets(tmp_path, floor, low):
    rows = [
        {"beta": 4, "seed": seed, "nll": value, "bce_floor": floor}
        for seed, value in enumerate((20.0, 30.0, 100.0))
    ]
    # Another data set has another floor.
    rows.append({"beta": 4, "seed": 0, "nll": 5.0, "bce_floor": 2.0, "dataset": "shapes3d"})
    cells = compute_cells(tidy(collect(write(tmp_path, rows)), ["nll"])).set_index("dataset")
    cell = cells.loc["dsprites"]
    assert (cell["low"], cell["clipped"]) == (low, True)


def external(**more):
    return {"model": "mine", "path": "mine.h5", "run_status": None, "mig": 0.3, **more}


def test_a_representation_from_elsewhere_is_marked_and_changes_nothing_for_others(tmp_path):
    rows = [row | {"steps": 4000} for row in sweep(betas=(4,), seeds=(0, 1))]
    runs = collect(write(tmp_path, [*rows, external(seed=7, steps=10**6)]))
    mine = runs[runs["role"] == "external"].iloc[0]
    assert (mine["method"], mine["method_label"]) == ("mine_external", "mine (external)")
    assert np.isnan(mine["steps"]), "how it was trained is unknown"
    assert not runs["unequal_steps"].any()
    found = compute_cells(tidy(runs, ["mig"])).set_index("method")
    assert found["n_asked"].to_dict() == {"betavae": 2, "mine_external": 1}
    assert find_gaps(runs).empty


def test_a_representation_from_elsewhere_reports_on_all_its_seeds(tmp_path):
    mine = [external(seed=seed, path=f"{seed}.h5") for seed in range(4)]
    rows = [*sweep(betas=(1, 4, 8), seeds=range(4)), *mine]
    selected = select_settings(tidy(collect(write(tmp_path, rows)), ["mig"]))
    counts = selected.groupby("method")["seed"].count()
    assert counts.to_dict() == {"vae": 2, "betavae": 2, "mine_external": 4}


def test_collapsed_runs_are_counted(tmp_path):
    rows = sweep(betas=(4,))
    rows[0]["kl"] = 0.02
    rows[1]["kl"] = None
    cell = compute_cells(tidy(collect(write(tmp_path, rows)), ["mig"])).iloc[0]
    assert (cell["collapsed"], cell["n_kl"]) == (1, 2)


def test_curves_hold_seeds_by_beta_with_holes(tmp_path):
    rows = sweep(betas=(8, 1, 4), seeds=(5, 2))
    (curve,) = gather_curves(tidy(collect(write(tmp_path, rows[:-1])), ["mig"]))
    assert curve.places.tolist() == [1, 4, 8]
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
    found = correlate_metrics(scores, ["mig", "sap", "nll"])
    by = found.set_index(["first", "second"])
    frame = pd.DataFrame(rows)[1:]
    expected = stats.spearmanr(frame["mig"], frame["sap"]).statistic
    assert by.loc[("mig", "sap"), "correlation"] == pytest.approx(expected)
    assert by.loc[("mig", "sap"), "n"] == 14
    assert by.loc[("mig", "nll"), "correlation"] == pytest.approx(1), "lower NLL is better"


def test_runs_without_beta_or_seed_have_no_curve(tmp_path):
    rows = [{"mig": 0.2, "model": "other"}, {"mig": 0.3, "beta": 4, "seed": 0}]
    found = gather_curves(tidy(collect(write(tmp_path, rows)), ["mig"]))
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
