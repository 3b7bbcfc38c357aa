"""The chief findings over a sweep: where scores peak, what collapsed, which codes are idle."""

import numpy as np
import pandas as pd

from ..representation.posterior import COLLAPSED
from ..tables.collapse import PEAKS, drop_text, p_text, value_text
from .wording import NAMES, count, inline, join, with_unit


def main_curves(rows):
    """Rows about curves without those of all but the largest λ of related methods.

    Parameters
    ----------
    rows : list of dict
        With `curve` and `reduces_to`, in the order of the runs.
    """
    last = {(row["reduces_to"], row["curve"].split(",")[0]): row["curve"] for row in rows}
    return [
        row
        for row in rows
        if pd.isna(row["reduces_to"])
        or row["curve"] == last[row["reduces_to"], row["curve"].split(",")[0]]
    ]


def about_peaks(summary, dataset, protocol):
    """A sentence for each score: where it peaks inside the range tried, and where it does not."""
    trends = summary.part("trends", dataset, protocol)
    trends = trends[trends["role"] != "first"]
    told = trends[trends["primary"]] if trends["primary"].any() else trends
    chosen = [main_curves(told[told["metric"] == name].to_dict("records")) for name in PEAKS]
    chosen += [
        main_curves(trends[trends["metric"] == name].to_dict("records"))
        for name in summary.own_keys
    ]
    chosen = [rows for rows in chosen if rows]
    judged = [[row for row in rows if row["n_values"] > 2] for rows in chosen]
    sentences = [_peak_text(rows, summary.describe(rows[0]["metric"])) for rows in judged if rows]
    if chosen and not sentences:
        symbols = join(dict.fromkeys(row["axis_label"] for row in chosen[0]))
        return [
            f"Fewer than three values of {symbols} were run, so nothing can be said about a peak."
        ]
    return sentences


def _peak_text(rows, facts):
    """Where one score peaks, by how much it falls then, and where no peak is shown."""
    peaks = [row for row in rows if row["verdict"] == "peak"]
    rest = [row for row in rows if row["verdict"] == "no peak shown"]
    untested = [row for row in rows if row["verdict"] == "too few seeds"]
    parts = []
    if peaks:
        places = [f"{names} ({_p_text(own)})" for names, own in _by_peak(peaks).items()]
        parts.append(f"{facts.label} peaks {join(places, 2, 'other values')}, {_fall_text(peaks)}")
    if rest:
        names = join([inline(row["curve_label"]) for row in rest], NAMES)
        subject = "no peak" if peaks else f"No peak of {facts.label} at an intermediate value"
        least = min(row["p_peak_holm"] for row in rest)
        test = "" if peaks else f" ({'smallest ' if len(rest) > 1 else ''}{p_text(least)})"
        parts.append(f"{subject} is shown for {names}{test}")
    return f"{'; '.join(parts)}." if parts else _untested_text(untested, facts)


def _by_peak(rows):
    """Rows of each value at which curves peak, by the words for value and curves."""
    places = {}
    for row in rows:
        places.setdefault(value_text(row, row["peak_value"]), []).append(row)
    return {
        f"at {at} for {join([inline(row['curve_label']) for row in own], NAMES)}": own
        for at, own in places.items()
    }


def _p_text(rows):
    """One p-value, or the largest of several."""
    low, high = (p_text(end(row["p_peak_holm"] for row in rows)) for end in (min, max))
    return high if low == high else high.replace("=", "≤")


def _fall_text(rows):
    """By how much the score of the first curve falls from its peak to the largest value."""
    row = rows[0]
    end = value_text(row, row["last_value"])
    whose = f" for {inline(row['curve_label'])}" if len(rows) > 1 else ""
    return f"and falls by {drop_text(row).split(' (')[0]} to {end}{whose}"


def _untested_text(rows, facts):
    """Where the largest mean is, of curves that have too few seeds for a test."""
    inside = [r for r in rows if r["peak_value"] not in (r["first_value"], r["last_value"])]
    text = f"Mean {facts.label} is largest {join(_by_peak(inside or rows), 2, 'other values')}"
    text += f", {_fall_text(inside)}" if inside else ", an end of the range tried"
    seeds = count(min(int(row["n"]) for row in rows), "seed")
    return f"{text}; {seeds} {'is' if seeds == '1 seed' else 'are'} too few for a test."


def about_collapse(summary, dataset, protocol):
    """KL and sampled I_m at the largest value of the curve where least is left, and of the next."""
    cells = summary.part("cells", dataset, protocol)
    cells = cells[(cells["role"] != "first") & (cells["n"] > 0) & cells["axis_value"].notna()]
    ends = []
    for curve, axis in _curves(cells):
        part = cells[(cells["curve"] == curve) & (cells["axis"] == axis)]
        part = part[part["axis_value"] == part["axis_value"].max()]
        own = {row["metric"]: row for row in part.to_dict("records")}
        if "kl" in own and not pd.isna(own["kl"]["collapsed"]):
            ends.append(own)
    if not ends:
        return []
    fallen = [own for own in ends if own["kl"]["collapsed"]]
    if fallen:
        first = fallen[0]["kl"]
        at = value_text(first, first["axis_value"])
        parts = []
        for own in (own["kl"] for own in fallen):
            there = value_text(own, own["axis_value"])
            where = "" if there == at else f" at {there}"
            share = f"{int(own['collapsed'])} of {count(int(own['n_kl']), 'run')}"
            parts.append(f"{share} of {inline(own['curve_label'])}{where}")
        text = f"At {at}, {join(parts, 2, 'more curves')} collapsed (KL below {COLLAPSED:g} nats)"
        if "mi_matched_sampled" in fallen[0]:
            whose = f" of {inline(first['curve_label'])}" if len(fallen) > 1 else ""
            text += f"; I_m (sampled codes){whose} is "
            text += _text(summary, fallen[0]["mi_matched_sampled"])
        return [f"{text}."]
    lowest = min(ends, key=lambda own: own["kl"]["mean"])
    at = value_text(lowest["kl"], lowest["kl"]["axis_value"])
    text = (
        f"No run collapsed (KL below {COLLAPSED:g} nats) at the largest values tried; the lowest "
        f"mean KL is {_text(summary, lowest['kl'])}, of "
        f"{inline(lowest['kl']['curve_label'])} at {at}"
    )
    if "mi_matched_sampled" in lowest:
        text += f", where I_m (sampled codes) is {_text(summary, lowest['mi_matched_sampled'])}"
    return [f"{text}."]


def _curves(cells):
    """Curves that findings speak of, with their axes: of related methods the largest λ alone."""
    rows = cells.drop_duplicates(["curve", "axis"]).to_dict("records")
    return [(row["curve"], row["axis"]) for row in main_curves(rows)]


def _text(summary, cell):
    return with_unit(cell["mean"], summary.describe(cell["metric"]))


def about_idle_codes(cells):
    """Settings without an active unit in any run, whose KL does not show it."""
    cells = cells[(cells["n"] > 0) & (cells["role"] != "first")]
    idle = cells[(cells["metric"] == "active_units") & (cells["mean"] == 0)]
    kl = cells[cells["metric"] == "kl"].groupby(["method", "setting"])["mean"].min()
    parts = []
    for row in idle.to_dict("records"):
        nats = kl.get((row["method"], row["setting"]), np.nan)
        if nats >= COLLAPSED:
            parts.append(f"{row['method_label']}, {row['setting_label']} (mean KL {nats:.2f} nats)")
    if not parts:
        return []
    return [
        "These settings have no active unit in any run, so their codes say next to nothing about "
        f"the images, although their KL is too large to count as collapsed – {'; '.join(parts)}."
    ]
