"""The optional members of a model: an adversary, permuted codes, pairs, coefficients over time."""

import inspect
import math
from dataclasses import dataclass, field

from .hyperparameters import is_finite

# How the adversary is trained unless its model says else (Kim and Mnih 2018).
ADVERSARY_ADAM = {"learning_rate": 1e-4, "beta1": 0.5, "beta2": 0.9}
# Terms that stand in every log, and columns beside them.
_LOGGED = ("step", "loss", "nll", "kl", "l2", "tc", "active_units")


@dataclass(frozen=True)
class Hooks:
    """Which of the optional members of the model protocol a class has.

    Attributes
    ----------
    adversary : str or None
        Name of the submodule that a second optimiser trains, on the model's ``adversary_loss``.
    adversary_adam : dict of str to float
        Its ``learning_rate``, ``beta1`` and ``beta2``.
    permutes : bool
        Whether ``outputs.permuted`` holds codes permuted over the batch, latent by latent.
    pairs : bool
        Whether a batch holds pairs: row i and row i + B differ in some factors.
    couples : bool
        Whether ``couple`` changes the posteriors of a pair before codes are drawn.
    anneals : bool
        Whether ``coefficients_at`` gives coefficients that depend on the step.
    logs : tuple of str
        Terms of ``loss`` in the log, beside those of every model.
    """

    adversary: str | None = None
    adversary_adam: dict[str, float] = field(default_factory=lambda: dict(ADVERSARY_ADAM))
    permutes: bool = False
    pairs: bool = False
    couples: bool = False
    anneals: bool = False
    logs: tuple[str, ...] = ()

    @property
    def columns(self):
        """Names in the log beside those of every model; an adversary's loss always has one."""
        return (*self.logs, "adversary_loss") if self.adversary else self.logs


def read_hooks(model_class):
    """Read which optional members a model class has; unlike its label they are inherited.

    Parameters
    ----------
    model_class : type

    Returns
    -------
    Hooks

    Raises
    ------
    ValueError
        For a member of another form than the protocol describes.
    """
    flags = {}
    for name in ("permutes", "pairs"):
        flags[name] = getattr(model_class, name, False)
        if not isinstance(flags[name], bool):
            raise ValueError(f"{name} must be True or False, got {flags[name]!r}")
    adversary = getattr(model_class, "adversary", None)
    if adversary is not None and not (isinstance(adversary, str) and adversary.isidentifier()):
        raise ValueError(f"adversary must be the name of a submodule or None, got {adversary!r}")
    if adversary is not None and hasattr(model_class, adversary):
        raise ValueError(
            f"adversary = {adversary!r}: the class has an attribute of this name, which hides the "
            "submodule; give the submodule another name, and assign it in __init__"
        )
    methods = {}
    for name in ("adversary_loss", "couple", "coefficients_at"):
        methods[name] = hasattr(model_class, name)
        if methods[name] and not callable(getattr(model_class, name)):
            raise ValueError(f"{name} must be a method, got {getattr(model_class, name)!r}")
    if inspect.isfunction(inspect.getattr_static(model_class, "coefficients_at", None)):
        raise ValueError(
            "coefficients_at must be a static method, because it depends on its arguments alone: "
            "write @staticmethod above it, and leave out self"
        )
    for name, needs, reason in (
        ("adversary_loss", adversary is not None, "names no adversary"),
        ("couple", flags["pairs"], "does not say pairs = True"),
    ):
        if methods[name] and not needs:
            raise ValueError(f"the model has a method {name}, but it {reason}")
    if adversary is not None and not methods["adversary_loss"]:
        raise ValueError(
            f"adversary = {adversary!r} needs a method adversary_loss(outputs, coefficients)"
        )
    return Hooks(
        adversary=adversary,
        adversary_adam=_read_adam(getattr(model_class, "adversary_adam", {})),
        permutes=flags["permutes"],
        pairs=flags["pairs"],
        couples=methods["couple"],
        anneals=methods["coefficients_at"],
        logs=_read_logs(getattr(model_class, "logs", ()), adversary),
    )


def check_pairs(factor_sizes, pair_factors, count=None):
    """Refuse a data set or a number of factors that gives no pairs.

    Parameters
    ----------
    factor_sizes : tuple of int or None
        Numbers of classes; None where the images are no full grid.
    pair_factors : int
        In how many factors the images of a pair shall differ; 0 for any number.
    count : int, optional
        Number of images.

    Raises
    ------
    ValueError
        If the images are no full grid, no factor varies, or fewer vary than shall differ.

    Examples
    --------
    >>> check_pairs((3, 1, 4), 3)
    Traceback (most recent call last):
    ValueError: pair_factors = 3, but the number of factors with more than one class is 2; lower \
it to that, or to 0 for a random number
    """
    if factor_sizes is None or count not in (None, math.prod(factor_sizes)):
        raise ValueError(
            "pairs need a data set with one image for every combination of factors, in the order "
            "of the grid; this one has other images: train on another data set"
        )
    varying = sum(size > 1 for size in factor_sizes)
    if not varying:
        raise ValueError("pairs need a factor with more than one class; this data set has none")
    if pair_factors < 0:
        raise ValueError(f"pair_factors must be at least 0, got {pair_factors}")
    if pair_factors > varying:
        raise ValueError(
            f"pair_factors = {pair_factors}, but the number of factors with more than one class is "
            f"{varying}; lower it to that, or to 0 for a random number"
        )


def _read_adam(given):
    if not isinstance(given, dict) or not given.keys() <= ADVERSARY_ADAM.keys():
        raise ValueError(
            f"adversary_adam must be a dict with {', '.join(ADVERSARY_ADAM)}, got {given!r}"
        )
    for name, value in given.items():
        if not is_finite(value) or not 0 <= value < 1:
            raise ValueError(
                f"adversary_adam: {name} must be a number from 0 to below 1, got {value!r}"
            )
    return {**ADVERSARY_ADAM, **given}


def _read_logs(given, adversary):
    named = isinstance(given, (tuple, list)) and all(
        isinstance(name, str) and name.isidentifier() for name in given
    )
    if not named or set(given) & set(_LOGGED):
        raise ValueError(
            "logs must be a tuple of names of terms that stand in no log yet, e.g. "
            f"('penalty',), got {given!r}"
        )
    measured = ("adversary_loss",) if adversary else ()
    return tuple(name for name in dict.fromkeys(given) if name not in measured)
