import numpy as np
import pytest

from disentanglement_bench.evaluation.evaluation_sample import draw_evaluation_index


@pytest.mark.parametrize(
    ("available", "seed", "first"),
    [
        (46_080, 0, [32632, 19483, 5627, 32767, 46040]),
        (480_000, 7, [324288, 33319, 200244, 192279, 112470]),
    ],
)
def test_the_sample_of_a_seed_never_changes(available, seed, first):
    """Every stored run, and every row of the standard table, was scored on these images."""
    assert draw_evaluation_index(available, 4500, seed)[:5].tolist() == first


def test_images_are_different_and_depend_on_the_seed():
    one, other = (draw_evaluation_index(500, 500, seed) for seed in (0, 1))
    assert sorted(one) == list(range(500))
    assert not np.array_equal(one, other)


def test_more_images_than_there_are_is_refused():
    with pytest.raises(ValueError, match="cannot draw 5 different images out of 4"):
        draw_evaluation_index(4, 5, 0)
    with pytest.raises(ValueError, match="cannot draw -1 different images"):
        draw_evaluation_index(4, -1, 0)


@pytest.mark.parametrize("seed", [-1, 1.0, "1", True, None])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match="the seed must be a whole number from 0 on, not "):
        draw_evaluation_index(500, 5, seed)


def test_numbers_of_numpy_are_seeds():
    one, other = (draw_evaluation_index(500, 5, seed) for seed in (1, np.uint8(1)))
    assert np.array_equal(one, other)
