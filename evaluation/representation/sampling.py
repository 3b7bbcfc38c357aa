"""Draw codes from their posteriors."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def sample_codes(codes: ArrayLike, log_variances: ArrayLike, seed: int = 0) -> NDArray[np.float64]:
    """Draw one code per row from the normal posterior, with a stream of its own.

    Parameters
    ----------
    codes : array_like, shape (N, D)
        Posterior means.
    log_variances : array_like, shape (N, D)
        Natural logarithms of the posterior variances.
    seed : int, default 0

    Returns
    -------
    ndarray of float64, shape (N, D)

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> sample_codes([[0.0], [2.0]], [[-80.0], [-80.0]]).round(6).tolist()
    [[0.0], [2.0]]
    """
    codes = np.asarray(codes, dtype=np.float64)
    log_variances = np.asarray(log_variances, dtype=np.float64)
    if codes.shape != log_variances.shape:
        raise ValueError(
            f"log_variances must have the shape of codes, {codes.shape}, not {log_variances.shape}"
        )
    stream = np.random.default_rng([int.from_bytes(b"posterior", "little") % 2**63, seed])
    with np.errstate(over="ignore", invalid="ignore"):
        return codes + np.exp(0.5 * log_variances) * stream.standard_normal(codes.shape)
