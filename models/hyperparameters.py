"""The hyperparameters of a model: their names, their defaults, their ranges."""

import math
from dataclasses import fields

# The largest finite number in single precision, in which losses are computed.
LARGEST = 3.4e38


def at_least(name, value, minimum):
    """Raise ValueError unless `value` is a finite number of at least `minimum`."""
    if not is_finite(value) or value < minimum:
        raise ValueError(f"{name} must be a finite number of at least {minimum}, got {value!r}")


def is_finite(value):
    """Whether a value is a number that is finite in single precision."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and abs(value) <= LARGEST


def hyperparameter_names(model_class):
    """Names of a model's hyperparameters, as users write them (``lambda``, not ``lambda_``)."""
    declared = getattr(model_class, "Hyperparameters", None)
    return tuple(field.name.rstrip("_") for field in fields(declared)) if declared else ()


def resolve_hyperparameters(model_class, values):
    """Merge the values given with the model's defaults.

    Parameters
    ----------
    model_class : type
        With a frozen dataclass ``Hyperparameters``, or without hyperparameters.
    values : dict of str to float

    Returns
    -------
    dict of str to float
        In the order of declaration.

    Raises
    ------
    ValueError
        For a name the model does not have, or a value that is not a finite number; whatever the
        dataclass raises for a value out of range.
    """
    known = hyperparameter_names(model_class)
    unknown = [name for name in values if name not in known]
    if unknown:
        raise ValueError(
            f"{model_class.__name__} has no hyperparameter {unknown[0]!r}; "
            f"it has: {', '.join(known) or 'none'}"
        )
    if not known:
        return {}
    attributes = {
        field.name.rstrip("_"): field.name for field in fields(model_class.Hyperparameters)
    }
    declared = model_class.Hyperparameters(**{attributes[k]: v for k, v in values.items()})
    resolved = {name: getattr(declared, attribute) for name, attribute in attributes.items()}
    for name, value in resolved.items():
        if not is_finite(value):
            raise ValueError(f"{name} must be a finite number, got {value!r}")
    return resolved
