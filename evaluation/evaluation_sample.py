"""Which images a representation is scored on: one definition for training and for everyone else."""

import hashlib

import numpy as np

STREAM = "evaluation"
# Of DB-1: the first 3,000 are the training part, the other 1,500 the test part.
EVALUATION_IMAGES = 4500


def draw_evaluation_index(available: int, count: int, seed: int) -> np.ndarray:
    """Draw the images of the evaluation sample that belongs to a seed.

    `bench train` encodes these images in this order for the run of that seed, whatever the model.

    Parameters
    ----------
    available : int
        Images of the data set.
    count : int
        Images of the sample.
    seed : int
        From 0 on.

    Returns
    -------
    ndarray of int64, shape (count,)
        Flat indices, each at most once, in random order.

    Raises
    ------
    ValueError
        If there are fewer images, or the seed is no whole number from 0 on: it would be that of a
        sample that nobody else has.

    Examples
    --------
    >>> draw_evaluation_index(100, 4, seed=0).tolist()
    [71, 84, 39, 38]
    """
    if not 1 <= count <= available:
        raise ValueError(f"cannot draw {count} different images out of {available}")
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
        raise ValueError(f"the seed must be a whole number from 0 on, not {seed!r}")
    digest = hashlib.sha256(f"{seed}/{STREAM}".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8], "big") >> 1)
    return generator.permutation(available)[:count].astype(np.int64)
