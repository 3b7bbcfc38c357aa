"""A dict that remembers which of its entries were looked at."""


class Reading(dict):
    """A copy of a dict that notes the keys that are read; reading all of it notes all.

    Parameters
    ----------
    content : dict
    read : set
        Collects the keys.

    Examples
    --------
    >>> read = set()
    >>> Reading({"beta": 4.0, "gamma": 1.0}, read)["beta"]
    4.0
    >>> read
    {'beta'}
    >>> sorted(dict(**Reading({"beta": 4.0, "gamma": 1.0}, read)))
    ['beta', 'gamma']
    >>> sorted(read)
    ['beta', 'gamma']
    """

    def __init__(self, content, read):
        super().__init__(content)
        self._read = read

    def __getitem__(self, key):
        self._read.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self._read.add(key)
        return super().get(key, default)

    def pop(self, key, *default):
        self._read.add(key)
        return super().pop(key, *default)

    def __iter__(self):
        self._read.update(super().keys())
        return super().__iter__()

    def keys(self):
        self._read.update(super().keys())
        return super().keys()

    def items(self):
        self._read.update(super().keys())
        return super().items()

    def values(self):
        self._read.update(super().keys())
        return super().values()

    def copy(self):
        return dict(self.items())

    def __or__(self, other):
        return self.copy() | other

    def __ror__(self, other):
        return other | self.copy()
