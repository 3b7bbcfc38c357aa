"""Draw the pictures of the rendered data sets: ``python docs/make_montages.py``.

A row varies one factor over evenly spaced classes and keeps the others as they are.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from disentanglement_bench.benchmark import datasets

FOLDER = Path(__file__).parent / "images"
BASES = {
    "sprites-small": (2, 5, 2, 8, 8),
    "sprites": (2, 5, 8, 16, 16),
    "rooms3d": (7, 1, 4, 6, 1, 11),
}
TILE, GAP = 64, 4


def montage(dataset, base, columns):
    """Tile images of a data set, one row a factor.

    Parameters
    ----------
    dataset : Dataset
        With images of 64×64.
    base : tuple of int, length K
        Classes of the factors that a row keeps.
    columns : int
        At most so many images a row.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        White where a factor has fewer classes than there are columns.
    """
    step = TILE + GAP
    canvas = np.full((len(base) * step - GAP, columns * step - GAP, 3), 255, np.uint8)
    for row, size in enumerate(dataset.factor_sizes):
        shown = np.unique(np.linspace(0, size - 1, min(size, columns)).round().astype(int))
        classes = np.tile(base, (len(shown), 1))
        classes[:, row] = shown
        images = dataset.source.images(np.ravel_multi_index(classes.T, dataset.factor_sizes))
        for column, image in enumerate(images):
            top, left = row * step, column * step
            canvas[top : top + TILE, left : left + TILE] = image
    return canvas


def draw(axes, dataset, columns):
    """Show the montage of a data set with its factors named at the left."""
    axes.imshow(montage(dataset, BASES[dataset.name], columns), interpolation="nearest")
    pairs = zip(dataset.factor_names, dataset.factor_sizes, strict=True)
    labels = [f"{name.replace('_', ' ')} ({size})" for name, size in pairs]
    axes.set_yticks([row * (TILE + GAP) + TILE / 2 for row in range(len(labels))], labels)
    axes.set_xticks([])
    axes.tick_params(length=0, labelsize=11)
    axes.set_title(f"{dataset.name} ({len(dataset):,} images)", fontsize=12, fontweight="bold")
    axes.spines[:].set_visible(False)


def save(figure, name):
    """Write a figure to the folder of pictures."""
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(
        FOLDER / name, dpi=110, bbox_inches="tight", pad_inches=0.08, metadata={"Software": None}
    )
    plt.close(figure)


def main():
    """Draw one picture of every rendered data set, and one of all of them."""
    loaded = [datasets.load_dataset(name) for name in BASES]
    for dataset in loaded:
        figure, axes = plt.subplots(
            figsize=(8.6, 0.3 + 0.71 * len(dataset.factor_sizes)), layout="constrained"
        )
        draw(axes, dataset, columns=10)
        save(figure, f"datasets-{dataset.name}.png")
    figure, panels = plt.subplots(1, len(loaded), figsize=(15, 4.2), layout="constrained")
    for axes, dataset in zip(panels, loaded, strict=True):
        axes.set_anchor("N")
        draw(axes, dataset, columns=5)
    save(figure, "datasets.png")


if __name__ == "__main__":
    main()
