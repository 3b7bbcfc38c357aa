"""Data sets by name: rendered, genuine, added by the user, or from a plugin.

Nothing heavy is imported before `load`.
"""

from benchmark.errors import BenchError

DEFAULT = "sprites-small"


def names(data_dir=None):
    """Names of all known data sets: built in first, then added ones.

    Parameters
    ----------
    data_dir : path, optional
        The data folder, else ``$BENCH_DATA``, else the user's cache folder.

    Returns
    -------
    list of str
    """
    from benchmark.datasets.catalogue import BUILT_IN

    return list(BUILT_IN)


def load(name, data_dir=None):
    """Load a data set.

    Parameters
    ----------
    name : str
        One of `names`.
    data_dir : path, optional
        The data folder, else ``$BENCH_DATA``, else the user's cache folder.

    Returns
    -------
    Dataset

    Raises
    ------
    BenchError
        For an unknown name.
    """
    if name in ("sprites-small", "sprites"):
        from benchmark.datasets import sprites

        return sprites.load(name)
    from evaluation.naming import unknown_name

    raise BenchError(unknown_name("data set", name, names(data_dir)), exit_code=2)
