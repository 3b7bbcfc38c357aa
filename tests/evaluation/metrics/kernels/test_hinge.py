"""The solver against a general optimiser on the objective written out."""

import numpy as np
import pytest
from scipy.optimize import minimize

from disentanglement_bench.evaluation.metrics.kernels.hinge import svm_accuracies


def solve(codes, labels, classes, positive, negative):
    order = np.argsort(codes, axis=1, kind="stable")
    nothing = np.zeros((len(codes), 1))
    return svm_accuracies(
        codes, order, labels, classes, nothing, np.zeros(1, np.int64), positive, negative
    )[1]


def objective(line, code, own, positive, negative):
    w, b = line
    signs = np.where(own, 1.0, -1.0)
    slack = np.maximum(0.0, 1.0 - signs * (w * code + b))
    return 0.5 * (w * w + b * b) + (np.where(own, positive, negative) * slack**2).sum()


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1.0, 50.0, 1e6])
def test_lines_minimise_the_objective(stream, scale):
    labels = stream.integers(0, 4, 150)
    codes = np.stack([labels + stream.normal(size=150), stream.standard_t(1, 150)]) * scale
    positive, negative = np.array([0.02, 0.01, 0.5, 3.0]), np.full(4, 0.01)
    lines = solve(codes, labels, 4, positive, negative)
    for code, found in zip(codes, lines, strict=True):
        for k in range(4):
            arguments = (code, labels == k, positive[k], negative[k])
            reached = objective(found[k], *arguments)
            starts = [found[k], [0.0, 0.0], [1 / scale, 0.0], [-1 / scale, 0.0]]
            best = min(
                minimize(
                    lambda line, *a: objective((line[0] / scale, line[1]), *a),
                    [start[0] * scale, start[1]],
                    arguments,
                ).fun
                for start in starts
            )
            assert reached <= best * (1 + 1e-9)


def test_constant_and_tied_codes(stream):
    labels = stream.integers(0, 2, 60)
    codes = np.stack([np.zeros(60), np.full(60, 2.0), labels * 1.0])
    lines = solve(codes, labels, 2, np.array([0.3, 0.2]), np.array([0.2, 0.3]))
    assert np.isfinite(lines).all()
    assert (lines[:, 0] == 0).all()
    assert lines[0, 1, 0] == 0.0
    assert lines[2, 1, 0] > 0


def test_the_first_class_wins_ties_and_unseen_classes_never():
    labels = np.array([0, 1, 2] * 4)
    found, _ = svm_accuracies(
        np.zeros((1, 12)),
        np.arange(12)[None],
        labels,
        3,
        np.zeros((1, 4)),
        np.array([0, 0, 1, -1]),
        np.full(3, 0.01),
        np.full(3, 0.01),
    )
    assert found.tolist() == [0.5]
