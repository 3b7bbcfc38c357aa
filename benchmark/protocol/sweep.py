"""Which points of which models' sweeps a plan trains, on every data set and seed alike."""

from dataclasses import dataclass, fields
from itertools import product

from ...evaluation.naming import format_number, unknown_name
from ...models.hyperparameters import resolve_hyperparameters
from ...models.zoo import list_models
from ..errors import BenchError
from .presets import Config, parse_value
from .registry import Model, get_model


@dataclass(frozen=True)
class SweepPoint:
    """A model at one point of its sweep.

    Attributes
    ----------
    model : Model
    hyperparameters : tuple of (str, float)
    phases : tuple of int
        Steps of each phase, the parent's included.
    parent : SweepPoint or None
        Whose trained weights it begins with.
    """

    model: Model
    hyperparameters: tuple[tuple[str, float], ...]
    phases: tuple[int, ...]
    parent: "SweepPoint | None" = None


def list_points(preset, config, models, sweeps, init):
    """List the points to train, parents before their children, without repetitions.

    Parameters
    ----------
    preset : Preset
    config : Config
    models : iterable of str
        Empty for the whole zoo.
    sweeps : dict of str to tuple of (float or str)
        Values of hyperparameters, in place of the models' own and the preset's.
    init : str
        "parent" or "scratch": how a model that continues another begins.

    Returns
    -------
    list of SweepPoint

    Raises
    ------
    BenchError
        See `benchmark.protocol.plan.make_plan`.
    """
    models = {name: get_model(name) for name in tuple(models) or list_models()}
    refuse_same_names({model.reference: model.name for model in models.values()})
    _check_sweeps(sweeps, models.values())
    sweeps = {name: tuple(_number(name, v) for v in values) for name, values in sweeps.items()}
    if init == "scratch" and not any(model.continues for model in models.values()):
        raise BenchError(
            f"--init scratch is for models that continue another; none of {', '.join(models)} does",
            exit_code=2,
        )
    zoo = [get_model(name) for name in list_models()]
    continued = {m.continues.name for m in (*zoo, *models.values()) if m.continues}
    points = {}
    for model in models.values():
        for point in _points_of(model, preset, config, sweeps, init, zoo, continued):
            if point.parent is not None:
                points.setdefault(point.parent)
            points.setdefault(point)
    return list(points)


def find_stand_in(model, zoo, config):
    """The model of the zoo that is trained in the place of one that is a point of its sweep.

    A method without hyperparameters is one point of another's sweep (`vae` is `betavae` at
    β = 1) and is trained as that point, once, and through both phases where there are two.

    Returns
    -------
    (Model, dict of str to float) or None
        The model, and the values of all its hyperparameters.
    """
    if model.hyperparameters or model not in zoo:
        return None
    for other in zoo:
        where = other.declaration.reduces_to.get(model.name, {})
        complete = where and where.keys() == other.hyperparameters.keys()
        if complete and bool(other.continues) == bool(config.continue_steps):
            return other, where
    return None


def _points_of(model, preset, config, sweeps, init, zoo, continued):
    """The points of one model's sweep."""
    stand_in = find_stand_in(model, zoo, config)
    if stand_in is not None:
        yield _make_point(*stand_in, config, init, continued)
        return
    swept = {**preset.sweeps, **model.declaration.sweeps.get(preset.name, {}), **sweeps}
    names = [name for name in model.hyperparameters if name in swept]
    for values in product(*(swept[name] for name in names)):
        yield _make_point(model, dict(zip(names, values, strict=True)), config, init, continued)


def _make_point(model, values, config, init, continued):
    """One point with all hyperparameters, its parent, and the phases it goes through."""
    values = _resolve(model, values)
    hyperparameters = tuple((name, float(value)) for name, value in values.items())
    first = (config.steps,)
    both = (config.steps, config.continue_steps) if config.continue_steps else first
    parent = model.continues
    if parent is None:
        # A model that another continues is trained for the first phase alone.
        return SweepPoint(model, hyperparameters, first if model.name in continued else both)
    # Where the model is its parent both beginnings are the same computation: one run serves both.
    is_parent = model.declaration.reduces(values, parent.name)
    if init == "scratch" and not is_parent:
        return SweepPoint(model, hyperparameters, both)
    shared = {name: value for name, value in values.items() if name in parent.hyperparameters}
    start = _make_point(parent, shared, config, init, {parent.name})
    if config.continue_steps:
        return SweepPoint(model, hyperparameters, both, start)
    if init == "scratch":
        return start
    raise BenchError(
        f"{model.name} continues from {parent.name} for --continue-steps, which is 0; "
        "give it a positive number, or train from the start with --init scratch",
        exit_code=2,
    )


def _number(name, value):
    return parse_value(name, value, float) if isinstance(value, str) else value


def _resolve(model, values):
    try:
        return resolve_hyperparameters(model.load(), values)
    except (TypeError, ValueError) as error:
        raise BenchError(f"model {model.name!r}: {error}", exit_code=2) from error


def refuse_same_names(names):
    """Refuse two things whose runs would lie in the same folders.

    Parameters
    ----------
    names : dict of str to str
        Name of each reference.
    """
    references = {}
    for reference, name in names.items():
        other = references.setdefault(name.replace(":", "."), reference)
        if other != reference:
            raise BenchError(
                f"{other} and {reference} are both called {name}; rename one of them, "
                "or train them in two calls, one with --tag",
                exit_code=2,
            )


def _check_sweeps(sweeps, models):
    """Refuse hyperparameters that no planned model has."""
    names = dict.fromkeys(name for model in models for name in model.hyperparameters)
    of_zoo = {name for model in list_models() for name in get_model(model).hyperparameters}
    for name in sweeps.keys() - names.keys():
        if name in of_zoo:
            message = (
                f"no model of this call ({', '.join(model.name for model in models)}) has a "
                f"hyperparameter {name!r}; theirs: {', '.join(names) or 'none'}"
            )
        else:
            settings = [field.name for field in fields(Config)]
            message = unknown_name("setting or hyperparameter", name, [*names, *settings])
        raise BenchError(message, exit_code=2)


def describe_stand_ins(models, config):
    """Say which of the named methods are trained as a point of another's sweep.

    Parameters
    ----------
    models : iterable of str
        Empty for the whole zoo.
    config : Config

    Returns
    -------
    list of str
        One sentence each.
    """
    zoo = [get_model(name) for name in list_models()]
    sentences = []
    for name in tuple(models) or list_models():
        model = get_model(name)
        stand_in = find_stand_in(model, zoo, config)
        if stand_in is not None:
            other, where = stand_in
            values = ", ".join(f"{key} = {format_number(value)}" for key, value in where.items())
            sentences.append(f"{name} is {other.name} at {values}: one run under both names.")
    return sentences
