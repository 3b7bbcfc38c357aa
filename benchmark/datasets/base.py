"""What a data set is: a factor grid, images by flat index, and an identity."""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...evaluation.evaluation_sample import EVALUATION_IMAGES, draw_evaluation_index
from ...evaluation.naming import FACTOR_KINDS
from .averaging import average_images
from .ground_truth import GroundTruth

KINDS = ("bits", "uint8", "templates")
SHARED_IMAGES = 1000


class EvaluationSample(NamedTuple):
    """The images that a run is scored on, with their factors.

    Attributes
    ----------
    images : ndarray of float32, shape (N, H, W, C)
        In [0, 1].
    factors : ndarray of int32, shape (N, K)
        Classes starting at 0.
    index : ndarray of int64, shape (N,)
        Flat indices in the data set.
    """

    images: np.ndarray
    factors: np.ndarray
    index: np.ndarray  # type: ignore[assignment]  # in place of the method of tuples


@dataclass(frozen=True, eq=False)
class ImageSource:
    """Images by flat index, in one of three storage forms.

    Parameters
    ----------
    kind : {"bits", "uint8", "templates"}
        How `array` holds the images.
    array : ndarray of uint8
        ``bits``: (N, H·W·C/8), `numpy.packbits` over the C-order (H, W, C) pixels, each 0 or 1.
        ``uint8``: (N, H, W, C).
        ``templates``: (T, M, H, W) weights of M materials, 255 meaning 1.
        In memory or memory-mapped from a file.
    image_shape : tuple of int
        (H, W, C).
    palette : ndarray of float32, optional
        (N / T, M, C) colours in 0…255, for ``templates`` only. Image ``i`` is
        ``round(clip(sum_m array[i % T, m] / 255 * palette[i // T, m], 0, 255))``.

    Raises
    ------
    ValueError
        When kind, array, shape and palette do not belong together.
    """

    kind: str
    array: np.ndarray = field(repr=False)
    image_shape: tuple[int, int, int]
    palette: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self):
        height, width, channels = self.image_shape
        expected = {
            "bits": (height * width * channels // 8,),
            "uint8": (height, width, channels),
        }
        if self.kind not in KINDS:
            raise ValueError(f"image source: expected a kind of {KINDS}, got {self.kind!r}")
        if self.array.dtype != np.uint8:
            raise ValueError(f"image source: expected uint8, got {self.array.dtype}")
        if self.kind == "templates":
            fits = (
                self.array.ndim == 4
                and self.array.shape[2:] == (height, width)
                and self.palette is not None
                and self.palette.shape[1:] == (self.array.shape[1], channels)
            )
        else:
            fits = self.array.shape[1:] == expected[self.kind] and self.palette is None
        if not fits:
            raise ValueError(
                f"image source: an array of shape {self.array.shape} does not hold "
                f"{self.kind} images of shape {tuple(self.image_shape)}"
            )

    def __len__(self):
        if self.kind == "templates":
            return len(self.array) * len(self.palette)
        return len(self.array)

    def images(self, index: ArrayLike) -> np.ndarray:
        """Decode images with NumPy, as `Dataset.images` gives them; bits come as 0 and 255."""
        flat = _check_index(index, len(self))
        shape = (len(flat), *self.image_shape)
        array = np.asarray(self.array)
        if self.kind == "bits":
            return np.unpackbits(array[flat], axis=1).reshape(shape) * np.uint8(255)
        if self.palette is not None:
            count = len(array)
            weights = array[flat % count].astype(np.float32) / np.float32(255)
            weights = weights.reshape(*weights.shape[:2], -1).transpose(0, 2, 1)
            colours = weights @ self.palette[flat // count]
            return np.rint(np.clip(colours, 0, 255)).astype(np.uint8).reshape(shape)
        return array[flat]


@dataclass(frozen=True, eq=False)
class Dataset(GroundTruth):
    """A named data set: factors, images, and what exactly they are.

    It also serves as `ground_truth_data` of disentanglement_lib's functions, see `GroundTruth`.

    Parameters
    ----------
    name : str
        Never shared between a genuine and a re-rendered set.
    version : str
        Version of the file format or of the renderer.
    factor_names : tuple of str
        K names.
    factor_sizes : tuple of int
        K numbers of classes; the last factor varies fastest.
    source : ImageSource
        The images.
    identity : dict
        JSON-able: name, version, and file hashes or renderer version and grid.
    notes : tuple of str
        Sentences that have to stand under every table of scores on this data set.
    labels : ndarray of int32, shape (N, K), optional
        Classes of every image where the images are not the full grid.
    unidentifiable_factors : tuple of str
        Factors that the images do not determine, so that no code can be perfect on them.
    factor_kinds : tuple of str, optional
        For each factor ``nominal``, ``ordinal`` or ``periodic``, or nothing where nobody says.

    Raises
    ------
    ValueError
        When the number of images is not what the factors say, or a kind is none of these.

    Examples
    --------
    >>> source = ImageSource("uint8", np.zeros((6, 8, 8, 1), np.uint8), (8, 8, 1))
    >>> dataset = Dataset("toy", "1", ("size", "hue"), (2, 3), source, {"name": "toy"})
    >>> dataset.factors([0, 1, 5]).tolist()
    [[0, 0], [0, 1], [1, 2]]
    >>> dataset.images([0, 1, 5]).shape
    (3, 8, 8, 1)
    """

    name: str
    version: str
    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    source: ImageSource
    identity: dict
    notes: tuple[str, ...] = ()
    labels: np.ndarray | None = field(default=None, repr=False)
    unidentifiable_factors: tuple[str, ...] = ()
    factor_kinds: tuple[str, ...] = ()

    def __post_init__(self):
        if len(self.factor_names) != len(self.factor_sizes):
            raise ValueError(
                f"data set {self.name}: {len(self.factor_names)} factor names "
                f"for {len(self.factor_sizes)} factor sizes"
            )
        if len(self.source) != len(self):
            raise ValueError(
                f"data set {self.name}: {len(self.source)} images, "
                f"but the factors describe {len(self)}"
            )
        unknown = set(self.unidentifiable_factors) - set(self.factor_names)
        if unknown:
            raise ValueError(f"data set {self.name}: no factor is named {sorted(unknown)}")
        kinds = tuple(self.factor_kinds) or ("",) * len(self.factor_names)
        # A data set's factors are classes; only files of codes hold continuous ones.
        if len(kinds) != len(self.factor_names) or not {*kinds} <= {"", *FACTOR_KINDS[:-1]}:
            raise ValueError(
                f"data set {self.name}: expected factor_kinds to be nominal, ordinal, periodic or "
                f"empty for each of {len(self.factor_names)} factors, got {kinds}"
            )
        object.__setattr__(self, "factor_kinds", kinds)

    def __len__(self) -> int:
        if self.labels is not None:
            return len(self.labels)
        return int(np.prod(self.factor_sizes, dtype=np.int64))

    @property
    def grid_sizes(self) -> tuple[int, ...] | None:
        """The sizes of the factors; None where the images are not the full grid."""
        return self.factor_sizes if self.labels is None else None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self.source.image_shape

    def sample_index(self, count: int, seed: int = 0) -> np.ndarray:
        """Draw images at random, each at most once.

        Parameters
        ----------
        count : int
            How many.
        seed : int, default 0
            The same seed draws the same images.

        Returns
        -------
        ndarray of int64, shape (count,)
            Flat indices, for `images` and `factors`.

        Raises
        ------
        ValueError
            When there are fewer images.
        """
        if count > len(self):
            raise ValueError(f"data set {self.name} has {len(self)} images, {count} were asked for")
        return np.random.default_rng(seed).choice(len(self), count, replace=False)

    def shared_index(self) -> np.ndarray:
        """Draw the images whose codes every run on the data set stores, to be compared by them.

        They depend on the name, the version and the number of images alone.

        Returns
        -------
        ndarray of int64, shape (M,)
            Flat indices in ascending order: 1,000 of them, or all where there are fewer.
        """
        identity = f"shared images/{self.name}/{self.version}/{len(self)}"
        seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big")
        count = min(SHARED_IMAGES, len(self))
        drawn = np.random.default_rng(seed).choice(len(self), count, replace=False)
        return np.sort(drawn).astype(np.int64)

    def evaluation_index(self, seed: int, count: int = EVALUATION_IMAGES) -> np.ndarray:
        """Draw the images that the run of a seed is scored on, in its order.

        Parameters
        ----------
        seed : int
        count : int, default 4500
            As in DB-1.

        Returns
        -------
        ndarray of int64, shape (count,)

        Raises
        ------
        ValueError
            When there are fewer images.
        """
        return draw_evaluation_index(len(self), count, seed)

    def evaluation_sample(
        self, seed: int, image_size: int = 32, count: int = EVALUATION_IMAGES
    ) -> EvaluationSample:
        """Give the images that the run of a seed is scored on, as training sees them.

        `bench train` encodes the same images in the same order for the run of that seed. What is
        saved of another model on this sample can be compared with the standard table, see
        docs/compare.md.

        Parameters
        ----------
        seed : int
        image_size : int, default 32
            Side to which images are averaged, in pixels; 0 leaves them as they are.
        count : int, default 4500
            Images of the sample, of which the first two thirds are the training part in DB-1.

        Returns
        -------
        EvaluationSample
            `images` (count, H, W, C), `factors` (count, K), `index` (count,).

        Raises
        ------
        ValueError
            When there are fewer images, they cannot be averaged to that side, or the seed is no
            whole number from 0 on.

        Examples
        --------
        >>> source = ImageSource("uint8", np.full((6, 8, 8, 1), 51, np.uint8), (8, 8, 1))
        >>> dataset = Dataset("toy", "1", ("size", "hue"), (2, 3), source, {"name": "toy"})
        >>> sample = dataset.evaluation_sample(seed=0, image_size=4, count=6)
        >>> sample.images.shape, round(float(sample.images.max()), 6), sample.factors.shape
        ((6, 4, 4, 1), 0.2, (6, 2))
        """
        index = self.evaluation_index(seed, count)
        images = average_images(self.images, index, self.image_shape, image_size)
        return EvaluationSample(images, self.factors(index), index)

    def images(self, index: ArrayLike) -> np.ndarray:
        """Give images as bytes.

        Parameters
        ----------
        index : array_like of int, shape (B,)
            Flat indices.

        Returns
        -------
        ndarray of uint8, shape (B, H, W, C)
            From 0 to 255.

        Raises
        ------
        IndexError
            For an index outside ``0 … len(self) - 1``.
        """
        return self.source.images(index)

    def factors(self, index: ArrayLike) -> np.ndarray:
        """Give the factor classes of images.

        Parameters
        ----------
        index : array_like of int, shape (B,)
            Flat indices.

        Returns
        -------
        ndarray of int32, shape (B, K)
            Classes starting at 0.

        Raises
        ------
        IndexError
            For an index outside ``0 … len(self) - 1``.
        """
        flat = _check_index(index, len(self))
        if self.labels is not None:
            return np.asarray(self.labels[flat], dtype=np.int32)
        return np.stack(np.unravel_index(flat, self.factor_sizes), axis=-1).astype(np.int32)


def _check_index(index: ArrayLike, count: int) -> np.ndarray:
    flat = np.asarray(index, dtype=np.int64).reshape(-1)
    if flat.size and (flat.min() < 0 or flat.max() >= count):
        raise IndexError(f"image index out of range: expected 0 … {count - 1}")
    return flat
