import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from disentanglement_bench.evaluation import figures
from disentanglement_bench.evaluation.figures import (
    plot_agreement,
    plot_boxes,
    plot_curves,
    plot_front,
    plot_headline,
    plot_heat_maps,
    plot_latents,
    plot_matrix,
    plot_methods,
    plot_mi_matrices,
    plot_overview,
    plot_standing,
    save_figure,
)
from disentanglement_bench.evaluation.figures.fronts import front_cells, pareto_front
from disentanglement_bench.evaluation.figures.methods import choose_boxed_curve
from disentanglement_bench.evaluation.figures.style import ORANGE, new_figure, style
from disentanglement_bench.evaluation.reference import percent_change
from disentanglement_bench.evaluation.representation.posterior import collapse_order

WHERE = ("dsprites", "paper")


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
            plot_overview(summary.cells, ("mig", "sap"), "overview", best=summary.selected_cells),
            plot_headline(summary.cells, "headline"),
            plot_standing(summary.selected_cells, ("mig", "nll"), "standing"),
        ]
        for i, figure in enumerate(figures):
            save_figure(figure, tmp_path, f"figure-{i}", ("png",), dpi=50)


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


def test_heat_maps_hold_the_numbers_in_their_cells(summary, texts):
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


def test_cells_without_a_run_are_marked(summary_of, sweep, tmp_path, texts):
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


def test_latents_are_drawn_by_rank(line):
    order = collapse_order([1, 8], np.array([[0.5, 2.0], [1.0, 0.0]]))
    figure = plot_latents({"β-VAE": order, "λ = 8": order}, "latents")
    first = line(figure.axes[1], "1")
    assert first.get_ydata().tolist() == [2.0, 1.0]
    assert line(figure.axes[1], "2").get_ydata().tolist() == [0.5, 0.0]


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


def test_the_room_offers_its_functions_and_nothing_else():
    assert all(callable(getattr(figures, name)) for name in figures.__all__)
    with pytest.raises(AttributeError, match="plot_nothing"):
        _ = figures.plot_nothing
