"""What a model class says about itself, read and checked in one place."""

from dataclasses import dataclass, field

from .hooks import Hooks, read_hooks
from .hyperparameters import hyperparameter_names, is_finite, resolve_hyperparameters

# How tables and axes write hyperparameters of these names unless a model says else.
SYMBOLS = {"beta": "β", "lambda": "λ"}
# The longest symbol that fits an axis and the head of a column.
_SYMBOL_LENGTH = 20


@dataclass(frozen=True)
class Declaration:
    """What a model says about itself, beside its loss.

    Attributes
    ----------
    hyperparameters : dict of str to float
        Names as users write them, with their defaults.
    label : str
        Name of the method in tables and figures, e.g. ``"β-VAE"``.
    description : str
        One line: the loss.
    citation : str
        A BibTeX key of the suite's references, or a citation as text; "" for none.
    continues : str or None
        Name of the model whose trained weights a run begins with, or of a class in the same file.
    reduces_to : dict of str to dict
        Names of the methods that the model is at certain values of its hyperparameters, with
        these values; the first that fits counts.
    sweeps : dict of str to dict
        By preset, then by hyperparameter: the values that are trained; what is not named takes
        the preset's own values.
    axis : str or None
        The hyperparameter that curves are drawn over: `beta` where there is one, else the first
        that is swept.
    symbols : dict of str to str
        How tables and axes write hyperparameters: ``{"gamma": "γ"}``.
    hooks : Hooks
        Which optional members it has.
    """

    hyperparameters: dict[str, float]
    label: str
    description: str = ""
    citation: str = ""
    continues: str | None = None
    reduces_to: dict[str, dict[str, float]] = field(default_factory=dict)
    sweeps: dict[str, dict[str, tuple[float, ...]]] = field(default_factory=dict)
    axis: str | None = None
    symbols: dict[str, str] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=Hooks)

    def reduces(self, values, name):
        """Whether the model is the method called `name` at these values."""
        where = self.reduces_to.get(name)
        return where is not None and all(values[key] == value for key, value in where.items())


def read_declaration(model_class, name):
    """Read what a model class says about itself.

    Parameters
    ----------
    model_class : type
        Its ``Hyperparameters``, and what it says itself of ``label``, ``citation``, ``continues``,
        ``reduces_to``, ``sweeps``, ``axis`` and ``symbols`` (see `Declaration`), and what it has
        of `Hooks`; all may be missing. What a base class says of itself is not inherited, because
        with another loss it is another method; its hooks are, because they are what it does.
    name : str
        The label of a model that has none.

    Returns
    -------
    Declaration

    Raises
    ------
    ValueError
        For a class that is no model, or an attribute of another form than `Declaration` describes.
    """
    _check_methods(model_class, name)
    namespace = vars(model_class)
    texts = {
        key: namespace.get(key, default) for key, default in (("label", name), ("citation", ""))
    }
    for key, text in texts.items():
        if not isinstance(text, str) or not text.isprintable():
            raise ValueError(f"{key} must be text on one line, got {text!r}")
    continues = namespace.get("continues")
    if continues is not None and not (isinstance(continues, str) and continues):
        raise ValueError(f"continues must be the name of a model or None, got {continues!r}")
    names = hyperparameter_names(model_class)
    reduces_to = _read_nested(namespace, "reduces_to", names)
    sweeps = _read_nested(namespace, "sweeps", names)
    for other, values in reduces_to.items():
        if not values:
            raise ValueError(f"reduces_to: at which values is the model {other!r}? It names none")
        for key, value in values.items():
            if not is_finite(value):
                raise ValueError(f"reduces_to: {key} must be a finite number, got {value!r}")
    for sweep in sweeps.values():
        for key, values in sweep.items():
            if not isinstance(values, (tuple, list)) or not values:
                raise ValueError(f"sweeps: {key} must be a tuple of numbers, got {values!r}")
            for value in values:
                resolve_hyperparameters(model_class, {key: value})
    return Declaration(
        hyperparameters=resolve_hyperparameters(model_class, {}),
        label=texts["label"] or name,
        description=(model_class.__doc__ or "").strip().partition("\n")[0],
        citation=texts["citation"],
        continues=continues,
        reduces_to=reduces_to,
        sweeps=sweeps,
        axis=_read_axis(namespace, names, sweeps),
        symbols=_read_symbols(namespace, names),
        hooks=read_hooks(model_class),
    )


def _read_axis(namespace, names, sweeps):
    axis = namespace.get("axis")
    if axis is not None and axis not in names:
        raise ValueError(
            f"axis must be one of the model's hyperparameters ({', '.join(names) or 'none'}), "
            f"got {axis!r}"
        )
    if axis is not None or "beta" in names:
        return axis or "beta"
    # λ has the preset's own sweep.
    swept = {"lambda", *(name for sweep in sweeps.values() for name in sweep)}
    return next((name for name in names if name in swept), None)


def _read_symbols(namespace, names):
    symbols = namespace.get("symbols", {})
    if not isinstance(symbols, dict):
        raise ValueError(f"symbols must be a dict of hyperparameters to texts, got {symbols!r}")
    for name, symbol in symbols.items():
        if name not in names:
            raise ValueError(
                f"symbols names a hyperparameter {name!r} that the model does not have; "
                f"it has: {', '.join(names) or 'none'}"
            )
        fits = isinstance(symbol, str) and symbol.isprintable() and symbol.strip()
        if not fits or len(symbol) > _SYMBOL_LENGTH:
            raise ValueError(
                f"symbols: {name} must be written in 1 to {_SYMBOL_LENGTH} characters, "
                f"got {symbol!r}"
            )
    return {name: text for name, text in {**SYMBOLS, **symbols}.items() if name in names}


def _check_methods(model_class, name):
    # Slow to import, and not every command that names a model needs it.
    from torch import nn

    from .autoencoder import Autoencoder

    if not isinstance(model_class, type) or not issubclass(model_class, nn.Module):
        raise ValueError(f"{name} is not a class derived from torch.nn.Module")
    sums_terms = callable(getattr(model_class, "weigh_terms", None))
    for method in ("encode", "decode", "loss"):
        if not callable(getattr(model_class, method, None)) or (
            # The zoo's body has a loss for those that say what it adds.
            method == "loss" and model_class.loss is Autoencoder.loss and not sums_terms
        ):
            raise ValueError(
                f"{name} has no method {method!r}; a model has "
                "__init__(image_shape, latent_size), encode(images), decode(codes) and "
                "loss(outputs, coefficients): see docs/models.md"
            )


def _read_nested(namespace, key, names):
    """An attribute that maps names to hyperparameters with values."""
    nested = namespace.get(key, {})
    if not isinstance(nested, dict) or not all(isinstance(v, dict) for v in nested.values()):
        raise ValueError(f"{key} must be a dict of dicts, got {nested!r}")
    for values in nested.values():
        for name in values:
            if name not in names:
                raise ValueError(
                    f"{key} names a hyperparameter {name!r} that the model does not have; "
                    f"it has: {', '.join(names) or 'none'}"
                )
    return nested
