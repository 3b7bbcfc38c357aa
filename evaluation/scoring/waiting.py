"""What waits to be scored, in an order that keeps out of the way of other calls."""

import random


class Waiting:
    """Representations to score, or groups of them to compare.

    They are taken in their order until another call on the same folder is met, and from then on in
    a random order, so that two calls rarely compute the same scores at the same time. What another
    call has begun comes last: by then it is most likely done.

    Parameters
    ----------
    work : iterable
    is_begun : callable, optional
        Whether another call has begun with a piece of work, and not ended it.

    Attributes
    ----------
    shared : bool
        Whether another call was met.
    """

    def __init__(self, work, is_begun=None):
        self._work = list(work)
        self._is_begun = is_begun
        self._put_off = set()
        self.shared = False

    def __len__(self):
        return len(self._work)

    def share(self):
        """Note that another call was met."""
        if not self.shared:
            self.shared = True
            random.Random().shuffle(self._work)

    def take(self):
        """Take a piece of work out; there must be some."""
        while True:
            piece = self._work.pop(0)
            if self._is_begun is None or piece in self._put_off or not self._is_begun(piece):
                return piece
            self.share()
            self._put_off.add(piece)
            self._work.append(piece)
