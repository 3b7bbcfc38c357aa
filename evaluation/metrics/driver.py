"""Run metrics on arrays: parting of rows, draws, masks, reasons and notes, once for all metrics."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..naming import format_number, unknown_name
from ..representation.file_format import Representation
from ..representation.posterior import kl_per_latent
from ..representation.sampling import sample_codes
from .continuous import LEAST_BINS, ask_for_bins, name_continuous, put_into_bins
from .metric import ACTIVE_KL, Metric, MetricError
from .registry import ALL, choose_metrics, with_twins
from .sample import LARGEST, Sample, represent, take_sample
from .score import Score, as_score, spread, spread_codes

DEFAULT = ("mig", "sap", "dci", "mi")
_OF_SAMPLE = (
    "test_codes",
    "test_factors",
    "log_variances",
    "all_codes",
    "all_factors",
    "all_log_variances",
    "factor_names",
    "factor_kinds",
)


def evaluate(
    codes: ArrayLike,
    factors: ArrayLike,
    metrics: str | Metric | Callable[..., object] | Iterable[Any] = DEFAULT,
    log_variances: ArrayLike | None = None,
    n_train: int | None = None,
    seed: int = 0,
    *,
    n_jobs: int = 1,
    factor_names: Collection[str] | None = None,
    factor_kinds: Collection[str] | None = None,
    without_factors: Collection[str] = (),
    bin_factors: int | None = None,
) -> dict[str, Score]:
    """Score a representation by several metrics at once.

    Parameters
    ----------
    codes : array_like, shape (N, D)
        Posterior means, or any deterministic codes. Tensors are taken too.
    factors : array_like, shape (N, K)
        Ground-truth classes from 0, or real numbers: a factor with a value that is not whole is
        continuous, and metrics that need classes are undefined on it.
    metrics : str, Metric, callable, or iterable of them, default ("mig", "sap", "dci", "mi")
        Names (see `bench list metrics`), `module:Name` or `path/to/file.py:Name` of a metric of
        your own, or functions and `Metric` objects themselves. "all" stands for every metric that
        is built in or installed, without those that need log-variances where there are none.
    log_variances : array_like, shape (N, D), optional
        Natural logarithms of posterior variances; with them metrics bring their twins: on codes
        drawn from the posterior (as `mig` and `mi`), or on the active codes alone.
    n_train : int, optional
        Rows 0 … n_train − 1 are the training part; two thirds by default.
    seed : int, default 0
        For ties in trees, draws from posteriors and noise levels.
    n_jobs : int, default 1
        Threads.
    factor_names : collection of str, optional
    factor_kinds : collection of str, optional
        `nominal`, `ordinal`, `periodic`, `continuous` or empty, one a factor.
    without_factors : collection of str, optional
        Names of factors to leave out, such as those that the observations do not determine.
    bin_factors : int, optional
        For metrics that need classes, put the values of each continuous factor into so many bins
        of equal counts; the variant then says so.

    Returns
    -------
    dict of str to Score
        By the name of the metric.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.
    MetricError
        If a metric does not exist or cannot be run, or compares runs with each other.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 4, size=(300, 2))
    >>> scores = evaluate(factors * 1.0, factors, metrics=("mig", "mi"))
    >>> round(scores["mi"].values["mi_matched_fraction"], 6)
    1.0
    """
    for name, number, least in (
        ("seed", seed, 0),
        ("n_jobs", n_jobs, 1),
        ("bin_factors", LEAST_BINS if bin_factors is None else bin_factors, LEAST_BINS),
    ):
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
            raise MetricError(f"{name} must be a whole number from {least}, not {number!r}")
    if isinstance(metrics, str | Metric) or not isinstance(metrics, Iterable):
        metrics = [metrics]
    metrics = list(metrics)
    chosen = choose_metrics(metrics)
    named = choose_metrics(each for each in metrics if not (isinstance(each, str) and each == ALL))
    representation = represent(codes, factors, n_train, log_variances, factor_names, factor_kinds)
    posterior = representation.log_variances is not None
    for metric in named:
        _refuse_grouped(metric)
    lacking = [metric.name for metric in named if metric.needs_log_variances and not posterior]
    if lacking:
        raise MetricError(f"metric {lacking[0]!r} needs log_variances")
    return {
        metric.name: compute(
            metric,
            representation,
            seed=seed,
            n_jobs=n_jobs,
            without_factors=without_factors,
            bin_factors=bin_factors,
        )
        for metric in with_twins(chosen, posterior)
    }


def score(
    codes: ArrayLike,
    factors: ArrayLike,
    metrics: str | Metric | Callable[..., object] | Iterable[Any] = DEFAULT,
    log_variances: ArrayLike | None = None,
    n_train: int | None = None,
    seed: int = 0,
    **options: Any,
) -> dict[str, float]:
    """Score a representation by several metrics, as flat numbers.

    Parameters
    ----------
    codes, factors, metrics, log_variances, n_train, seed, **options
        As `evaluate` takes them.

    Returns
    -------
    dict of str to float
        Flat keys, as in score files and `scores.csv`; NaN where a score is undefined. `evaluate`
        says why.

    Raises
    ------
    RepresentationError, MetricError
        As `evaluate` raises them.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 4, size=(300, 2))
    >>> sorted(score(factors * 1.0, factors, metrics=("mig", "mi")))
    ['mi_matched', 'mi_matched_fraction', 'mi_mean_max', 'mig']
    """
    scores = evaluate(codes, factors, metrics, log_variances, n_train, seed, **options)
    return {
        key: math.nan if value is None else value
        for each in scores.values()
        for key, value in each.values.items()
    }


def compute(
    metric: Metric,
    representation: Representation,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    without_factors: Collection[str] = (),
    bin_factors: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Score:
    """Run one metric on a representation.

    Parameters
    ----------
    metric : Metric
    representation : Representation
    seed : int, default 0
    n_jobs : int, default 1
        Threads, for metrics that use them.
    without_factors : collection of str, optional
        Names of factors to leave out.
    bin_factors : int, optional
        Bins for continuous factors, where the metric needs classes.
    options : mapping, optional
        The metric's own options that differ from their defaults.

    Returns
    -------
    Score

    Raises
    ------
    MetricError
        If the metric needs log-variances that are missing, compares runs with each other, or
        returns something else than the keys it declares.
    TypeError
        For an option that the metric does not have.
    """
    _refuse_grouped(metric)
    if metric.needs_log_variances and representation.log_variances is None:
        raise MetricError(f"metric {metric.name!r} needs log-variances, and there are none")
    settings = _settle(metric, options or {})
    changes = {name: value for name, value in settings.items() if value != metric.settings[name]}
    to_bin: list[str] = []
    if not metric.continuous:
        to_bin = name_continuous(representation, without_factors, constant=metric.parts_rows)
    if to_bin and bin_factors is not None:
        representation, to_bin = put_into_bins(representation, bin_factors), []
        changes["bin_factors"] = bin_factors
    codes, log_variances, active = _choose_codes(metric, representation, seed)
    sample = take_sample(representation, codes, log_variances, without_factors)
    if to_bin:
        undefined = {key.name: ask_for_bins(to_bin) for key in metric.keys}
    else:
        undefined = _find_reasons(metric, sample, active, settings)
    if len(undefined) == len(metric.keys):
        score = Score(values=dict.fromkeys(undefined))
    else:
        everything = {"seed": seed, "n_jobs": n_jobs, **settings}
        if metric.parts_rows:
            arrays, more = _whole(representation, sample, without_factors)
        else:
            arrays, more = _parts(sample)
        score = as_score(metric, _call(metric, metric.function, arrays, everything | more))
        if metric.reference is not None:
            reference = _call(metric, metric.reference, arrays, everything | more)
            score = dataclasses.replace(score, reference={**score.reference, **reference})
        if not metric.parts_rows:
            score = spread(score, sample.scored)
        if metric.active:
            score = spread_codes(score, active)
    notes = () if metric.parts_rows else sample.notes
    score = dataclasses.replace(
        score,
        metric=score.metric or metric.name,
        variant=(score.variant or metric.variant) + _tell_changes(changes, without_factors),
        values={key: None if key in undefined else value for key, value in score.values.items()},
        reasons={**score.reasons, **undefined},
        settings={
            **score.settings,
            **settings,
            **changes,
            **({"seed": seed} if metric.uses_seed else {}),
        },
        notes=(*score.notes, *notes, *_tell_inactive(active)),
    )
    return _add_identifiable(score, representation)


def _choose_codes(
    metric: Metric, representation: Representation, seed: int
) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[np.bool_]]:
    """Codes to score, their log-variances, and which of all codes these are."""
    codes, log_variances = representation.codes, representation.log_variances
    active = np.ones(codes.shape[1], dtype=bool)
    if log_variances is None:
        return codes, None, active
    if metric.sampled:
        return sample_codes(codes, log_variances, seed), log_variances, active
    if metric.active:
        train = slice(representation.n_train)
        with np.errstate(over="ignore"):
            active = kl_per_latent(codes[train], log_variances[train]) > ACTIVE_KL
        codes, log_variances = (
            np.ascontiguousarray(each[:, active]) for each in (codes, log_variances)
        )
    return codes, log_variances, active


def _tell_inactive(active: NDArray[np.bool_]) -> tuple[str, ...]:
    """A note on the codes that are not active, where there are any."""
    if active.all():
        return ()
    numbers = ", ".join(map(str, np.flatnonzero(~active)))
    return (f"left out, KL at most {ACTIVE_KL:g} nats: codes {numbers}",)


def _refuse_grouped(metric: Metric) -> None:
    if metric.grouped:
        raise MetricError(
            f"metric {metric.name!r} compares the seeds of one setting and cannot score a single "
            "representation: store codes of shared images in the files of all seeds "
            "(docs/formats.md) and run bench evaluate on their folder"
        )


def _settle(metric: Metric, options: Mapping[str, Any]) -> dict[str, Any]:
    """The metric's own options: its defaults, and those that were passed."""
    for name in options:
        if name not in metric.settings:
            raise TypeError(unknown_name(f"option of {metric.name}", name, metric.settings))
    return {**metric.settings, **options}


def _find_reasons(
    metric: Metric, sample: Sample, active: NDArray[np.bool_], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Which keys are undefined on these arrays, and why."""
    if not active.any():
        return {key.name: f"no code has a KL above {ACTIVE_KL:g} nats" for key in metric.keys}
    if metric.sampled and not np.isfinite(sample.all_codes).all():
        return {key.name: "the posterior is too wide to draw from" for key in metric.keys}
    if not metric.parts_rows and not sample.scored.any():
        return {key.name: "no factor varies in the training part" for key in metric.keys}
    largest = np.abs(sample.factors).max(initial=0)
    if largest > LARGEST:
        reason = f"a factor reaches beyond {LARGEST:.3g}: give it in another unit"
        return {key.name: reason for key in metric.keys}
    reasons = {}
    for key in metric.keys:
        said = (need(sample, settings) for need in (*metric.needs, *key.needs))
        reason = next(filter(None, said), "")
        if reason:
            few = f" ({active.sum()} of {len(active)} codes have a KL above {ACTIVE_KL:g} nats)"
            reasons[key.name] = reason if active.all() else reason + few
    return reasons


def _whole(
    representation: Representation, sample: Sample, without: Collection[str]
) -> tuple[tuple[NDArray[Any], NDArray[Any]], dict[str, Any]]:
    """All rows, for a function that parts them itself."""
    kept = ~np.isin(representation.factor_names, list(without))
    names = np.array(representation.factor_names)[kept]
    kinds = np.array(representation.factor_kinds)[kept]
    return (sample.all_codes, representation.factors[:, kept]), {
        "n_train": representation.n_train,
        "log_variances": sample.all_log_variances,
        "factor_names": tuple(map(str, names)),
        "factor_kinds": tuple(map(str, kinds)),
    }


def _parts(sample: Sample) -> tuple[tuple[NDArray[Any], NDArray[Any]], dict[str, Any]]:
    """Training rows, and the other rows for whoever asks for them."""
    return (sample.codes, sample.factors), {name: getattr(sample, name) for name in _OF_SAMPLE}


def _call(
    metric: Metric,
    function: Callable[..., Any],
    arrays: tuple[NDArray[Any], NDArray[Any]],
    offered: Mapping[str, Any],
) -> Any:
    """Call a metric's function with what it takes of what there is."""
    taken = metric.taken_by(function)
    return function(*arrays, **{name: offered[name] for name in offered if name in taken})


def _tell_changes(changes: Mapping[str, Any], without: Collection[str]) -> str:
    """What is not as the variant says."""
    changed = [
        f"{name}={format_number(value) if isinstance(value, int | float) else value}"
        for name, value in changes.items()
    ]
    text = f" with {', '.join(changed)}" if changed else ""
    return f"{text} without {', '.join(without)}" if without else text


def _add_identifiable(score: Score, representation: Representation) -> Score:
    """Add the mean over the factors that the observations determine, where some do not.

    A file says which do not by its attribute `unidentifiable_factors`.
    """
    names = representation.attributes.get("unidentifiable_factors", ())
    if isinstance(names, str):
        try:
            names = json.loads(names)
        except ValueError:
            names = ()
    headline = next(iter(score.values))
    terms = score.per_factor.get(headline) or ()
    if (
        not isinstance(names, list | tuple)
        or len(terms) != len(representation.factor_names)
        or headline in score.reasons
    ):
        return score
    labelled = list(zip(representation.factor_names, terms, strict=True))
    left_out = [name for name, term in labelled if name in names and term is not None]
    kept = [term for name, term in labelled if name not in names and term is not None]
    if not left_out or not kept:
        return score
    more = {"without_unidentifiable": {"factors": left_out, "value": float(np.mean(kept))}}
    return dataclasses.replace(score, reference={**score.reference, **more})
