"""How names and numbers are written, everywhere the same."""

import difflib
import re


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


def one_line(text, limit=300):
    """Foreign text as it may be shown: one line, without control characters, and not endless.

    Parameters
    ----------
    text : object
        A message, a name or a path that came from outside.
    limit : int, default 300
        Longer text is cut in the middle, where paths and messages lose least.

    Returns
    -------
    str

    Examples
    --------
    >>> one_line("two\\nlines \\x1b[31mred")
    'two lines [31mred'
    >>> one_line("0123456789", limit=7)
    '012…789'
    """
    text = str(text).encode("utf-8", "backslashreplace").decode()
    text = " ".join(
        re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+", " ", text).split()
    )
    if len(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
