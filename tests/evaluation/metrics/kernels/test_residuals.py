import numpy as np
import pytest

from disentanglement_bench.evaluation.metrics.kernels.residuals import residuals


@pytest.mark.parametrize("classes", [1, 3])
def test_residuals(stream, classes):
    raw = stream.normal(size=(classes, 40)) * 5
    labels = stream.integers(0, max(2, classes), 40)
    first = 1 if classes == 1 else 0
    gradient = np.empty_like(raw)
    residuals(raw, labels, first, gradient)
    if classes == 1:
        wanted = (labels == 1) - 1 / (1 + np.exp(-raw))
    else:
        powers = np.exp(raw)
        wanted = (labels == np.arange(3)[:, None]) - powers / powers.sum(axis=0)
        np.testing.assert_allclose(gradient.sum(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-9, atol=1e-12)


def test_residuals_of_huge_log_odds_are_finite():
    raw = np.array([[1e5, -1e5], [0.0, 0.0], [-1e5, 1e5]])
    gradient = np.empty_like(raw)
    residuals(raw, np.array([0, 2]), 0, gradient)
    assert gradient.tolist() == np.zeros((3, 2)).tolist()
