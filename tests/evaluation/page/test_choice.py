import numpy as np
import pytest

from disentanglement_bench.evaluation.page.choice import choices, scaled, tchebycheff


def test_scaled_means_run_from_worst_to_best():
    assert scaled([3.0, 1.0, 2.0], True).tolist() == [1.0, 0.0, 0.5]
    assert scaled([3.0, 1.0, 2.0], False).tolist() == [0.0, 1.0, 0.5]
    assert scaled([2.0, 2.0], True).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_the_distance_is_its_formula(weight):
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 20))
    expected = [
        max(weight * (1 - a), (1 - weight) * (1 - b)) + 0.05 * ((1 - a) + (1 - b))
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(tchebycheff(first, second, weight), expected)


def test_the_ends_choose_the_best_of_one_kind_and_the_other_breaks_ties():
    first, second = [1.0, 1.0, 0.0], [0.2, 0.4, 1.0]
    assert tchebycheff(first, second, 1.0).argmin() == 1
    assert tchebycheff(first, second, 0.0).argmin() == 2


def test_a_point_in_a_dent_of_the_front_is_reached_where_a_weighted_sum_never_does():
    first, second = np.array([1.0, 0.45, 0.0]), np.array([0.0, 0.45, 1.0])
    weights = np.linspace(0, 1, 101)
    sums = {int((w * first + (1 - w) * second).argmax()) for w in weights}
    assert sums == {0, 2}
    assert {int(tchebycheff(first, second, w).argmin()) for w in weights} == {0, 1, 2}


def test_choices_are_the_settings_of_the_beta_and_lambda_grid(summary_of, sweep, tmp_path):
    summary = summary_of(tmp_path, sweep())
    found = choices(summary.cells)
    assert found["betas"] == [1, 8, 32]
    assert [row["label"] for row in found["rows"]] == ["β-VAE (λ = 0)", "λβ-VAE, λ = 8"]
    assert sorted(i for row in found["rows"] for i in row["points"]) == list(range(6))
    for row in found["rows"]:
        for beta, place in zip(found["betas"], row["points"], strict=True):
            point = found["points"][place]
            assert (point["beta"], point["label"]) == (beta, row["label"])
    cells = summary.cells
    nll = cells[(cells["metric"] == "nll") & (cells["setting"] == "beta=8,lambda=8")]["mean"]
    place = found["rows"][1]["points"][1]
    assert found["points"][place]["nll"] == pytest.approx(nll.item())


def test_other_models_are_chosen_among_where_there_is_no_beta_vae(summary_of, sweep, tmp_path):
    found = choices(summary_of(tmp_path, sweep(models=("betatcvae",))).cells)
    assert [row["label"] for row in found["rows"]] == ["β-TCVAE"]


def test_a_missing_setting_is_a_hole(summary_of, sweep, tmp_path):
    rows = [r for r in sweep() if not (r["lambda"] == 8 and r["beta"] == 8)]
    found = choices(summary_of(tmp_path, rows).cells)
    assert found["rows"][1]["points"][1] is None


def test_nothing_to_choose_without_two_settings_or_without_nll(summary_of, sweep, tmp_path):
    one = summary_of(tmp_path / "one", sweep(betas=(8,), models=("betatcvae",)))
    assert choices(one.cells) is None
    rows = [{**row, "nll": None} for row in sweep()]
    assert choices(summary_of(tmp_path / "none", rows).cells) is None
