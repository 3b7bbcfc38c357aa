"""Run one metric on a representation: parting of rows, draws, masks, bins, reasons and notes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..naming import format_number, unknown_name
from ..representation.file_format import Representation
from ..representation.posterior import kl_per_latent
from ..representation.sampling import sample_codes
from .continuous import ask_for_bins, name_continuous, put_into_bins
from .metric import ACTIVE_KL, Metric, MetricError
from .sample import LARGEST, Sample, take_sample
from .score import Score, as_score, spread, spread_codes

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
    refuse_grouped(metric)
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
        score = _run(metric, representation, sample, everything, without_factors)
        score = spread_codes(score, active) if metric.active else score
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


def _run(
    metric: Metric,
    representation: Representation,
    sample: Sample,
    settings: dict[str, Any],
    without: Collection[str],
) -> Score:
    """Call the metric's function, and that of its reference values."""
    arrays, offered = (
        _whole(representation, sample, without) if metric.parts_rows else _parts(sample)
    )
    score = as_score(metric, _call(metric, metric.function, arrays, settings | offered))
    if metric.reference is not None:
        reference = _call(metric, metric.reference, arrays, settings | offered)
        score = dataclasses.replace(score, reference={**score.reference, **reference})
    return score if metric.parts_rows else spread(score, sample.scored)


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


def refuse_grouped(metric: Metric) -> None:
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
