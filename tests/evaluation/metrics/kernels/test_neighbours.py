"""Nearest-neighbour information against scikit-learn's estimators, one pair at a time."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.special import digamma

from disentanglement_bench.evaluation.metrics.kernels.neighbours import information_with_classes
from disentanglement_bench.evaluation.metrics.neighbours import neighbour_information

FORMS = Path(__file__).parents[1] / "scikit_learn_forms.py"
by_scikit_learn = runpy.run_path(FORMS)["neighbour_information"]


@pytest.fixture(params=["smooth", "rounded", "whole"])
def codes(request, partly_disentangled):
    """Without ties, with a few, and with as many as a discrete code has."""
    codes, factors = partly_disentangled
    codes = {"smooth": codes, "rounded": codes.round(1), "whole": codes.round()}[request.param]
    return codes * 3.0 + 5.0, factors


@pytest.mark.parametrize("neighbours", [1, 3, 10])
def test_information_with_classes(codes, neighbours):
    wanted = by_scikit_learn(*codes, neighbours)
    assert wanted.max() > 0.5
    np.testing.assert_allclose(
        neighbour_information(*codes, neighbours), wanted, rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize("neighbours", [1, 3, 10])
def test_information_with_numbers(codes, neighbours, stream):
    codes, factors = codes
    for numbers in (factors + 0.3 * stream.normal(size=factors.shape), factors * 1.0):
        wanted = by_scikit_learn(codes, numbers, neighbours, continuous=True)
        found = neighbour_information(codes, numbers, neighbours, [True] * 3)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10)


def by_definition(codes, labels, neighbours):
    """The estimate of Ross, by all distances between codes without ties."""
    labels = labels.ravel()
    used = np.isin(labels, [label for label in labels if (labels == label).sum() > 1])
    codes, labels = codes[used], labels[used]
    terms = []
    for code, label in zip(codes, labels, strict=True):
        alike = np.sort(np.abs(codes[labels == label] - code))
        wide = min(neighbours, len(alike) - 1)
        inside = (np.abs(codes - code) < alike[wide]).sum()
        terms.append(digamma(wide) - digamma(len(alike)) - digamma(inside))
    return max(0.0, digamma(len(codes)) + np.mean(terms))


def test_small_classes(stream):
    """A class of one row is left out; a class of few rows has few neighbours.

    scikit-learn looks for many neighbours among few rows by a formula that rounds, and is off by
    single rows there.
    """
    factors = np.r_[np.zeros(40, int), np.ones(30, int), [2], np.full(2, 3), np.full(4, 9)][:, None]
    codes = stream.normal(size=(77, 3)) + factors
    wanted = [[by_definition(column, factors, 5)] for column in codes.T]
    np.testing.assert_allclose(neighbour_information(codes, factors, 5), wanted, rtol=1e-9)
    assert neighbour_information(codes, np.arange(77)[:, None], 5).tolist() == [[0.0]] * 3


def test_by_hand():
    """Two classes of two rows: all neighbours are at hand, and all counts can be told.

    Classes a a b b at 0, 1, 3, 7 with one neighbour: the radii are just below 1, 1, 4, 4, and hold
    1, 1, 3 and 1 rows, the row itself included.
    """
    values, labels = np.array([3.0, 0.0, 7.0, 1.0]), np.array([1, 0, 1, 0])
    psi = np.r_[0.0, digamma(np.arange(1, 5))]
    found = information_with_classes(values, np.argsort(values), labels, 2, 1, psi)
    wanted = psi[4] + psi[1] - psi[2] - np.mean([psi[1], psi[1], psi[3], psi[1]])
    assert found == pytest.approx(max(0.0, wanted))


def test_gaussian_information(stream):
    """−½ log(1 − ρ²) nats."""
    first, noise = stream.normal(size=(2, 4000))
    second = 0.8 * first + 0.6 * noise
    found = neighbour_information(first[:, None], second[:, None], 3, [True])
    assert found.item() == pytest.approx(-0.5 * np.log(1 - 0.64), abs=0.05)
