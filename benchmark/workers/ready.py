"""The runs that can begin, in a plan's order: all of them, and those to train together."""

import heapq
from collections import defaultdict


class ReadyRuns:
    """A set of runs, from which the first is taken in logarithmic time.

    Parameters
    ----------
    plan : list of RunSpec
        Decides the order.
    key : callable, optional
        ``key(spec)``: runs of equal keys can be trained together. By default, and where it is
        None, a run is alone.
    """

    def __init__(self, plan, key=None):
        self._plan = plan
        self._ranks = {spec: rank for rank, spec in enumerate(plan)}
        self._key = key or (lambda spec: None)
        # Places in the order, and heaps of them, the second by key. What was taken out stays in
        # the heaps until it is met.
        self._first = 0
        self._present = set()
        self._all = []
        self._alike = defaultdict(list)

    def __len__(self):
        return len(self._present)

    def begin_at(self, rank):
        """Change the order: the plan from this place on, and then from its beginning.

        Parameters
        ----------
        rank : int
            From 0 to the length of the plan − 1.
        """
        shift, self._first = self._first - rank, rank
        self._present = {self._turn(place + shift) for place in self._present}
        for heap in (self._all, *self._alike.values()):
            heap[:] = [self._turn(place + shift) for place in heap]
            heapq.heapify(heap)

    def _turn(self, place):
        return place % len(self._plan)

    def _place(self, spec):
        return self._turn(self._ranks[spec] - self._first)

    def add(self, spec):
        """Add a run of the plan."""
        place = self._place(spec)
        if place in self._present:
            return
        self._present.add(place)
        heapq.heappush(self._all, place)
        key = self._key(spec)
        if key is not None:
            heapq.heappush(self._alike[key], place)

    def discard(self, spec):
        """Take a run out, if it is there."""
        self._present.discard(self._place(spec))

    def pop(self, like=None):
        """Take out the first run, or the first that can be trained together with `like`.

        Returns
        -------
        RunSpec or None
        """
        heap = self._all
        if like is not None:
            key = self._key(like)
            heap = [] if key is None else self._alike[key]
        while heap:
            place = heapq.heappop(heap)
            if place in self._present:
                self._present.remove(place)
                return self._plan[self._turn(place + self._first)]
        return None
