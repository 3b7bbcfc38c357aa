import numpy as np
import pytest

from disentanglement_bench.evaluation.metrics.histogram import (
    bin_codes,
    ceiling,
    entropies,
    joint_counts,
    mutual_information_matrix,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_bins_are_those_of_numpy(stream, dtype):
    codes = (stream.normal(size=(500, 3)) * [1, 100, 1e4]).astype(dtype)
    bins = bin_codes(codes)
    for row, code in zip(bins, codes.T, strict=True):
        edges = np.histogram(code, 20)[1]
        assert np.array_equal(row, np.digitize(code, edges[:-1]) - 1)
        assert (row.min(), row.max()) == (0, 19)


def test_bins_are_closed_on_the_left_and_the_last_holds_the_maximum():
    assert bin_codes(np.array([[0.0], [1.0], [1.5], [3.0], [4.0]]), 4)[0].tolist() == [
        0,
        1,
        1,
        3,
        3,
    ]


def test_a_constant_code_fills_one_bin():
    assert len(set(bin_codes(np.full((9, 1), 3.0))[0].tolist())) == 1


@pytest.mark.parametrize(
    "ends",
    [
        (np.float32(1.0), np.nextafter(np.float32(1.0), np.float32(2.0))),
        (np.float32(-3e38), np.float32(3e38)),
        (-1.7e308, 1.7e308),
        (0.0, 5e-324),
    ],
)
def test_ranges_at_the_limits_of_precision(ends):
    codes = np.array([ends[0], ends[1], ends[0]])[:, None]
    bins = bin_codes(codes)[0]
    assert bins[0] == bins[2] != bins[1]
    assert (bins >= 0).all()
    assert (bins < 20).all()


def test_counts(stream):
    bins, classes = stream.integers(0, 4, (3, 200)), stream.integers(0, 5, 200)
    counts = joint_counts(bins, classes)
    assert counts.shape == (3, bins.max() + 1, classes.max() + 1)
    assert counts.sum(axis=(1, 2)).tolist() == [200] * 3
    assert counts[1, 2, 3] == ((bins[1] == 2) & (classes == 3)).sum()


def test_information_of_known_distributions():
    bins = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [2, 2, 2, 2]])
    factors = np.array([[0, 0, 1, 1], [5, 5, 5, 5], [0, 1, 2, 3]]).T
    found = mutual_information_matrix(bins, factors)
    np.testing.assert_allclose(
        found, np.log(2) * np.array([[1, 0, 1], [0, 0, 1], [0, 0, 0]]), atol=1e-15
    )
    assert (found[2] == 0).all()
    assert (found[:, 1] == 0).all()
    np.testing.assert_allclose(entropies(factors), [np.log(2), 0, np.log(4)])


def test_numbers_of_classes_may_be_far_apart():
    factors = np.array([[0, 2**31 - 2, 7, 7]]).T
    assert entropies(factors)[0] == pytest.approx(1.5 * np.log(2))
    assert mutual_information_matrix(np.array([[0, 1, 2, 2]]), factors)[0, 0] == pytest.approx(
        1.5 * np.log(2)
    )


def test_ceilings():
    assert ceiling(20) == pytest.approx(1.0)
    assert ceiling(3) == pytest.approx(1.0)
    assert ceiling(40) == pytest.approx(np.log(20) / np.log(40))
    assert ceiling(32) == pytest.approx(0.85, abs=0.001)
    assert np.isnan(ceiling(1))
