"""A figure with its title and caption, and how figures become files."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..files import write_atomically
from .style import style

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from matplotlib.figure import Figure

FORMATS = ("png", "pdf")
DPI = 160


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure and what is said about it.

    Attributes
    ----------
    name : str
        What it shows, for the names of its files.
    title, caption : str
    figure : matplotlib.figure.Figure or None
        None where there is nothing to draw.
    narrow : matplotlib.figure.Figure or None
        The same for a telephone, where it is laid out in another way.
    """

    name: str
    title: str
    caption: str
    figure: Figure | None = field(repr=False)
    narrow: Figure | None = field(default=None, repr=False)


def save_figure(
    figure: Figure,
    folder: str | PathLike[str],
    name: str,
    formats: Sequence[str] = FORMATS,
    dpi: int = DPI,
) -> dict[str, Path]:
    """Write a figure in several formats, each whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    folder : str or Path
        It is made where it is missing.
    name : str
        File name without extension.
    formats : sequence of str
        Of png, pdf and svg. PNG files have 256 colours, a third of the size.
    dpi : int

    Returns
    -------
    dict of str to Path
        By format.
    """
    paths = {}
    # A name that takes the whole figure leaves no room to arrange; what there is, is drawn.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "constrained_layout not applied")
        for kind in formats:
            paths[kind] = Path(folder) / f"{name}.{kind}"
            buffer = io.BytesIO()
            with style():
                if kind == "png":
                    figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})
                    buffer = _reduce_colours(buffer, dpi)
                else:
                    # Without a date the same numbers give the same file.
                    key = {"pdf": "CreationDate", "svg": "Date"}[kind]
                    figure.savefig(buffer, format=kind, dpi=dpi, metadata={key: None})
            write_atomically(paths[kind], buffer.getvalue())
    return paths


def _reduce_colours(file, dpi):
    """A PNG file reduced to 256 colours."""
    image = Image.open(file).convert("RGB")
    image = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # The reduction makes white a shade darker than the paper or page around the figure.
    palette = np.array(image.getpalette()).reshape(-1, 3)
    palette[palette.min(axis=1) >= 250] = 255
    image.putpalette(palette.ravel().tolist())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", dpi=(dpi, dpi), compress_level=6)
    return buffer
