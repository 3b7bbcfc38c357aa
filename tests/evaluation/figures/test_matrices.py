import numpy as np
import pytest

from disentanglement_bench.evaluation.figures import plot_matrix, plot_mi_matrices
from disentanglement_bench.evaluation.metrics.arrays import evaluate


def test_codes_are_sorted_by_their_factor():
    matrix = np.array([[0.0, 0.4], [0.9, 0.0], [0.0, 0.8]])
    figure = plot_mi_matrices({("a", 1.0): matrix, ("b", 8.0): matrix}, ["x", "y"], "information")
    shown = figure.axes[0].collections[0].get_array()
    np.testing.assert_allclose(shown, [[0.9, 0], [0, 0.8], [0, 0.4]])
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["x", "y"]
    assert not figure.axes[1].collections  # a has no run at β = 8


class TestOneMatrix:
    def test_of_a_score(self, texts):
        factors = np.stack([np.arange(60) % 2, np.arange(60) // 2 % 3], axis=1)
        score = evaluate(factors.astype(float), factors, metrics="mi", n_train=40)["mi"]
        figure = plot_matrix(score, ["shape", "scale"], "MI")
        axis, bar = figure.axes
        assert [t.get_text() for t in axis.get_xticklabels()] == ["shape", "scale"]
        assert [t.get_text() for t in axis.get_yticklabels()] == ["z0", "z1"]
        assert texts(axis) == [f"{value:.2f}" for value in score.matrix.ravel()]
        assert bar.get_ylabel() == "mi"

    def test_gaps_order_and_names(self, texts):
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
