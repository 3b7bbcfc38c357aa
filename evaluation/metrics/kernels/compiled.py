"""One decorator for compiled functions, cached on disk wherever a folder can be written."""

import numba


def compiled(function):
    """Compile with numba, without the GIL, keeping the machine code on disk if possible.

    numba refuses to decorate with `cache=True` when neither the source folder nor the user's cache
    folder can be written; the function is then compiled anew in every process.

    Parameters
    ----------
    function : callable
        Loops over arrays.

    Returns
    -------
    callable
        Compiled at its first call for each set of argument types.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)
