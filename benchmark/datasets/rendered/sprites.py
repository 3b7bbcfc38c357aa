"""White shapes on black, rendered: `sprites`, on dSprites' grid, and `sprites-small`.

The shapes were fitted to genuine dSprites frames; a pixel is white when its centre lies inside
the shape (point sampling, no antialiasing). In pixels, x to the right and y down, a shape stands
at ``16 + 32·position`` with 32 positions on [0, 1]; so the offsets between pixel centres and
shape centres lie on a lattice of 1/31 pixel, and one evaluation of the shape on that lattice
serves all positions.
"""

import math
from dataclasses import asdict, dataclass, replace

import numpy as np

from ..base import Dataset, ImageSource
from ..catalogue import BUILT_IN, SPRITES_FACTORS
from ..files import copies, storage

RENDERER_VERSION = "1"
SIDE = 64
POSITIONS = 32
SHAPES = ("square", "ellipse", "heart")
SCALES = tuple(np.linspace(0.5, 1.0, 6).tolist())
ORIENTATION_STEPS = 39

SQUARE_HALF_SIDE = 9.60
ELLIPSE_HALF_AXES = (12.77, 7.21)
HEART_HALF_WIDTH = 9.6023
HEART_COSINES = (1.4421, 8.6076, -3.3166, -1.3234, -0.6572)
REACH = 14.0
HEART_TABLE = 1 << 14

SYMMETRY_NOTES = (
    "orientation 0 and orientation 39 are the same picture",
    "the square repeats every quarter turn and the ellipse every half turn, so orientation cannot "
    "be read off these images and no method can reach a perfect score on it",
)


@dataclass(frozen=True)
class SpritesGrid:
    """Which classes of every factor are rendered, as indices into the full grid.

    Parameters
    ----------
    shapes, scales, orientations, positions_x, positions_y : tuple of int
        Indices below 3, 6, 40, 32 and 32.
    """

    shapes: tuple[int, ...] = tuple(range(3))
    scales: tuple[int, ...] = tuple(range(6))
    orientations: tuple[int, ...] = tuple(range(40))
    positions_x: tuple[int, ...] = tuple(range(POSITIONS))
    positions_y: tuple[int, ...] = tuple(range(POSITIONS))

    @property
    def sizes(self):
        """Number of classes of every factor, the last factor varying fastest."""
        return tuple(len(classes) for classes in asdict(self).values())


FULL_GRID = SpritesGrid()
SMALL_GRID = SpritesGrid(
    orientations=tuple(range(10)),
    positions_x=tuple(range(0, POSITIONS, 2)),
    positions_y=tuple(range(0, POSITIONS, 2)),
)


def render(grid):
    """Render a grid of sprites, bit-packed.

    Parameters
    ----------
    grid : SpritesGrid
        What to render.

    Returns
    -------
    ndarray of uint8, shape (N, 512)
        `numpy.packbits` of the 64×64 pixels of every image, N the product of ``grid.sizes``.

    Examples
    --------
    >>> packed = render(SpritesGrid((0,), (5,), (0,), (0, 31), (0,)))
    >>> packed.shape, int(np.unpackbits(packed[0]).sum())
    ((2, 512), 400)
    """
    offsets_x, columns = _lattice(grid.positions_x)
    offsets_y, rows = _lattice(grid.positions_y)
    count_x, count_y = columns.shape[0], rows.shape[0]
    packed = np.empty((math.prod(grid.sizes), SIDE * SIDE // 8), np.uint8)
    # Eight bytes are one row of 64 pixels: as one number each, rows are gathered at once.
    blocks = packed.view(np.uint64).reshape(-1, count_x, count_y, SIDE)
    inside = np.zeros((len(offsets_y) + 1, len(offsets_x) + 1), bool)
    block = 0
    for shape in grid.shapes:
        for scale in grid.scales:
            for orientation in grid.orientations:
                # The last row and column stay empty: they stand for everything out of reach.
                inside[:-1, :-1] = _inside(
                    SHAPES[shape], SCALES[scale], orientation, offsets_x, offsets_y
                )
                bits = np.packbits(np.take(inside, columns.ravel(), axis=1), axis=1)
                table = np.ascontiguousarray(bits.view(np.uint64).reshape(len(inside), count_x).T)
                np.take(table, rows, axis=1, out=blocks[block], mode="clip")
                block += 1
    return packed


def load_small(folder, report=None):
    """Load `sprites-small`, which leaves out every second position and three quarters of a turn.

    So orientation is identifiable for every shape. Parameters as for `load_full`; 24 MB.
    """
    return _load("sprites-small", SMALL_GRID, folder, report)


def load_full(folder, report=None):
    """Load `sprites`, rendering it at the first time.

    Parameters
    ----------
    folder : Path
        The data folder, which gets a bit-packed copy, 377 MB.
    report : callable, optional
        Called with (images done, images in all) while they are rendered.

    Returns
    -------
    Dataset
        Memory-mapped.
    """
    return _load("sprites", FULL_GRID, folder, report, unidentifiable_factors=("orientation",))


def _load(name, grid, folder, report, **more):
    identity = {
        "name": name,
        "version": RENDERER_VERSION,
        "kind": "re-rendered",
        "renderer": f"benchmark.datasets.sprites {RENDERER_VERSION}",
        "grid": {factor: list(classes) for factor, classes in asdict(grid).items()},
    }
    packed = copies.open_or_write(
        storage.rendered_file(name, folder),
        (math.prod(grid.sizes), SIDE * SIDE // 8),
        identity,
        lambda: (render(replace(grid, shapes=(shape,))) for shape in grid.shapes),
        name,
        report,
    )
    return Dataset(
        name=name,
        version=RENDERER_VERSION,
        factor_names=SPRITES_FACTORS,
        factor_sizes=grid.sizes,
        source=ImageSource("bits", packed, (SIDE, SIDE, 1)),
        identity=identity,
        notes=NOTES[name],
        factor_kinds=BUILT_IN[name].factor_kinds,
        **more,
    )


NOTES = {
    "sprites-small": ("re-rendered after dSprites: scores do not compare with published ones",),
    "sprites": (
        "re-rendered after dSprites: scores do not compare exactly with published ones",
        *SYMMETRY_NOTES,
    ),
}


def _lattice(positions):
    """Offsets within reach of a shape, and for (position, pixel) the place among them.

    The place is ``len(offsets)`` where the pixel is out of reach of the shape.
    """
    steps = POSITIONS - 1
    pixel = np.arange(SIDE)
    position = np.asarray(positions)[:, None]
    # pixel + 0.5 − (16 + 32·position/31), times 31, without its fractional constant
    numerator = steps * pixel - SIDE // 2 * position
    offset = (numerator + (0.5 - SIDE / 4) * steps) / steps
    near = np.abs(offset) <= REACH
    values, place = np.unique(numerator[near], return_inverse=True)
    places = np.full(numerator.shape, len(values))
    places[near] = place.reshape(-1)
    offsets = (values + (0.5 - SIDE / 4) * steps) / steps
    return offsets.astype(np.float32), places


def _inside(shape, scale, orientation, offsets_x, offsets_y):
    """Whether the points of a lattice lie inside a shape; (len(offsets_y), len(offsets_x))."""
    angle = 2 * math.pi * (orientation % ORIENTATION_STEPS) / ORIENTATION_STEPS
    cosine = np.float32(math.cos(angle) / scale)
    sine = np.float32(math.sin(angle) / scale)
    u = cosine * offsets_x - (sine * offsets_y)[:, None]
    v = sine * offsets_x + (cosine * offsets_y)[:, None]
    if shape == "square":
        return np.maximum(np.abs(u, out=u), np.abs(v, out=v), out=u) < SQUARE_HALF_SIDE
    if shape == "ellipse":
        u *= np.float32(1 / ELLIPSE_HALF_AXES[0])
        v *= np.float32(1 / ELLIPSE_HALF_AXES[1])
        return np.add(np.square(u, out=u), np.square(v, out=v), out=u) < 1
    middle, half = _heart_table()
    np.abs(u, out=u)
    u *= np.float32(HEART_TABLE / HEART_HALF_WIDTH)
    np.minimum(u, HEART_TABLE, out=u)
    place = u.astype(np.int32)
    v -= middle[place]
    return np.abs(v, out=v) < half[place]


def _heart_table():
    """Middle and half length of the heart's interval of v, over |u| in equal steps.

    The outline is ``(A sin³t, b0 + b1 cos t + … + b4 cos 4t)``, y up. The upper branch has
    ``t`` below a quarter turn and the lower one ``π − t``, where the odd cosines change sign.
    """
    width = (np.arange(HEART_TABLE) + 0.5) / HEART_TABLE
    t = np.arcsin(np.cbrt(width))
    b0, b1, b2, b3, b4 = HEART_COSINES
    middle = b0 + b2 * np.cos(2 * t) + b4 * np.cos(4 * t)
    half = b1 * np.cos(t) + b3 * np.cos(3 * t)
    # One entry more, with an empty interval, for everything wider than the heart.
    middle, half = np.append(-middle, 0.0), np.append(half, -1.0)
    return middle.astype(np.float32), half.astype(np.float32)
