"""One function a figure, all in one style: frames and arrays in, matplotlib figures out.

The public functions are imported when they are first used, because matplotlib takes its time.
"""

from typing import TYPE_CHECKING

from ..lazy import import_when_used

if TYPE_CHECKING:
    from .curves import plot_curves
    from .drawing import save_figure
    from .fronts import plot_front, plot_latents
    from .grids import plot_agreement, plot_heat_maps
    from .matrices import plot_matrix, plot_mi_matrices
    from .methods import plot_boxes, plot_methods

__getattr__ = import_when_used(
    __name__,
    {
        "plot_agreement": "grids",
        "plot_boxes": "methods",
        "plot_curves": "curves",
        "plot_front": "fronts",
        "plot_heat_maps": "grids",
        "plot_latents": "fronts",
        "plot_matrix": "matrices",
        "plot_methods": "methods",
        "plot_mi_matrices": "matrices",
        "save_figure": "drawing",
    },
)

__all__ = [
    "plot_agreement",
    "plot_boxes",
    "plot_curves",
    "plot_front",
    "plot_heat_maps",
    "plot_latents",
    "plot_matrix",
    "plot_methods",
    "plot_mi_matrices",
    "save_figure",
]
