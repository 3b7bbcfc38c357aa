"""What a metric declares about itself: its keys, its exact form, and what it needs."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .sample import Sample
    from .score import Score

SAMPLED = "_sampled"
ACTIVE = "_active"
# A latent whose posterior diverges from the prior by more than this, in nats, is active.
ACTIVE_KL = 0.01
# How far a second computation may lie off where a metric says nothing.
TOLERANCE = 1e-6
# What the driver can hand to a metric's function besides codes and factors.
OFFERED = (
    "n_train",
    "test_codes",
    "test_factors",
    "log_variances",
    "all_codes",
    "all_factors",
    "all_log_variances",
    "factor_names",
    "factor_kinds",
    "seed",
    "n_jobs",
)
# What only posteriors have.
_POSTERIOR = {"log_variances", "all_log_variances"}


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
    needs : tuple of callable
        Like the needs of a metric, for this key alone.
    """

    name: str
    label: str = ""
    description: str = ""
    higher_is_better: bool | None = True
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    needs: tuple[Callable[[Sample, Mapping[str, object]], str], ...] = ()

    def __post_init__(self) -> None:
        if not self.name or not self.name.isprintable() or self.name != self.name.strip():
            raise MetricError(f"a key is the name of a column, so not {self.name!r}")
        if not self.low < self.high:
            raise MetricError(f"key {self.name!r} has no range: {self.low} … {self.high}")
        if not self.label:
            object.__setattr__(self, "label", self.name.replace("_", " "))

    def declaration(self) -> dict[str, object]:
        """The key as plain data; an infinite bound is None."""
        bounds = {
            name: bound if math.isfinite(bound) else None
            for name, bound in (("low", self.low), ("high", self.high))
        }
        return {
            "name": self.name,
            "label": self.label,
            "description": self.description,
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            **bounds,
        }


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric: a function on arrays, and everything that others need to know about it.

    A metric is called like a function, on arrays, and gives a `Score`.

    Attributes
    ----------
    name : str
        Name of the metric and of its score file.
    function : callable
        Takes arrays, returns a number, a dict of flat keys to numbers, or a `Score`. Its first two
        arguments are `codes` (N, D) and `factors` (N, K): those of the training part, without
        factors that are constant there. It gets what else it names among its arguments:
        `test_codes` and `test_factors`, `log_variances` (N, D), both parts in one as `all_codes`,
        `all_factors` and `all_log_variances`, `factor_names` and `factor_kinds` (tuples of K
        texts), `seed` and `n_jobs` (threads). A function that names `n_train` gets all rows and
        all factors instead, and parts them itself. Arguments of other names are its own options
        and have defaults.
    keys : tuple of Key
        The first is the headline.
    description : str
        One line.
    variant : str
        The exact form, printed beside every number.
    citation : str
        BibTeX key.
    needs : tuple of callable
        What the arrays must have: each is called with a `Sample` and the metric's options, and
        returns why the score is undefined, or nothing. The module `sample` has some.
    reference : callable, optional
        Takes arrays like `function`; returns a dict of values to read the score against.
    options : tuple of str
        Arguments of `function` that its signature does not name.
    twin : bool
        Whether the metric is also applied to codes drawn from the posterior.
    sampled : bool
        Whether this is such a twin.
    order : int
        Place in lists and tables, the lowest first.
    version : int
        Raised when the same input gives another score; older score files are then outdated.
    default : bool
        Whether `bench evaluate` computes it where no metric is named.
    masked : bool
        Whether the metric is also applied to the active codes alone: those whose posterior
        diverges from the prior by more than 0.01 nats, on average over the training part.
    active : bool
        Whether this is such a twin.
    continuous : bool
        Whether the function takes factors that are real numbers (float64) rather than classes.
        The score of any other metric is undefined where a factor is continuous.
    grouped : bool
        Whether the function compares the runs of one setting with each other. `bench evaluate`
        computes such a metric; it has no score on one representation alone.
    tolerance : float
        How far a second computation on the same arrays and seed, on another machine or with other
        versions of numpy, SciPy, scikit-learn and numba, may lie from the first: in the unit of
        each key, and relative to the value where that is beyond 1. It decides when a score that
        somebody states is confirmed, and nothing else.
    """

    name: str
    function: Callable[..., object]
    keys: tuple[Key, ...]
    description: str = ""
    variant: str = ""
    citation: str = ""
    needs: tuple[Callable[[Sample, Mapping[str, object]], str], ...] = ()
    reference: Callable[..., Mapping[str, object]] | None = None
    options: tuple[str, ...] = ()
    twin: bool = False
    sampled: bool = False
    order: int = 100
    version: int = 1
    default: bool = True
    masked: bool = False
    active: bool = False
    continuous: bool = False
    grouped: bool = False
    tolerance: float = TOLERANCE

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*", self.name):
            raise MetricError(f"a metric's name is part of a file name, so not {self.name!r}")
        if isinstance(self.keys, list):
            object.__setattr__(self, "keys", tuple(self.keys))
        keys = self.keys if isinstance(self.keys, tuple) else ()
        if not keys or not all(isinstance(key, Key) for key in keys):
            raise MetricError(f"metric {self.name!r} declares no keys: expected a tuple of Key")
        if not callable(self.function):
            raise MetricError(f"metric {self.name!r} has no function that can be called")
        real = isinstance(self.tolerance, int | float) and math.isfinite(self.tolerance)
        if not real or self.tolerance < 0:
            raise MetricError(
                f"metric {self.name!r} has a tolerance of {self.tolerance!r}: expected a number "
                "from 0"
            )

    def __call__(
        self,
        codes: ArrayLike,
        factors: ArrayLike,
        *,
        n_train: int | None = None,
        log_variances: ArrayLike | None = None,
        factor_names: Collection[str] | None = None,
        factor_kinds: Collection[str] | None = None,
        without_factors: Collection[str] = (),
        bin_factors: int | None = None,
        seed: int = 0,
        n_jobs: int = 1,
        **options: Any,
    ) -> Score:
        """Score a representation.

        Parameters
        ----------
        codes, factors, n_train, factor_names, factor_kinds, without_factors, bin_factors, seed, \
n_jobs
            As `evaluate` takes them.
        log_variances : array_like, shape (N, D), optional
            A metric with a sampled twin is then applied to codes drawn from the posteriors, and
            the score is that of the twin.
        **options
            The metric's own, such as `num_bins`; the variant names those that are changed.

        Returns
        -------
        Score

        Raises
        ------
        RepresentationError
            If the arrays are not a representation.
        MetricError
            If the metric needs log-variances and there are none, or does not keep its promises.
        TypeError
            For an option that the metric does not have.
        """
        from .driver import compute
        from .sample import represent

        metric = self.sampled_twin if log_variances is not None else None
        representation = represent(
            codes, factors, n_train, log_variances, factor_names, factor_kinds
        )
        return compute(
            metric or self,
            representation,
            seed=seed,
            n_jobs=n_jobs,
            without_factors=without_factors,
            bin_factors=bin_factors,
            options=options,
        )

    def taken_by(self, function: Callable[..., object]) -> set[str]:
        """Names of the arguments that one of the metric's functions takes besides two arrays."""
        parameters = _parameters(function)
        taken = {parameter.name for parameter in parameters}
        if function is self.function:
            taken |= {*self.options}
            if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
                taken.add("n_train")
        return taken

    @functools.cached_property
    def arguments(self) -> set[str]:
        """What the metric takes of what the driver offers."""
        functions = [self.function] if self.reference is None else [self.function, self.reference]
        return {name for f in functions for name in self.taken_by(f)}.intersection(OFFERED)

    @property
    def parts_rows(self) -> bool:
        """Whether the function gets all rows, and parts them itself."""
        return "n_train" in self.arguments

    @functools.cached_property
    def settings(self) -> dict[str, Any]:
        """The metric's own options, with their defaults."""
        return {
            parameter.name: parameter.default
            for parameter in _parameters(self.function)
            if parameter.name not in OFFERED and parameter.default is not parameter.empty
        }

    @property
    def file_name(self) -> str:
        """Name of its score file."""
        return f"{self.name.replace(':', '.')}.json"

    @property
    def needs_log_variances(self) -> bool:
        """Whether the metric can only score posteriors."""
        return self.sampled or self.active or not self.arguments.isdisjoint(_POSTERIOR)

    @property
    def uses_seed(self) -> bool:
        """Whether the score depends on the seed."""
        return self.sampled or "seed" in self.arguments

    @property
    def suffix(self) -> str:
        """What a twin's name and keys end in; empty for a metric that is none."""
        return SAMPLED if self.sampled else ACTIVE if self.active else ""

    @functools.cached_property
    def sampled_twin(self) -> Metric | None:
        """The same metric on codes drawn from the posterior, where it has such a twin."""
        if not self.twin:
            return None
        variant = re.sub(r"(,mean)?\]$", ",sampled]", self.variant)
        return self._make_twin(SAMPLED, "sampled codes", variant, _of_draws, sampled=True)

    @functools.cached_property
    def active_twin(self) -> Metric | None:
        """The same metric on the active codes alone, where it has such a twin."""
        if not self.masked:
            return None
        variant = re.sub(r"\]$", f",kl>{ACTIVE_KL:g}]", self.variant)
        return self._make_twin(ACTIVE, "active codes", variant, _of_active, active=True)

    @property
    def twins(self) -> tuple[Metric, ...]:
        """The metric's twins: on codes drawn from the posterior, and on the active ones."""
        return tuple(twin for twin in (self.sampled_twin, self.active_twin) if twin is not None)

    def _make_twin(
        self,
        suffix: str,
        codes: str,
        variant: str,
        describe: Callable[[str], str],
        sampled: bool = False,
        active: bool = False,
    ) -> Metric:
        keys = tuple(
            dataclasses.replace(
                key,
                name=key.name + suffix,
                label=_relabel(key.label, codes),
                description=describe(key.description),
            )
            for key in self.keys
        )
        return dataclasses.replace(
            self,
            name=self.name + suffix,
            keys=keys,
            description=describe(self.description),
            variant=variant,
            twin=False,
            masked=False,
            sampled=sampled,
            active=active,
        )

    def declaration(self) -> dict[str, object]:
        """What the metric says about itself, as plain data."""
        keys = [key.declaration() for key in self.keys]
        return {
            "variant": self.variant,
            "citation": self.citation,
            "tolerance": self.tolerance,
            "keys": keys,
        }


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """Parameters after the first two; only `n_train` for functions that cannot be asked."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [inspect.Parameter("n_train", inspect.Parameter.KEYWORD_ONLY)]
    arrays = [p for p in parameters[:2] if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return parameters[len(arrays) :]


def _relabel(label: str, codes: str) -> str:
    """The label of a key, as that of its twin on other codes."""
    stem = label.removesuffix(" (means)").replace(", means)", ")")
    return f"{stem[:-1]}, {codes})" if stem.endswith(")") else f"{stem} ({codes})"


def _of_draws(description: str) -> str:
    """The description of a metric on means, as that of its twin."""
    if "posterior means" in description:
        return description.replace("posterior means", "codes drawn from the posterior")
    return f"{description}, of codes drawn from the posterior"


def _of_active(description: str) -> str:
    """The description of a metric on all codes, as that of its twin."""
    return f"{description}, of active codes alone"
