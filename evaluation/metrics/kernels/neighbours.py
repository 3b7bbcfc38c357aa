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
def _scan_stripe(across, stripe_heights, stripe_members, stripe, place, own, nearest):
    """Keep the nearest ones to the point at a place among those of a stripe, by rising height."""
    heights, members = stripe_heights[stripe], stripe_members[stripe]
    last = nearest.size - 1
    above = np.searchsorted(heights, own)
    below = above - 1
    while True:
        down = own - heights[below] if below >= 0 else np.inf
        up = heights[above] - own if above < heights.size else np.inf
        if min(down, up) >= nearest[last]:
            return
        if down <= up:
            other = members[below]
            below -= 1
        else:
            other = members[above]
            above += 1
        away = max(min(down, up), abs(across[other] - across[place]))
        if other == place or away >= nearest[last]:
            continue
        slot = last
        while slot > 0 and nearest[slot - 1] > away:
            nearest[slot] = nearest[slot - 1]
            slot -= 1
        nearest[slot] = away


@compiled
def information_with_numbers(values, order, others, other_order, neighbours, psi):
    """Mutual information of two columns of numbers, in nats (Kraskov et al. 2004, first form).

    Neighbours are those by the larger of both distances. The points are cut into √N stripes of
    equal numbers along the first column, each sorted along the second: the own stripe is searched
    up and down, then those to the left and right, as long as they are near enough.

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
    wide = max(1, int(np.sqrt(count)))
    across, partners, ordered = values[order], others[order], others[other_order]
    places = np.empty(count, np.int64)  # of rows along the first column
    for place in range(count):
        places[order[place]] = place
    stripes = (count + wide - 1) // wide
    heights = np.full((stripes, wide), np.inf)  # the last stripe may be short
    members = np.zeros((stripes, wide), np.int64)
    ranks = np.empty(count, np.int64)  # of places along the second column
    filled = np.zeros(stripes, np.int64)
    for rank in range(count):
        place = places[other_order[rank]]
        stripe = place // wide
        heights[stripe, filled[stripe]] = ordered[rank]
        members[stripe, filled[stripe]] = place
        filled[stripe] += 1
        ranks[place] = rank
    nearest = np.empty(neighbours)
    total = 0.0
    for place in range(count):
        nearest[:] = np.inf
        stripe = place // wide
        _scan_stripe(across, heights, members, stripe, place, partners[place], nearest)
        left, right = stripe - 1, stripe + 1
        while True:
            down = across[place] - across[left * wide + wide - 1] if left >= 0 else np.inf
            up = across[right * wide] - across[place] if right < stripes else np.inf
            if min(down, up) >= nearest[-1]:
                break
            if down <= up:
                stripe = left
                left -= 1
            else:
                stripe = right
                right += 1
            _scan_stripe(across, heights, members, stripe, place, partners[place], nearest)
        radius = np.nextafter(nearest[-1], 0.0)
        total -= psi[_count_within(across, place, radius)]
        total -= psi[_count_within(ordered, ranks[place], radius)]
    return max(0.0, psi[count] + psi[neighbours] + total / count)
