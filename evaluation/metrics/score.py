"""What a metric gives: numbers, and what they are to be read with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..naming import one_line
from .metric import Metric, MetricError


@dataclasses.dataclass(frozen=True, eq=False)
class Score:
    """The result of one metric on one representation.

    A metric's own function fills in what it knows, with arrays wherever it likes; the driver adds
    the rest, and turns arrays into lists. An entry of `per_factor` that has the name of a key holds
    the terms whose mean that key is.

    Attributes
    ----------
    metric : str
        Its name.
    values : dict of str to float or None
        Flat keys; None where the score is undefined. The first key is the headline.
    variant : str
        The exact form of the metric, printed beside every number.
    reasons : dict of str to str
        For each undefined key, why.
    per_factor : dict of str to list of float or None
        One value a factor, None where undefined.
    per_code : dict of str to list of float or None
        One value a code.
    matrix : ndarray of float64, shape (D, K), or None
        Codes by factors; NaN in the columns of factors that are left out.
    settings : dict
        Everything besides the arrays that decides the value.
    reference : dict
        Values to read the score against: ceilings, chance and noise levels. Arrays hold one value a
        factor.
    notes : tuple of str
        What was left out, and why.
    """

    metric: str = ""
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    variant: str = ""
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict)
    per_factor: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    per_code: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    matrix: NDArray[np.float64] | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reference: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def value(self) -> float:
        """The headline value, NaN where undefined."""
        first = next(iter(self.values.values()))
        return math.nan if first is None else float(first)

    @property
    def reason(self) -> str:
        """Why the score, or some of its keys, are undefined; empty where all are defined."""
        return "; ".join(dict.fromkeys(self.reasons.values()))

    def as_dict(self) -> dict[str, Any]:
        """Plain data in the order that score files use."""
        record = dataclasses.asdict(self)
        record["status"] = "undefined" if self.reasons else "done"
        return record


def as_score(metric: Metric, result: object) -> Score:
    """Make what a metric's function returned a `Score` of plain numbers, under the declared keys.

    Raises
    ------
    MetricError
        If the keys are not those declared, or a value is no number.
    """
    headline = metric.keys[0].name
    if isinstance(result, Score):
        given = result
    else:
        given = Score(values=result if isinstance(result, Mapping) else {headline: result})
    names = {key.name.removesuffix(metric.suffix): key.name for key in metric.keys}

    def rename(entries: Mapping[str, Any]) -> dict[str, Any]:
        return {names.get(name, name): entry for name, entry in entries.items()}

    values, reasons = rename(given.values), rename(given.reasons)
    declared = [key.name for key in metric.keys]
    if set(values) != set(declared):
        came = one_line(sorted(map(str, values)))
        raise MetricError(f"metric {metric.name!r} declares {declared}, not {came}")
    try:
        numbers = {key: math.nan if values[key] is None else float(values[key]) for key in declared}
    except (TypeError, ValueError):
        raise MetricError(
            f"metric {metric.name!r} must return numbers, not {one_line(repr(result))}"
        ) from None
    for key, number in numbers.items():
        if key not in reasons and not math.isfinite(number):
            reasons[key] = "the metric returned no finite number"
    return dataclasses.replace(
        given,
        values={key: None if key in reasons else number for key, number in numbers.items()},
        reasons=reasons,
        per_factor={name: _plain(entry) for name, entry in rename(given.per_factor).items()},
        per_code={name: _plain(entry) for name, entry in rename(given.per_code).items()},
    )


def spread(score: Score, scored: NDArray[np.bool_]) -> Score:
    """Put values of the factors that were scored into their places among all factors.

    Parameters
    ----------
    score : Score
        With K' values a factor.
    scored : ndarray of bool, shape (K,)
        Which factors these are.

    Returns
    -------
    Score
        With K values a factor, None or NaN for the others.
    """

    matrix = score.matrix
    if matrix is not None:
        matrix = np.full((len(matrix), len(scored)), np.nan)
        matrix[:, scored] = score.matrix
    return dataclasses.replace(
        score,
        per_factor={name: _widen(values, scored) for name, values in score.per_factor.items()},
        matrix=matrix,
        reference={
            name: _widen(value, scored)
            if isinstance(value, np.ndarray) and value.ndim
            else _number(value)
            for name, value in score.reference.items()
        },
    )


def spread_codes(score: Score, active: NDArray[np.bool_]) -> Score:
    """Put values of the codes that were scored into their places among all codes.

    Parameters
    ----------
    score : Score
        With D' values a code.
    active : ndarray of bool, shape (D,)
        Which codes these are.

    Returns
    -------
    Score
        With D values a code, None or NaN for the others.
    """
    matrix = score.matrix
    if matrix is not None:
        matrix = np.full((len(active), matrix.shape[1]), np.nan)
        matrix[active] = score.matrix
    per_code = {name: _widen(values, active) for name, values in score.per_code.items()}
    return dataclasses.replace(score, per_code=per_code, matrix=matrix)


def _widen(values: Iterable[Any], chosen: NDArray[np.bool_]) -> list[Any]:
    places: list[Any] = [None] * len(chosen)
    for place, value in zip(np.flatnonzero(chosen), _plain(values), strict=True):
        places[place] = value
    return places


def _plain(values: Iterable[Any]) -> list[Any]:
    return [_number(value) for value in values]


def _number(value: Any) -> Any:
    """A plain number; None for NaN."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and math.isnan(value) else value
