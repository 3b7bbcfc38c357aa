"""Parts of a folder for several machines: which representations each of them scores."""

import hashlib


def take_part(files, index, count):
    """One of `count` parts of a list, as equal in number and kind as can be.

    Neighbours in the list, which are seeds of one setting and settings of one data set, go to
    different parts: of each `count` of them one to every part, in an order that differs from one
    such block to the next. So each part has about as many of every data set, model, setting and
    seed, and costs about the same. The parts hang on the length of the list alone: every machine
    that sees the same files finds the same parts, whatever has been scored by then.

    Parameters
    ----------
    files : list
        In the same order on every machine.
    index : int
        From 0 to count − 1.
    count : int
        May be larger than the number of files; then some parts are empty.

    Returns
    -------
    list
        In the order of `files`.

    Examples
    --------
    >>> [take_part(list("abcdefgh"), index, 3) for index in range(3)]
    [['a', 'f'], ['b', 'd', 'g'], ['c', 'e', 'h']]
    """
    return [
        file
        for position, file in enumerate(files)
        if (position + _turn(position // count)) % count == index
    ]


def _turn(block):
    """By how much the order of parts is turned in a block: any fixed number without a pattern."""
    return int.from_bytes(hashlib.sha256(str(block).encode()).digest()[:8])


def check_part(part):
    """Refuse what is no part of a whole.

    Parameters
    ----------
    part : tuple of int
        Index and count.

    Raises
    ------
    ValueError
    """
    index, count = part
    if not 0 <= index < count:
        raise ValueError(f"a shard is (i, n) with i from 0 to n - 1, not ({index}, {count})")
