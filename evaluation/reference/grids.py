"""The factors of the data sets that standard benchmarks are defined on, in the grid's order."""

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
