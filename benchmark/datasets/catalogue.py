"""What is known about the built-in data sets without loading them (standard library only)."""

from dataclasses import dataclass
from pathlib import Path

SPRITES_FACTORS = ("shape", "scale", "orientation", "posX", "posY")
ROOMS_FACTORS = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
MPI3D_FACTORS = (
    "object_color",
    "object_shape",
    "object_size",
    "camera_height",
    "background_color",
    "horizontal_axis",
    "vertical_axis",
)


@dataclass(frozen=True)
class Description:
    """A data set at a glance.

    Parameters
    ----------
    name : str
        What `load` takes.
    text : str
        One sentence.
    origin : {"re-rendered", "genuine", "added", "plugin"}
        Where it comes from.
    image_shape : tuple of int, optional
        (H, W, C); None for a plugin, which would have to be loaded to know.
    factor_names : tuple of str, optional
        Names of the factors; None for a plugin.
    factor_sizes : tuple of int, optional
        Numbers of classes; None for a plugin.
    size : int, optional
        Number of images; None for a plugin.
    present : bool
        Whether `load` finds it.
    path : Path, optional
        The file it is read from, present or not; None for what is rendered.
    """

    name: str
    text: str
    origin: str
    image_shape: tuple[int, ...] | None = None
    factor_names: tuple[str, ...] | None = None
    factor_sizes: tuple[int, ...] | None = None
    size: int | None = None
    present: bool = True
    path: Path | None = None


def _rendered(name, text, channels, factor_names, factor_sizes, size):
    shape = (64, 64, channels)
    return Description(name, text, "re-rendered", shape, factor_names, factor_sizes, size)


def _genuine(name, text, channels, factor_names, factor_sizes, size):
    shape = (64, 64, channels)
    return Description(name, text, "genuine", shape, factor_names, factor_sizes, size, False)


BUILT_IN = {
    entry.name: entry
    for entry in (
        _rendered(
            "sprites-small",
            "part of sprites on which orientation is identifiable; the default",
            1,
            SPRITES_FACTORS,
            (3, 6, 10, 16, 16),
            46_080,
        ),
        _rendered(
            "sprites",
            "white shapes on black, on dSprites' own grid",
            1,
            SPRITES_FACTORS,
            (3, 6, 40, 32, 32),
            737_280,
        ),
        _rendered(
            "rooms3d",
            "an object in a coloured room, like Shapes3D",
            3,
            ROOMS_FACTORS,
            (10, 10, 10, 8, 4, 15),
            480_000,
        ),
        _genuine(
            "dsprites",
            "the genuine dSprites file",
            1,
            SPRITES_FACTORS,
            (3, 6, 40, 32, 32),
            737_280,
        ),
        _genuine(
            "shapes3d",
            "the genuine Shapes3D file",
            3,
            ROOMS_FACTORS,
            (10, 10, 10, 8, 4, 15),
            480_000,
        ),
        _genuine(
            "mpi3d_real",
            "the genuine MPI3D photographs of a robot arm",
            3,
            MPI3D_FACTORS,
            (6, 6, 2, 3, 3, 40, 40),
            1_036_800,
        ),
    )
}
