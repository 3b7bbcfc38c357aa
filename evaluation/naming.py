"""How names and numbers are written, everywhere the same."""

import difflib
import hashlib
import re

# What the values of a factor are: names, steps, steps of a circle, or real numbers.
FACTOR_KINDS = ("nominal", "ordinal", "periodic", "continuous")
# How names of files and folders say a seed, whatever the case of the letters.
SEED_PATTERN = r"seed[-_=. ]*(\d{1,9})(?!\d)"


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
    hint = f"; did you mean {lowered[close[0]]!r}?" if close else "."
    return f"unknown {kind} {name!r}{hint} Available: {', '.join(available) or 'none'}"


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


def find_spans(numbers):
    """Group whole numbers into the first and last of those without a gap.

    Examples
    --------
    >>> find_spans([4, 0, 1, 2, 2, 7])
    [(0, 2), (4, 4), (7, 7)]
    """
    spans = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def write_spans(numbers):
    """Write whole numbers, such as seeds, in words.

    Examples
    --------
    >>> write_spans([0, 1, 2, 5]), write_spans([])
    ('0–2, 5', '')
    """
    return ", ".join(f"{a}–{b}" if b > a else str(a) for a, b in find_spans(numbers))


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


def file_name(kind, *names, taken=()):
    """A file name without extension: readable, safe on any file system, one for each set of names.

    Parameters
    ----------
    kind : str
        What the file holds, in our own words.
    *names : str
        Names from outside that tell it from others of its kind. Where one of them cannot be kept
        as it is (capitals, spaces, letters beyond ASCII), a hash of all stands at the end, so that
        names that look alike never share a file.
    taken : iterable of str
        File names that are in use; a number is added rather than one of them given again.

    Returns
    -------
    str
        At most 120 characters.

    Examples
    --------
    >>> file_name("curve-mi_matched", "sprites-small", "quick")
    'curve-mi-matched-sprites-small-quick'
    >>> file_name("curve", "toy"), file_name("curve", "Toy")
    ('curve-toy', 'curve-toy-276667')
    """
    kept = [re.sub(r"[^a-z0-9.+_]+", "-", name.lower()).strip("-.") for name in names]
    stem = "-".join([re.sub(r"[^a-z0-9.+]+", "-", kind.lower()), *filter(None, kept)])
    if kept != list(names) or len(stem) > 110:
        written = "\0".join(names).encode("utf-8", "surrogatepass")
        stem = f"{stem[:110].rstrip('-.')}-{hashlib.sha256(written).hexdigest()[:6]}"
    name, count, used = stem, 1, set(taken)
    while name in used:
        count += 1
        name = f"{stem}-{count}"
    return name
