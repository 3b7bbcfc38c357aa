"""One file a method, found by its name: hyperparameters, loss and what it says about itself."""

import importlib
import pkgutil


def list_models() -> list[str]:
    """Names of the zoo's models: those of the files in this folder; nothing is imported.

    Examples
    --------
    >>> list_models()[:4]
    ['annealedvae', 'betatcvae', 'betavae', 'dipvae1']
    """
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_model(name: str) -> type:
    """Import a model of the zoo.

    Parameters
    ----------
    name : str
        One of `list_models`.

    Returns
    -------
    type
        The class of the file that has a `loss`.

    Raises
    ------
    ValueError
        Unless the file has exactly one such class.
    """
    module = importlib.import_module(f"{__name__}.{name}")
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and hasattr(value, "loss")
    ]
    if len(classes) != 1:
        raise ValueError(
            f"models/zoo/{name}.py must have exactly one class with a loss, it has {len(classes)}"
        )
    return classes[0]
