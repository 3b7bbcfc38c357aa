"""How names and numbers are written, everywhere the same."""

import difflib


def unknown_name(kind, name, available):
    """Say that a name is unknown, what was probably meant and what there is.

    Parameters
    ----------
    kind : str
        What the name should have named, e.g. ``"model"``.
    name : str
        What came.
    available : iterable of str
        The names that are known.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> unknown_name("model", "betavea", ["vae", "betavae"])
    "unknown model 'betavea'; did you mean 'betavae'? Available: vae, betavae"
    """
    available = list(available)
    lowered = {entry.lower(): entry for entry in available}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    hint = f"did you mean {lowered[close[0]]!r}? " if close else ""
    return f"unknown {kind} {name!r}; {hint}Available: {', '.join(available) or 'none'}"


def format_number(value):
    """Write a number for a name or a path: shortest form that reads back the same.

    Examples
    --------
    >>> format_number(4.0), format_number(0.5), format_number(1e-4), format_number(16)
    ('4', '0.5', '0.0001', '16')
    """
    number = float(value)
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    text = repr(number)
    return f"{number:.10f}".rstrip("0") if "e-" in text and abs(number) >= 1e-9 else text
