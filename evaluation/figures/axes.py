"""Axes that several figures share: β, KL, and the range of a score."""

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ..naming import format_number
from ..representation.posterior import COLLAPSED
from .style import GREY


def set_beta_axis(axis, betas):
    """Make the horizontal axis one of β on a log2 scale, ticks at the values tried.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    betas : iterable of float
        All values of β in the panel, at least 0; 0 is set one octave below the smallest other.

    Returns
    -------
    dict of float to float
        Where each β lies on the axis.
    """
    betas = sorted(set(betas))
    places = place_betas(betas)
    texts = dict(zip(np.round(places, 9), map(format_number, betas), strict=True))
    axis.xaxis.set_major_locator(FixedLocator(thin_out(places)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: texts.get(round(x, 9), "")))
    if len(places):
        axis.set_xlim(places[0] - 0.45, places[-1] + 0.45)
    axis.set_xlabel("β (log2 scale)")
    return dict(zip(betas, places.tolist(), strict=True))


def place_betas(betas):
    """Where values of β lie on the axis: log2, and 0 one octave below the rest.

    Examples
    --------
    >>> place_betas([0.0, 1.0, 8.0]).tolist()
    [-1.0, 0.0, 3.0]
    """
    betas = np.asarray(betas, dtype=float)
    positive = betas[betas > 0]
    smallest = positive.min() if len(positive) else 2.0
    return np.log2(np.where(betas > 0, betas, smallest / 2))


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


def find_limits(points, ends, facts, *, from_zero=True):
    """Limits of an axis: all points, and as much of their intervals as does not drown them.

    Parameters
    ----------
    points : array_like
        Single runs and means; NaN is passed over.
    ends : array_like
        Ends of intervals, which may stretch the axis by half the span of the points at each side.
    facts : evaluation.statistics.labels.KeyFacts
    from_zero : bool, default True
        Begin at 0 where that is the least a score can be.

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
    ends = np.clip(ends[np.isfinite(ends)], low - span / 2, high + span / 2)
    low, high = min(low, ends.min(initial=low)), max(high, ends.max(initial=high))
    if from_zero and facts.low == 0 and facts.metric != "training":
        low = 0.0
    margin = 0.04 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin
