"""Lazy names of models: the zoo, plugins by entry point, and `package.module:Class`."""

import importlib
import importlib.metadata
import os
import sys
from dataclasses import dataclass

from ...evaluation.naming import unknown_name
from ..errors import BenchError

MODEL_GROUP = "disentanglement_bench.models"


@dataclass(frozen=True)
class ModelEntry:
    """A model's name and where its class is.

    Attributes
    ----------
    name : str
        As users write it; for a class by path, the path itself.
    target : str
        ``package.module:Class``.
    description : str
    hyperparameters : tuple of str, optional
        Known without importing the class for the zoo; None asks the class.
    """

    name: str
    target: str
    description: str = ""
    hyperparameters: tuple[str, ...] | None = None

    @property
    def folder(self):
        """The name as part of a path."""
        return self.name.replace(":", ".")

    def load(self):
        """Import and return the class."""
        return import_object(self.target, "model")

    def hyperparameter_names(self):
        """Names of the hyperparameters, e.g. ``("beta", "lambda")``."""
        if self.hyperparameters is not None:
            return self.hyperparameters
        from ...models.autoencoder import hyperparameter_names

        return hyperparameter_names(self.load())


# `vae` is planned as `betavae` at β = 1: one run, two names.
ALIASES = {"vae": "betavae at β = 1"}

ZOO = {
    "betavae": ModelEntry(
        "betavae",
        "disentanglement_bench.models.zoo.betavae:BetaVAE",
        "NLL + β KL (Higgins et al. 2017)",
        ("beta",),
    ),
    "lambdabeta": ModelEntry(
        "lambdabeta",
        "disentanglement_bench.models.zoo.lambdabeta:LambdaBetaVAE",
        "NLL + β KL + λ L2, continued from betavae (arXiv:2602.09277)",
        ("beta", "lambda"),
    ),
    "betatcvae": ModelEntry(
        "betatcvae",
        "disentanglement_bench.models.zoo.betatcvae:BetaTCVAE",
        "NLL + KL + (β − 1) TC (Chen et al. 2018)",
        ("beta",),
    ),
}


def plugin_models():
    """Models of installed packages, by entry point of the group `MODEL_GROUP`."""
    return {
        point.name: ModelEntry(point.name, point.value, f"from {point.dist.name}")
        for point in importlib.metadata.entry_points(group=MODEL_GROUP)
        if point.name not in ZOO and point.name not in ALIASES
    }


def model_names():
    """Every name that `--model` takes, apart from classes by path."""
    return [*ALIASES, *ZOO, *plugin_models()]


def get_model(name):
    """Find a model by name or by `package.module:Class`.

    Raises
    ------
    BenchError
        For a name nothing is registered under.
    """
    if name in ZOO:
        return ZOO[name]
    if ":" in name:
        return ModelEntry(name, name, "a class of your own")
    plugins = plugin_models()
    if name in plugins:
        return plugins[name]
    raise BenchError(
        unknown_name("model", name, model_names()) + ", or package.module:Class", exit_code=2
    )


def import_object(target, kind):
    """Import ``package.module:name``.

    Parameters
    ----------
    target : str
    kind : str
        What it should be, for the message.

    Raises
    ------
    BenchError
        If the module or the name in it cannot be imported.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise BenchError(f"a {kind} is written package.module:Name, got {target!r}", exit_code=2)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise BenchError(
            f"cannot import the {kind} {target!r}: {error}; "
            "modules are looked for on Python's path and in the current folder",
            exit_code=2,
        ) from error
    try:
        found = module
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError:
        public = [name for name in vars(module) if not name.startswith("_")]
        raise BenchError(
            f"module {module_name!r}: " + unknown_name(kind, attribute, public), exit_code=2
        ) from None
    return found


def make_current_folder_importable():
    """Put the current folder last on the path, so that it never shadows an installed module.

    Worker processes inherit the path.
    """
    folder = os.getcwd()
    if folder not in sys.path and "" not in sys.path:
        sys.path.append(folder)
