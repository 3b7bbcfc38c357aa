"""Types, ranges and lengths of plain data that came from a file, checked before it is used.

A check is a function of a value and the name of its place; it returns nothing or raises
`SchemaError` with one line.
"""

import math
import re

from .naming import one_line

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
LONGEST_NAME = 200
LONGEST_TEXT = 100_000
DEEPEST = 12
_LARGEST = 2**1000  # a whole number that a float can still hold


class SchemaError(ValueError):
    """Plain data that has another type, range or length than it should; one line."""


def _refuse(place, expected, value):
    kinds = {dict: "an object", list: "a list", bool: "a truth value", type(None): "null"}
    shown = kinds.get(type(value))
    if shown is None:
        huge = isinstance(value, int) and not -(10**30) < value < 10**30
        shown = "an endless number" if huge else one_line(repr(value), 60)
    raise SchemaError(f"{_write_place(place)} must be {expected}, not {shown}")


def _write_place(place):
    """The name of a place: text, or a pair of the place it lies in and its key or position."""
    keys = []
    while isinstance(place, tuple):
        place, key = place
        keys.append(f"[{key}]" if isinstance(key, int) else f".{key}")
    return one_line("".join([place, *reversed(keys)]).lstrip(".") or "the record", 100)


def text(limit=LONGEST_TEXT):
    """Text that can be written as UTF-8, of at most `limit` characters."""

    def check(value, place):
        if not isinstance(value, str):
            _refuse(place, "text", value)
        if len(value) > limit:
            raise SchemaError(
                f"{_write_place(place)} has {len(value)} characters, more than {limit}"
            )
        if not value.isascii() and _SURROGATE.search(value):
            _refuse(place, "text that can be written as UTF-8", value)

    return check


def name(value, place):
    """Check a name: one line of text without control characters, at most `LONGEST_NAME` long."""
    if type(value) is str and len(value) <= LONGEST_NAME and value.isprintable():
        return  # nearly all of them
    _NAME(value, place)
    if _CONTROL.search(value):
        _refuse(place, "a name without line breaks and control characters", value)


def matching(pattern, expected):
    """Text that a compiled pattern matches as a whole; `expected` says so in words."""

    def check(value, place):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            _refuse(place, expected, value)

    return check


def truth(value, place):
    """Check a truth value."""
    if not isinstance(value, bool):
        _refuse(place, "true or false", value)


def number(low=-math.inf, high=math.inf):
    """A finite number in low … high; truth values are none."""

    def check(value, place):
        real = isinstance(value, float) and math.isfinite(value)
        if not real and not (type(value) is int and -_LARGEST < value < _LARGEST):
            _refuse(place, "a finite number", value)
        if not low <= value <= high:
            _refuse(place, f"in {low:g} … {high:g}", value)

    return check


def number_or_name(value, place):
    """Check a setting's value: a finite number, or a name."""
    (name if isinstance(value, str) else _NUMBER)(value, place)


def whole(low=-(2**63), high=2**63 - 1):
    """A whole number in low … high that is not written as a fraction."""

    def check(value, place):
        if type(value) is not int:
            _refuse(place, "a whole number", value)
        if not low <= value <= high:
            _refuse(place, f"in {low} … {high}", value)

    return check


def one_of(*choices):
    """One of some texts."""

    def check(value, place):
        if not isinstance(value, str) or value not in choices:
            _refuse(place, f"one of {', '.join(choices)}", value)

    return check


def optional(inner):
    """What `inner` takes, or null."""
    return lambda value, place: None if value is None else inner(value, place)


def list_of(inner, limit=10_000):
    """A list of at most `limit` entries that `inner` takes."""

    def check(value, place):
        if not isinstance(value, list):
            _refuse(place, "a list", value)
        _check_length(value, limit, place)
        for position, entry in enumerate(value):
            inner(entry, (place, position))

    return check


def numbers(value, place):
    """Check a list of finite numbers and nulls."""
    if not isinstance(value, list):
        _refuse(place, "a list", value)
    # A finite sum of floats has finite terms; anything else is looked at one by one.
    if set(map(type, value)) != {float} or not math.isfinite(sum(value)):
        _NUMBERS(value, place)


def mapping(inner, limit=10_000):
    """An object of at most `limit` names whose values `inner` takes."""

    def check(value, place):
        if not isinstance(value, dict):
            _refuse(place, "an object", value)
        _check_length(value, limit, place)
        for key, entry in value.items():
            name(key, (place, "a name"))
            inner(entry, (place, key))

    return check


def record(required=None, *, others=None, **known):
    """An object whose known names have types of their own.

    Parameters
    ----------
    required : dict of str to check, optional
        Names that must be there.
    others : check, optional
        For names that are not declared; any plain data by default.
    **known : check
        Names that may be there.
    """
    required = required or {}
    checks = {**known, **required}
    others = others or plain

    def check(value, place):
        if not isinstance(value, dict):
            _refuse(place, "an object", value)
        _check_length(value, 10_000, place)
        for key in required:
            if key not in value:
                raise SchemaError(f"{_write_place(place)} has no {key}")
        for key, entry in value.items():
            if key not in checks:
                name(key, (place, "a name"))
            checks.get(key, others)(entry, (place, key))

    return check


def _check_length(value, limit, place):
    if len(value) > limit:
        raise SchemaError(f"{_write_place(place)} has {len(value)} entries, more than {limit}")


def plain(value, place, depth=0):
    """Check any JSON: finite numbers of ordinary size, text, truth values, null, not too deep."""
    if value is None or value is True or value is False:
        return
    if isinstance(value, str):
        _TEXT(value, place)
    elif isinstance(value, (int, float)):
        _NUMBER(value, place)
    elif depth >= DEEPEST:
        raise SchemaError(f"{_write_place(place)} is nested more than {DEEPEST} deep")
    elif isinstance(value, list):
        # The grid of a data set, in the record of every run of it.
        if set(map(type, value)) == {int} and min(value) > -_LARGEST and max(value) < _LARGEST:
            return
        for position, entry in enumerate(value):
            plain(entry, (place, position), depth + 1)
    elif isinstance(value, dict):
        for key, entry in value.items():
            _TEXT(key, (place, "a name"))
            plain(entry, (place, key), depth + 1)
    else:
        _refuse(place, "plain data", value)


_TEXT, _NAME, _NUMBER = text(), text(LONGEST_NAME), number()
_NUMBERS = list_of(optional(_NUMBER))
