"""How much better a rise followed by a fall fits a curve than a rise or a fall alone."""

import numpy as np

from .compiled import compiled


@compiled
def _prefix_errors(curve, errors, sums, squares, counts):
    """Squared error of the best increasing fit to each beginning of a curve (pool adjacent)."""
    blocks = 0
    total = 0.0
    for i in range(len(curve)):
        sums[blocks] = curve[i]
        squares[blocks] = curve[i] * curve[i]
        counts[blocks] = 1
        blocks += 1
        while blocks > 1 and sums[blocks - 2] * counts[blocks - 1] >= (
            sums[blocks - 1] * counts[blocks - 2]
        ):
            total -= squares[blocks - 2] - sums[blocks - 2] ** 2 / counts[blocks - 2]
            total -= squares[blocks - 1] - sums[blocks - 1] ** 2 / counts[blocks - 1]
            sums[blocks - 2] += sums[blocks - 1]
            squares[blocks - 2] += squares[blocks - 1]
            counts[blocks - 2] += counts[blocks - 1]
            blocks -= 1
            total += squares[blocks - 1] - sums[blocks - 1] ** 2 / counts[blocks - 1]
        errors[i] = total


@compiled
def umbrella_gains(curves):
    """Squared error of the best monotone fit less that of the best rise-then-fall fit.

    Parameters
    ----------
    curves : ndarray of float64, shape (m, B)

    Returns
    -------
    ndarray of float64, shape (m,)
        Zero where the curve is monotone, and where it only falls and rises again by fits that
        are no better than a monotone one.
    """
    number, size = curves.shape
    gains = np.empty(number)
    rising, falling = np.empty(size), np.empty(size)
    sums, squares = np.empty(size), np.empty(size)
    counts = np.empty(size)
    for m in range(number):
        centre = curves[m].mean()
        curve = curves[m] - centre
        _prefix_errors(curve, rising, sums, squares, counts)
        _prefix_errors(curve[::-1].copy(), falling, sums, squares, counts)
        monotone = min(rising[size - 1], falling[size - 1])
        best = monotone
        for top in range(size - 1):
            both = rising[top] + falling[size - 2 - top]
            best = min(best, both)
        gains[m] = max(monotone - best, 0.0)
    return gains
