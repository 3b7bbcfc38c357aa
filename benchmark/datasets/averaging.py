"""Images at the size that models see, with NumPy alone."""

import numpy as np

# Images that are decoded at once: all of a sample at once would be hundreds of megabytes.
BLOCK = 512


def average_images(decode, index, shape, side):
    """Decode images and average them over squares of pixels, as training does.

    Parameters
    ----------
    decode : callable
        Takes flat indices, gives bytes (B, H, W, C).
    index : ndarray of int64, shape (N,)
    shape : tuple of int
        (H, W, C).
    side : int
        Height and width of what is given; 0 leaves the images as they are.

    Returns
    -------
    ndarray of float32, shape (N, side, side, C)
        In [0, 1].

    Raises
    ------
    ValueError
        If the images are not square or the side does not divide theirs.
    """
    height, width, channels = shape
    if side and (side < 0 or height != width or height % side):
        raise ValueError(
            f"images of {height}×{width} cannot be averaged to {side}×{side}: they must be square, "
            "and the side must divide theirs"
        )
    pool = height // side if side else 1
    rows, columns = height // pool, width // pool
    given = np.empty((len(index), rows, columns, channels), np.float32)
    for start in range(0, len(index), BLOCK):
        levels = decode(index[start : start + BLOCK])
        blocks = levels.reshape(-1, rows, pool, columns, pool, channels)
        # Sums of bytes are exact in float32.
        sums = blocks.sum(axis=(2, 4), dtype=np.float32)
        given[start : start + BLOCK] = sums / np.float32(255 * pool**2)
    return given
