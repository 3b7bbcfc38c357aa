"""Checks on hyperparameters."""

import math


def at_least(name, value, minimum):
    """Raise ValueError unless `value` is a finite number of at least `minimum`."""
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value < minimum:
        raise ValueError(f"{name} must be a finite number of at least {minimum}, got {value!r}")
