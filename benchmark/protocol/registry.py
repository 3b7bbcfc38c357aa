"""Models by name: the zoo, plugins by entry point, and users' own by module or by file."""

import importlib.metadata
import re
from dataclasses import dataclass, field, fields, replace

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
    continues : Model or None
        The model whose trained weights a run begins with.
    """

    name: str
    reference: str
    declaration: Declaration = field(compare=False)
    continues: "Model | None" = field(default=None, compare=False)

    @property
    def hyperparameters(self) -> dict[str, float]:
        """Names of the hyperparameters, with their defaults."""
        return self.declaration.hyperparameters

    @property
    def folder(self) -> str:
        """The name as part of a path."""
        return self.name.replace(":", ".")

    def load(self) -> type:
        """Import and return the class."""
        return _load_class(self.reference)

    def method(self) -> dict[str, object]:
        """What tables and figures need to know of the method, as plain data for run.json."""
        return {
            "name": self.name,
            "label": self.declaration.label,
            "citation": self.declaration.citation,
            "continues": self.continues.name if self.continues else None,
            "reduces_to": [
                {"name": name, "label": _find_label(name), "where": dict(where)}
                for name, where in self.declaration.reduces_to.items()
            ],
            "axis": self.declaration.axis,
            "symbols": dict(self.declaration.symbols),
            "reference": self.reference,
        }


def list_plugins():
    """Models of installed packages: entry points of the group `MODEL_GROUP`, by name."""
    points = importlib.metadata.entry_points(group=MODEL_GROUP)
    zoo = list_models()
    return {point.name: point for point in points if point.name not in zoo}


def model_names() -> list[str]:
    """Every name that `--model` takes, apart from users' own by module or by file."""
    return [*list_models(), *list_plugins()]


def get_model(name: str) -> Model:
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
        For a name nothing is registered under, a class that cannot be imported or is no model, or
        one that says something about itself that cannot be.
    """
    model = _read_model(name)
    parent = model.declaration.continues
    if parent is None:
        return model
    if ":" not in parent and parent not in model_names():
        parent = f"{model.reference.rpartition(':')[0]}:{parent}"
    model = replace(model, continues=_read_model(parent))
    if model.continues.declaration.continues is not None:
        raise BenchError(
            f"{model.name} continues {model.continues.name}, which itself continues "
            f"{model.continues.declaration.continues}; a parent must be trained from the start",
            exit_code=2,
        )
    return model


def _read_model(name):
    """A model without the one that it continues."""
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
            f"the name of a model must be of letters, digits and . : + - _, got {one_line(name)!r}",
            exit_code=2,
        )
    model_class = _load_class(reference)
    try:
        declaration = read_declaration(model_class, name)
    except (Exception, SystemExit) as error:  # a class may check its defaults as it likes
        raise BenchError(f"model {name!r}: {one_line(error)}", exit_code=2) from error
    clashes = RESERVED & declaration.hyperparameters.keys()
    if clashes:
        raise BenchError(
            f"model {name!r}: a hyperparameter cannot be called {min(clashes)!r}, which is a "
            "setting of every run",
            exit_code=2,
        )
    return Model(name, reference, declaration)


def _load_class(reference):
    if ":" not in reference:
        return load_model(reference)
    try:
        return load_object(reference, "model")
    except ImportFailure as error:
        raise BenchError(str(error), exit_code=2) from error


def _find_label(name):
    return get_model(name).declaration.label if name in list_models() else name
