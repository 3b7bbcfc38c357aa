"""Read something beside each of many files, several at once where that helps."""

import time
from concurrent.futures import ThreadPoolExecutor

TRIED = 32
THREADS = 16


def read_each(read, paths, report=None):
    """Call a function that reads files for each of some paths.

    On a disk of this machine reading is work, which threads cannot share. Over a network it is
    mostly waiting: where the first `TRIED` calls take four times as long as they work, the others
    are made by `THREADS` threads.

    Parameters
    ----------
    read : callable
        Takes a path and changes nothing; what it raises ends the whole.
    paths : sequence
    report : callable, optional
        Called as `report(done, total)` after each.

    Yields
    ------
    object
        What the function returned, in the order of the paths.
    """
    began, worked = time.perf_counter(), time.thread_time()
    results = map(read, paths[:TRIED])
    pool = None
    try:
        for done, _ in enumerate(paths):
            if done == TRIED:
                passed, work = time.perf_counter() - began, time.thread_time() - worked
                threads = choose_threads(passed, work)
                pool = ThreadPoolExecutor(threads) if threads > 1 else None
                results = (pool.map if pool else map)(read, paths[TRIED:])
            yield next(results)
            if report is not None:
                report(done + 1, len(paths))
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def choose_threads(passed, work):
    """How many threads shall read.

    Parameters
    ----------
    passed, work : float
        Seconds that went by, and those of them in which this thread worked.

    Returns
    -------
    int
    """
    return THREADS if passed > 4 * work else 1
