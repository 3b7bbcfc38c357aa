import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.statistics.placing import (
    draw_means,
    place_methods,
    place_sample,
)

STRATUM = {"dataset": "sprites-small", "dataset_kind": "re-rendered", "protocol": "db1"}


def rows(method, values, role="", seeds=None, metric="mig", label=None):
    seeds = range(len(values)) if seeds is None else seeds
    return [
        STRATUM
        | {"metric": metric, "variant": f"{metric}[x]", "method": method, "role": role}
        | {"method_label": label or method.upper(), "setting": "", "chosen": "only setting"}
        | {"seed": seed, "value": value, "path": f"{method}/{place}"}
        for place, (seed, value) in enumerate(zip(seeds, values, strict=True))
    ]


def test_a_method_between_two_others_has_rank_2():
    placed = place_sample([2, 2.1, 2.2, 2, 2.1], [[3, 3.1, 3, 3.2, 3.1], [1, 1.1, 1, 1.2, 1.1]])
    assert (placed["rank"], placed["rank_low"], placed["rank_high"]) == (2, 2, 2)
    assert placed["p_better"] == [0, 1]


def test_equal_methods_share_a_rank():
    placed = place_sample([1.0] * 5, [[1.0] * 5, [1.0] * 5])
    assert (placed["rank"], placed["rank_low"], placed["rank_high"]) == (2, 2, 2)
    assert placed["p_better"] == [0.5, 0.5]


@pytest.mark.parametrize("own", [[1.0], [1.0, 2, 3, 4]])
def test_fewer_than_five_runs_are_ranked_and_no_more(own):
    placed = place_sample(own, [[0.0] * 5, [9.0] * 5])
    assert placed["rank"] == 2
    assert np.isnan([placed["rank_low"], placed["rank_high"], *placed["p_better"]]).all()


def test_others_with_few_runs_are_not_ranked():
    placed = place_sample([5.0, 5.1, 5.2, 5.0, 5.1], [[1.0, 1.2, 1.1, 1.0, 1.0], [2.0] * 3])
    assert placed["rank"] == 1
    assert placed["p_better"][0] == 1
    assert placed["of"] == 2
    assert placed["rank_high"] == 1
    assert np.isnan(placed["p_better"][1])


def test_draws_of_one_group_are_paired_and_of_two_are_not():
    sample = np.array([1.0, 2, 4, 7, 11])
    together = draw_means([sample, sample + 1], ["a", "a"])
    np.testing.assert_allclose(together[:, 1] - together[:, 0], 1)
    apart = draw_means([sample, sample], ["a", "b"])
    assert abs(np.corrcoef(apart.T)[0, 1]) < 0.1


def test_the_spread_of_draws_is_that_of_the_mean_widened_for_few_seeds():
    sample = np.array([1.0, 2, 3, 4, 5])
    (spread,) = draw_means([sample], ["a"], draws=50_000).std(axis=0)
    # Biased standard error √(2/5), times √(5/4) · t(0.95; 4) / z(0.95) = 1.449.
    assert spread == pytest.approx(np.sqrt(2 / 5) * 1.449, rel=0.02)


def test_methods_are_placed_by_data_set_and_metric():
    frame = pd.DataFrame(
        [
            *rows("low", [0.1, 0.11, 0.12, 0.1, 0.11]),
            *rows("high", [0.5, 0.51, 0.52, 0.5, 0.51]),
            *rows("start", [0.9] * 5, role="first"),
            *rows("mine", [0.3, 0.31, 0.32, 0.3, 0.31, 0.3], role="external"),
            *rows("other", [0.9] * 6, role="external"),
            *rows("low", [30.0] * 5, metric="nll"),
            *rows("mine", [20.0] * 5, metric="nll", role="external"),
        ]
    )
    places, chances = place_methods(frame, {"mine", "other"}, ("mig", "nll"))
    found = {(row.method, row.metric): row for row in places.itertuples()}
    mine = found["mine", "mig"]
    assert (mine.rank, mine.of, mine.n, mine.paired, mine.illustrative) == (2, 3, 6, False, False)
    assert mine.mean == pytest.approx(1.84 / 6)
    assert found["mine", "nll"].rank == 1  # lower is better
    assert found["other", "mig"].rank == 1
    pairs = chances[(chances["method"] == "mine") & (chances["metric"] == "mig")]
    assert dict(zip(pairs["other"], pairs["p_better"], strict=True)) == {"low": 1, "high": 0}
    low = pairs.set_index("other").loc["low"]
    assert low["difference"] == pytest.approx(1.84 / 6 - 0.108)


def test_runs_of_the_same_seeds_are_paired_and_those_from_elsewhere_are_not():
    zoo = [0.1, 0.5, 0.9, 0.3, 0.7]
    better = [value + 0.02 for value in zoo]
    frame = pd.DataFrame(
        [
            *rows("zoo", zoo),
            *rows("mine", better),
            *rows("elsewhere", better, role="external"),
            *rows("seedless", better, seeds=[np.nan] * 5),
            *rows("later", better, seeds=range(20, 25)),
        ]
    )
    own = ["mine", "elsewhere", "seedless", "later"]
    chances = place_methods(frame, own)[1].set_index("method")
    assert chances["paired"].to_dict() == {name: name == "mine" for name in own}
    assert chances.loc["mine", "p_better"] == 1  # better on each seed
    assert (chances.loc[own[1:], "p_better"] < 0.8).all()


def test_nothing_to_place_gives_empty_frames():
    frame = pd.DataFrame(rows("mine", [0.1] * 5, role="external"))
    places, chances = place_methods(frame, ["mine"])
    assert places.empty
    assert chances.empty
    assert "p_better" in chances


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 10])
def test_equal_methods_are_seldom_called_better(n):
    """P(better) > 0.95 in at most one of twenty experiments, and not much less often."""
    rng = np.random.default_rng(0)
    surprises = [
        place_sample(rng.normal(size=n), [rng.normal(size=5)])["p_better"][0] > 0.95
        for _ in range(4000)
    ]
    assert 0.02 < np.mean(surprises) < 0.055
