import numpy as np
import pandas as pd
import pytest
from PIL import Image

from disentanglement_bench.evaluation.figures import plot_headline, plot_overview, save_figure
from disentanglement_bench.evaluation.figures.headline import find_loss
from disentanglement_bench.evaluation.figures.overview import MOST_CURVES, MOST_MARKS
from disentanglement_bench.evaluation.figures.style import ORANGE

RANGES = {"mig": (0.0, 1.0), "kl": (0.0, np.inf), "nll": (0.0, np.inf), "mine": (-np.inf, np.inf)}


def cell(curve, value, metric="mig", mean=0.3, *, axis="beta", n=5, half=0.1, role="", lam=np.nan):
    low, high = RANGES.get(metric, (0.0, np.inf))
    method = curve.split(",")[0]
    return {
        "method": method, "method_label": method.upper(), "curve": curve, "curve_label": curve,
        "axis": axis, "axis_label": {"beta": "β"}.get(axis, axis), "axis_value": value,
        "role": role, "lambda": lam, "metric": metric, "variant": f"{metric}[x]",
        "metric_label": metric, "unit": "", "higher_is_better": True, "minimum": low,
        "maximum": high, "n": n, "mean": mean, "low": mean - half, "high": mean + half,
    }  # fmt: skip


def sweep_of(*curves, metrics=("mig", "nll", "kl"), betas=(1.0, 8.0, 32.0), **options):
    """Cells of curves over β, given as names or as (name, λ)."""
    pairs = [curve if isinstance(curve, tuple) else (curve, np.nan) for curve in curves]
    return pd.DataFrame(
        [
            cell(name, beta, metric, **{"lam": weight, **options})
            for name, weight in pairs
            for metric in metrics
            for beta in betas
        ]
    )


def line(panel, colour):
    (found,) = [one for one in panel.lines if one.get_color() == colour and len(one.get_xdata())]
    return found


def legend_texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_every_score_has_a_panel_and_nll_and_kl_come_once(summary_of, sweep, tmp_path):
    summary = summary_of(tmp_path, sweep())
    metrics = ("mig", "mi_matched_sampled")
    figure = plot_overview(summary.cells, metrics, "scores", best=summary.selected_cells)
    headings = [panel.get_title("left") for panel in figure.axes]
    assert headings == ["MIG ↑", "I_m (sampled codes, nats) ↑", "NLL (nats) ↓", "KL (nats)"]
    mine = summary.cells[(summary.cells["metric"] == "mig") & (summary.cells["curve"] == "betavae")]
    drawn = line(figure.axes[0], "#000000")
    np.testing.assert_allclose(drawn.get_xdata(), [0, 3, 5])  # log2 of 1, 8, 32
    np.testing.assert_allclose(drawn.get_ydata(), mine.sort_values("axis_value")["mean"])
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["1", "8", "32"]
    # λ = 8, λ = 0, β-TCVAE; no method lies elsewhere, so there are no marks.
    assert legend_texts(figure) == ["β-VAE (λ = 0)", "λβ-VAE, λ = 8", "β-TCVAE"]
    assert len(figure.legends) == 1


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(("mean", "low", "high"), [(0.01, 0, 1), (0.99, 0, 1)])
def test_nothing_that_is_drawn_leaves_the_range_of_a_score(narrow, mean, low, high):
    cells = sweep_of("betavae", metrics=("mig",), mean=mean, half=3.0)
    others = pd.DataFrame([cell("gamma", 2.0, axis="gamma", mean=mean, half=3.0)])
    external = pd.DataFrame([cell("mine", np.nan, mean=mean, half=3.0, role="external")])
    (panel,) = plot_overview(
        pd.concat([cells, others]), ("mig",), "scores", best=others, external=external,
        narrow=narrow,
    ).axes  # fmt: skip
    band, bar = panel.collections[:2]
    heights = [band.get_paths()[0].vertices[:, 1], bar.get_segments()[0][:, 1]]
    (span,) = panel.patches
    heights.append(np.array([span.get_y(), span.get_y() + span.get_height()]))
    for ends in heights:
        assert (ends.min(), ends.max()) == (low, high)


def test_methods_that_were_swept_over_something_else_are_marks_at_the_right_edge():
    cells = pd.concat(
        [
            sweep_of("betavae"),
            pd.DataFrame([cell("factorvae", g, axis="gamma", mean=g / 100) for g in (2.0, 40.0)]),
        ]
    )
    best = cells[(cells["axis_value"] == 40) | (cells["axis_value"] == 8)]
    best = pd.concat([best, pd.DataFrame([cell("betavae_first", 8.0, role="first")])])
    figure = plot_overview(cells, ("mig",), "scores", best=best)
    panel = figure.axes[0]
    (mark,) = [one for one in panel.lines if one.get_linestyle() == "None"]
    assert mark.get_ydata().tolist() == [0.4]
    assert 5.45 < mark.get_xdata()[0] < panel.get_xlim()[1]  # β ends at log2 32 = 5
    assert legend_texts(figure) == ["betavae", "FACTORVAE"]


def test_a_row_from_elsewhere_is_a_line_across_every_panel_that_has_its_score():
    external = pd.DataFrame(
        [cell("mine", np.nan, mean=0.7, role="external"), cell("yours", 2.0, n=1, half=np.nan)]
    )
    figure = plot_overview(sweep_of("betavae"), ("mig",), "scores", external=external)
    lines = [one for one in figure.axes[0].lines if one.get_color() == ORANGE]
    assert [one.get_ydata()[0] for one in lines] == [0.7, 0.3]
    assert len(figure.axes[0].patches) == 1  # a single file has no interval
    assert not [one for one in figure.axes[1].lines if one.get_color() == ORANGE]
    assert legend_texts(figure)[1:] == ["MINE", "YOURS"]


@pytest.mark.parametrize("narrow", [False, True])
def test_many_curves_marks_and_long_names_stay_within_the_figure(narrow):
    curves = [
        ("betavae", 0.0),
        *((f"lambdabeta,lambda={w}", w) for w in (1.0, 2.0, 4.0, 8.0, 16.0)),
    ]
    curves += ["betatcvae", "another model with a very long name of its own"]
    cells = sweep_of(*curves)
    others = [cell(f"model number {i} of many", 1.0, axis="gamma") for i in range(MOST_MARKS + 3)]
    external = pd.DataFrame([cell(f"mine, {i}", np.nan, role="external") for i in range(3)])
    figure = plot_overview(
        pd.concat([cells, pd.DataFrame(others)]), ("mig",), "scores", best=pd.DataFrame(others),
        external=external, narrow=narrow,
    )  # fmt: skip
    figure.draw_without_rendering()
    boxes = [legend.get_window_extent() for legend in figure.legends]
    lowest = min(panel.get_tightbbox().y0 for panel in figure.axes)
    for box in boxes:
        assert box.x0 > -1
        assert box.x1 < figure.bbox.x1 + 1
        assert box.y0 > -1
        assert box.y1 < lowest + 1
    assert len(boxes) == (1 if narrow else 2)  # long names leave no room side by side
    assert narrow or not boxes[0].overlaps(boxes[1])
    lines = [one for one in figure.axes[0].lines if len(one.get_xdata()) == 3]
    assert len(lines) == MOST_CURVES


def test_a_method_of_which_only_the_chosen_setting_is_given_is_a_mark():
    best = pd.DataFrame([cell("factorvae", 40.0, axis="gamma"), cell("betavae", 8.0)])
    figure = plot_overview(sweep_of("betavae"), ("mig",), "scores", best=best)
    assert legend_texts(figure) == ["betavae", "FACTORVAE"]
    nothing = plot_overview(sweep_of("betavae"), ("mig",), "scores", best=best[:0])
    assert legend_texts(nothing) == ["betavae"]


def test_panels_share_their_axis_though_a_score_is_missing_at_some_beta():
    cells = sweep_of("betavae")
    cells = cells[~((cells["metric"] == "mig") & (cells["axis_value"] == 32))]
    panels = plot_overview(cells, ("mig",), "scores").axes
    assert len({panel.get_xlim() for panel in panels}) == 1


def test_one_seed_one_beta_and_two_seeds_have_no_band():
    for n in (1, 2):
        cells = sweep_of("betavae", betas=(8.0,), n=n, half=np.nan if n == 1 else 0.2)
        figure = plot_overview(cells, ("mig",), "scores")
        vertices = [path.vertices for c in figure.axes[0].collections for path in c.get_paths()]
        assert not vertices
        assert line(figure.axes[0], "#000000").get_ydata().tolist() == [0.3]


def test_scores_without_a_range_may_be_negative():
    cells = sweep_of("betavae", metrics=("mine",), mean=-3.0, half=1.0)
    (panel,) = plot_overview(cells, ("mine",), "scores").axes
    low, high = panel.get_ylim()
    assert low < -4 < -2 < high < 0


def test_there_is_no_overview_without_a_curve():
    cells = sweep_of("betavae")
    nothing = [
        cells[:0],
        cells.assign(n=0, mean=np.nan),
        cells.assign(role="first"),
        cells[cells["metric"] == "nll"],
        cells.assign(axis_value=np.nan),
    ]
    for one in nothing:
        assert plot_overview(one, ("mig",), "scores") is None
    assert plot_overview(cells, ("mig",), "scores", axis="gamma") is None


def test_what_was_swept_instead_of_beta_is_the_axis():
    cells = pd.DataFrame([cell("factorvae", g, axis="gamma") for g in (5.0, 6.0)])
    figure = plot_overview(cells, ("mig",), "scores", axis="gamma")
    assert figure.axes[0].get_xlabel() == "gamma"


class TestHeadline:
    def cells(self, values=(1.0, 2.0, 0.5), weights=(0.0, 8.0)):
        rows = [
            cell(f"m,{weight}" if weight else "m", beta, metric, mean, lam=weight)
            for weight in weights
            for metric in ("mig", "mi_matched_sampled", "kl")
            for beta, mean in zip((1.0, 8.0, 32.0), values, strict=True)
        ]
        return pd.DataFrame(rows)

    def test_the_shade_begins_where_half_is_lost(self, tmp_path):
        figure = plot_headline(self.cells(), "result")
        # Between log2 8 = 3 with 2 nats and log2 32 = 5 with 0.5 lies 1 nat at 3 + 2 · 2/3.
        for panel in figure.axes:
            (shade,) = panel.patches
            assert shade.get_x() == pytest.approx(3 + 4 / 3)
        paths = save_figure(figure, tmp_path, "headline", ("png",))
        with Image.open(paths["png"]) as image:
            assert image.width == 1200

    def test_nothing_is_shaded_where_information_stays(self):
        figure = plot_headline(self.cells(values=(1.0, 2.0, 1.5)))
        assert not [panel for panel in figure.axes if panel.patches]

    @pytest.mark.parametrize("weights", [(0.0,), (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)])
    def test_the_legend_stays_within_the_figure(self, weights):
        figure = plot_headline(self.cells(weights=weights))
        figure.draw_without_rendering()
        (legend,) = figure.legends
        assert legend.get_window_extent().x1 < figure.bbox.x1

    def test_there_is_no_picture_without_a_plain_curve(self):
        assert plot_headline(self.cells(weights=(8.0,))) is None
        one = self.cells()
        assert plot_headline(one[one["axis_value"] == 8.0]) is None
        assert plot_headline(one[:0]) is None

    def test_a_loss_that_is_made_up_for_does_not_count(self):
        frame = pd.DataFrame({"axis_value": [1.0, 2.0, 4.0], "mean": [4.0, 1.0, 3.0]})
        frame["metric"] = "mi_matched_sampled"
        places = {1.0: 0.0, 2.0: 1.0, 4.0: 2.0}
        assert find_loss(frame, places) is None
        assert find_loss(frame[:2], places) == pytest.approx(2 / 3)
        assert find_loss(frame[:0], places) is None
