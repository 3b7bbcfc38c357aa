import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.statistics.trend_table import describe_trends
from disentanglement_bench.evaluation.statistics.trends import holm, peak_test

BETAS = (1.0, 4.0, 8.0, 16.0, 32.0)
HUMP = (0.08, 0.15, 0.20, 0.19, 0.05)


def tidy(means=HUMP, n=10, curve="betavae", metric="mig", betas=BETAS, spread=0.02, **more):
    rng = np.random.default_rng(len(curve))
    rows = []
    for seed in range(n):
        for beta, mean in zip(betas, means, strict=True):
            rows.append(
                {
                    "dataset": "a",
                    "dataset_kind": "genuine",
                    "protocol": "paper",
                    "curve": curve,
                    "curve_label": curve.upper(),
                    "reduces_to": None,
                    "role": "",
                    "metric": metric,
                    "variant": f"{metric}[x]",
                    "axis": "beta",
                    "axis_label": "β",
                    "axis_value": beta,
                    "seed": float(seed),
                    "status": "done",
                    "value": mean + spread * rng.normal(),
                }
                | more
            )
    return pd.DataFrame(rows)


def test_a_hump_is_described():
    scores = tidy()
    (row,) = describe_trends(scores).to_dict("records")
    assert (row["peak_value"], row["first_value"], row["last_value"]) == (8, 1, 32)
    assert row["verdict"] == "peak"
    assert row["n"] == row["n_asked"] == 10
    assert row["drop_low"] < 0.75 < row["drop_high"]
    assert row["drop_kind"] == "cross-fitted"
    assert (row["range_low"], row["range_high"], row["range_open"]) == (8, 16, False)
    assert row["peak_low"] <= 8 <= row["peak_high"]
    assert sum(share for _, share in row["peak_distribution"]) == pytest.approx(1)
    wide = scores.pivot(index="seed", columns="axis_value", values="value").to_numpy()
    assert row["p_peak"] == pytest.approx(peak_test(wide)[0])
    assert row["peak_mean"] == pytest.approx(wide.mean(axis=0).max())


def test_a_rise_has_no_peak_and_an_open_range():
    (row,) = describe_trends(tidy((0.1, 0.2, 0.3, 0.4, 0.41))).to_dict("records")
    assert row["verdict"] == "no peak shown"
    assert row["range_open"]
    assert abs(row["drop"]) < 0.05


FAMILY = {
    "betavae": {},
    "lambdabeta,lambda=2": {},
    "lambdabeta,lambda=8": {},
    "betatcvae": {},
    "betavae_first": {"role": "first"},
    "lambdabeta_scratch,lambda=8": {"role": "scratch"},
    "mine_external": {"role": "external"},
}


def describe_family(metrics=("mig", "sap", "mi_matched_sampled"), **more):
    parts = [
        tidy((0.1,) * 5, curve=curve, metric=metric, **facts, **more)
        for curve, facts in FAMILY.items()
        for metric in metrics
    ]
    return describe_trends(pd.concat(parts, ignore_index=True), metrics)


def curves_of(table):
    return set(zip(table["curve"], table["metric"], strict=True))


def pairs_of(*curves):
    return {(curve, metric) for curve in curves for metric in ("mig", "mi_matched_sampled")}


def test_holm_goes_over_the_primary_tests_and_over_the_others_apart():
    table = describe_family()
    for question, size in {"primary": 6, "secondary": 12, "external": 3}.items():
        part = table[table["question"] == question]
        assert (part["family"] == size).all()
        assert len(part) == size
        np.testing.assert_allclose(part["p_peak_holm"], holm(part["p_peak"]))
    assert (table["primary"] == (table["question"] == "primary")).all()


def test_other_data_sets_and_protocols_are_families_of_their_own():
    parts = [tidy(), tidy((0.1,) * 5, dataset="b"), tidy(n=3, curve="lambdabeta,lambda=8")]
    table = describe_trends(pd.concat(parts, ignore_index=True))
    assert table["family"].tolist() == [1, 1, 1], "three seeds are not tested"
    assert table["primary"].all()


def test_primary_are_the_curves_of_the_beta_vae_and_of_every_lambda():
    table = describe_family()
    expected = pairs_of("betavae", "lambdabeta,lambda=2", "lambdabeta,lambda=8")
    assert curves_of(table[table["primary"]]) == expected


def test_a_standard_benchmark_names_its_primary_curves_itself():
    table = describe_family(protocol="db1")
    assert curves_of(table[table["primary"]]) == pairs_of("betavae", "lambdabeta,lambda=8")
    table = describe_family(protocol="db1+tag")
    assert ("lambdabeta,lambda=2", "mig") in curves_of(table[table["primary"]])


def test_a_metric_of_ones_own_changes_no_p_value_of_ours():
    ours = describe_family()
    table = describe_family(metrics=("mig", "sap", "mi_matched_sampled", "modularity"))
    known = table[table["metric"] != "modularity"].reset_index(drop=True)
    pd.testing.assert_series_equal(known["p_peak_holm"], ours["p_peak_holm"])
    own = table[(table["metric"] == "modularity") & (table["role"] != "external")]
    assert set(own["question"]) == {"other metric"}


def test_more_tests_than_the_smallest_p_value_allows_ask_for_more_seeds():
    parts = [tidy(curve=f"c{i}", spread=0.001) for i in range(52)]
    table = describe_trends(pd.concat(parts, ignore_index=True))
    assert (table["p_peak"] == 2.0**-10).all()
    assert set(table["verdict"]) == {"too few seeds"}
    fewer = describe_trends(pd.concat(parts[:51], ignore_index=True))
    assert set(fewer["verdict"]) == {"peak"}


def test_a_curve_over_another_axis_is_secondary():
    table = describe_trends(tidy(curve="lambdabeta,beta=8", axis="lambda", axis_label="λ"))
    assert table["question"].tolist() == ["secondary"]


def test_few_seeds_have_no_p_value():
    (row,) = describe_trends(tidy(n=3)).to_dict("records")
    assert row["verdict"] == "too few seeds"
    assert row["illustrative"]
    assert np.isnan(row["p_peak"])
    assert row["drop_kind"] == "selected, biased upward"
    assert np.isnan(row["drop_low"])


def test_one_seed_one_beta_and_no_scores():
    (row,) = describe_trends(tidy(n=1)).to_dict("records")
    assert row["n"] == 1
    assert row["peak_value"] in BETAS
    (row,) = describe_trends(tidy((0.1,), betas=(4.0,))).to_dict("records")
    assert row["verdict"] == "too few values"
    assert row["peak_value"] == 4
    assert np.isnan(row["drop"])
    assert describe_trends(tidy().assign(value=np.nan)).empty
    assert describe_trends(tidy().iloc[:0]).empty


def test_a_beta_without_scores_is_left_out():
    scores = tidy()
    scores.loc[scores["axis_value"] == 32, "value"] = np.nan
    (row,) = describe_trends(scores).to_dict("records")
    assert (row["n_values"], row["last_value"]) == (4, 16)


def test_a_seed_with_a_hole_is_used_only_where_it_can_be():
    scores = tidy()
    scores.loc[(scores["axis_value"] == 4) & (scores["seed"] == 2), "value"] = np.nan
    (row,) = describe_trends(scores).to_dict("records")
    assert (row["n"], row["n_asked"]) == (9, 10)
    assert row["verdict"] == "peak"


def test_an_unfinished_beta_is_left_out_and_named():
    scores = tidy((0.1, 0.2, 0.15, 0.4), betas=(1, 2, 4, 8))
    scores.loc[(scores["axis_value"] == 8) & (scores["seed"] > 0), "value"] = np.nan
    (row,) = describe_trends(scores).to_dict("records")
    assert (row["n"], row["n_asked"]) == (10, 10)
    assert (row["last_value"], row["n_values"], row["peak_value"]) == (4, 3, 2)
    assert row["left_out"] == [(8, 1)]
    wide = scores[scores["axis_value"] < 8].pivot(
        index="seed", columns="axis_value", values="value"
    )
    assert row["p_peak"] == pytest.approx(peak_test(wide.to_numpy())[0])
    assert row["tested_value"] == 2
    assert row["peak_mean"] == pytest.approx(wide.mean().max())


def test_the_test_uses_the_seeds_that_everything_else_uses():
    scores = tidy(spread=0.1)
    scores.loc[(scores["axis_value"] == 4) & (scores["seed"] < 4), "value"] = np.nan
    (row,) = describe_trends(scores).to_dict("records")
    wide = scores[scores["seed"] >= 4].pivot(index="seed", columns="axis_value", values="value")
    assert row["n"] == 6
    assert row["p_peak"] == pytest.approx(peak_test(wide.to_numpy())[0])


def test_seeds_that_share_no_complete_row_are_no_curve():
    scores = tidy((0.1, 0.2), n=2, betas=(1, 4))
    scores.loc[(scores["axis_value"] == 1) & (scores["seed"] == 0), "value"] = np.nan
    scores.loc[(scores["axis_value"] == 4) & (scores["seed"] == 1), "value"] = np.nan
    (row,) = describe_trends(scores).to_dict("records")
    assert (row["n"], row["n_values"], row["peak_value"]) == (1, 1, 1)
    assert row["left_out"] == [(4, 1)]
    assert np.isnan(row["drop"])


def test_metrics_for_which_lower_is_better_are_left_out():
    assert describe_trends(tidy(metric="nll"), ["nll"]).empty


def test_the_family_as_a_whole_rarely_raises_a_false_alarm():
    rng = np.random.default_rng(0)
    parts = []
    for trial in range(60):
        for i in range(4):
            part = tidy((0.2,) * 5, n=6, curve=f"c{i}", dataset=f"trial {trial}")
            part["value"] = rng.normal(size=len(part))
            parts.append(part)
    table = describe_trends(pd.concat(parts, ignore_index=True))
    assert (table["family"] == 4).all()
    false = table.groupby("dataset")["verdict"].agg(lambda v: (v == "peak").any())
    assert len(false) == 60
    assert false.mean() <= 0.07
