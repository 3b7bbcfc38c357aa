"""What a metric declares about itself: its keys, its exact form, and what it needs."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable

TWIN = "_sampled"


class MetricError(ValueError):
    """A metric that does not exist, cannot be loaded or does not keep its promises."""


@dataclasses.dataclass(frozen=True)
class Key:
    """One number of a metric.

    Attributes
    ----------
    name : str
        Flat key, the same in JSON, CSV and Python.
    label : str
        How tables and axes write it; the name, if empty.
    description : str
        One line.
    higher_is_better : bool or None
        None where neither direction is better; such a key is never ranked.
    low, high : float
        Range, infinite where there is no bound.
    unit : str
        Empty for a pure number.
    """

    name: str
    label: str = ""
    description: str = ""
    higher_is_better: bool | None = True
    low: float = 0.0
    high: float = 1.0
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " "))


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric: a function on arrays, and everything tables need to know about it.

    Attributes
    ----------
    name : str
        Name of the metric and of its score file.
    function : callable
        Called as `function(codes, factors, n_train=…, **options)`; returns a `Score`, a dict of
        flat keys to numbers, or one number.
    keys : tuple of Key
        The first is the headline.
    description : str
        One line.
    variant : str
        The exact form, printed beside every number.
    citation : str
        BibTeX key.
    options : tuple of str
        Which of `seed`, `n_jobs`, `factor_names` and `log_variances` the function takes; one that
        takes `log_variances` is run only where they are given.
    twin : bool
        Whether the metric is also applied to codes drawn from the posterior.
    sampled : bool
        Whether this is such a twin.
    order : int
        Place in lists and tables, the lowest first.
    version : int
        Raised when the same input gives another score; older score files are then outdated.
    """

    name: str
    function: Callable[..., object]
    keys: tuple[Key, ...]
    description: str = ""
    variant: str = ""
    citation: str = ""
    options: tuple[str, ...] = ()
    twin: bool = False
    sampled: bool = False
    order: int = 100
    version: int = 1

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*", self.name):
            raise MetricError(f"a metric's name is part of a file name, so not {self.name!r}")
        if not self.keys:
            raise MetricError(f"metric {self.name!r} declares no keys")

    @property
    def file_name(self) -> str:
        """Name of its score file."""
        return f"{self.name.replace(':', '.')}.json"

    @property
    def needs_log_variances(self) -> bool:
        """Whether the metric can only score posteriors."""
        return self.sampled or "log_variances" in self.options

    @property
    def uses_seed(self) -> bool:
        """Whether the score depends on the seed."""
        return self.sampled or "seed" in self.options

    @functools.cached_property
    def sampled_twin(self) -> Metric | None:
        """The same metric on codes drawn from the posterior, where it has such a twin."""
        if not self.twin:
            return None
        return dataclasses.replace(
            self,
            name=self.name + TWIN,
            keys=tuple(
                dataclasses.replace(
                    key,
                    name=key.name + TWIN,
                    label=f"{key.label.removesuffix(' (means)')} (sampled codes)",
                    description=_of_draws(key.description),
                )
                for key in self.keys
            ),
            description=_of_draws(self.description),
            variant=re.sub(r"(,mean)?\]$", ",sampled]", self.variant),
            twin=False,
            sampled=True,
        )

    def declaration(self) -> dict[str, object]:
        """What the metric says about itself as plain data; an infinite bound is None."""

        def finite(bound: float) -> float | None:
            return bound if math.isfinite(bound) else None

        keys = [
            {**dataclasses.asdict(key), "low": finite(key.low), "high": finite(key.high)}
            for key in self.keys
        ]
        return {"variant": self.variant, "citation": self.citation, "keys": keys}


def _of_draws(description: str) -> str:
    """The description of a metric on means, as that of its twin."""
    if "posterior means" in description:
        return description.replace("posterior means", "codes drawn from the posterior")
    return f"{description}, of codes drawn from the posterior"
