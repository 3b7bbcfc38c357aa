"""The hyperparameters of a model: their names, their defaults, their ranges."""

import math
from dataclasses import fields, is_dataclass

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
    return tuple(_attributes(model_class))


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
    attributes = _attributes(model_class)
    unknown = [name for name in values if name not in attributes]
    if unknown:
        raise ValueError(
            f"{model_class.__name__} has no hyperparameter {unknown[0]!r}; "
            f"it has: {', '.join(attributes) or 'none'}"
        )
    if not attributes:
        return {}
    chosen = model_class.Hyperparameters(**{attributes[k]: v for k, v in values.items()})
    resolved = {name: getattr(chosen, attribute) for name, attribute in attributes.items()}
    for name, value in resolved.items():
        if not is_finite(value):
            raise ValueError(f"{name} must be a finite number, got {value!r}")
    return resolved


def _attributes(model_class):
    """The attribute of the dataclass for each hyperparameter: ``{"lambda": "lambda_"}``."""
    chosen = getattr(model_class, "Hyperparameters", None)
    if chosen is None:
        return {}
    if not is_dataclass(chosen):
        raise ValueError("Hyperparameters must be a dataclass")
    return {field.name.rstrip("_"): field.name for field in fields(chosen)}
