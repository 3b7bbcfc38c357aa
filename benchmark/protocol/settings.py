"""Settings of the protocol that take several values in one call, beside a model's own sweep."""

from dataclasses import fields, replace
from itertools import product

from ...evaluation.naming import format_number
from ..errors import BenchError
from .fit import check_network, takes_network
from .presets import Config, parse_value

TYPES = {field.name: field.type for field in fields(Config)}
# These decide how long a run is, how it is logged, or on what it is scored: runs that differ in
# them do not belong on one curve.
_FIXED = {
    "steps",
    "continue_steps",
    "final_steps",
    "log_every",
    "checkpoint_every",
    "n_train",
    "n_test",
}
# Settings that change nothing but what a hook of a model does (`models.hooks`).
OF_HOOKS = {"permuted_batch": "permutes", "pair_factors": "pairs"}
SWEEPABLE = tuple(name for name in TYPES if name not in _FIXED)


def split_values(text):
    """Split what stands behind ``name=`` into its values.

    Parameters
    ----------
    text : str

    Returns
    -------
    values : tuple of str
    listed : bool
        Whether it was written as a list: one value becomes a list by a comma at its end.

    Examples
    --------
    >>> split_values("1e-3, 2e-3"), split_values("conv"), split_values("5,")
    ((('1e-3', '2e-3'), True), (('conv',), False), (('5',), True))
    """
    parts = text.removesuffix(",").split(",")
    return tuple(part.strip() for part in parts), "," in text


def refuse_repeated(name, values):
    """Raise `BenchError` if a value is given twice, however it is written."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise BenchError(
                f"--set {name}=… names {write_value(value)} twice; give every value once",
                exit_code=2,
            )


def list_variants(config, sweeps):
    """Combine the values of the settings that are swept.

    Parameters
    ----------
    config : Config
        The protocol without the sweeps.
    sweeps : dict of str to tuple of str
        Values as text, by the name of a setting.

    Returns
    -------
    list of tuple of (str, object)
        For every combination the settings that differ from `config`, in the order of `Config`;
        the protocol's own values are an empty tuple.

    Raises
    ------
    BenchError
        For a setting that cannot be swept, and a value of the wrong type, out of range, or given
        twice.

    Examples
    --------
    >>> list_variants(Config(), {"latent_size": ("10", "5"), "learning_rate": ("1e-3",)})
    [(('learning_rate', 0.001),), (('latent_size', 5), ('learning_rate', 0.001))]
    """
    names = [name for name in TYPES if name in sweeps]
    read = {name: _read_values(config, name, sweeps[name]) for name in names}
    return [
        tuple(
            (name, value)
            for name, value in zip(names, values, strict=True)
            if value != getattr(config, name)
        )
        for values in product(*(read[name] for name in names))
    ]


def _read_values(config, name, texts):
    """The values of one setting, each tried in the protocol."""
    if name in _FIXED:
        raise BenchError(
            f"{name} takes one value, got {','.join(texts)}; keep runs that differ in it apart "
            f"with --tag. Sweeps can be over a hyperparameter or {', '.join(SWEEPABLE)}",
            exit_code=2,
        )
    values = [parse_value(name, text, TYPES[name]) for text in texts]
    for value in values:
        if name == "network":
            check_network(value)
        replace(config, **{name: value})
    refuse_repeated(name, values)
    return values


def uses_setting(model, name):
    """Whether a setting of the protocol changes what runs of a model compute.

    Parameters
    ----------
    model : Model
    name : str
        One of `SWEEPABLE`.
    """
    if name in OF_HOOKS:
        return bool(getattr(model.declaration.hooks, OF_HOOKS[name]))
    return name != "network" or takes_network(model.load())


def refuse_unused(names, models):
    """Raise `BenchError` if a setting changes nothing for any of the models.

    Parameters
    ----------
    names : iterable of str
    models : collection of Model
    """
    for name in names:
        if not any(uses_setting(model, name) for model in models):
            raise BenchError(
                f"{name} changes nothing for {', '.join(model.name for model in models)}; "
                f"leave --set {name}=… out",
                exit_code=2,
            )


def write_value(value):
    """A value as it stands in a folder's name."""
    return value if isinstance(value, str) else format_number(value)
