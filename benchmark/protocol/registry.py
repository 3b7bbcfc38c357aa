"""Models by name: the zoo, plugins by entry point, and users' own by module or by file."""

import importlib.metadata
import re
from dataclasses import dataclass, field, fields

from ...evaluation.importing import (
    ImportFailure,
    absolute_reference,
    load_object,
    name_object,
)
from ...evaluation.naming import one_line, unknown_name
from ...models.declaration import Declaration, read_declaration
from ...models.zoo import list_models, load_model
from ..errors import BenchError
from .presets import Config

# What --set means for every model, and what stands beside the hyperparameters in a run's path.
RESERVED = {"init", "seed", *(setting.name for setting in fields(Config))}
MODEL_GROUP = "disentanglement_bench.models"


@dataclass(frozen=True)
class Model:
    """A model by its name, where its class is, and what it says about itself.

    Attributes
    ----------
    name : str
        Name in the zoo, of an entry point, or ``module:Class``; a class from a file goes by the
        file's stem.
    reference : str
        What finds the class from any folder and in any process: a name of the zoo,
        ``package.module:Class`` or ``/path/to/file.py:Class``.
    declaration : Declaration
    """

    name: str
    reference: str
    declaration: Declaration = field(compare=False)

    @property
    def hyperparameters(self):
        """Names of the hyperparameters, with their defaults."""
        return self.declaration.hyperparameters

    @property
    def folder(self):
        """The name as part of a path."""
        return self.name.replace(":", ".")

    def load(self):
        """Import and return the class."""
        return _load_class(self.reference)

    def method(self):
        """What tables and figures need to know of the method, as plain data for run.json."""
        declared = self.declaration
        return {
            "name": self.name,
            "label": declared.label,
            "citation": declared.citation,
            "continues": declared.continues,
            "reduces_to": [
                {"name": name, "label": _label(name), "where": dict(where)}
                for name, where in declared.reduces_to.items()
            ],
            "reference": self.reference,
        }


def list_plugins():
    """Models of installed packages: entry points of the group `MODEL_GROUP`, by name."""
    points = importlib.metadata.entry_points(group=MODEL_GROUP)
    zoo = list_models()
    return {point.name: point for point in points if point.name not in zoo}


def model_names():
    """Every name that `--model` takes, apart from users' own by module or by file."""
    return [*list_models(), *list_plugins()]


def get_model(name):
    """Find a model and read what it says about itself.

    Parameters
    ----------
    name : str
        A name of `model_names`, ``package.module:Class`` or ``path/to/file.py:Class``.

    Returns
    -------
    Model

    Raises
    ------
    BenchError
        For a name nothing is registered under, a class that cannot be imported, or one that says
        something about itself that cannot be.
    """
    if name in list_models():
        reference = name
    elif ":" in name:
        name, reference = name_object(name), absolute_reference(name)
    elif name in (plugins := list_plugins()):
        reference = plugins[name].value
    else:
        hint = ", or package.module:Class, or path/to/file.py:Class"
        raise BenchError(unknown_name("model", name, model_names()) + hint, exit_code=2)
    if not re.fullmatch(r"\w[\w.:+ -]*", name):
        raise BenchError(
            f"the name of a model, {name!r}, must be of letters, digits and . : + - _",
            exit_code=2,
        )
    try:
        model = Model(name, reference, read_declaration(_load_class(reference), name))
    except (TypeError, ValueError) as error:
        raise BenchError(f"model {name!r}: {one_line(error)}", exit_code=2) from error
    taken = RESERVED & model.hyperparameters.keys()
    if taken:
        raise BenchError(
            f"model {name!r}: a hyperparameter cannot be called {min(taken)!r}, which is a "
            "setting of every run",
            exit_code=2,
        )
    return model


def _load_class(reference):
    if ":" not in reference:
        return load_model(reference)
    try:
        return load_object(reference, "model")
    except ImportFailure as error:
        raise BenchError(str(error), exit_code=2) from error


def _label(name):
    return get_model(name).declaration.label if name in list_models() else name
