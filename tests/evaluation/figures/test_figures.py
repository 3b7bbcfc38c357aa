import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from disentanglement_bench.evaluation.figures.curves import plot_curves
from disentanglement_bench.evaluation.figures.fronts import (
    front_cells,
    pareto_front,
    plot_front,
    plot_latents,
)
from disentanglement_bench.evaluation.figures.grids import (
    plot_agreement,
    plot_heat_maps,
    plot_mi_matrices,
)
from disentanglement_bench.evaluation.figures.methods import plot_boxes, plot_methods
from disentanglement_bench.evaluation.figures.style import (
    curve_styles,
    headline,
    new_figure,
    place_of,
    save_figure,
    spread,
    style,
)
from disentanglement_bench.evaluation.reference import percent_change
from disentanglement_bench.evaluation.representation.posterior import collapse_order

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
        headline(figure, "disentanglement " * words)
    (title,) = figure.texts
    assert title.get_window_extent().x1 <= figure.bbox.x1
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
            plot_boxes(summary.scores, ("mig", "nll"), "boxes"),
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
    assert len(line(figure.axes[0], "λ = 8").get_ydata()) == 1
    assert not any(band.get_paths() for band in figure.axes[0].collections)


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
    assert plot_boxes(found.scores, ("mig",), "boxes") is None
    assert plot_front(found.cells, "front") is None
    assert plot_latents({}, "latents") is None
    assert plot_mi_matrices({}, [], "information") is None
    assert plot_methods(found.selected_cells, found.selected, ("mig",), "methods") is None
    nothing = pd.DataFrame(columns=["first", "second", "correlation"])
    assert plot_agreement(nothing, "agreement") is None


def test_beta_zero_has_a_place_of_its_own():
    assert place_of([0, 0.5, 4]).tolist() == [-2, -1, 2]
    assert place_of([0]).tolist() == [0]


def test_ticks_keep_their_distance_and_both_ends():
    assert spread([0, 0.3, 1, 1.2]) == [0, 1.2]
    assert spread([0, 2, 3, 4, 5]) == [0, 2, 3, 4, 5]
    assert spread([]) == []


def test_curves_differ_in_more_than_colour():
    styles = curve_styles(["betatcvae", "betavae", "mine", "yours"])
    assert next(iter(styles)) == "betavae"
    looks = [tuple(map(str, look.values())) for look in styles.values()]
    assert len({look[0] for look in looks}) == len({look[1] for look in looks}) == 4


def test_heat_maps_hold_the_numbers_in_their_cells(summary):
    changes = percent_change(summary.cells)
    figure = plot_heat_maps(changes, "change", ("nll", "mig"), "percent_change")
    nll, mig = figure.axes
    assert nll.get_title(loc="left") == "NLL (%) ↓"
    assert mig.get_title(loc="left") == "MIG (%) ↑"
    shown = texts(nll)  # λ = 0 first, β from left to right
    assert shown[0] == "0"
    mine = changes[(changes["metric"] == "nll") & (changes["lambda"] == 8)]
    expected = [f"{v:+.0f}".replace("-", "−") for v in mine.sort_values("beta")["percent_change"]]
    assert shown[3:] == expected


def test_more_is_blue_for_scores_and_red_for_the_nll(summary):
    figure = plot_heat_maps(
        percent_change(summary.cells), "change", ("nll", "mig"), "percent_change"
    )
    for axis, rising_is_blue in zip(figure.axes, (False, True), strict=True):
        (image,) = axis.images
        red, _, blue, _ = image.cmap(image.norm(50.0))
        assert (blue > red) == rising_is_blue


def test_cells_without_a_run_are_marked(summary_of, sweep, tmp_path):
    rows = [r for r in sweep() if not (r["lambda"] == 8 and r["beta"] == 8)]
    figure = plot_heat_maps(percent_change(summary_of(tmp_path, rows).cells), "means", ("mig",))
    assert texts(figure.axes[0])[4] == "–"


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


def test_latents_are_drawn_by_rank():
    order = collapse_order([1, 8], np.array([[0.5, 2.0], [1.0, 0.0]]))
    figure = plot_latents({"β-VAE": order, "λ = 8": order}, "latents")
    first = line(figure.axes[1], "1")
    assert first.get_ydata().tolist() == [2.0, 1.0]
    assert line(figure.axes[1], "2").get_ydata().tolist() == [0.5, 0.0]


def test_codes_are_sorted_by_their_factor():
    matrix = np.array([[0.0, 0.4], [0.9, 0.0], [0.0, 0.8]])
    figure = plot_mi_matrices({("a", 1.0): matrix, ("b", 8.0): matrix}, ["x", "y"], "information")
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, [[0.9, 0], [0, 0.8], [0, 0.4]])
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["x", "y"]
    assert not figure.axes[1].images  # a has no run at β = 8


def test_boxes_show_every_run(summary):
    figure = plot_boxes(summary.scores, ("mig",), "boxes")
    dots = [one for one in figure.axes[0].lines if one.get_marker() == "."]
    assert [len(one.get_ydata()) for one in dots] == [6, 6, 6]


def test_methods_are_shown_on_the_seeds_that_report(summary):
    figure = plot_methods(summary.selected_cells, summary.selected, ("mig",), "methods")
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == ["β-VAE (first phase)", "β-TCVAE", "λβ-VAE", "β-VAE", "VAE"]
    points = {float(one.get_xdata()[0]) for one in figure.axes[0].lines if one.get_marker() == "o"}
    cells = summary.selected_cells
    assert points == set(cells.loc[cells["metric"] == "mig", "mean"])
