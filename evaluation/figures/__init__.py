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
    from .headline import plot_headline
    from .matrices import plot_matrix, plot_mi_matrices
    from .methods import plot_boxes, plot_methods, plot_standing
    from .overview import plot_overview

__getattr__ = import_when_used(
    __name__,
    {
        "plot_agreement": "grids",
        "plot_boxes": "methods",
        "plot_curves": "curves",
        "plot_front": "fronts",
        "plot_headline": "headline",
        "plot_heat_maps": "grids",
        "plot_latents": "fronts",
        "plot_matrix": "matrices",
        "plot_methods": "methods",
        "plot_mi_matrices": "matrices",
        "plot_overview": "overview",
        "plot_standing": "methods",
        "save_figure": "drawing",
    },
)

__all__ = [
    "plot_agreement",
    "plot_boxes",
    "plot_curves",
    "plot_front",
    "plot_headline",
    "plot_heat_maps",
    "plot_latents",
    "plot_matrix",
    "plot_methods",
    "plot_mi_matrices",
    "plot_overview",
    "plot_standing",
    "save_figure",
]
