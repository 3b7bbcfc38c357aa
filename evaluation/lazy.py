"""Names that a package offers and imports only when they are first used."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def import_when_used(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    places : mapping of str to str
        Name to the module below the package that holds it.

    Returns
    -------
    callable
        Gives the object of a name; AttributeError for a name that is not offered.

    Examples
    --------
    >>> find = import_when_used("email", {"Message": "message"})
    >>> find("Message").__name__
    'Message'
    """

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{places[name]}"), name)

    return find
