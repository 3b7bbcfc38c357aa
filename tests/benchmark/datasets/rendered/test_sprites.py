import doctest
import math

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files import storage
from disentanglement_bench.benchmark.datasets.rendered import sprites
from disentanglement_bench.benchmark.datasets.rendered.sprites import (
    FULL_GRID,
    SCALES,
    SMALL_GRID,
    SpritesGrid,
)


def slow_image(shape, scale, orientation, x, y):
    """One sprite, pixel by pixel, straight from the description of the scene."""
    angle = 2 * math.pi * orientation / 39
    image = np.zeros((64, 64), np.uint8)
    t = np.linspace(0, math.pi, 200_001)
    b = sprites.HEART_COSINES
    outline_x = sprites.HEART_HALF_WIDTH * np.sin(t) ** 3
    outline_y = sum(b[k] * np.cos(k * t) for k in range(5))
    half = len(t) // 2
    for i in range(64):
        for j in range(64):
            dx = (j + 0.5 - 16 - 32 * x / 31) / SCALES[scale]
            dy = (i + 0.5 - 16 - 32 * y / 31) / SCALES[scale]
            u = math.cos(angle) * dx - math.sin(angle) * dy
            v = math.sin(angle) * dx + math.cos(angle) * dy
            if shape == 0:
                inside = max(abs(u), abs(v)) < 9.60
            elif shape == 1:
                inside = (u / 12.77) ** 2 + (v / 7.21) ** 2 < 1
            elif abs(u) >= sprites.HEART_HALF_WIDTH:
                inside = False
            else:
                top = np.interp(abs(u), outline_x[: half + 1], outline_y[: half + 1])
                bottom = np.interp(abs(u), outline_x[half:][::-1], outline_y[half:][::-1])
                inside = bottom < -v < top
            image[i, j] = inside
    return image


@pytest.fixture(scope="module")
def small():
    return sprites.load_small(storage.data_folder())


@pytest.mark.parametrize(
    "classes",
    [(0, 0, 0, 0, 0), (0, 5, 4, 31, 7), (1, 3, 13, 11, 30), (2, 5, 0, 5, 16), (2, 2, 33, 20, 3)],
)
def test_agrees_with_a_loop_over_pixels(classes):
    grid = SpritesGrid(*[(c,) for c in classes])
    pixels = np.unpackbits(sprites.render(grid)[0]).reshape(64, 64)
    difference = int((pixels != slow_image(*classes)).sum())
    # A pixel centre may lie within rounding of the outline.
    assert difference <= 1


def test_the_small_set_is_part_of_the_full_grid(small):
    assert small.factor_sizes == (3, 6, 10, 16, 16)
    assert len(small) == 46_080
    chosen = SpritesGrid((2,), (4,), (7,), tuple(range(32)), tuple(range(32)))
    row = sprites.render(chosen).reshape(32, 32, 512)
    index = np.ravel_multi_index((2, 4, 7, 5, 9), small.factor_sizes)
    np.testing.assert_array_equal(small.source.array[index], row[10, 18])


def test_the_first_and_the_last_orientation_are_the_same_picture():
    grid = SpritesGrid((0, 1, 2), (5,), (0, 39), (3, 18), (9, 30))
    packed = sprites.render(grid).reshape(3, 2, -1)
    np.testing.assert_array_equal(packed[:, 0], packed[:, 1])


def test_every_small_image_is_different(small):
    assert len({image.tobytes() for image in small.source.array}) == len(small)


def test_every_sprite_stays_inside_the_frame(small):
    index = np.random.default_rng(0).integers(len(small), size=2000)
    images = small.source.images(index)
    assert images.any(axis=(1, 2, 3)).all()
    for border in (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]):
        assert not border.any()


@pytest.mark.parametrize("shape", [0, 1, 2])
def test_agrees_with_genuine_frames(shape, reference_file):
    with np.load(reference_file("dsprites_frames.npz")) as frames:
        factors, genuine = frames["factors"], np.unpackbits(frames["images"], axis=1)
    rows = np.flatnonzero(factors[:, 0] == shape)
    overlaps = []
    for row in rows:
        grid = SpritesGrid(*[(int(c),) for c in factors[row]])
        ours = np.unpackbits(sprites.render(grid)[0])
        overlaps.append((ours & genuine[row]).sum() / (ours | genuine[row]).sum())
    assert np.mean(overlaps) >= 0.999


def test_the_mean_pixel_of_the_full_grid_is_the_genuine_one():
    # Positions only move a sprite, and sampling averages out: a quarter of them is enough here.
    thinned = SpritesGrid(positions_x=tuple(range(0, 32, 4)), positions_y=tuple(range(1, 32, 4)))
    assert np.unpackbits(sprites.render(thinned)).mean() == pytest.approx(0.0425, abs=5e-5)


@pytest.mark.slow
def test_the_full_grid():
    full = sprites.load_full(storage.data_folder())
    assert len(full) == 737_280
    assert full.source.array.nbytes == 737_280 * 512
    white = sum(
        int(np.unpackbits(full.source.array[first : first + 9216]).sum(dtype=np.int64))
        for first in range(0, len(full), 9216)
    )
    assert white / len(full) / 4096 == pytest.approx(0.0424944, abs=2e-5)


def test_identity_names_renderer_and_grid(small):
    assert small.identity["name"] == "sprites-small"
    assert small.identity["kind"] == "re-rendered"
    assert small.identity["grid"]["orientations"] == list(range(10))
    assert small.identity["grid"]["positions_x"] == list(range(0, 32, 2))


def test_sizes_of_the_grids():
    assert FULL_GRID.sizes == (3, 6, 40, 32, 32)
    assert SMALL_GRID.sizes == (3, 6, 10, 16, 16)


def test_the_notes_say_what_orientation_cannot_tell():
    assert any("orientation 0 and orientation 39" in note for note in sprites.NOTES["sprites"])
    assert not any("same picture" in note for note in sprites.NOTES["sprites-small"])


def test_the_examples_in_the_docstrings():
    failed, attempted = doctest.testmod(sprites)
    assert (failed, attempted > 0) == (0, True)
