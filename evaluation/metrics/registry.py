"""Find metrics: in the files of this folder, in installed packages, and by reference."""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import pkgutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..importing import ImportFailure, load_object, name_object
from ..naming import one_line, unknown_name
from .metric import Key, Metric, MetricError

GROUP = "disentanglement_bench.metrics"
ALL = "all"

_NATS: dict[str, Any] = {"high": math.inf, "unit": "nats"}
TRAINING_KEYS = {
    key.name: key
    for key in (
        Key("nll", "NLL", "negative log-likelihood of the decoder", False, **_NATS),
        Key("kl", "KL", "divergence of the posterior from the prior", None, **_NATS),
        Key("l2", "L2", "squared reconstruction error", False, 0.0, math.inf, "squared intensity"),
        Key("tc", "TC", "total correlation, minibatch estimate", None, low=-math.inf, **_NATS),
        Key(
            "active_units",
            "active units",
            "latents whose mean varies by more than 0.01",
            None,
            high=math.inf,
        ),
    )
}


class _BuiltIn(Mapping[str, Metric]):
    """The metrics declared in the files of a folder; the files are imported at the first look."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._metrics: dict[str, Metric] | None = None

    def _load(self) -> dict[str, Metric]:
        if self._metrics is None:
            self._metrics = discover(self._package)
        return self._metrics

    def __getitem__(self, name: str) -> Metric:
        return self._load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


def discover(package: str) -> dict[str, Metric]:
    """Collect the `Metric` objects that the files of a package declare, with their twins.

    Parameters
    ----------
    package : str
        Dotted name.

    Returns
    -------
    dict of str to Metric
        By name, in the order that the metrics declare.
    """
    folder = importlib.import_module(package)
    declared: dict[str, Metric] = {}
    for file in pkgutil.iter_modules(folder.__path__):
        if not file.ispkg:
            module = importlib.import_module(f"{package}.{file.name}")
            declared |= {m.name: m for m in vars(module).values() if isinstance(m, Metric)}
    ordered = sorted(declared.values(), key=lambda metric: (metric.order, metric.name))
    return {each.name: each for metric in ordered for each in (metric, *metric.twins)}


METRICS: Mapping[str, Metric] = _BuiltIn(__package__)


def get_metric(metric: str | Metric | Callable[..., object]) -> Metric:
    """Look up a metric.

    Parameters
    ----------
    metric : str, Metric or callable
        A name (built in, or offered by an installed package), `module:Name` or
        `path/to/file.py:Name` of a `Metric` or a function, or one of these themselves. A function
        by reference is named `stem:name`, a function itself by its own name; that is its only key.

    Returns
    -------
    Metric

    Raises
    ------
    MetricError
        If there is no such metric, with the closest name, or if it takes the name or a key of a
        built-in metric or of training.

    Examples
    --------
    >>> get_metric("mig").keys[0].higher_is_better
    True
    """
    if not isinstance(metric, str):
        return _protect(as_metric(metric))
    if metric in METRICS:
        return METRICS[metric]
    offered = plugins()
    if metric in offered:
        try:
            loaded = offered[metric].load()
        except (Exception, SystemExit) as error:
            raise MetricError(
                f"metric {metric!r} of an installed package cannot be loaded: {one_line(error)}"
            ) from error
        return _protect(as_metric(loaded, metric))
    if ":" not in metric:
        raise MetricError(unknown_name("metric", metric, [*METRICS, *sorted(offered)]))
    try:
        loaded = load_object(metric, "metric")
    except ImportFailure as error:
        raise MetricError(str(error)) from error
    return _protect(as_metric(loaded, name_object(metric)))


def as_metric(given: object, name: str | None = None) -> Metric:
    """Accept a `Metric`, or make one of a plain function.

    Parameters
    ----------
    given : Metric or callable
    name : str, optional
        For a function, also as its only key; its own name by default.

    Returns
    -------
    Metric

    Raises
    ------
    MetricError
        For anything else.
    """
    if isinstance(given, Metric):
        return given
    if not callable(given):
        raise MetricError(
            f"{name or one_line(repr(given))}: expected the name of a metric, a Metric or a "
            f"function, not {type(given).__name__}"
        )
    name = name or str(getattr(given, "__name__", type(given).__name__))
    text = (given.__doc__ or "").strip().split("\n")[0]
    key = Key(name, "", text, low=-math.inf, high=math.inf)
    return Metric(name, given, (key,), text, f"{name}[user]")


def choose_metrics(
    metrics: str | Metric | Callable[..., object] | Iterable[str | Metric | Callable[..., object]],
) -> list[Metric]:
    """Look up several metrics, each once.

    Parameters
    ----------
    metrics : str, Metric, callable, or iterable of them
        As `get_metric` takes them; "all" stands for every metric that is built in or offered by
        an installed package.

    Returns
    -------
    list of Metric

    Raises
    ------
    MetricError
        As `get_metric`; also if two different metrics share a name or a key.
    """
    single = isinstance(metrics, str | Metric) or not isinstance(metrics, Iterable)
    chosen: dict[str, Metric] = {}
    owners: dict[str, Metric] = {}
    given: list[Any] = []
    for each in [metrics] if single else metrics:  # type: ignore[union-attr]
        given += all_metrics() if isinstance(each, str) and each == ALL else [each]
    for metric in map(get_metric, given):
        chosen.setdefault(metric.name, metric)
        for each in (metric, *metric.twins):
            for name in dict.fromkeys([each.name, *(key.name for key in each.keys)]):
                if owners.setdefault(name, each) != each:
                    raise MetricError(
                        f"two of these metrics have the name {name!r}, or a key of that name: "
                        "rename one"
                    )
    return list(chosen.values())


def _protect(metric: Metric) -> Metric:
    """Refuse a metric that would be taken for a built-in one."""
    if METRICS.get(metric.name) is metric:
        return metric
    if metric.grouped:
        raise MetricError(
            f"metric {metric.name!r} cannot be grouped: a metric of your own scores one "
            "representation"
        )
    if metric.name in METRICS:
        raise MetricError(f"a metric of your own cannot be called {metric.name!r}: rename it")
    owners = {key.name: f"metric {m.name!r}" for m in METRICS.values() for key in m.keys}
    owners |= dict.fromkeys(TRAINING_KEYS, "training")
    for each in (metric, *metric.twins):
        for key in each.keys:
            if key.name in owners:
                raise MetricError(
                    f"metric {metric.name!r} has a key {key.name!r}, which is a key of "
                    f"{owners[key.name]}: rename it"
                )
    return metric


def plugins() -> dict[str, importlib.metadata.EntryPoint]:
    """Metrics that installed packages offer by the entry point group.

    Returns
    -------
    dict of str to EntryPoint
        Nothing is imported. Names of built-in metrics are left out.
    """
    entries = importlib.metadata.entry_points(group=GROUP)
    return {entry.name: entry for entry in entries if entry.name not in METRICS}


def default_metrics() -> list[str]:
    """Names of the metrics that `bench evaluate` computes when none is asked for.

    Returns
    -------
    list of str
        Those of `all_metrics` that declare it.
    """
    return [name for name in all_metrics() if get_metric(name).default]


def all_metrics() -> list[str]:
    """Names of all metrics that are built in or offered by installed packages.

    Returns
    -------
    list of str
        Without twins, which follow their metrics. A metric of a package that cannot be loaded is
        left out with a warning.
    """
    names = [metric.name for metric in METRICS.values() if not metric.suffix]
    for name in sorted(plugins()):
        try:
            get_metric(name)
        except MetricError as error:
            warnings.warn(f"left out: {error}", stacklevel=2)
        else:
            names.append(name)
    return names


def with_twins(metrics: Iterable[Metric], posterior: bool) -> list[Metric]:
    """The metrics to compute on one representation: each once, with twins if it has a posterior.

    Parameters
    ----------
    metrics : iterable of Metric
    posterior : bool
        Whether log-variances are given.

    Returns
    -------
    list of Metric
        Without those that need log-variances where there are none, and without those that compare
        runs with each other.

    Examples
    --------
    >>> [metric.name for metric in with_twins([METRICS["mig"], METRICS["sap"]], posterior=True)]
    ['mig', 'mig_sampled', 'sap']
    """
    chosen: dict[str, Metric] = {}
    for metric in metrics:
        for each in (metric, *metric.twins):
            chosen.setdefault(each.name, each)
    return [
        metric
        for metric in chosen.values()
        if not metric.grouped and (posterior or not metric.needs_log_variances)
    ]
