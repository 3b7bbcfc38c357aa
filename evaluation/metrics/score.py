"""What a metric returns, and how its inputs are split."""

import dataclasses
import math

import numpy as np

from ..representation.file_format import make_representation
from ..representation.sampling import sample_codes

BACKENDS = ("numba", "sklearn")

# Beyond float32, in which the trees compare codes, and whose squares are safe in float64.
LARGEST = float(np.finfo(np.float32).max)
TOO_LARGE = f"the codes reach beyond {LARGEST:.3g}"


@dataclasses.dataclass(frozen=True, eq=False)
class Score:
    """The result of one metric on one representation.

    Attributes
    ----------
    metric : str
        Name in the registry.
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
        Codes by factors; NaN in the columns of factors that cannot be scored.
    settings : dict
        Everything besides the arrays that decides the value.
    reference : dict
        Values to read the score against: ceilings, chance and noise levels.
    notes : tuple of str
        What was left out, and why.
    """

    metric: str
    values: dict
    variant: str
    reasons: dict = dataclasses.field(default_factory=dict)
    per_factor: dict = dataclasses.field(default_factory=dict)
    per_code: dict = dataclasses.field(default_factory=dict)
    matrix: np.ndarray | None = None
    settings: dict = dataclasses.field(default_factory=dict)
    reference: dict = dataclasses.field(default_factory=dict)
    notes: tuple = ()

    @property
    def value(self):
        """The headline value, NaN where undefined."""
        first = next(iter(self.values.values()))
        return math.nan if first is None else first

    def as_dict(self):
        """Plain data in the order that score files use."""
        record = dataclasses.asdict(self)
        record["status"] = "undefined" if self.reasons else "done"
        return record


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Training and test part of a representation."""

    train: np.ndarray
    factors: np.ndarray
    test: np.ndarray
    test_factors: np.ndarray
    names: tuple
    too_large: bool = False


def split(codes, factors, n_train=None, factor_names=None, limit=np.inf):
    """Validate arrays and part them into training and test rows.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
    n_train : int, optional
        Two thirds of the rows by default.
    factor_names : sequence of str, optional
    limit : float, optional
        Codes beyond it become 0 altogether, and the parts are marked as too large.

    Returns
    -------
    Split

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.
    """
    made = make_representation(codes, factors, n_train=n_train, factor_names=factor_names)
    cut, codes = made.n_train, made.codes
    too_large = bool(np.isfinite(limit) and np.abs(codes).max() > limit)
    if too_large:
        codes = np.zeros_like(codes)
    return Split(
        codes[:cut],
        made.factors[:cut],
        codes[cut:],
        made.factors[cut:],
        made.factor_names,
        too_large,
    )


def varying(parts):
    """Which factors take more than one class in the training part, and notes on the others.

    Returns
    -------
    mask : ndarray of bool, shape (K,)
    notes : tuple of str
    """
    mask = parts.factors.min(axis=0) < parts.factors.max(axis=0)
    constant = [name for name, varies in zip(parts.names, mask, strict=True) if not varies]
    notes = (f"left out, constant in the training part: {', '.join(constant)}",) if constant else ()
    return mask, notes


def gaps(matrix):
    """Largest less second largest entry of each column; needs two rows."""
    top = np.sort(matrix, axis=0)
    return top[-1] - top[-2]


def optional(values):
    """A list of floats with None for NaN."""
    return [None if math.isnan(value) else float(value) for value in values]


def defined(values, reasons):
    """Numbers as floats, and None with its reason for keys that have one or are not finite.

    Returns
    -------
    values : dict of str to float or None
    reasons : dict of str to str
    """
    reasons = dict(reasons)
    for key, value in values.items():
        if key not in reasons and not math.isfinite(value):
            reasons[key] = "the value is not finite"
    return {k: None if k in reasons else float(v) for k, v in values.items()}, reasons


def check_backend(backend):
    """Refuse a backend that does not exist."""
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, not {backend!r}")


def maybe_sampled(codes, log_variances, seed, keys):
    """Draw the codes where log-variances are given; overflowing draws make every key undefined.

    Returns
    -------
    codes : array_like, shape (N, D)
    reasons : dict of str to str
    """
    if log_variances is None:
        return codes, {}
    codes = sample_codes(codes, log_variances, seed)
    if np.isfinite(codes).all():
        return codes, {}
    reason = "the posterior is too wide to draw from"
    return np.nan_to_num(codes), dict.fromkeys(keys, reason)
