import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.statistics.selection import describe_choice, select_settings


def tidy(values, metric="mig", dataset="a"):
    rows = [
        {
            "dataset": dataset,
            "dataset_kind": "genuine",
            "protocol": "paper",
            "method": method,
            "role": "",
            "setting": setting,
            "seed": float(seed),
            "metric": metric,
            "variant": f"{metric}[x]",
            "value": value,
        }
        for (method, setting), seeds in values.items()
        for seed, value in enumerate(seeds)
    ]
    return pd.DataFrame(rows)


SWEEP = tidy(
    {
        # best on the seeds 0 and 2 that choose, and on those alone
        ("betavae", "beta=4"): [0.9, 0.1, 0.9, 0.1, 0.1],
        ("betavae", "beta=8"): [0.3, 0.8, 0.3, 0.8, 0.8],
        ("vae", "beta=1"): [0.5, 0.4, 0.5, 0.4, 0.4],
    }
)


def test_half_the_seeds_choose_and_the_others_report():
    found = select_settings(SWEEP)
    beta = found[found["method"] == "betavae"]
    assert set(beta["setting"]) == {"beta=4"}
    assert beta["seed"].tolist() == [1, 3, 4]
    assert beta["value"].tolist() == [0.1, 0.1, 0.1], "what was chosen by luck shows"
    assert set(beta["chosen"]) == {"best of 2, held-out seeds"}


def test_a_method_without_a_choice_reports_on_the_same_seeds():
    vae = select_settings(SWEEP).query("method == 'vae'")
    assert vae["seed"].tolist() == [1, 3, 4]
    assert set(vae["chosen"]) == {"only setting"}


def test_without_any_choice_all_seeds_report():
    scores = tidy({("vae", "beta=1"): [0.1, 0.2, 0.3], ("m", "x"): [0.1, 0.2, 0.3]})
    assert select_settings(scores).groupby("method")["seed"].count().to_dict() == {"m": 3, "vae": 3}
    fixed = select_settings(SWEEP, fixed={"betavae": "beta=8"})
    assert fixed.groupby("method")["seed"].count().to_dict() == {"betavae": 5, "vae": 5}


def test_a_best_of_sweep_of_equal_settings_is_not_biased():
    rng = np.random.default_rng(0)
    many = [
        tidy({("m", f"beta={b}"): rng.normal(0, 1, 6) for b in range(10)}, dataset=f"data {i}")
        for i in range(60)
    ]
    scores = pd.concat(many, ignore_index=True)
    best = scores.groupby(["dataset", "setting"])["value"].mean().groupby("dataset").max()
    assert best.mean() > 0.4, "choosing and reporting on the same seeds flatters"
    assert abs(select_settings(scores)["value"].mean()) < 0.25


def test_lower_is_better_where_the_metric_says_so():
    scores = tidy({("m", "a"): [1.0, 1.0, 1.0], ("m", "b"): [2.0, 2.0, 2.0]}, "nll")
    assert set(select_settings(scores)["setting"]) == {"a"}


def test_training_measures_follow_mig():
    nll = tidy({("m", "a"): [1.0, 1.0, 1.0], ("m", "b"): [2.0, 2.0, 2.0]}, "nll")
    mig = tidy({("m", "a"): [0.1, 0.1, 0.1], ("m", "b"): [0.2, 0.2, 0.2]}, "mig")
    found = select_settings(pd.concat([nll, mig], ignore_index=True))
    assert set(found["setting"]) == {"b"}
    assert set(found["metric"]) == {"nll", "mig"}


def test_all_can_choose_by_one_metric():
    sap = tidy({("m", "a"): [0.9, 0.9, 0.9], ("m", "b"): [0.1, 0.1, 0.1]}, "sap")
    mig = tidy({("m", "a"): [0.1, 0.1, 0.1], ("m", "b"): [0.2, 0.2, 0.2]}, "mig")
    found = select_settings(pd.concat([sap, mig], ignore_index=True), ["mig"], choose_by="sap")
    assert set(found["metric"]) == {"mig"}
    assert set(found["setting"]) == {"a"}


def test_a_fixed_setting_is_not_chosen():
    found = select_settings(SWEEP, fixed={"betavae": "beta=8"}).query("method == 'betavae'")
    assert set(found["setting"]) == {"beta=8"}
    assert set(found["chosen"]) == {"fixed"}


def test_one_seed_chooses_and_reports_and_says_so():
    scores = tidy({("m", "a"): [0.1], ("m", "b"): [0.2], ("n", "c"): [0.3]})
    found = select_settings(scores).set_index("method")
    assert found.loc["m", "chosen"] == "best of 2, same seeds (biased)"
    assert found.loc["n", "chosen"] == "only setting"
    assert len(found) == 2


def test_missing_scores_do_not_choose():
    scores = tidy({("m", "a"): [np.nan, 0.9, np.nan, 0.9], ("m", "b"): [0.1, 0.1, 0.1, 0.1]})
    assert set(select_settings(scores)["setting"]) == {"b"}
    nothing = tidy({("m", "a"): [np.nan, np.nan], ("m", "b"): [np.nan, np.nan]})
    assert select_settings(nothing).empty


def test_a_setting_without_scores_on_the_reporting_seeds_is_not_reported_with_the_others():
    gap = [0.9, np.nan, 0.9, np.nan]
    scores = tidy({("m", "beta=4"): gap, ("m", "beta=8"): [0.5] * 4})
    found = select_settings(scores)
    assert found["value"].tolist() == [0.5, 0.5], "0.9 is known of the choosing seeds only"
    assert set(found["chosen"]) == {"best of 2, held-out seeds"}
    assert set(found["seed"]) == {1, 3}


def test_a_measure_that_follows_mig_is_not_taken_from_the_choosing_seeds():
    mig = tidy({("m", "a"): [0.9] * 4, ("m", "b"): [0.1] * 4})
    nll = tidy({("m", "a"): [7.0, np.nan] * 2, ("m", "b"): [9.0] * 4}, "nll")
    found = select_settings(pd.concat([mig, nll], ignore_index=True)).query("metric == 'nll'")
    assert found["value"].isna().all()


def test_data_sets_choose_for_themselves():
    one = tidy({("m", "a"): [0.9, 0.9, 0.9], ("m", "b"): [0.1, 0.1, 0.1]}, dataset="one")
    two = tidy({("m", "a"): [0.1, 0.1, 0.1], ("m", "b"): [0.9, 0.9, 0.9]}, dataset="two")
    found = select_settings(pd.concat([one, two], ignore_index=True))
    assert found.groupby("dataset")["setting"].first().to_dict() == {"one": "a", "two": "b"}


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ("only setting", "β = 1"),
        ("best of 4, held-out seeds", "β = 1 (best of 4)"),
        ("best of 4, same seeds (biased)", "β = 1 (best of 4, biased)"),
        ("fixed", "β = 1 (fixed)"),
    ],
)
def test_a_choice_is_written_beside_its_setting(chosen, text):
    assert describe_choice("β = 1", chosen) == text
