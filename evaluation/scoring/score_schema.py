"""What a score file may hold: types, lengths, and values in the ranges that its metric declares."""

import functools
import math

from .. import schema
from ..metrics import METRICS
from ..naming import one_line
from ..schema import SchemaError

SCORE_SCHEMA_VERSION = 1
STATUSES = ("done", "undefined", "failed")
_ROUNDING = 1e-6  # how far a value may leave its range by rounding

_COUNT = schema.whole(0)
_KEY = schema.record(
    {"name": schema.name},
    label=schema.text(200),
    description=schema.text(2000),
    unit=schema.name,
    higher_is_better=schema.optional(schema.truth),
    low=schema.optional(schema.number()),
    high=schema.optional(schema.number()),
)
_DECLARATION = schema.record(
    {"keys": schema.list_of(_KEY, 1000)},
    variant=schema.name,
    citation=schema.text(5000),
    tolerance=schema.number(0),
)
SOURCE = schema.record(
    file=schema.text(1000), size=_COUNT, mtime_ns=schema.whole(), sha256=schema.name
)
_ABOUT = schema.record(
    dataset=schema.name,
    posterior=schema.truth,
    shared=schema.optional(_COUNT),
    attributes=schema.mapping(schema.plain),
    factor_names=schema.list_of(schema.name),
    continuous_factors=schema.list_of(schema.name),
)
_HEAD = {
    "schema_version": schema.whole(SCORE_SCHEMA_VERSION, SCORE_SCHEMA_VERSION),
    "metric": schema.name,
    "status": schema.one_of(*STATUSES),
    "variant": schema.name,
    "values": schema.mapping(schema.optional(schema.number()), 1000),
    "reasons": schema.mapping(schema.text(), 1000),
    "request": schema.mapping(schema.plain, 20),
    "source": SOURCE,
    "representation": _ABOUT,
}
_FURTHER = {
    "declaration": _DECLARATION,
    "per_factor": schema.mapping(schema.numbers, 100),
    "per_code": schema.mapping(schema.numbers, 100),
    "matrix": schema.optional(schema.list_of(schema.numbers)),
    "notes": schema.list_of(schema.text(), 1000),
}
_SCORE = schema.record(_HEAD, **_FURTHER)
_REST = schema.record({key: _HEAD[key] for key in _HEAD if key != "representation"}, **_FURTHER)
HEAD = tuple(_HEAD)


def is_built_in(name):
    """Whether a file's metric, whatever stands there, is one of ours."""
    return isinstance(name, str) and name in METRICS


def check_score(record, about_checked=False):
    """Check a score file's content, or that part of it that tables need.

    Parameters
    ----------
    record : object
        What the file holds.
    about_checked : bool, default False
        Whether its `representation` is one that was checked before.

    Raises
    ------
    SchemaError
        Naming the first thing that does not fit.
    """
    if about_checked:
        _REST({key: entry for key, entry in record.items() if key != "representation"}, "")
    else:
        _SCORE(record, "")
    check_values(record, record["values"])


def check_values(record, values):
    """Refuse values that a record's metric does not declare, or that lie outside their range.

    Parameters
    ----------
    record : dict
        With `metric` and perhaps `declaration`.
    values : dict of str to float or None

    Raises
    ------
    SchemaError
    """
    ranges = _ranges(record["metric"]) or _declared_ranges(record.get("declaration"))
    _check_ranges(values, ranges)


@functools.cache
def _ranges(name):
    """Ranges of a built-in metric's keys, or None."""
    return _declared_ranges(METRICS[name].declaration()) if name in METRICS else None


def _declared_ranges(declaration):
    """Key to lowest and highest value; None where a score file declares nothing, as older ones."""
    if declaration is None:
        return None
    return {
        key["name"]: (
            -math.inf if key.get("low") is None else key["low"] - _ROUNDING,
            math.inf if key.get("high") is None else key["high"] + _ROUNDING,
        )
        for key in declaration["keys"]
    }


def _check_ranges(values, ranges):
    """Refuse values that are not declared or lie outside the declared range."""
    for label, value in values.items() if ranges is not None else ():
        if label not in ranges:
            raise SchemaError(f"its metric declares no {one_line(label, 60)!r}")
        low, high = ranges[label]
        if value is not None and not low <= value <= high:
            raise SchemaError(f"values.{label} is {value:g}, outside the declared range")
