"""The factors of the data sets that standard benchmarks are defined on, in the grid's order."""

import math

import numpy as np
from numpy.typing import ArrayLike

from ..evaluation_sample import draw_evaluation_index

_SPRITES = {"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}
_ROOMS = {
    "floor_hue": 10,
    "wall_hue": 10,
    "object_hue": 10,
    "scale": 8,
    "shape": 4,
    "orientation": 15,
}

# By data set, then by factor: the number of classes. The last factor varies fastest.
GRIDS: dict[str, dict[str, int]] = {
    "sprites-small": {"shape": 3, "scale": 6, "orientation": 10, "posX": 16, "posY": 16},
    "rooms3d": _ROOMS,
    "dsprites": _SPRITES,
    "shapes3d": _ROOMS,
    "mpi3d_real": {
        "object_color": 6,
        "object_shape": 6,
        "object_size": 2,
        "camera_height": 3,
        "background_color": 3,
        "horizontal_axis": 40,
        "vertical_axis": 40,
    },
}


def grid_sizes(dataset: str) -> tuple[int, ...]:
    """Numbers of classes of a data set's factors.

    Examples
    --------
    >>> grid_sizes("sprites-small")
    (3, 6, 10, 16, 16)
    """
    return tuple(GRIDS[dataset].values())


def image_factors(dataset: str, index: ArrayLike) -> np.ndarray:
    """Factors of images of a full grid.

    Parameters
    ----------
    dataset : str
        One of `GRIDS`.
    index : array_like of int, shape (N,)
        Flat indices within the grid.

    Returns
    -------
    ndarray of int64, shape (N, K)
    """
    return np.stack(np.unravel_index(np.asarray(index), grid_sizes(dataset)), axis=1)


def draw_sample(dataset: str, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the evaluation sample of a seed, without its images.

    Parameters
    ----------
    dataset : str
        One of `GRIDS`.
    seed : int
    count : int
        Images of the sample.

    Returns
    -------
    index : ndarray of int64, shape (count,)
    factors : ndarray of int64, shape (count, K)
    """
    index = draw_evaluation_index(math.prod(grid_sizes(dataset)), count, seed)
    return index, image_factors(dataset, index)
