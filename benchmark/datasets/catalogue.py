"""What is known about the built-in data sets without loading them (standard library only)."""

import math
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
# Orientation turns once round on the full grid of sprites, and by less on the small one.
SMALL_SPRITES_KINDS = ("nominal", "ordinal", "ordinal", "ordinal", "ordinal")
SPRITES_KINDS = ("nominal", "ordinal", "periodic", "ordinal", "ordinal")
ROOMS_KINDS = ("periodic", "periodic", "periodic", "ordinal", "nominal", "ordinal")
MPI3D_KINDS = ("nominal", "nominal", "ordinal", "ordinal", "nominal", "ordinal", "ordinal")


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
    factor_kinds : tuple of str, optional
        Kinds of the factors, empty if not stated; None for a plugin.
    size : int, optional
        Number of images; None for a plugin.
    labelled : bool
        Whether the images are not the full grid, so that classes are stored with each.
    present : bool
        Whether `load` finds it.
    path : Path, optional
        The file it is read from, present or not; None for what is rendered.
    loader : str, optional
        ``module:function`` below this package; it takes the data folder and ``report=``.
    """

    name: str
    text: str
    origin: str
    image_shape: tuple[int, ...] | None = None
    factor_names: tuple[str, ...] | None = None
    factor_sizes: tuple[int, ...] | None = None
    factor_kinds: tuple[str, ...] | None = None
    size: int | None = None
    labelled: bool = False
    present: bool = True
    path: Path | None = None
    loader: str | None = None


def _describe(name, text, kind, loader, channels, factor_names, factor_sizes, factor_kinds):
    return Description(
        name=name,
        text=text,
        origin=kind,
        image_shape=(64, 64, channels),
        factor_names=factor_names,
        factor_sizes=factor_sizes,
        factor_kinds=factor_kinds,
        size=math.prod(factor_sizes),
        present=kind == "re-rendered",
        loader=loader,
    )


BUILT_IN = {
    entry.name: entry
    for entry in (
        _describe(
            "sprites-small",
            "part of sprites on which orientation is identifiable; the default",
            "re-rendered",
            "rendered.sprites:load_small",
            1,
            SPRITES_FACTORS,
            (3, 6, 10, 16, 16),
            SMALL_SPRITES_KINDS,
        ),
        _describe(
            "sprites",
            "white shapes on black, on dSprites' own grid",
            "re-rendered",
            "rendered.sprites:load_full",
            1,
            SPRITES_FACTORS,
            (3, 6, 40, 32, 32),
            SPRITES_KINDS,
        ),
        _describe(
            "rooms3d",
            "an object in a coloured room, like Shapes3D",
            "re-rendered",
            "rendered.rooms3d:load",
            3,
            ROOMS_FACTORS,
            (10, 10, 10, 8, 4, 15),
            ROOMS_KINDS,
        ),
        _describe(
            "dsprites",
            "the genuine dSprites file",
            "genuine",
            "genuine.dsprites:load",
            1,
            SPRITES_FACTORS,
            (3, 6, 40, 32, 32),
            SPRITES_KINDS,
        ),
        _describe(
            "shapes3d",
            "the genuine Shapes3D file",
            "genuine",
            "genuine.shapes3d:load",
            3,
            ROOMS_FACTORS,
            (10, 10, 10, 8, 4, 15),
            ROOMS_KINDS,
        ),
        _describe(
            "mpi3d_real",
            "the genuine MPI3D photographs of a robot arm",
            "genuine",
            "genuine.mpi3d:load",
            3,
            MPI3D_FACTORS,
            (6, 6, 2, 3, 3, 40, 40),
            MPI3D_KINDS,
        ),
    )
}
