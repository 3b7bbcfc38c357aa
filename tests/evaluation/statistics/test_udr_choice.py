import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from disentanglement_bench.evaluation.statistics.intervals import paired_difference
from disentanglement_bench.evaluation.statistics.udr_choice import describe_udr_choices

BETAS = (1, 2, 4, 8)
UDR = {1: 0.2, 2: 0.6, 4: 0.5, 8: 0.1}
MIG = {1: 0.1, 2: 0.2, 4: 0.3, 8: 0.15}


def tidy(udr=UDR, mig=MIG, seeds=6, method="betavae", metric="mig", noise=0.01, **more):
    """Tidy scores of one method: a UDR and a metric for each setting and seed."""
    rng = np.random.default_rng(0)
    rows = []
    for beta in BETAS:
        for seed in range(seeds):
            about = {"dataset": "a", "dataset_kind": "genuine", "protocol": "paper", "role": ""}
            about |= {"method": method, "method_label": method.upper(), "seed": float(seed)}
            about |= {"setting": f"beta={beta}", "setting_label": f"β = {beta}", "status": "done"}
            for name, level in (("udr", udr), (metric, mig)):
                value = level.get(beta, np.nan) + noise * rng.normal()
                rows.append({**about, "metric": name, "variant": name, "value": value, **more})
    return pd.DataFrame(rows)


def test_udr_chooses_by_its_mean_and_the_cost_is_paired_by_seed():
    scores = tidy()
    (row,) = describe_udr_choices(scores, ["mig"], ["udr"]).to_dict("records")
    assert (row["chosen_setting"], row["best_setting"]) == ("beta=2", "beta=4")
    assert (row["n_settings"], row["n_without"]) == (4, 0)
    part = scores[scores["metric"] == "mig"].pivot(index="seed", columns="setting", values="value")
    wanted = paired_difference(part["beta=4"], part["beta=2"])
    assert row["cost"] == pytest.approx(wanted["difference"])
    assert (row["low"], row["high"], row["n"]) == pytest.approx(
        (wanted["low"], wanted["high"], wanted["n"])
    )
    assert not row["illustrative"]
    assert row["chosen_mean"] == pytest.approx(part["beta=2"].mean())
    assert row["mean_of_all"] == pytest.approx(part.mean().mean())
    means = scores.groupby(["metric", "setting"])["value"].mean()
    assert row["correlation"] == pytest.approx(spearmanr(means["udr"], means["mig"]).statistic)
    assert row["n_correlated"] == 4


def test_a_metric_for_which_lower_is_better_is_turned():
    scores = tidy(mig={beta: -value for beta, value in MIG.items()}, metric="nll")
    (row,) = describe_udr_choices(scores, ["nll"], ["udr"]).to_dict("records")
    (same,) = describe_udr_choices(tidy(), ["mig"], ["udr"]).to_dict("records")
    assert row["best_setting"] == "beta=4"
    assert row["cost"] > 0.08
    assert row["correlation"] == pytest.approx(same["correlation"])


def test_the_same_setting_costs_nothing():
    (row,) = describe_udr_choices(tidy(mig=UDR), ["mig"], ["udr"]).to_dict("records")
    assert row["chosen_setting"] == row["best_setting"] == "beta=2"
    assert (row["cost"], row["low"], row["high"]) == (0, 0, 0)
    assert row["correlation"] == 1


def test_few_seeds_illustrate():
    (row,) = describe_udr_choices(tidy(seeds=4), ["mig"], ["udr"]).to_dict("records")
    assert row["illustrative"]


def test_settings_without_udr_are_counted_and_not_compared():
    collapsed = {beta: value for beta, value in UDR.items() if beta != 4}
    (row,) = describe_udr_choices(tidy(udr=collapsed), ["mig"], ["udr"]).to_dict("records")
    assert (row["n_settings"], row["n_without"]) == (3, 1)
    assert row["best_setting"] == "beta=2", "the best of those that UDR could have chosen"


def test_a_choice_without_a_score_has_no_cost():
    mig = {beta: value for beta, value in MIG.items() if beta != 2}
    (row,) = describe_udr_choices(tidy(mig=mig), ["mig"], ["udr"]).to_dict("records")
    assert row["chosen_setting"] == "beta=2"
    assert np.isnan([row["chosen_mean"], row["cost"]]).all()
    assert row["n"] == 0


def test_with_several_methods_udr_chooses_the_method_too():
    better = {beta: value + 1 for beta, value in UDR.items()}
    scores = pd.concat([tidy(), tidy(udr=better, method="other")], ignore_index=True)
    table = describe_udr_choices(scores, ["mig"], ["udr"]).set_index("method")
    assert list(table.index) == ["", "betavae", "other"]
    assert table.loc["", "chosen_method"] == "other"
    assert table.loc["", "n_settings"] == 8


@pytest.mark.parametrize(
    "scores",
    [
        tidy(udr={}),
        tidy(udr={1: 0.2}),
        tidy(role="first"),
        tidy(metric="kl"),
        tidy(mig={}),
        tidy()[:0],
    ],
    ids=["no UDR", "one setting", "first phase", "no direction", "no score", "nothing"],
)
def test_nothing_to_choose_or_to_judge_gives_no_row(scores):
    assert describe_udr_choices(scores, ["mig", "kl"], ["udr"]).empty
