"""Data sets as `ground_truth_data`."""

import pickle

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.base import Dataset, ImageSource

SIZES = (2, 3, 4)
NAMES = ("shape", "size", "hue")


def state(seed=0):
    return np.random.RandomState(seed)


@pytest.fixture
def grid():
    """Images whose every pixel is ten times their index."""
    pixels = np.arange(24, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    source = ImageSource("uint8", pixels * np.uint8(10), (4, 4, 3))
    return Dataset("toy", "1", NAMES, SIZES, source, {"name": "toy"})


@pytest.fixture
def part(grid):
    """Three images, two of which have the same factors."""
    labels = np.array([[0, 2, 1], [1, 0, 3], [0, 2, 1]], np.int32)
    source = ImageSource("uint8", np.asarray(grid.source.array)[:3], (4, 4, 3))
    return Dataset("part", "1", NAMES, SIZES, source, {"name": "part"}, labels=labels)


def test_sizes(grid):
    assert grid.num_factors == 3
    assert grid.factors_num_values == [2, 3, 4]
    assert [1, *grid.observation_shape] == [1, 4, 4, 3]


def test_factors_are_drawn_in_the_order_of_disentanglement_lib(grid):
    """Its own state space draws factor by factor, `randint(size, size=num)`."""
    expected = state(7)
    columns = [expected.randint(size, size=50) for size in SIZES]
    found = grid.sample_factors(50, state(7))
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, np.stack(columns, axis=1))


def test_observations_are_those_of_their_factors(grid):
    factors = [[0, 0, 0], [1, 2, 3], [0, 1, 2]]
    found = grid.sample_observations_from_factors(factors, state())
    assert found.dtype == np.float32
    assert found.shape == (3, 4, 4, 3)
    np.testing.assert_allclose(found[:, 0, 0, 0], np.array([0, 230, 60]) / 255, rtol=1e-6)
    assert found.max() <= 1.0


def test_sampling_both_is_sampling_one_after_the_other(grid):
    factors, observations = grid.sample(20, state(3))
    np.testing.assert_array_equal(factors, grid.sample_factors(20, state(3)))
    np.testing.assert_array_equal(observations, grid.sample_observations(20, state(3)))
    index = np.ravel_multi_index(tuple(factors.T), SIZES)
    np.testing.assert_array_equal(observations, grid.images(index).astype(np.float32) / 255)


def test_factors_of_a_part_are_those_of_its_images(part):
    factors, observations = part.sample(300, state())
    assert {tuple(row) for row in factors} == {(0, 2, 1), (1, 0, 3)}
    assert 0.5 < (factors[:, 0] == 0).mean() < 0.85
    shown = np.rint(observations[:, 0, 0, 0] * 255).astype(int)
    assert set(shown[factors[:, 0] == 1]) == {10}
    assert set(shown[factors[:, 0] == 0]) == {0, 20}, "both images with these factors are drawn"


def test_a_part_has_no_image_of_other_factors(part):
    with pytest.raises(
        ValueError,
        match=r"data set part: no image has shape=1, size=2, hue=3; the images are not the full",
    ):
        part.sample_observations_from_factors([[0, 2, 1], [1, 2, 3]], state())
    with pytest.raises(ValueError, match="no image has shape=0, size=0, hue=0"):
        part.sample_observations_from_factors([[0, 0, 0]], state())


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ([[0, 0, 4]], "data set toy: factor hue has the classes 0 … 3, not 4"),
        ([[0, -1, 0]], "factor size has the classes 0 … 2, not -1"),
        ([[0, 0]], r"expected factors of shape \(num, 3\), got \(1, 2\)"),
        ([0, 0, 0], r"expected factors of shape \(num, 3\), got \(3,\)"),
    ],
)
def test_factors_that_do_not_exist(grid, factors, message):
    with pytest.raises(ValueError, match=message):
        grid.sample_observations_from_factors(factors, state())


def test_a_part_that_was_asked_can_still_be_sent_to_a_process(part):
    part.sample_observations(2, state())
    assert pickle.loads(pickle.dumps(part)).name == "part"
