"""Batches of rows that share the value of one factor, and what interventional scores make of them.

Rows stand sorted by class, once for each factor. A batch is drawn from a class by the first steps
of a shuffle in place: whatever order the class is left in, the next batch is as random.
"""

import numpy as np

from .compiled import compiled


@compiled
def _draw(state, bound):
    """A whole number from 0 to bound − 1, by a 64-bit xorshift generator kept in `state[0]`."""
    bits = state[0]
    bits ^= bits << np.uint64(13)
    bits ^= bits >> np.uint64(7)
    bits ^= bits << np.uint64(17)
    state[0] = bits
    return np.int64((bits >> np.uint64(11)) % np.uint64(bound))


@compiled
def cast_votes(codes, rows, starts, stops, batch_size, count, state, votes):
    """Count which code varies least in batches that share the value of one factor.

    The factor of each batch is drawn first, then a row, whose class the batch is drawn from without
    replacement.

    Parameters
    ----------
    codes : ndarray of float64, shape (N, D)
        Each in units of its own standard deviation.
    rows : ndarray of int64, shape (K, N)
        All rows, sorted by the class of each factor; the order within a class changes.
    starts, stops : ndarray of int64, shape (K, N)
        Where the class of each place begins, and where it ends.
    batch_size : int
        At most the size of the smallest class.
    count : int
        Batches.
    state : ndarray of uint64, shape (1,)
        Of the random numbers; not 0.
    votes : ndarray of int64, shape (D, K)
        The counts are added here.
    """
    num_codes = codes.shape[1]
    batch = np.empty((batch_size, num_codes))
    for _ in range(count):
        factor = _draw(state, rows.shape[0])
        place = _draw(state, rows.shape[1])
        start, stop = starts[factor, place], stops[factor, place]
        own = rows[factor]
        means = np.zeros(num_codes)
        for i in range(batch_size):
            here = start + i
            there = here + _draw(state, stop - here)
            own[here], own[there] = own[there], own[here]
            for code in range(num_codes):
                value = codes[own[here], code]
                batch[i, code] = value
                means[code] += value
        means /= batch_size
        least, winner = np.inf, 0
        for code in range(num_codes):
            spread = 0.0
            for i in range(batch_size):
                away = batch[i, code] - means[code]
                spread += away * away
            if spread < least:
                least, winner = spread, code
        votes[winner, factor] += 1


@compiled
def average_differences(codes, rows, starts, stops, batch_size, state, differences, shared):
    """Average the absolute difference of pairs of rows that share the value of one factor.

    The factor of each batch is drawn first; then, for each pair, a row, and another one of its
    class.

    Parameters
    ----------
    codes : ndarray of float64, shape (N, D)
    rows, starts, stops, state
        As in `cast_votes`; at least two rows in each class.
    batch_size : int
        Pairs in a batch.
    differences : ndarray of float64, shape (P, D)
        One batch a row; filled.
    shared : ndarray of int64, shape (P,)
        The factor of each batch; filled.
    """
    num_codes = codes.shape[1]
    for point in range(differences.shape[0]):
        factor = _draw(state, rows.shape[0])
        shared[point] = factor
        total = np.zeros(num_codes)
        for _ in range(batch_size):
            place = _draw(state, rows.shape[1])
            start, stop = starts[factor, place], stops[factor, place]
            partner = start + _draw(state, stop - start - 1)
            if partner >= place:
                partner += 1
            first, second = rows[factor, place], rows[factor, partner]
            for code in range(num_codes):
                total[code] += abs(codes[first, code] - codes[second, code])
        for code in range(num_codes):
            differences[point, code] = total[code] / batch_size
