"""Calls into a user's code, whose exceptions become one line."""

from ...evaluation.naming import one_line
from ..errors import BenchError


def call(place, function, *arguments, passing=BenchError, **options):
    """Call a user's code.

    Parameters
    ----------
    place : str
        Where the code is, for the message: ``"encode"``.
    function : callable
    *arguments, **options
    passing : type of exception
        Passed on as it is.

    Raises
    ------
    BenchError
        For whatever else the code raises, `sys.exit` included.
    """
    try:
        return function(*arguments, **options)
    except (BenchError, passing):
        raise
    except SystemExit as error:
        raise BenchError(f"{place}: it ends the program (sys.exit({error.code!r}))") from error
    except Exception as error:
        raise BenchError(f"{place}: {type(error).__name__}: {one_line(error)}") from error


def describe(value):
    """What a user's code returned, on one line: the shapes of tensors, or the value."""
    if isinstance(value, tuple | list):
        return f"({', '.join(describe(part) for part in value[:9])})"
    if hasattr(value, "shape"):
        return f"a tensor of shape {tuple(value.shape)}"
    return one_line(repr(value), limit=60)
