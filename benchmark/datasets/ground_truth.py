"""Sampling factors, and observations of given factors, as disentanglement_lib's functions ask."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike


class GroundTruth:
    """What a data set can do as `ground_truth_data`.

    Random numbers come from a `numpy.random.RandomState`, and for a full grid in that library's
    order: the same state gives the same factors as there.
    """

    if TYPE_CHECKING:  # what the data set itself has
        name: str
        factor_names: tuple[str, ...]
        factor_sizes: tuple[int, ...]
        labels: np.ndarray | None

        @property
        def image_shape(self) -> tuple[int, int, int]: ...
        def __len__(self) -> int: ...
        def images(self, index: ArrayLike) -> np.ndarray: ...
        def factors(self, index: ArrayLike) -> np.ndarray: ...

    @property
    def num_factors(self) -> int:
        """Number of factors, K."""
        return len(self.factor_sizes)

    @property
    def factors_num_values(self) -> list[int]:
        """Number of classes of each factor."""
        return [int(size) for size in self.factor_sizes]

    @property
    def observation_shape(self) -> list[int]:
        """Height, width and channels of an observation."""
        return [int(size) for size in self.image_shape]

    def sample_factors(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draw factors: each uniform and independent where the images are the full grid.

        Elsewhere they are those of images drawn at random, each any number of times.

        Parameters
        ----------
        num : int
        random_state : numpy.random.RandomState

        Returns
        -------
        ndarray of int64, shape (num, K)

        Examples
        --------
        >>> from disentanglement_bench import load_dataset
        >>> load_dataset("sprites-small").sample_factors(2, np.random.RandomState(0))
        array([[0, 0, 3, 9, 5],
               [1, 3, 7, 3, 2]])
        """
        if self.labels is not None:
            return self.factors(random_state.randint(len(self), size=num)).astype(np.int64)
        columns = [random_state.randint(size, size=num) for size in self.factor_sizes]
        return np.stack(columns, axis=1).astype(np.int64)

    def sample_observations_from_factors(
        self, factors: ArrayLike, random_state: np.random.RandomState
    ) -> np.ndarray:
        """Give an observation of each row of factors.

        Parameters
        ----------
        factors : array_like of int, shape (num, K)
        random_state : numpy.random.RandomState
            Chooses among several images with the same factors; not used for a full grid.

        Returns
        -------
        ndarray of float32, shape (num, H, W, C)
            In [0, 1].

        Raises
        ------
        ValueError
            If there are no such classes, or no image that has them together.
        """
        classes = np.asarray(factors)
        if classes.ndim != 2 or classes.shape[1] != self.num_factors:
            raise ValueError(
                f"data set {self.name}: expected factors of shape (num, {self.num_factors}), "
                f"got {classes.shape}"
            )
        wrong = np.argwhere((classes < 0) | (classes >= self.factor_sizes))
        if len(wrong):
            row, k = wrong[0]
            raise ValueError(
                f"data set {self.name}: factor {self.factor_names[k]} has the classes 0 … "
                f"{self.factor_sizes[k] - 1}, not {classes[row, k]}"
            )
        flat = np.ravel_multi_index(tuple(classes.astype(np.int64).T), self.factor_sizes)
        if self.labels is not None:
            flat = self._choose_images(flat, classes, random_state)
        return self.images(flat).astype(np.float32) / np.float32(255)

    def sample(
        self, num: int, random_state: np.random.RandomState
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw factors (num, K), and an observation of each, float32 (num, H, W, C) in [0, 1]."""
        factors = self.sample_factors(num, random_state)
        return factors, self.sample_observations_from_factors(factors, random_state)

    def sample_observations(self, num: int, random_state: np.random.RandomState) -> np.ndarray:
        """Draw observations, float32 (num, H, W, C) in [0, 1]."""
        return self.sample(num, random_state)[1]

    @cached_property
    def _images_by_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of factors in the grid, ascending, and the images that have them."""
        places = np.ravel_multi_index(tuple(np.asarray(self.labels).T), self.factor_sizes)
        order = np.argsort(places, kind="stable")
        return places[order], order

    def _choose_images(
        self, places: np.ndarray, classes: np.ndarray, state: np.random.RandomState
    ) -> np.ndarray:
        """One of the images at each place in the grid, at random."""
        known, images = self._images_by_factors
        first = np.searchsorted(known, places, side="left")
        count = np.searchsorted(known, places, side="right") - first
        if not count.all():
            row = np.argmin(count)
            described = ", ".join(
                f"{name}={value}"
                for name, value in zip(self.factor_names, classes[row], strict=True)
            )
            raise ValueError(
                f"data set {self.name}: no image has {described}; the images are not the full grid "
                "of factors, so factors cannot be set freely"
            )
        return images[first + state.randint(count)]
