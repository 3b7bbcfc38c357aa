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
        self._present = set()
        # Heaps of ranks, the second by key. What was taken out stays there until it is met.
        self._all = []
        self._alike = defaultdict(list)

    def __len__(self):
        return len(self._present)

    def add(self, spec):
        """Add a run of the plan."""
        rank = self._ranks[spec]
        if rank in self._present:
            return
        self._present.add(rank)
        heapq.heappush(self._all, rank)
        key = self._key(spec)
        if key is not None:
            heapq.heappush(self._alike[key], rank)

    def discard(self, spec):
        """Take a run out, if it is there."""
        self._present.discard(self._ranks[spec])

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
            rank = heapq.heappop(heap)
            if rank in self._present:
                self._present.remove(rank)
                return self._plan[rank]
        return None
