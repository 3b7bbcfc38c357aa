import numpy as np
import pandas as pd
import pytest
from scipy import stats

from disentanglement_bench.evaluation.statistics.ranking import (
    compare_methods,
    rank_methods,
    rank_uncertainty,
)
from disentanglement_bench.evaluation.statistics.selection import select_settings


def tidy(values, metric="mig", kind="genuine", protocol="paper"):
    """`values`: {(dataset, method, setting): {seed: value}}."""
    rows = []
    for (dataset, method, setting), seeds in values.items():
        for seed, value in seeds.items():
            rows.append(
                {
                    "dataset": dataset,
                    "dataset_kind": kind,
                    "protocol": protocol,
                    "method": method,
                    "method_label": method.upper(),
                    "role": "first" if method.endswith("_first") else "",
                    "citation": "",
                    "unequal_steps": False,
                    "curve": method,
                    "setting": setting,
                    "seed": float(seed),
                    "metric": metric,
                    "variant": f"{metric}[x]",
                    "value": value,
                }
            )
    return pd.DataFrame(rows)


def seeds(*values):
    return dict(enumerate(values))


def noisy(mean, n=10, seed=0, spread=0.02):
    return seeds(*np.random.default_rng(seed).normal(mean, spread, n))


def brute_force(values, draws, seed):
    """Ranks of resampled means, one draw at a time."""
    rng = np.random.default_rng(seed)
    n = values.shape[1]
    scale = np.sqrt(n / (n - 1)) * stats.t.ppf(0.95, n - 1) / stats.norm.ppf(0.95)
    mean, best, ranks = values.mean(axis=1), np.zeros(len(values)), []
    for _ in range(draws):
        drawn = mean + scale * (values[:, rng.integers(0, n, n)].mean(axis=1) - mean)
        ranks.append(stats.rankdata(-drawn))
        best[drawn.argmax()] += 1
    return np.quantile(ranks, [0.025, 0.975], axis=0), best / draws


def test_rank_uncertainty_is_a_bootstrap_over_shared_seeds():
    values = np.random.default_rng(0).normal([[0.30], [0.32], [0.29]], 0.04, (3, 8))
    found = rank_uncertainty([values], draws=4000)
    (low, high), best = brute_force(values, 4000, 5)
    assert found["rank"].tolist() == stats.rankdata(-values.mean(axis=1)).tolist()
    np.testing.assert_allclose(found["p_best"], best, atol=0.04)
    assert found["rank_low"].tolist() == low.tolist()
    assert found["rank_high"].tolist() == high.tolist()


def test_the_same_seeds_are_drawn_for_all_methods():
    shared = np.random.default_rng(0).normal(0, 1, 10)
    found = rank_uncertainty([np.array([shared, shared - 0.001])])
    assert found["p_best"].tolist() == [1, 0], "a constant lead is certain however seeds vary"


def test_equal_methods_tie():
    values = np.random.default_rng(0).normal(0, 1, 10)
    found = rank_uncertainty([np.array([values, values])])
    assert found["rank"].tolist() == [1.5, 1.5]
    np.testing.assert_allclose(found["p_best"], 0.5)


def test_data_sets_are_averaged_by_rank():
    first = [[0.9] * 5, [0.1] * 5, [0.5] * 5]
    second = [[10.0] * 5, [20.0] * 5, [5.0] * 5]
    found = rank_uncertainty([first, second])
    assert found["rank"].tolist() == [1.5, 2.0, 2.5]
    assert found["p_best"].tolist() == [1, 0, 0]


def test_a_single_seed_has_ranks_without_bounds():
    found = rank_uncertainty([[[0.1], [0.2]]])
    assert found["rank"].tolist() == [2, 1]
    assert np.isnan(found["p_best"]).all()


@pytest.mark.parametrize("n", [5, 10])
def test_two_equal_methods_rarely_have_a_winner(n):
    rng = np.random.default_rng(n)
    named = [
        rank_uncertainty([rng.normal(size=(2, n))], draws=500)["p_best"].max() > 0.95
        for _ in range(600)
    ]
    assert np.mean(named) == pytest.approx(0.10, abs=0.035)


def test_a_clear_winner_is_named():
    scores = tidy({("a", "vae", "s"): noisy(0.1), ("a", "betavae", "s"): noisy(0.3, seed=1)})
    found = rank_methods(select_settings(scores)).set_index("method")
    assert found.loc["betavae", "verdict"] == "winner"
    assert found.loc["vae", "verdict"] == ""
    assert found.loc["betavae", "n"] == 10


def test_close_methods_are_tied():
    scores = tidy(
        {
            ("a", "vae", "s"): noisy(0.30),
            ("a", "betavae", "s"): noisy(0.30, seed=1),
            ("a", "betatcvae", "s"): noisy(0.05, seed=2),
        }
    )
    found = rank_methods(select_settings(scores)).set_index("method")
    assert found["verdict"].to_dict() == {"vae": "tied", "betavae": "tied", "betatcvae": ""}


def test_fewer_than_five_seeds_name_nobody():
    scores = tidy({("a", "vae", "s"): noisy(0.1, 4), ("a", "betavae", "s"): noisy(0.9, 4)})
    assert set(rank_methods(select_settings(scores))["verdict"]) == {"illustrative"}


def test_lower_is_better_where_the_metric_says_so():
    scores = tidy({("a", "vae", "s"): noisy(50), ("a", "betavae", "s"): noisy(60)}, "nll")
    found = rank_methods(select_settings(scores), ["nll"]).set_index("method")
    assert found["rank"].to_dict() == {"vae": 1, "betavae": 2}
    assert found.loc["vae", "mean"] == pytest.approx(50, abs=0.1)
    kl = scores.assign(metric="kl")
    assert rank_methods(select_settings(kl), ["kl"]).empty, "no KL is better than another"


def test_genuine_and_rendered_data_are_never_ranked_together():
    values = {("a", "vae", "s"): noisy(0.1), ("a", "betavae", "s"): noisy(0.3)}
    other = {("b", "vae", "s"): noisy(0.4), ("b", "betavae", "s"): noisy(0.3)}
    scores = pd.concat([tidy(values), tidy(other, kind="re-rendered")], ignore_index=True)
    found = rank_methods(select_settings(scores))
    assert set(found["dataset"]) == {"a", "b"}
    both = rank_methods(select_settings(tidy(values | other)))
    assert set(both["dataset"]) == {"a", "b", "all"}


def test_variants_are_never_ranked_together():
    scores = tidy({("a", "vae", "s"): noisy(0.1), ("a", "betavae", "s"): noisy(0.3)})
    scores.loc[scores["method"] == "vae", "variant"] = "mig[y]"
    found = rank_methods(select_settings(scores))
    assert set(found["verdict"]) == {"not ranked"}
    assert set(found["reason"]) == {"nothing to compare with"}


def test_missing_seeds_leave_the_shared_ones():
    first = noisy(0.1)
    del first[3], first[4]
    scores = tidy({("a", "vae", "s"): first, ("a", "betavae", "s"): noisy(0.3)})
    assert set(rank_methods(select_settings(scores))["n"]) == {8}


def test_missing_scores_are_not_imputed():
    values = {
        ("a", "vae", "s"): noisy(0.1),
        ("a", "betavae", "s"): noisy(0.2),
        ("a", "mine", "s"): noisy(0.9),
        ("b", "vae", "s"): noisy(0.1),
        ("b", "betavae", "s"): noisy(0.2),
        ("b", "mine", "s"): seeds(*[np.nan] * 10),
    }
    found = rank_methods(select_settings(tidy(values)))
    found = found[found["dataset"] == "all"].set_index("method")
    assert found.loc["mine", "verdict"] == "not ranked"
    assert found.loc["mine", "reason"] == "no score on b"
    assert found.loc["betavae", "rank"] == 1


def test_methods_without_common_seeds_are_left_out():
    own = {seed + 100: value for seed, value in noisy(0.9).items()}
    values = {
        ("a", "vae", "s"): noisy(0.1),
        ("a", "betavae", "s"): noisy(0.2),
        ("a", "m", "s"): own,
    }
    scores = tidy(values)
    found = rank_methods(select_settings(scores)).set_index("method")
    assert found.loc["m", "reason"] == "no seeds in common with the others"
    assert found.loc["betavae", "rank"] == 1


def test_many_seeds_that_nobody_shares_do_not_push_others_out():
    values = {
        ("a", "vae", "s"): noisy(0.1, 5),
        ("a", "betavae", "s"): noisy(0.2, 5),
        ("a", "m", "s"): dict.fromkeys(range(100, 131), 0.9),
    }
    found = rank_methods(select_settings(tidy(values))).set_index("method")
    assert found.loc["m", "verdict"] == "not ranked"
    assert found.loc[["vae", "betavae"], "n"].tolist() == [5, 5]


def test_first_phase_runs_are_not_ranked():
    scores = tidy({("a", "vae", "s"): noisy(0.1), ("a", "betavae_first", "s"): noisy(0.3)})
    assert list(rank_methods(select_settings(scores))["method"]) == ["vae"]


def test_differences_are_paired_by_seed_and_turned():
    lower = {seed: value - 1 for seed, value in noisy(50, seed=3, spread=5).items()}
    scores = tidy(
        {("a", "vae", "s"): noisy(50, seed=3, spread=5), ("a", "betavae", "s"): lower}, "nll"
    )
    found = compare_methods(scores, ["nll"]).iloc[0]
    assert (found["first"], found["second"], found["n"]) == ("vae", "betavae", 10)
    assert found["difference"] == pytest.approx(-1), "a higher NLL speaks against the first"
    assert found["low"] == pytest.approx(-1)
    assert not found["illustrative"]


def test_a_method_with_too_few_seeds_does_not_make_the_others_illustrative():
    values = {
        ("a", "vae", "s"): noisy(0.1, 5),
        ("a", "betavae", "s"): noisy(0.2, 5),
        ("a", "annealedvae", "s"): noisy(0.3, 4),
    }
    found = rank_methods(select_settings(tidy(values))).set_index("method")
    assert found.loc["annealedvae", "reason"] == "fewer than 5 seeds (4)"
    assert found.loc["betavae", "verdict"] == "winner"
    del values["a", "vae", "s"]
    found = rank_methods(select_settings(tidy(values)))
    assert set(found["verdict"]) == {"illustrative"}, "nobody else has enough to be ranked with"
