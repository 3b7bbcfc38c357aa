import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from disentanglement_bench.evaluation import figures
from disentanglement_bench.evaluation.figures import (
    plot_agreement,
    plot_boxes,
    plot_curves,
    plot_front,
    plot_heat_maps,
    plot_latents,
    plot_matrix,
    plot_methods,
    plot_mi_matrices,
    plot_standing,
    save_figure,
)
from disentanglement_bench.evaluation.figures.axes import find_limits, place_values, thin_out
from disentanglement_bench.evaluation.figures.fronts import front_cells, pareto_front
from disentanglement_bench.evaluation.figures.methods import choose_boxed_curve
from disentanglement_bench.evaluation.figures.style import (
    BLUE,
    ORANGE,
    new_figure,
    set_title,
    style,
    style_curves,
    style_external,
)
from disentanglement_bench.evaluation.reference import percent_change
from disentanglement_bench.evaluation.representation.posterior import collapse_order
from disentanglement_bench.evaluation.statistics.labels import describe_key

WHERE = ("dsprites", "paper")


@pytest.fixture(scope="module")
def summary(summary_of, sweep, tmp_path_factory):
    return summary_of(tmp_path_factory.mktemp("plots"), sweep())


def texts(axis):
    return [text.get_text() for text in axis.texts]


def line(axis, label):
    return next(one for one in axis.lines if one.get_label() == label)


def test_files_have_their_format_and_are_the_same_for_the_same_numbers(tmp_path):
    kinds = {}
    for name in ("a", "b"):
        with style():
            figure, ((axis,),) = new_figure(2, 1.5)
            axis.plot([1, 2])
        paths = save_figure(figure, tmp_path, name, ("png", "pdf", "svg"), dpi=100)
        kinds[name] = {kind: path.read_bytes() for kind, path in paths.items()}
    assert kinds["a"]["pdf"] == kinds["b"]["pdf"]
    assert kinds["a"]["pdf"].startswith(b"%PDF")
    assert b"<svg" in kinds["a"]["svg"]
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (200, 150)
        pixels = np.array(image.convert("L"))
    assert pixels.min() < 100
    assert pixels.max() == 255


@pytest.mark.parametrize("width", [4.9, 3.33, 7.01])
def test_no_pixel_is_moved_whatever_the_size(width, tmp_path):
    with style():
        figure, ((axis,),) = new_figure(width, 2.3)
        axis.plot([1, 3, 2])
        figure.savefig(tmp_path / "own.png", dpi=160)
    save_figure(figure, tmp_path, "a", ("png",), dpi=160)
    own, ours = (
        np.array(Image.open(tmp_path / name).convert("L"), dtype=int)
        for name in ("own.png", "a.png")
    )
    assert own.shape == ours.shape
    assert np.abs(own - ours).max() < 40  # colours are reduced


@pytest.mark.parametrize("words", [1, 6, 12, 20])
def test_a_title_never_leaves_the_figure(words):
    with style():
        figure, _ = new_figure(4.9, 3)
        set_title(figure, "disentanglement " * words)
    assert figure.texts[0].get_window_extent().x1 <= figure.bbox.x1
    assert figure.get_suptitle().split() == ["disentanglement"] * words


def test_the_style_is_undone_and_pyplot_knows_no_figure(summary, tmp_path):
    from matplotlib import pyplot

    with matplotlib.rc_context({"font.size": 33.0, "text.usetex": False}):
        before = dict(matplotlib.rcParams)
        figure = plot_curves(summary.cells, summary.scores, ("mig",), "MIG")
        save_figure(figure, tmp_path, "curve", ("png",))
        assert dict(matplotlib.rcParams) == before
        assert figure.axes[0].title.get_fontsize() != 33.0
    assert pyplot.get_fignums() == []


def test_every_glyph_of_every_figure_exists(summary, tmp_path):
    order = collapse_order([1, 8], np.array([[2.0, 0.1], [1.0, 0.0]]))
    matrix = {("β-VAE", 1.0): np.eye(2)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = [
            plot_curves(summary.cells, summary.scores, ("mig", "mi_matched_sampled"), "Σ β λ"),
            plot_boxes(summary.scores, ("mig", "nll"), "boxes", "betavae_first"),
            plot_methods(summary.selected_cells, summary.selected, ("mig", "sap"), "methods"),
            plot_heat_maps(percent_change(summary.cells), "change", column="percent_change"),
            plot_agreement(summary.agreement, "agreement"),
            plot_front(summary.cells, "front"),
            plot_latents({"β-VAE": order}, "latents"),
            plot_mi_matrices(matrix, ["shape", "posX"], "information"),
        ]
        for i, figure in enumerate(figures):
            save_figure(figure, tmp_path, f"figure-{i}", ("png",), dpi=50)


def test_curves_show_the_means_every_seed_and_the_band(summary):
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


def test_a_single_seed_has_no_band_and_a_single_beta_is_a_point(summary_of, sweep, tmp_path):
    one = summary_of(tmp_path, sweep(seeds=1, betas=(8,)))
    figure = plot_curves(one.cells, one.scores, ("mig",), "MIG")
    assert len(line(figure.axes[0], "β-TCVAE").get_ydata()) == 1
    assert not any(band.get_paths() for band in figure.axes[0].collections)


def test_methods_without_a_place_on_the_axis_are_lines_across_it(summary):
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
    summary_of, sweep, sweep_over, tmp_path
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


def test_other_figures_name_what_was_swept(summary_of, sweep_over, tmp_path):
    found = summary_of(tmp_path, sweep_over([], gamma=("factor", (2, 10, 40))))
    front = plot_front(found.cells, "front")
    written = {text.get_text() for text in front.axes[0].texts}
    assert written <= {"gamma=2", "gamma=10", "gamma=40"}
    assert written
    boxes = plot_boxes(found.scores, ("mig",), "boxes", choose_boxed_curve(found.scores))
    assert boxes.axes[0].get_xlabel() == "gamma"
    assert [text.get_text() for text in boxes.axes[0].get_xticklabels()] == ["2", "10", "40"]
    order = collapse_order([5, 10], np.ones((2, 3)))
    latents = plot_latents({"a": order}, "latents", {"a": "latent size"})
    assert latents.axes[0].get_xlabel() == "latent size"
    sizes = {("a", 2.0): np.eye(2), ("a", 3.0): np.eye(3)[:, :2]}
    matrices = plot_mi_matrices(sizes, ["x", "y"], "information", "latent size")
    assert [axis.get_title("left") for axis in matrices.axes[:2]] == [
        "latent size = 2",
        "latent size = 3",
    ]


def test_a_missing_beta_leaves_a_gap_in_one_curve_only(summary_of, sweep, tmp_path):
    rows = [r for r in sweep() if not (r["model"] == "betatcvae" and r["beta"] == 8)]
    found = summary_of(tmp_path, rows)
    figure = plot_curves(found.cells, found.scores, ("mig",), "MIG")
    assert line(figure.axes[1], "β-TCVAE").get_xdata().tolist() == [0, 5]
    assert line(figure.axes[1], "β-VAE (λ = 0)").get_xdata().tolist() == [0, 3, 5]


def test_no_figure_without_scores(summary_of, sweep, tmp_path):
    rows = [{**row, "mig": None, "beta": None} for row in sweep(seeds=1)]
    found = summary_of(tmp_path, rows)
    assert plot_curves(found.cells, found.scores, ("mig",), "MIG") is None
    assert plot_boxes(found.scores, ("mig",), "boxes", "betavae") is None
    assert plot_front(found.cells, "front") is None
    assert plot_latents({}, "latents") is None
    assert plot_mi_matrices({}, [], "information") is None
    assert plot_methods(found.selected_cells, found.selected, ("mig",), "methods") is None
    nothing = pd.DataFrame(columns=["first", "second", "correlation"])
    assert plot_agreement(nothing, "agreement") is None


def test_beta_zero_has_a_place_of_its_own():
    assert place_values([0, 0.5, 4]).tolist() == [-2, -1, 2]
    assert place_values([0]).tolist() == [0]


def test_values_that_span_no_octaves_lie_on_a_plain_scale():
    assert place_values([-1.0, 0.0, 3.0], False).tolist() == [0, 0.5, 2]
    assert place_values([3.0], False).tolist() == [0]
    assert place_values([], False).tolist() == []


def test_the_largest_and_the_smallest_values_have_places():
    with np.errstate(all="raise"):
        assert place_values([-1.5e308, 0, 1.5e308], False).tolist() == [0, 1, 2]
        assert place_values([0, 5e-324]).tolist() == [-1075, -1074]


def test_ticks_keep_their_distance_and_both_ends():
    assert thin_out([0, 0.3, 1, 1.2]) == [0, 1.2]
    assert thin_out([0, 2, 3, 4, 5]) == [0, 2, 3, 4, 5]
    assert thin_out([]) == []


def curves_of(*rows):
    columns = ["curve", "axis", "lambda", "role"]
    return pd.DataFrame([(*row, "")[:4] for row in rows], columns=columns)


def test_curves_differ_in_more_than_colour():
    models = [(f"model {i}", "beta", np.nan) for i in range(40)]
    looks = style_curves(curves_of(*models)).values()
    assert len({(look["color"], look["marker"]) for look in looks}) == 40
    first = list(looks)[:4]
    assert len({look["color"] for look in first}) == len({look["marker"] for look in first}) == 4


def test_curves_of_one_model_darken_with_lambda_and_others_are_orange():
    cells = curves_of(
        ("betavae", "beta", 0.0),
        ("gamma", "gamma", np.nan),
        *((f"lambdabeta,lambda={weight}", "beta", weight) for weight in (8.0, 2.0, 32.0)),
        ("betatcvae", "beta", np.nan),
        ("mine", None, np.nan, "external"),
    )
    looks = style_curves(cells)
    light = [
        np.dot(to_rgb(looks[f"lambdabeta,lambda={weight}"]["color"]), (0.3, 0.6, 0.1))
        for weight in (2.0, 8.0, 32.0)
    ]
    assert light == sorted(light, reverse=True)
    assert len({look["color"] for look in looks.values()}) == len(looks)
    assert looks["mine"]["color"] == ORANGE
    dashes = [look["linestyle"] for look in style_external(["mine", "yours"]).values()]
    assert dashes[0] != dashes[1]
    assert "-" not in dashes
    assert style_curves(curves_of(("a", "beta", 0.0), ("b", "beta", 8.0)))["b"]["color"] == BLUE


def test_heat_maps_hold_the_numbers_in_their_cells(summary):
    changes = percent_change(summary.cells)
    figure = plot_heat_maps(changes, "change", ("nll", "mig"), "percent_change")
    nll, mig = figure.axes
    assert nll.get_title(loc="left") == "NLL (%) ↓"
    assert mig.get_title(loc="left") == "MIG (%) ↑"
    shown = texts(nll)  # λ = 8 above λ = 0, β from left to right
    assert shown[3] == "0"
    mine = changes[(changes["metric"] == "nll") & (changes["lambda"] == 8)]
    expected = [f"{v:+.0f}".replace("-", "−") for v in mine.sort_values("beta")["percent_change"]]
    assert shown[:3] == expected


def test_more_is_blue_for_scores_and_red_for_the_nll(summary):
    figure = plot_heat_maps(
        percent_change(summary.cells), "change", ("nll", "mig"), "percent_change"
    )
    for axis, rising_is_blue in zip(figure.axes, (False, True), strict=True):
        (mesh,) = axis.collections
        red, _, blue, _ = mesh.cmap(mesh.norm(50.0))
        assert (blue > red) == rising_is_blue


def test_cells_without_a_run_are_marked(summary_of, sweep, tmp_path):
    rows = [r for r in sweep() if not (r["lambda"] == 8 and r["beta"] == 8)]
    figure = plot_heat_maps(percent_change(summary_of(tmp_path, rows).cells), "means", ("mig",))
    assert texts(figure.axes[0])[-1] == "–"


def test_the_front_is_what_nothing_beats():
    rng = np.random.default_rng(0)
    nll, score = rng.integers(0, 6, (2, 40)).astype(float)
    expected = [
        not any(
            a <= nll[i] and b >= score[i] and (a < nll[i] or b > score[i])
            for a, b in zip(nll, score, strict=True)
        )
        for i in range(40)
    ]
    assert pareto_front(nll, score).tolist() == expected
    assert pareto_front([np.nan, 1.0], [1.0, 1.0]).tolist() == [False, True]


def test_the_front_leaves_out_runs_of_fewer_steps(summary):
    found = front_cells(summary.part("cells", *WHERE))
    assert len(found) == 9
    assert "betavae_first" not in set(found["curve"])
    assert plot_front(summary.cells, "front").axes[0].get_xlabel().startswith("NLL (nats")


def test_names_on_the_front_lie_neither_on_each_other_nor_on_points(summary_of, sweep, tmp_path):
    # Everything but one point lies in a corner.
    rows = [{**row, "nll": 500.0 if row["beta"] == 32 else row["nll"]} for row in sweep(seeds=2)]
    figure = plot_front(summary_of(tmp_path, rows).cells, "front")
    figure.draw_without_rendering()
    (axis,) = figure.axes
    boxes = [text.get_window_extent() for text in axis.texts]
    assert len(boxes) >= 2
    points = np.concatenate(
        [axis.transData.transform(one.get_xydata()) for one in axis.lines if one.get_marker() != ""]
    )
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:place])
        assert not any(box.contains(*point) for point in points)
        assert axis.bbox.x0 - 1 < box.x0 < box.x1 < axis.bbox.x1 + 1


def test_heat_maps_of_many_beta_go_on_below():
    betas = 2.0 ** np.arange(12)
    names = ("nll", "sap", "mig", "mi_matched", "mi_matched_sampled")
    changes = pd.DataFrame(
        [
            {"dataset": "d", "metric": name, "beta": beta, "lambda": weight, "mean": beta}
            for name in names
            for beta in betas
            for weight in (0.0, 8.0)
        ]
    )
    figure = plot_heat_maps(changes, "means", names)
    assert figure.get_figwidth() <= 12.5
    assert len(figure.axes) == 5
    assert len({axis.get_subplotspec().rowspan.start for axis in figure.axes}) == 3
    assert [axis.get_ylabel() for axis in figure.axes] == ["λ", "", "λ", "", "λ"]
    few = plot_heat_maps(changes[changes["beta"] < 32], "means", names)
    assert len({axis.get_subplotspec().rowspan.start for axis in few.axes}) == 1
    assert few.get_figwidth() <= 12.5


def test_many_panels_make_no_figure_wider_than_a_page():
    order = collapse_order([1, 8], np.ones((2, 2)))
    assert plot_latents(dict.fromkeys("abcdef", order), "latents").get_figwidth() <= 12.5
    matrices = {("a", float(value)): np.eye(4) for value in range(14)}
    assert plot_mi_matrices(matrices, list("wxyz"), "information").get_figwidth() <= 14.1
    few = {("a", 1.0): np.eye(4)}
    assert plot_mi_matrices(few, list("wxyz"), "information").get_figwidth() < 3


def test_latents_are_drawn_by_rank():
    order = collapse_order([1, 8], np.array([[0.5, 2.0], [1.0, 0.0]]))
    figure = plot_latents({"β-VAE": order, "λ = 8": order}, "latents")
    first = line(figure.axes[1], "1")
    assert first.get_ydata().tolist() == [2.0, 1.0]
    assert line(figure.axes[1], "2").get_ydata().tolist() == [0.5, 0.0]


def test_codes_are_sorted_by_their_factor():
    matrix = np.array([[0.0, 0.4], [0.9, 0.0], [0.0, 0.8]])
    figure = plot_mi_matrices({("a", 1.0): matrix, ("b", 8.0): matrix}, ["x", "y"], "information")
    shown = figure.axes[0].collections[0].get_array()
    np.testing.assert_allclose(shown, [[0.9, 0], [0, 0.8], [0, 0.4]])
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["x", "y"]
    assert not figure.axes[1].collections  # a has no run at β = 8


def test_boxes_show_every_run(summary):
    figure = plot_boxes(summary.scores, ("mig",), "boxes", choose_boxed_curve(summary.scores))
    dots = [one for one in figure.axes[0].lines if one.get_marker() == "."]
    assert [len(one.get_ydata()) for one in dots] == [6, 6, 6]


def test_methods_are_shown_on_the_seeds_that_report(summary):
    figure = plot_methods(summary.selected_cells, summary.selected, ("mig",), "methods")
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == ["β-VAE (first phase)", "β-TCVAE", "λβ-VAE", "β-VAE", "VAE"]
    (points,) = [one.get_xdata() for one in figure.axes[0].lines if one.get_marker() == "o"]
    cells = summary.selected_cells
    assert set(points) == set(cells.loc[cells["metric"] == "mig", "mean"])


def test_methods_stand_from_the_best_down_and_those_from_elsewhere_stand_out(summary):
    cells = summary.selected_cells
    mine = cells[cells["method"] == "betatcvae"].assign(
        method="mine", method_label="mine", role="external", mean=0.9, low=-2.0, high=3.0
    )
    # Rows of two frames have the same index twice.
    axes = plot_standing(pd.concat([cells, mine]), ("mig", "nll"), "standing").axes
    for axis, falling in zip(axes, (True, False), strict=True):
        labels = axis.get_yticklabels()
        means = {}
        for one in axis.lines:
            means |= dict(zip(one.get_ydata(), one.get_xdata(), strict=True))
        means = [means[place] for place in sorted(means)]
        assert means == sorted(means, reverse=falling)
        assert len(labels) == len(means) == 5  # first phases are left out
        assert axis.get_ylim()[0] > axis.get_ylim()[1]
        assert [t.get_text() for t in labels if t.get_color() == ORANGE] == ["mine"]
    assert axes[0].get_yticklabels()[0].get_text() == "mine"
    (segment,) = axes[0].collections[1].get_segments()
    assert segment[:, 0].tolist() == [0, 1]
    narrow = plot_standing(cells, ("mig", "nll"), "standing", marked={"vae"}, narrow=True)
    assert narrow.get_figwidth() < 4.5
    labels = narrow.axes[0].get_yticklabels()
    assert [t.get_text() for t in labels if t.get_color() == ORANGE] == ["VAE"]
    assert plot_standing(cells[:0], ("mig",), "standing") is None


def test_beta_zero_is_drawn_at_its_tick(summary_of, sweep, tmp_path):
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


def test_limits_hold_all_points_of_any_size():
    facts = describe_key("nll")
    for points in ([5.0], [-1e300, 1e300], [np.nan, 3.0], []):
        low, high = find_limits(points, [np.nan], facts)
        assert low < high
        assert all(low <= point <= high for point in points if point == point)


def test_a_panel_of_more_curves_than_it_can_show_is_no_error(summary_of, sweep, tmp_path):
    rows = sweep(seeds=1, lambdas=tuple(range(12)), models=("lambdabeta",))
    rows = [{**row, "kl": None if row["lambda"] != 5 else row["kl"]} for row in rows]
    found = summary_of(tmp_path, rows)
    figure = plot_curves(found.cells, found.scores, ("mig", "mi_matched_sampled"), "MIG")
    assert len(figure.axes) == 3  # the KL of the only curve that has one is not among those shown
    assert len(figure.axes[-1].get_legend().get_texts()) == 7


HOSTILE = (
    "$\\badcommand{$", "$x", "_hidden", "a\nb", "\x1b[31mred", "\ud800", "{", "\\", "%s%d", "日本",
    "x" * 3000,
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=str(number), marks=[pytest.mark.slow] if 1 <= number <= 9 else [])
        for number, name in enumerate(HOSTILE)
    ],
)
def test_names_from_outside_are_drawn_as_they_are(name, summary, tmp_path):
    cells, scores = summary.cells, summary.scores

    def rename(frame):
        columns = {"method", "method_label", "curve", "curve_label"} & set(frame)
        mine = {c: frame[c].isin(("betatcvae", "β-TCVAE")) for c in columns}
        renamed = {c: frame[c].where(~mine[c], name) for c in columns}
        return frame.assign(**renamed, dataset=name)

    order = collapse_order([1, 8], np.array([[2.0, 0.1], [1.0, 0.0]]))
    drawn = [
        plot_curves(rename(cells), rename(scores), ("mig",), name),
        plot_boxes(rename(scores), ("mig",), name, "betavae"),
        plot_methods(rename(summary.selected_cells), rename(summary.selected), ("mig",), name),
        plot_heat_maps(rename(percent_change(cells)), name),
        plot_front(rename(cells), name),
        plot_latents({name: order}, name),
        plot_mi_matrices({(name, 1.0): np.eye(2)}, [name, "posX"], name),
        plot_matrix(np.eye(2), [name, "posX"], name, label=name),
    ]
    assert all(figure is not None for figure in drawn)
    for i, figure in enumerate(drawn):
        save_figure(figure, tmp_path, f"figure-{i}", ("png",), dpi=30)
    labels = [text.get_text() for text in drawn[0].axes[-1].get_legend().get_texts()]
    assert labels[-1] in [text.get_text() for text in drawn[2].axes[0].get_yticklabels()]


class TestOneMatrix:
    def test_of_a_score(self):
        from disentanglement_bench.evaluation.metrics.arrays import evaluate

        factors = np.stack([np.arange(60) % 2, np.arange(60) // 2 % 3], axis=1)
        score = evaluate(factors.astype(float), factors, metrics="mi", n_train=40)["mi"]
        figure = plot_matrix(score, ["shape", "scale"], "MI")
        axis, bar = figure.axes
        assert [t.get_text() for t in axis.get_xticklabels()] == ["shape", "scale"]
        assert [t.get_text() for t in axis.get_yticklabels()] == ["z0", "z1"]
        assert texts(axis) == [f"{value:.2f}" for value in score.matrix.ravel()]
        assert bar.get_ylabel() == "mi"

    def test_gaps_order_and_names(self):
        matrix = [[0.1, np.nan], [0.9, np.nan], [0.0, np.nan]]
        figure = plot_matrix(matrix, code_names=["a", "b", "c"], sort=True)
        assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["b", "a", "c"]
        assert texts(figure.axes[0]).count("–") == 3

    @pytest.mark.parametrize(
        ("matrix", "factors", "message"),
        [
            (np.zeros(3), None, r"a matrix of codes by factors, got the shape \(3,\)"),
            (np.zeros((3, 2)), ["a"], "expected 2 names of factors, got 1"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, matrix, factors, message):
        with pytest.raises(ValueError, match=message):
            plot_matrix(matrix, factors)


def test_the_room_offers_its_functions_and_nothing_else():
    assert all(callable(getattr(figures, name)) for name in figures.__all__)
    with pytest.raises(AttributeError, match="plot_nothing"):
        _ = figures.plot_nothing


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
