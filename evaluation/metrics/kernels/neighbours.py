"""Nearest-neighbour estimates of mutual information, on columns that are sorted once.

In one dimension the nearest neighbours of a value lie beside it in sorted order, so no tree is
needed: a window of one class slides along, and how many values of all classes lie within a radius
is found by steps that double from the value's own place. `psi` holds the digamma function of whole
numbers from 0.
"""

import numpy as np

from .compiled import compiled


@compiled
def _reach(values, place, radius, direction):
    """The farthest place in one direction whose sorted value lies within a radius."""
    limit = values.size if direction > 0 else -1
    inside, outside, step = place, limit, 1
    while step < (limit - inside) * direction:
        probe = inside + step * direction
        if abs(values[probe] - values[place]) > radius:
            outside = probe
            break
        inside = probe
        step *= 2
    while (outside - inside) * direction > 1:
        probe = (inside + outside) // 2
        if abs(values[probe] - values[place]) > radius:
            outside = probe
        else:
            inside = probe
    return inside


@compiled
def _count_within(values, place, radius):
    """How many sorted values lie within a radius of the one at a place, itself included."""
    return _reach(values, place, radius, 1) - _reach(values, place, radius, -1) + 1


@compiled
def information_with_classes(values, order, labels, num_classes, neighbours, psi):
    """Mutual information of one column of numbers with classes, in nats (Ross 2014).

    Rows whose class holds no other row are left out. Where a class has too few rows for
    `neighbours` other ones, all its other rows are taken.

    Parameters
    ----------
    values : ndarray of float64, shape (N,)
    order : ndarray of int64, shape (N,)
        Rows by rising value.
    labels : ndarray of int64, shape (N,)
        Classes from 0.
    num_classes, neighbours : int
    psi : ndarray of float64, shape (N + 1,)

    Returns
    -------
    float
        Not below 0.
    """
    sizes = np.zeros(num_classes, np.int64)
    for label in labels:
        sizes[label] += 1
    starts = np.zeros(num_classes + 1, np.int64)
    for label in range(num_classes):
        starts[label + 1] = starts[label] + (sizes[label] if sizes[label] > 1 else 0)
    count = starts[num_classes]
    if count == 0:
        return 0.0
    ordered = np.empty(count)  # values of all classes
    grouped = np.empty(count)  # the same, class by class
    places = np.empty(count, np.int64)  # where a grouped value stands among all
    filled = starts[:-1].copy()
    place = 0
    for row in order:
        label = labels[row]
        if sizes[label] > 1:
            ordered[place] = values[row]
            grouped[filled[label]] = values[row]
            places[filled[label]] = place
            filled[label] += 1
            place += 1
    total = 0.0
    for label in range(num_classes):
        size = sizes[label]
        if size < 2:
            continue
        wide = min(neighbours, size - 1)
        total += size * (psi[wide] - psi[size])
        first, stop = starts[label], starts[label + 1]
        left = first  # the window left … left + wide holds the row and its neighbours
        for row in range(first, stop):
            centre = grouped[row]
            while left + wide < row or (
                left < row
                and left + wide + 1 < stop
                and grouped[left + wide + 1] - centre < centre - grouped[left]
            ):
                left += 1
            radius = max(centre - grouped[left], grouped[left + wide] - centre)
            total -= psi[_count_within(ordered, places[row], np.nextafter(radius, 0.0))]
    return max(0.0, psi[count] + total / count)


@compiled
def information_with_numbers(values, order, others, other_order, neighbours, psi):
    """Mutual information of two columns of numbers, in nats (Kraskov et al. 2004, first form).

    Neighbours are those by the larger of both distances. They are looked for outwards in the order
    of the first column, until its distance alone is too large.

    Parameters
    ----------
    values, others : ndarray of float64, shape (N,)
    order, other_order : ndarray of int64, shape (N,)
        Rows by rising value.
    neighbours : int
        Below N.
    psi : ndarray of float64, shape (N + 1,)

    Returns
    -------
    float
        Not below 0.
    """
    count = values.size
    first = values[order]
    partner = others[order]
    second = others[other_order]
    other_place = np.empty(count, np.int64)
    for place in range(count):
        other_place[other_order[place]] = place
    nearest = np.empty(neighbours)
    total = 0.0
    for place in range(count):
        nearest[:] = np.inf
        left, right = place - 1, place + 1
        while left >= 0 or right < count:
            below = first[place] - first[left] if left >= 0 else np.inf
            above = first[right] - first[place] if right < count else np.inf
            away = min(below, above)
            if away >= nearest[neighbours - 1]:
                break
            if below <= above:
                away = max(away, abs(partner[place] - partner[left]))
                left -= 1
            else:
                away = max(away, abs(partner[place] - partner[right]))
                right += 1
            slot = neighbours - 1
            if away < nearest[slot]:
                while slot > 0 and nearest[slot - 1] > away:
                    nearest[slot] = nearest[slot - 1]
                    slot -= 1
                nearest[slot] = away
        radius = np.nextafter(nearest[neighbours - 1], 0.0)
        total -= psi[_count_within(first, place, radius)]
        total -= psi[_count_within(second, other_place[order[place]], radius)]
    return max(0.0, psi[count] + psi[neighbours] + total / count)
