import pytest

from disentanglement_bench.evaluation.page.choice import list_choices, scale_means


def test_scaled_means_run_from_worst_to_best():
    assert scale_means([3.0, 1.0, 2.0], True).tolist() == [1.0, 0.0, 0.5]
    assert scale_means([3.0, 1.0, 2.0], False).tolist() == [0.0, 1.0, 0.5]
    assert scale_means([2.0, 2.0], True).tolist() == [1.0, 1.0]


def test_choices_are_the_settings_of_the_beta_and_lambda_grid(summary_of, sweep, tmp_path):
    summary = summary_of(tmp_path, sweep())
    found = list_choices(summary.cells)
    (grid,) = found["grids"]
    assert (grid["label"], grid["values"]) == ("β", [1, 8, 32])
    assert [row["label"] for row in grid["rows"]] == ["β-VAE (λ = 0)", "λβ-VAE, λ = 8"]
    assert sorted(i for row in grid["rows"] for i in row["points"]) == list(range(6))
    for row in grid["rows"]:
        for beta, place in zip(grid["values"], row["points"], strict=True):
            point = found["points"][place]
            assert (point["axis_value"], point["label"]) == (beta, row["label"])
            assert point["place"] == f"β = {beta:g}"
    cells = summary.cells
    nll = cells[(cells["metric"] == "nll") & (cells["setting"] == "beta=8,lambda=8")]["mean"]
    place = grid["rows"][1]["points"][1]
    assert found["points"][place]["nll"] == pytest.approx(nll.item())


def test_other_models_are_chosen_among_where_there_is_no_beta_vae(summary_of, sweep, tmp_path):
    found = list_choices(summary_of(tmp_path, sweep(models=("betatcvae",))).cells)
    assert [row["label"] for row in found["grids"][0]["rows"]] == ["β-TCVAE"]


def test_models_over_something_else_have_a_grid_each(summary_of, sweep_over, tmp_path):
    rows = sweep_over([], gamma=("factor", (2, 10, 40)), c_max=("annealed", (5, 10, 25)))
    found = list_choices(summary_of(tmp_path, rows).cells)
    grids = {grid["label"]: grid for grid in found["grids"]}
    assert grids["gamma"]["values"] == [2, 10, 40]
    assert grids["c max"]["values"] == [5, 10, 25]
    (row,) = grids["gamma"]["rows"]
    places = [found["points"][i]["place"] for i in row["points"]]
    assert places == ["gamma = 2", "gamma = 10", "gamma = 40"]
    assert len(found["points"]) == 6


def test_a_missing_setting_is_a_hole(summary_of, sweep, tmp_path):
    rows = [r for r in sweep() if not (r["lambda"] == 8 and r["beta"] == 8)]
    found = list_choices(summary_of(tmp_path, rows).cells)
    assert found["grids"][0]["rows"][1]["points"][1] is None


def test_nothing_to_choose_without_two_settings_or_without_nll(summary_of, sweep, tmp_path):
    one = summary_of(tmp_path / "one", sweep(betas=(8,), models=("betatcvae",)))
    assert list_choices(one.cells) is None
    rows = [{**row, "nll": None} for row in sweep()]
    assert list_choices(summary_of(tmp_path / "none", rows).cells) is None
