"""Describe metrics as data: names, keys, direction, range, and where the function is."""

import dataclasses
import importlib
import importlib.metadata
import os
import re
import sys

from ..naming import unknown_name

GROUP = "disentanglement_bench.metrics"


class MetricError(ValueError):
    """A metric that does not exist, cannot be loaded or does not keep its promises."""


@dataclasses.dataclass(frozen=True)
class Key:
    """One number of a metric.

    Attributes
    ----------
    name : str
        Flat key, the same in JSON, CSV and Python.
    description : str
        One line.
    higher_is_better : bool
    low, high : float
        Range; `high` is infinite where there is no bound.
    unit : str
    """

    name: str
    description: str
    higher_is_better: bool = True
    low: float = 0.0
    high: float = 1.0
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric: a function on arrays, and everything tables need to know about it.

    Attributes
    ----------
    name : str
        Name of the metric and of its score file.
    function : str or callable
        `module:name`, imported when first used, or the function itself. It is called as
        `function(codes, factors, n_train=…, **options)` and returns a `Score`, a dict of flat
        keys to numbers, or one number.
    keys : tuple of Key
        The first is the headline.
    description : str
    variant : str
        Printed beside every number.
    options : tuple of str
        Which of `seed`, `backend`, `n_jobs`, `factor_names` and `log_variances` the function
        takes; one that takes `log_variances` is run only where they are given.
    version : int
        Raised when the same input gives another score; older score files are then outdated.
    """

    name: str
    function: object
    keys: tuple
    description: str = ""
    variant: str = ""
    options: tuple = ()
    version: int = 1

    def __post_init__(self):
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", self.name):
            raise MetricError(f"a metric's name is part of a file name, so not {self.name!r}")
        if not self.keys:
            raise MetricError(f"metric {self.name!r} declares no keys")

    @property
    def needs_log_variances(self):
        """Whether the metric can only score posteriors."""
        return "log_variances" in self.options

    def load(self):
        """Import the function.

        Raises
        ------
        MetricError
            If it cannot be imported.
        """
        return load_object(self.function) if isinstance(self.function, str) else self.function


def load_object(reference):
    """Import `module:name`; modules in the current folder are found too.

    Raises
    ------
    MetricError
        If there is no such module or name.
    """
    module, _, name = reference.partition(":")
    if not name:
        raise MetricError(f"expected module:name, not {reference!r}")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise MetricError(f"{reference}: {error}") from None
    except AttributeError:
        raise MetricError(f"{reference}: module {module} has no {name!r}") from None


def as_metric(found, name):
    """Accept a `Metric`, or a plain function, whose name is then its only key.

    Raises
    ------
    MetricError
        For anything else.
    """
    if isinstance(found, Metric):
        return found
    if callable(found):
        text = (found.__doc__ or "").strip().split("\n")[0]
        own = getattr(found, "__name__", name)
        return Metric(own, found, (Key(own, text),), text, f"{own}[user]")
    raise MetricError(f"{name}: expected a Metric or a function, not {type(found).__name__}")


def plugins():
    """Metrics that installed packages offer by the entry point group.

    Returns
    -------
    dict of str to EntryPoint
        Nothing is imported.
    """
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}


def find_metric(name, known):
    """Look a metric up: built in, by entry point, or as `module:name`.

    Parameters
    ----------
    name : str
    known : dict of str to Metric

    Returns
    -------
    Metric

    Raises
    ------
    MetricError
        With the closest name, if it is unknown.
    """
    if name in known:
        return known[name]
    if ":" in name:
        return as_metric(load_object(name), name)
    offered = plugins()
    if name in offered:
        try:
            return as_metric(offered[name].load(), name)
        except (ImportError, AttributeError) as error:
            raise MetricError(f"metric {name!r} of a plugin cannot be loaded: {error}") from None
    raise MetricError(unknown_name("metric", name, [*known, *sorted(offered)]))
