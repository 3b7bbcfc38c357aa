import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.averaging import BLOCK, average_images

SHAPE = (4, 4, 2)


def test_squares_of_pixels_are_averaged():
    image = np.arange(32, dtype=np.uint8).reshape(1, *SHAPE)
    (averaged,) = average_images(lambda index: image, np.zeros(1, int), SHAPE, 2)
    # Rows 0 and 1, columns 2 and 3 of the second channel.
    assert averaged[0, 1, 1] == pytest.approx((5 + 7 + 13 + 15) / 4 / 255)


def test_zero_leaves_images_as_they_are():
    image = np.full((1, *SHAPE), 255, np.uint8)
    averaged = average_images(lambda index: image, np.zeros(1, int), SHAPE, 0)
    assert averaged.dtype == np.float32
    np.testing.assert_array_equal(averaged, 1)


def test_images_are_decoded_in_blocks_and_stay_in_order():
    asked = []

    def decode(index):
        asked.append(len(index))
        return np.broadcast_to(index[:, None, None, None] % 256, (len(index), *SHAPE))

    index = np.arange(BLOCK + 3)[::-1]
    averaged = average_images(decode, index, SHAPE, 1)
    assert asked == [BLOCK, 3]
    np.testing.assert_allclose(averaged[:, 0, 0, 0], index % 256 / 255, rtol=1e-6)


@pytest.mark.parametrize(("shape", "side"), [((4, 4, 1), 3), ((4, 6, 1), 2), ((4, 4, 1), -2)])
def test_sides_that_do_not_divide_are_refused(shape, side):
    with pytest.raises(ValueError, match="must be square, and the side must divide theirs"):
        average_images(None, np.zeros(1, int), shape, side)
