"""The theory's figures: they draw what they are given, and are written whole."""

import numpy as np
import pytest

from disentanglement_bench.evaluation.figures import save_figure
from disentanglement_bench.evaluation.figures import theory as plots

STEPS = np.arange(6.0)


@pytest.fixture
def traces():
    return {beta: np.outer(beta**-STEPS, [2.0, 1.0]) for beta in (2.0, 8.0)}


def lines(axis, count):
    """Drawn lines with so many points."""
    return [line for line in axis.get_lines() if len(line.get_xdata()) == count]


def labels(figure):
    axes = figure.axes
    return [
        text.get_text() for axis in axes if axis.get_legend() for text in axis.get_legend().texts
    ]


def test_contraction_has_log_axes_and_the_predicted_slope(traces):
    held = {
        "beta": 8.0,
        "lambda": 0.5,
        "trace": np.column_stack([np.ones(6), 0.3**STEPS]),
        "predicted": np.array([1.0, 0.0]),
        "factor": 0.3,
    }
    figure = plots.plot_contraction(traces, held)
    left, right = figure.axes
    assert left.get_yscale() == right.get_yscale() == "log"
    predicted = [line for line in lines(left, 6) if line.get_linestyle() == "--"]
    slopes = [np.diff(np.log(line.get_ydata()))[0] for line in predicted]
    np.testing.assert_allclose(slopes, [-np.log(2), -np.log(8)])
    assert "active modes (1)" in labels(figure)
    assert "inactive modes (1)" in labels(figure)
    assert "β = 8, λ = 0.5" in right.get_title(loc="left")


def test_contraction_without_penalty_has_one_panel(traces):
    assert len(plots.plot_contraction(traces, None).axes) == 1


def test_information_shows_theory_as_lines_and_fixed_points_as_dots():
    betas = np.geomspace(1.1, 32, 50)
    curves = {0.0: (betas, 0 * betas), 4.0: (betas, 10 / betas)}
    dots = {4.0: (np.array([2.0, 8.0]), np.array([5.0, 1.25]))}
    figure = plots.plot_information(curves, dots, (1.0, 40.0))
    (axis,) = figure.axes
    assert axis.get_xscale() == "log"
    assert [line.get_linestyle() for line in lines(axis, 2)] == ["None"]
    assert labels(figure) == ["λ = 4", "λ = 0", "fixed point, all starts"]
    assert axis.get_ylim()[1] == pytest.approx(8.0)
    assert "nats" in axis.get_ylabel()


def test_information_of_a_full_collapse_has_a_scale():
    betas = np.geomspace(1.1, 32, 50)
    dots = {0.0: (np.array([2.0]), np.array([0.0]))}
    (axis,) = plots.plot_information({0.0: (betas, 0 * betas)}, dots, (1, 32)).axes
    bottom, top = axis.get_ylim()
    assert bottom < 0 < top


def test_phases_mark_only_the_settings_in_sight():
    betas, weights = np.geomspace(1.1, 32, 20), np.geomspace(0.1, 8, 30)
    critical = (betas[:, None] - 1) / (2 * np.array([9.0, 4.0]))
    active = (weights[:, None, None] > critical[None]).sum(axis=2)
    cells = np.array([[4.0, 1.0], [64.0, 1.0]])
    figure = plots.plot_phases(betas, weights, active, critical, cells)
    axis, bar = figure.axes
    assert len(lines(axis, 20)) == 2
    assert [line.get_xdata().tolist() for line in lines(axis, 1)] == [[4.0]]
    assert bar.get_ylabel() == "active modes"
    plots.plot_phases(betas, weights, 0 * active, critical, np.zeros((0, 2)))


def test_spectrum_has_an_entry_for_every_weight():
    before = np.array([[2.0, 1.0], [3.0, 0.5]])
    after = {0.0: np.zeros((2, 2)), 4.0: np.array([[5.0, 0.0]] * 2)}
    predicted = {0.0: np.zeros(2), 4.0: np.array([5.0, 0.0])}
    figure = plots.plot_spectrum(before, after, predicted, 8.0)
    assert [text for text in labels(figure) if "λ" in text] == ["after, λ = 0", "after, λ = 4"]
    assert "β = 8" in figure.axes[0].get_title(loc="left")


def test_files_are_whole_and_repeatable(traces, tmp_path):
    first = save_figure(plots.plot_contraction(traces, None), tmp_path / "a", "gain")
    assert [path.name for path in first.values()] == ["gain.png", "gain.pdf"]
    assert first["png"].read_bytes().startswith(b"\x89PNG")
    assert first["pdf"].read_bytes().startswith(b"%PDF")
    again = save_figure(plots.plot_contraction(traces, None), tmp_path / "b", "gain")
    assert [path.read_bytes() for path in first.values()] == [
        path.read_bytes() for path in again.values()
    ]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["gain.pdf", "gain.png"]
