"""Gradient-boosted trees of depth three, on columns that are sorted once for all trees.

The trees are scikit-learn's: best split by squared error, ties between columns broken at random,
split points only between values more than 1e-7 apart in float32. A node keeps, for every column,
its rows in sorted order, so that all its splits are found in one pass over running sums; children
inherit the order by a stable partition.
"""

import numpy as np

from .compiled import compiled

DEPTH = 3
NODES = 2 ** (DEPTH + 1) - 1
_INNER = 2**DEPTH - 1
_THRESHOLD = np.float32(1e-7)
_EPSILON = np.finfo(np.float64).eps


@compiled
def _shuffle(columns, state):
    """Shuffle in place with a 64-bit xorshift generator kept in `state[0]`."""
    bits = state[0]
    for last in range(columns.size - 1, 0, -1):
        bits ^= bits << np.uint64(13)
        bits ^= bits >> np.uint64(7)
        bits ^= bits << np.uint64(17)
        other = np.int64((bits >> np.uint64(11)) % np.uint64(last + 1))
        columns[last], columns[other] = columns[other], columns[last]
    state[0] = bits


@compiled
def _best_split(values, order, start, stop, gradient, node_total, tables, columns):
    """Find the split of rows start … stop − 1 that lowers the squared error most.

    With t the sum of the left gradients less the node's mean, the drop in squared error is
    t²·(1/n_left + 1/n_right); both factors of the running position are tabled once a node.
    Columns that separate the same rows tie up to rounding, and then scikit-learn's own rounding
    decides: whatever comes close to the best is judged by its expression.
    """
    size = stop - start
    weight, expected = tables[0], tables[1]
    mean = node_total / size
    for left in range(1, size):
        weight[left - 1] = 1.0 / left + 1.0 / (size - left)
        expected[left - 1] = mean * left
    best = -1.0
    best_drop = -1.0
    close = -1.0
    best_column = -1
    best_left = 0
    for column in columns:
        rows = order[column, start:stop]
        value = values[column]
        total = 0.0
        for left in range(size - 1):
            total += gradient[rows[left]]
            away = total - expected[left]
            drop = away * away * weight[left]
            if drop > close and value[rows[left + 1]] > value[rows[left]] + _THRESHOLD:
                rest = node_total - total
                proxy = total * total / (left + 1) + rest * rest / (size - left - 1)
                if proxy > best:
                    best = proxy
                    best_column = column
                    best_left = left + 1
                    if drop > best_drop:
                        best_drop = drop
                        close = drop * (1.0 - 1e-9) - 1e-300
    return best_drop, best_column, best_left


@compiled
def _partition(before, after, start, stop, left_count, goes_left):
    """Give both children their rows in every column's order."""
    for column in range(before.shape[0]):
        left = start
        right = start + left_count
        for position in range(start, stop):
            row = before[column, position]
            goes = np.int64(goes_left[row])
            after[column, right + goes * (left - right)] = row
            left += goes
            right += 1 - goes


@compiled
def _reorder(samples, last, goes_left):
    """Order a node's rows as scikit-learn leaves them: by the column it saw last, then swapped.

    Rows of the right child met on the left change places with those at the end, so the order, and
    with it the rounding of the children's sums, is as random as the order of the columns.
    """
    low, high = 0, last.size
    for position in range(last.size):
        samples[position] = last[position]
    while low < high:
        if goes_left[samples[low]]:
            low += 1
        else:
            high -= 1
            samples[low], samples[high] = samples[high], samples[low]


@compiled
def _child_impurities(rows, left_count, gradient, total, squares, impurities, child):
    """Variances of both children of a node with these rows, the left ones first.

    The right child's come from the differences to the node's sums. In pure children rounding alone
    is left, and whether it exceeds the smallest number scikit-learn splits is up to these sums.
    """
    left = 0.0
    left_squares = 0.0
    for position in range(left_count):
        value = gradient[rows[position]]
        left += value
        left_squares += value * value
    if left_count > rows.size - left_count:
        left = total
        for position in range(rows.size - 1, left_count - 1, -1):
            left -= gradient[rows[position]]
    right_count = rows.size - left_count
    right, right_squares = total - left, squares - left_squares
    impurities[child] = left_squares / left_count - (left / left_count) ** 2
    impurities[child + 1] = right_squares / right_count - (right / right_count) ** 2


@compiled
def _grow(values, orders, gradient, work, columns, state, split_column, threshold, importance):
    """Grow one tree; fill its splits and every row's node, and add to the importances.

    `orders` holds one block a level, of which the first is the sorted columns and stays.
    """
    tables, node_of, goes_left, samples = work
    starts = np.zeros(NODES, np.int64)
    stops = np.zeros(NODES, np.int64)
    impurities = np.zeros(NODES)
    stops[0] = gradient.size
    for node in range(NODES):
        split_column[node] = -1
    for row in range(gradient.size):
        node_of[row] = 0
        samples[row] = row
    for node in range(_INNER):
        start, stop = starts[node], stops[node]
        size = stop - start
        if size < 2:
            continue
        level = 0 if node == 0 else (1 if node < 3 else 2)
        order = orders[level]
        total = 0.0
        squares = 0.0
        for position in range(start, stop):
            row = samples[position]
            total += gradient[row]
            squares += gradient[row] * gradient[row]
        if node == 0:
            impurities[0] = squares / size - (total / size) ** 2
        if impurities[node] <= _EPSILON:
            continue
        _shuffle(columns, state)
        drop, column, left_count = _best_split(
            values, order, start, stop, gradient, total, tables, columns
        )
        if column < 0:
            continue
        rows = order[column, start:stop]
        below = np.float64(values[column, rows[left_count - 1]])
        above = np.float64(values[column, rows[left_count]])
        split_column[node] = column
        threshold[node] = below / 2.0 + above / 2.0
        importance[column] += drop / gradient.size
        for position in range(size):
            goes = position < left_count
            goes_left[rows[position]] = goes
            node_of[rows[position]] = 2 * node + (1 if goes else 2)
        last = order[columns[-1], start:stop]
        _reorder(samples[start:stop], last, goes_left)
        _child_impurities(
            samples[start:stop], left_count, gradient, total, squares, impurities, 2 * node + 1
        )
        starts[2 * node + 1], stops[2 * node + 1] = start, start + left_count
        starts[2 * node + 2], stops[2 * node + 2] = start + left_count, stop
        if level + 1 < DEPTH:
            _partition(order, orders[level + 1], start, stop, left_count, goes_left)


@compiled
def _pairwise_block(values, start, stop):
    """Sum of up to 128 numbers in eight running sums."""
    size = stop - start
    if size < 8:
        total = 0.0
        for position in range(start, stop):
            total += values[position]
        return total
    r0, r1, r2, r3 = values[start], values[start + 1], values[start + 2], values[start + 3]
    r4, r5, r6, r7 = values[start + 4], values[start + 5], values[start + 6], values[start + 7]
    whole = start + size - size % 8
    for position in range(start + 8, whole, 8):
        r0 += values[position]
        r1 += values[position + 1]
        r2 += values[position + 2]
        r3 += values[position + 3]
        r4 += values[position + 4]
        r5 += values[position + 5]
        r6 += values[position + 6]
        r7 += values[position + 7]
    total = ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7))
    for position in range(whole, stop):
        total += values[position]
    return total


@compiled
def pairwise_sum(values, start, stop):
    """Sum of values start … stop − 1 with NumPy's rounding, by halves down to blocks of 128.

    scikit-learn takes leaf values from NumPy's means, and their last bits decide later ties.
    """
    pending = np.empty((64, 2), np.int64)
    sums = np.empty(64)
    depths = np.empty(64, np.int64)
    pending[0, 0], pending[0, 1] = start, stop
    waiting, ready = 1, 0
    levels = np.zeros(64, np.int64)
    while waiting:
        waiting -= 1
        low, high, level = pending[waiting, 0], pending[waiting, 1], levels[waiting]
        if high - low > 128:
            half = (high - low) // 2
            middle = low + half - half % 8
            pending[waiting, 0], pending[waiting, 1], levels[waiting] = middle, high, level + 1
            waiting += 1
            pending[waiting, 0], pending[waiting, 1], levels[waiting] = low, middle, level + 1
            waiting += 1
            continue
        sums[ready], depths[ready] = _pairwise_block(values, low, high), level
        ready += 1
        while ready > 1 and depths[ready - 1] == depths[ready - 2]:
            sums[ready - 2] += sums[ready - 1]
            depths[ready - 2] -= 1
            ready -= 1
    return sums[0]


@compiled
def _leaf_values(gradient, labels, label, node_of, shrink, value, scratch):
    """One Newton step for every leaf: mean residual over mean p(1 − p)."""
    residual, curvature = scratch[0], scratch[1]
    starts = np.zeros(NODES + 1, np.int64)
    for row in range(gradient.size):
        starts[node_of[row] + 1] += 1
    for node in range(NODES):
        starts[node + 1] += starts[node]
    place = starts.copy()
    for row in range(gradient.size):
        position = place[node_of[row]]
        place[node_of[row]] += 1
        probability = (1.0 if labels[row] == label else 0.0) - gradient[row]
        residual[position] = gradient[row]
        curvature[position] = probability * (1.0 - probability)
    for node in range(NODES):
        start, stop = starts[node], starts[node + 1]
        value[node] = 0.0
        if stop > start:
            curve = pairwise_sum(curvature, start, stop) / (stop - start)
            if curve >= 1e-150:
                mean = pairwise_sum(residual, start, stop) / (stop - start)
                value[node] = mean * shrink / curve


@compiled
def _move(raw, raw_test, rate, value, node_of, test, split_column, threshold):
    """Move the predictions of all rows by the values of their leaves."""
    for row in range(raw.size):
        raw[row] += rate * value[node_of[row]]
    for row in range(raw_test.size):
        node = 0
        while split_column[node] >= 0:
            below = test[split_column[node], row] <= threshold[node]
            node = 2 * node + (1 if below else 2)
        raw_test[row] += rate * value[node]


@compiled
def boost_stage(
    values, orders, test, labels, first, gradient, raw, raw_test, rate, shrink, states, importances
):
    """Grow one tree for each class of a chunk and move the predictions along.

    Parameters
    ----------
    values : ndarray of float32, shape (D, N)
        Training columns.
    orders : ndarray of uint32, shape (3, D, N)
        First block: the rows of each column in sorted order. The others are scratch.
    test : ndarray of float32, shape (D, T)
        Test columns.
    labels : ndarray of int64, shape (N,)
        Classes of the training rows.
    first : int
        The class that the first row of the next arrays stands for.
    gradient, raw : ndarray of float64, shape (C, N)
        Negative gradient, and log-odds, which are updated.
    raw_test : ndarray of float64, shape (C, T)
        Log-odds of the test rows, updated.
    rate, shrink : float
        Learning rate, and the factor (K − 1)/K of the multinomial leaf values.
    states : ndarray of uint64, shape (C, 1)
        Random states for ties, updated.
    importances : ndarray of float64, shape (C, D)
        Importances are added to it.
    """
    count = gradient.shape[1]
    columns = np.arange(values.shape[0])
    node_of = np.empty(count, np.uint8)
    samples = np.empty(count, np.uint32)
    work = (np.empty((2, count)), node_of, np.empty(count, np.uint8), samples)
    split_column = np.empty(NODES, np.int64)
    threshold = np.empty(NODES)
    value = np.empty(NODES)
    for k in range(gradient.shape[0]):
        for column in range(columns.size):
            columns[column] = column
        _grow(
            values,
            orders,
            gradient[k],
            work,
            columns,
            states[k],
            split_column,
            threshold,
            importances[k],
        )
        _leaf_values(gradient[k], labels, first + k, node_of, shrink, value, work[0])
        _move(raw[k], raw_test[k], rate, value, node_of, test, split_column, threshold)


@compiled
def boost_squares(values, orders, test, targets, raw, raw_test, rate, states, importances):
    """Grow one tree for each target on the squared error and move the predictions along.

    Parameters
    ----------
    values, orders, test, rate, states, importances
        As `boost_stage` takes them, with targets for classes.
    targets : ndarray of float64, shape (C, N)
    raw, raw_test : ndarray of float64, shape (C, N) and (C, T)
        Predictions, updated.
    """
    count = targets.shape[1]
    columns = np.arange(values.shape[0])
    gradient = np.empty(count)
    node_of = np.empty(count, np.uint8)
    samples = np.empty(count, np.uint32)
    work = (np.empty((2, count)), node_of, np.empty(count, np.uint8), samples)
    split_column = np.empty(NODES, np.int64)
    threshold = np.empty(NODES)
    value = np.empty(NODES)
    rows = np.empty(NODES, np.int64)
    for k in range(targets.shape[0]):
        for column in range(columns.size):
            columns[column] = column
        for row in range(count):
            gradient[row] = targets[k, row] - raw[k, row]
        _grow(
            values,
            orders,
            gradient,
            work,
            columns,
            states[k],
            split_column,
            threshold,
            importances[k],
        )
        value[:] = 0.0
        rows[:] = 0
        for row in range(count):
            value[node_of[row]] += gradient[row]
            rows[node_of[row]] += 1
        for node in range(NODES):
            if rows[node] > 0:
                value[node] /= rows[node]
        _move(raw[k], raw_test[k], rate, value, node_of, test, split_column, threshold)
