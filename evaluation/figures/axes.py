"""Axes that several figures share: what was swept, KL, and the range of a score."""

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..naming import format_number
from ..representation.posterior import COLLAPSED
from .style import GREY, write_label

# Of largest to smallest value from which on a scale is logarithmic; that of β always is.
LOG_FROM = 4.0
# Octaves, or steps, that a letter of a tick's label takes for every octave of the whole axis.
_LETTER = 0.022


def set_value_axis(axis, values, label="β", *, logarithmic=None):
    """Make the horizontal axis one of what was swept, ticks at the values tried.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    values : iterable of float
        All values in the panel.
    label : str, default "β"
        How tables and axes write what was swept.
    logarithmic : bool, optional
        By default what `is_logarithmic` says of the values.

    Returns
    -------
    dict of float to float
        Where each value lies on the axis.
    """
    values = sorted(set(values))
    logarithmic = is_logarithmic(values) if logarithmic is None else logarithmic
    places = place_values(values, logarithmic)
    texts = dict(zip(np.round(places, 9), map(format_number, values), strict=True))
    longest = max(map(len, texts.values()), default=0)
    least = max(0.55, _LETTER * longest * np.ptp(places)) if len(places) else 0.55
    axis.xaxis.set_major_locator(FixedLocator(thin_out(places, least)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: texts.get(round(x, 9), "")))
    if len(places):
        axis.set_xlim(places[0] - 0.45, places[-1] + 0.45)
    axis.set_xlabel(write_label(f"{label} (log2 scale)" if logarithmic else label, 60))
    return dict(zip(values, places.tolist(), strict=True))


def is_logarithmic(values):
    """Whether values span a scale of octaves: none negative, the largest much above the smallest.

    Examples
    --------
    >>> is_logarithmic([0, 2, 8]), is_logarithmic([4, 5, 6]), is_logarithmic([-8, 2, 8])
    (True, False, False)
    """
    positive = [value for value in values if value > 0]
    return bool(positive) and min(values) >= 0 and max(positive) >= LOG_FROM * min(positive)


def place_values(values, logarithmic=True):
    """Where values lie on an axis: log2, and 0 one octave below the rest; or evenly scaled.

    Parameters
    ----------
    values : iterable of float
        Ascending; of a logarithmic axis at least 0.
    logarithmic : bool, default True
        Otherwise the axis is as long as there are steps between the values.

    Examples
    --------
    >>> place_values([0.0, 1.0, 8.0]).tolist(), place_values([4, 5, 8], False).tolist()
    ([-1.0, 0.0, 3.0], [0.0, 0.5, 2.0])
    """
    values = np.asarray(values, dtype=float)
    if not logarithmic:
        halves = values / 2  # whose differences are numbers, however large the values
        span = np.ptp(halves) if len(values) else 0.0
        return (halves - halves[:1]) / (span or 1.0) * max(len(values) - 1, 1)
    positive = values[values > 0]
    smallest = positive.min() if len(positive) else 2.0
    octaves = np.log2(np.where(values > 0, values, smallest))
    return np.where(values > 0, octaves, octaves - 1)


def thin_out(places, least=0.55):
    """Keep those of ascending positions that leave room for their labels, and both ends."""
    kept = []
    for place in places:
        if not kept or place - kept[-1] >= least:
            kept.append(place)
    if len(places) and kept[-1] != places[-1]:
        kept = [*(k for k in kept[:-1] if places[-1] - k >= least), places[-1]]
    return kept


def set_kl_axis(axis, largest):
    """Make the vertical axis logarithmic above the KL of a collapsed run, and draw that line."""
    axis.set_yscale("symlog", linthresh=COLLAPSED, linscale=0.4)
    top = max(1.8 * largest, 0.3)
    axis.set_ylim(-0.02, top)
    axis.set_yticks([t for t in (0, 0.1, 1, 10, 100, 1000) if t < top])
    axis.yaxis.set_major_formatter(FuncFormatter(lambda y, _: format_number(y)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.axhline(COLLAPSED, color=GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)


def clip_to_range(values, facts):
    """Ends of intervals within what a score can be: an interval may reach beyond it."""
    return np.clip(np.asarray(values, dtype=float), facts.low, facts.high)


def find_limits(points, ends, facts, *, from_zero=True, stretch=0.5):
    """Limits of an axis: all points, and as much of their intervals as does not drown them.

    Parameters
    ----------
    points : array_like
        Single runs and means; NaN is passed over.
    ends : array_like
        Ends of intervals, which may stretch the axis at each side by a part of the span of the
        points.
    facts : evaluation.statistics.labels.KeyFacts
    from_zero : bool, default True
        Begin at 0 where that is the least a score can be.
    stretch : float, default 0.5
        That part; where no single runs are drawn, the span is that of means alone.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> from disentanglement_bench.evaluation.statistics.labels import describe_key
    >>> low, high = find_limits([0.1, 0.3], [-5.0, 5.0], describe_key("mig"))
    >>> float(round(low, 3)), float(round(high, 3))
    (-0.016, 0.416)
    """
    points = np.asarray(points, dtype=float)
    points = points[np.isfinite(points)]
    low, high = (points.min(), points.max()) if len(points) else (0.0, 1.0)
    span = (high - low) or abs(high) or 1.0
    ends = clip_to_range(ends, facts)
    ends = np.clip(ends[np.isfinite(ends)], low - stretch * span, high + stretch * span)
    low, high = min(low, ends.min(initial=low)), max(high, ends.max(initial=high))
    if from_zero and facts.low == 0 and facts.metric != "training":
        low = 0.0
    margin = 0.04 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin
