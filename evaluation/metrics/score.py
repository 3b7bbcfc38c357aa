"""What a metric gives: numbers, and what they are to be read with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


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
