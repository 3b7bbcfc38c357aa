"""Which points of which models' sweeps a plan trains, on every data set and seed alike."""

from dataclasses import dataclass, replace
from itertools import product

from ...evaluation.naming import format_number, unknown_name
from ...models.hyperparameters import resolve_hyperparameters
from ...models.zoo import list_models
from ..errors import BenchError
from .presets import parse_value
from .registry import Model, get_model
from .settings import TYPES, list_variants, refuse_repeated, refuse_unused, uses_setting

# Names the whole zoo, where a model is named.
EVERY_MODEL = "all"


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
    settings : tuple of (str, object)
        Swept settings of the protocol where they differ from it; a parent's are the same.
    """

    model: Model
    hyperparameters: tuple[tuple[str, float], ...]
    phases: tuple[int, ...]
    parent: "SweepPoint | None" = None
    settings: tuple[tuple[str, object], ...] = ()


def list_points(preset, config, models, sweeps, init):
    """List the points to train, parents before their children, without repetitions.

    Parameters
    ----------
    preset : Preset
    config : Config
    models : iterable of str
        Empty, or with "all", for the whole zoo.
    sweeps : dict of str to tuple of (float or str)
        Values of hyperparameters, in place of the models' own and the preset's; and, as text,
        of settings of the protocol, which are combined with these.
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
    models = {name: get_model(name) for name in name_models(models)}
    refuse_same_names({model.reference: model.name for model in models.values()})
    settings = {name: values for name, values in sweeps.items() if name in TYPES}
    sweeps = {name: values for name, values in sweeps.items() if name not in TYPES}
    _check_sweeps(sweeps, settings, models.values())
    sweeps = {name: _read_numbers(name, values) for name, values in sweeps.items()}
    variants = list_variants(config, settings)
    if init == "scratch" and not any(model.continues for model in models.values()):
        raise BenchError(
            f"--init scratch is for models that continue another; none of {', '.join(models)} does",
            exit_code=2,
        )
    zoo = [get_model(name) for name in list_models()]
    continued = {m.continues.name for m in (*zoo, *models.values()) if m.continues}
    points = {}
    for model in models.values():
        for point, variant in product(
            _points_of(model, preset, config, sweeps, init, zoo, continued), variants
        ):
            varied = _vary(point, variant)
            if varied.parent is not None:
                points.setdefault(varied.parent)
            points.setdefault(varied)
    return list(points)


def name_models(models):
    """The models that a call names, without repetitions.

    Parameters
    ----------
    models : iterable of str
        Empty, or with "all", for the whole zoo.

    Returns
    -------
    list of str

    Examples
    --------
    >>> name_models(["vae", "vae", "mine.py:Mine"])
    ['vae', 'mine.py:Mine']
    """
    named = tuple(models) or (EVERY_MODEL,)
    lists = [list_models() if name == EVERY_MODEL else (name,) for name in named]
    return list(dict.fromkeys(name for names in lists for name in names))


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


def list_values(model, preset):
    """The values at which a preset trains a model, of each of its hyperparameters.

    Parameters
    ----------
    model : Model
    preset : Preset

    Returns
    -------
    dict of str to tuple of float
        The default alone of a hyperparameter that the preset does not sweep.
    """
    swept = preset.find_sweeps(model)
    return {
        name: tuple(swept.get(name, (default,))) for name, default in model.hyperparameters.items()
    }


def _points_of(model, preset, config, sweeps, init, zoo, continued):
    """The points of one model's sweep."""
    stand_in = find_stand_in(model, zoo, config)
    if stand_in is not None:
        yield _make_point(*stand_in, config, init, continued)
        return
    swept = {**preset.find_sweeps(model), **sweeps}
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


def _vary(point, settings):
    """A point and its parent with the settings that change what their models compute."""
    if not settings:
        return point
    parent = point.parent and _vary(point.parent, settings)
    inherited = dict(parent.settings) if parent else {}
    used = tuple(
        (name, value)
        for name, value in settings
        if name in inherited or uses_setting(point.model, name)
    )
    return replace(point, settings=used, parent=parent)


def _read_numbers(name, values):
    """Values of a hyperparameter: numbers as they are; what --set gives as text, each once."""
    if not any(isinstance(value, str) for value in values):
        return tuple(values)
    numbers = tuple(parse_value(name, value, float) for value in values)
    refuse_repeated(name, numbers)
    return numbers


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


def _check_sweeps(sweeps, settings, models):
    """Refuse hyperparameters that no planned model has, and settings that none uses."""
    refuse_unused(settings, models)
    names = dict.fromkeys(name for model in models for name in model.hyperparameters)
    of_zoo = {name for model in list_models() for name in get_model(model).hyperparameters}
    for name in sweeps.keys() - names.keys():
        if name in of_zoo:
            message = (
                f"no model of this call ({', '.join(model.name for model in models)}) has a "
                f"hyperparameter {name!r}; theirs: {', '.join(names) or 'none'}"
            )
        else:
            message = unknown_name("setting or hyperparameter", name, [*names, *TYPES])
        raise BenchError(message, exit_code=2)


def describe_stand_ins(models, config):
    """Say which of the named methods are trained as a point of another's sweep.

    Parameters
    ----------
    models : iterable of str
        Empty, or with "all", for the whole zoo.
    config : Config

    Returns
    -------
    list of str
        One sentence each.
    """
    zoo = [get_model(name) for name in list_models()]
    sentences = []
    for name in name_models(models):
        model = get_model(name)
        stand_in = find_stand_in(model, zoo, config)
        if stand_in is not None:
            other, where = stand_in
            values = ", ".join(f"{key} = {format_number(value)}" for key, value in where.items())
            sentences.append(f"{name} is {other.name} at {values}: one run under both names.")
    return sentences
