import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.figures import plot_curves, plot_methods

WHERE = ("dsprites", "paper")


def test_curves_show_the_means_every_seed_and_the_band(summary, line):
    figure = plot_curves(summary.cells, summary.scores, ("mig",), "MIG")
    by_lambda, models = figure.axes[:2]
    assert len(figure.axes) == 6  # MIG, NLL and KL for λ and for models
    cells = summary.part("cells", *WHERE)
    mine = cells[(cells["metric"] == "mig") & (cells["curve"] == "lambdabeta,lambda=8")]
    drawn = line(by_lambda, "λ = 8")
    np.testing.assert_allclose(drawn.get_xdata(), [0, 3, 5])  # log2 of 1, 8, 32
    np.testing.assert_allclose(drawn.get_ydata(), mine["mean"])
    dots = [one for one in by_lambda.lines if one.get_linestyle() == "None"]
    assert [len(one.get_ydata()) for one in dots] == [18, 18]
    band = by_lambda.collections[1].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(mine["low"].min())
    assert band.max() == pytest.approx(mine["high"].max())
    assert {one.get_label() for one in models.lines} >= {
        "β-VAE (λ = 0)",
        "β-TCVAE",
    }
    assert [t.get_text() for t in figure.axes[4].get_xticklabels()] == ["1", "8", "32"]
    assert figure.axes[2].get_ylabel() == "NLL\n(nats per image)"


def test_all_dots_and_bands_lie_within_the_axes(summary):
    figure = plot_curves(summary.cells, summary.scores, ("mig", "mi_matched"), "scores")
    for axis in figure.axes:
        low, high = axis.get_ylim()
        for one in axis.lines:
            data = np.asarray(one.get_ydata(), dtype=float)
            assert data.max() <= high
            assert data.min() >= low


def test_a_single_seed_has_no_band_and_a_single_beta_is_a_point(summary_of, sweep, tmp_path, line):
    one = summary_of(tmp_path, sweep(seeds=1, betas=(8,)))
    figure = plot_curves(one.cells, one.scores, ("mig",), "MIG")
    assert len(line(figure.axes[0], "β-TCVAE").get_ydata()) == 1
    assert not any(band.get_paths() for band in figure.axes[0].collections)


def test_methods_without_a_place_on_the_axis_are_lines_across_it(summary, line):
    cells = summary.part("cells", *WHERE)
    level = cells[(cells["metric"] == "mig")].iloc[:1]
    level = level.assign(method="mine", method_label="mine", mean=0.9, low=0.85, high=1.4)
    figure = plot_curves(cells, summary.scores, ("mig",), "MIG", ["beta"], levels=level)
    for panel in figure.axes[:2]:
        assert line(panel, "mine").get_ydata() == [0.9, 0.9]
        assert panel.get_ylim()[1] > 0.9
        band = panel.patches[-1]
        # The band ends with the range of the score.
        assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((0.85, 1.0))
        assert "mine" in [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    assert "mine" not in [one.get_label() for one in figure.axes[2].lines]  # NLL is unknown


def test_curves_over_other_hyperparameters_have_panels_and_figures_of_their_own(
    summary_of, sweep, sweep_over, tmp_path, line
):
    rows = sweep_over(sweep(), gamma=("factor", (2, 10, 40)), width=("odd", (3, 4, 5)))
    found = summary_of(tmp_path, rows)
    whole = plot_curves(found.cells, found.scores, ("mig",), "MIG")
    row = whole.axes[:4]
    titles = [axis.get_title("left") for axis in row]
    assert titles == ["β-VAE (λ = 0) and λβ-VAE", "Models", "factor", "odd"]
    labels = [axis.get_xlabel() for axis in whole.axes[-4:]]
    assert labels == ["β (log2 scale)"] * 2 + ["gamma (log2 scale)", "width"]
    assert line(row[2], "factor").get_xdata().tolist() == np.log2([2, 10, 40]).tolist()
    assert line(row[3], "odd").get_xdata().tolist() == [0, 1, 2]
    betas, others = (
        plot_curves(found.cells, found.scores, ("mig",), "MIG", axes)
        for axes in (["beta"], ["gamma", "width"])
    )
    assert len(betas.axes) == len(others.axes) == 6
    for figure in (betas, others):
        assert figure.axes[0].get_ylim() == row[0].get_ylim()
    assert plot_curves(found.cells, found.scores, ("mig",), "MIG", ["nothing"]) is None


def test_a_missing_beta_leaves_a_gap_in_one_curve_only(summary_of, sweep, tmp_path, line):
    rows = [r for r in sweep() if not (r["model"] == "betatcvae" and r["beta"] == 8)]
    found = summary_of(tmp_path, rows)
    figure = plot_curves(found.cells, found.scores, ("mig",), "MIG")
    assert line(figure.axes[1], "β-TCVAE").get_xdata().tolist() == [0, 5]
    assert line(figure.axes[1], "β-VAE (λ = 0)").get_xdata().tolist() == [0, 3, 5]


def test_beta_zero_is_drawn_at_its_tick(summary_of, sweep, tmp_path, line):
    rows = [{**row, "beta": {1: 0, 8: 4, 32: 8}[row["beta"]]} for row in sweep(seeds=2)]
    figure = plot_curves(*(getattr(summary_of(tmp_path, rows), n) for n in ("cells", "scores")),
                         ("mig",), "MIG")  # fmt: skip
    axis = figure.axes[-2]
    ticks = dict(
        zip([t.get_text() for t in axis.get_xticklabels()], axis.get_xticks(), strict=True)
    )
    assert line(figure.axes[0], "λ = 8").get_xdata().tolist() == [ticks[t] for t in ("0", "4", "8")]


@pytest.mark.parametrize("level", [0.001, 0.995])
def test_intervals_end_with_the_range_of_the_score_and_do_not_stretch_axes(level):
    names = {"metric": "mig", "method": "mine", "curve": "mine", "setting": "", "lambda": np.nan}
    names |= {"method_label": "Mine", "curve_label": "Mine", "role": ""}
    names |= {"axis": "beta", "axis_label": "β"}
    cells = pd.DataFrame(
        [
            {**names, "axis_value": b, "mean": level, "low": -5.0, "high": 6.0, "n": 3}
            for b in (1.0, 8.0)
        ]
    )
    runs = [{**names, "axis_value": b, "value": level} for b in cells["axis_value"]]
    scores = pd.DataFrame(runs + [{**run, "value": 1.004 * level} for run in runs])
    curves = plot_curves(cells, scores, ("mig",), "MIG").axes[0]
    methods = plot_methods(cells[:1], scores, ("mig",), "methods").axes[0]
    band = curves.collections[0].get_paths()[0].vertices[:, 1]
    (interval,) = methods.collections[0].get_segments()
    for ends in (band, interval[:, 0]):
        assert (ends.min(), ends.max()) == (0, 1)
    for low, high in (curves.get_ylim(), methods.get_xlim()):
        assert -0.05 * level < low <= level
        assert 1.004 * level < high < 1.1 * level


def test_a_panel_of_more_curves_than_it_can_show_is_no_error(summary_of, sweep, tmp_path):
    rows = sweep(seeds=1, lambdas=tuple(range(12)), models=("lambdabeta",))
    rows = [{**row, "kl": None if row["lambda"] != 5 else row["kl"]} for row in rows]
    found = summary_of(tmp_path, rows)
    figure = plot_curves(found.cells, found.scores, ("mig", "mi_matched_sampled"), "MIG")
    assert len(figure.axes) == 3  # the KL of the only curve that has one is not among those shown
    assert len(figure.axes[-1].get_legend().get_texts()) == 7


def test_long_names_stay_in_the_legend_and_are_told_apart(summary_of, sweep, tmp_path):
    names = [f"{stem}models:A{'very ' * 8}long name" for stem in ("my", "", "our", "the")]
    rows = sweep(seeds=1, models=("betavae", "lambdabeta"))
    rows = [
        {**row, "model": name} for name in names for row in rows if row["model"] == "betavae"
    ] + rows
    found = summary_of(tmp_path, rows)
    figure = plot_curves(found.cells, found.scores, ("mig",), "MIG")
    figure.draw_without_rendering()
    for axis in figure.axes:
        if legend := axis.get_legend():
            box = legend.get_window_extent()
            assert box.x0 > -1
            assert box.x1 < figure.bbox.x1 + 1
    labels = [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]
    assert len(set(labels)) == len(labels) >= 4
