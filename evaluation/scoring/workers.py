"""Carry tasks out in worker processes of one thread each, and outlive workers that die."""

import os
import threading
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


def run_tasks(function, items, options, jobs):
    """Call `function(item, options)` for every item.

    With one job, or one item, everything happens in this process. Otherwise in worker processes;
    when one of them dies, what was unfinished is tried again one by one, so that only the item that
    kills its worker fails.

    Parameters
    ----------
    function : callable
        Importable by name, so that other processes find it.
    items : list
    options : object
    jobs : int

    Yields
    ------
    item : object
    result : object or str
        What the function returned, or why there is no result.
    """
    workers = min(jobs, len(items))
    if workers <= 1:
        for item in items:
            yield item, function(item, options)
        return
    unfinished = dict.fromkeys(items)
    for item, result in _in_pool(function, items, options, workers):
        del unfinished[item]
        yield item, result
    for item in unfinished:
        results = list(_in_pool(function, [item], options, 1))
        yield results[0] if results else (item, "its worker process died (out of memory?)")


def _in_pool(function, items, options, workers):
    """Yield what a pool finishes; silently end when one of its workers dies."""
    from joblib.externals.loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(
        max_workers=workers, env=_ONE_THREAD, initializer=end_with, initargs=(os.getpid(),)
    )
    try:
        futures = {pool.submit(function, item, options): item for item in items}
        for future in as_completed(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                return
            yield futures[future], result
    finally:
        pool.shutdown(wait=False, kill_workers=True)


def end_with(parent):
    """Make this worker end when its parent is gone, even if the parent was killed outright.

    Workers hold each other's pipes open, so none of them would otherwise hear of it.

    Parameters
    ----------
    parent : int
        Process id.
    """

    def watch():
        while os.getppid() == parent:
            never.wait(1.0)
        os._exit(1)

    never = threading.Event()
    threading.Thread(target=watch, daemon=True).start()


def default_jobs():
    """Number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
