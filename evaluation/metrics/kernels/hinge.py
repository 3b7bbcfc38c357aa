"""The linear SVM with squared hinge loss on one code, solved exactly.

One weight and one (regularised) intercept per class against the rest:

    ½(w² + b²) + Σ C_j · max(0, 1 − y_j(w·x_j + b))²

The rows that lie within the margin form a half-line in x on either side, so with x sorted once
their sums of 1, x and x² are differences of running sums, and a Newton step for the two unknowns
takes three binary searches, however many rows there are.
"""

import numpy as np

from .compiled import compiled

_STEPS = 200


@compiled
def _half_line(values, sums, first, last, weight, limit):
    """Sums of 1, x and x² over the sorted rows first … last − 1 with weight·x < limit."""
    if weight == 0.0:
        low, high = first, (last if limit > 0.0 else first)
    else:
        edge = limit / weight
        below, above = first, last
        while below < above:
            middle = (below + above) // 2
            if values[middle] < edge or (weight < 0.0 and values[middle] == edge):
                below = middle + 1
            else:
                above = middle
        low, high = (first, below) if weight > 0.0 else (below, last)
    return (
        np.float64(high - low),
        sums[0, high] - sums[0, low],
        sums[1, high] - sums[1, low],
    )


@compiled
def _measure(w, b, positive, negative, every, grouped, first, last):
    """Objective, gradient and Hessian at (w, b) for the class in rows first … last − 1."""
    values, sums = every
    class_values, class_sums = grouped
    n, s, q = _half_line(class_values, class_sums, first, last, w, 1.0 - b)
    total = _half_line(values, sums, 0, values.size, -w, 1.0 + b)
    positives = _half_line(class_values, class_sums, first, last, -w, 1.0 + b)
    m, t, r = total[0] - positives[0], total[1] - positives[1], total[2] - positives[2]
    u, v = 1.0 - b, 1.0 + b
    objective = (
        0.5 * (w * w + b * b)
        + positive * (u * u * n - 2.0 * u * w * s + w * w * q)
        + negative * (v * v * m + 2.0 * v * w * t + w * w * r)
    )
    slope_w = w + 2.0 * (positive * (w * q - u * s) + negative * (w * r + v * t))
    slope_b = b + 2.0 * (positive * (w * s - u * n) + negative * (w * t + v * m))
    ww = 1.0 + 2.0 * (positive * q + negative * r)
    wb = 2.0 * (positive * s + negative * t)
    bb = 1.0 + 2.0 * (positive * n + negative * m)
    return objective, slope_w, slope_b, ww, wb, bb


@compiled
def _solve(positive, negative, every, grouped, first, last):
    """Minimise by Newton's method with backtracking; the objective is piecewise quadratic."""
    w = 0.0
    b = 0.0
    objective, gw, gb, ww, wb, bb = _measure(w, b, positive, negative, every, grouped, first, last)
    small = 1e-12 * (abs(gw) + abs(gb))
    for _ in range(_STEPS):
        if abs(gw) + abs(gb) <= small:
            break
        determinant = ww * bb - wb * wb
        step_w = (wb * gb - bb * gw) / determinant
        step_b = (wb * gw - ww * gb) / determinant
        descent = gw * step_w + gb * step_b
        size = 1.0
        improved = False
        while size > 1e-10:
            seen = _measure(
                w + size * step_w,
                b + size * step_b,
                positive,
                negative,
                every,
                grouped,
                first,
                last,
            )
            if seen[0] <= objective + 1e-4 * size * descent:
                improved = True
                break
            size *= 0.5
        if not improved:
            break
        w += size * step_w
        b += size * step_b
        objective, gw, gb, ww, wb, bb = seen
    return w, b


@compiled
def svm_accuracies(train, order, labels, classes, test, test_labels, positive, negative):
    """Test accuracy of one linear SVM per code.

    Parameters
    ----------
    train : ndarray of float64, shape (D, N)
    order : ndarray of int64, shape (D, N)
        The rows of each code in sorted order.
    labels : ndarray of int64, shape (N,)
        Classes 0 … classes − 1.
    classes : int
    test : ndarray of float64, shape (D, T)
    test_labels : ndarray of int64, shape (T,)
        −1 for a class that the training rows do not have.
    positive, negative : ndarray of float64, shape (classes,)
        Cost of a row of the class, and of a row of the rest. Two classes: one machine, for class 1.

    Returns
    -------
    accuracies : ndarray of float64, shape (D,)
    lines : ndarray of float64, shape (D, classes, 2)
        Weight and intercept; zero for class 0 of two.
    """
    codes, rows = train.shape
    accuracies = np.zeros(codes)
    lines = np.zeros((codes, classes, 2))
    starts = np.zeros(classes + 1, np.int64)
    for label in labels:
        starts[label + 1] += 1
    for k in range(classes):
        starts[k + 1] += starts[k]
    values, class_values = np.empty(rows), np.empty(rows)
    sums, class_sums = np.zeros((2, rows + 1)), np.zeros((2, rows + 1))
    for code in range(codes):
        place = starts.copy()
        for position in range(rows):
            row = order[code, position]
            values[position] = train[code, row]
            class_values[place[labels[row]]] = train[code, row]
            place[labels[row]] += 1
        for position in range(rows):
            x, y = values[position], class_values[position]
            sums[0, position + 1] = sums[0, position] + x
            sums[1, position + 1] = sums[1, position] + x * x
            class_sums[0, position + 1] = class_sums[0, position] + y
            class_sums[1, position + 1] = class_sums[1, position] + y * y
        every, grouped = (values, sums), (class_values, class_sums)
        for k in range(1 if classes == 2 else 0, classes):
            w, b = _solve(positive[k], negative[k], every, grouped, starts[k], starts[k + 1])
            lines[code, k, 0], lines[code, k, 1] = w, b
        right = 0
        for row in range(test.shape[1]):
            best, highest = 0, -np.inf
            if classes == 2:
                highest = 0.0
            for k in range(1 if classes == 2 else 0, classes):
                height = lines[code, k, 0] * test[code, row] + lines[code, k, 1]
                if height > highest:
                    best, highest = k, height
            right += best == test_labels[row]
        accuracies[code] = right / test.shape[1]
    return accuracies, lines
