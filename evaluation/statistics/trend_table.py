"""Where each score peaks over what was swept, whether it falls after, and where it holds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .cells import STRATUM, gather_curves
from .intervals import ILLUSTRATIVE_BELOW
from .labels import HEADLINE, describe_key
from .max_t import smallest_p
from .primary import PRIMARY, name_questions
from .trends import (
    SPLIT_FROM,
    complete_part,
    drawn_means,
    effective_range,
    holm,
    measure_drops,
    peak_tests,
)

ALPHA = 0.05
KEY = [
    *STRATUM,
    "curve",
    "curve_label",
    "axis",
    "axis_label",
    "reduces_to",
    "role",
    "metric",
    "variant",
]
COLUMNS = [
    *KEY,
    "n",
    "n_asked",
    "n_values",
    "first_value",
    "last_value",
    "left_out",
    "peak_value",
    "peak_mean",
    "last_mean",
    "peak_share",
    "peak_low",
    "peak_high",
    "peak_distribution",
    "p_peak",
    "p_peak_holm",
    "tested_value",
    "question",
    "primary",
    "family",
    "drop",
    "drop_low",
    "drop_high",
    "drop_kind",
    "range_low",
    "range_high",
    "octaves",
    "range_open",
    "illustrative",
    "verdict",
]


def describe_trends(scores: pd.DataFrame, metrics: Sequence[str] = HEADLINE) -> pd.DataFrame:
    """Non-monotonicity of every curve and metric.

    Everything in a row is made of the same seeds and the same values of what was swept
    (`complete_part`).

    Parameters
    ----------
    scores : DataFrame
        From `evaluation.statistics.cells.tidy`.
    metrics : sequence of str
        Flat keys for which higher is better; others are left out.

    Returns
    -------
    DataFrame
        One row a curve and metric:

        - `dataset`, `dataset_kind`, `protocol`, `curve`, `curve_label`, `axis`, `axis_label`,
          `reduces_to`, `role`, `metric`, `variant`;
        - `n` seeds used, `n_asked`; `n_values`, `first_value`, `last_value` of the values of the
          axis (of β, say) that are used; `left_out`: list of (value, number of seeds) of the
          others that have a score;
        - `peak_value`, `peak_mean`, `last_mean`: largest mean score, and that at the largest value;
        - `peak_share`: share of bootstrap draws that peak there; `peak_low`, `peak_high`: 95 %
          of draws peak between these values; `peak_distribution`: list of (value, share);
        - `p_peak`, `tested_value` (`peak_test`), and `p_peak_holm` after Holm over `family` tests,
          those of the same data set, protocol and `question`; `question`: "primary", "secondary",
          "other metric" or "external" (`evaluation.statistics.primary`); `primary`: whether it is
          the first;
        - `drop`, `drop_low`, `drop_high`: share of the peak lost at the largest value; `drop_kind`:
          cross-fitted, or "selected, biased upward" below four seeds;
        - `range_low`, `range_high`, `octaves`, `range_open`: `effective_range`;
        - `illustrative`; `verdict`: "peak" (`p_peak_holm` at most 0.05), "too few seeds" (for any
          test, or for one in so large a family), "too few values", or "no peak shown".
    """
    wanted = [name for name in metrics if describe_key(name, scores).higher_is_better]
    rows: list[dict[str, Any]] = []
    stacks: dict[str, list[Any]] = {}
    for curve in gather_curves(scores, wanted):
        seeds, kept = complete_part(curve.values)
        if not kept.any():
            continue
        complete = curve.values[np.ix_(seeds, kept)]
        counts = np.isfinite(curve.values).sum(axis=0)
        missed = ~kept & (counts > 0)
        left_out = list(zip(curve.places[missed].tolist(), counts[missed].tolist(), strict=True))
        stacks.setdefault(complete.shape, []).append((len(rows), complete, curve.places[kept]))
        rows.append(
            {**curve.key, "n_asked": len(curve.values), "left_out": left_out}
            | _describe(curve.places[kept], complete)
        )
    for shape, members in stacks.items():
        _add_tests(rows, members)
        _add_drops(rows, shape, members)
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["question"] = name_questions(table)
    table["primary"] = table["question"] == PRIMARY
    for _, part in table.groupby([*STRATUM, "question"], sort=False):
        table.loc[part.index, "p_peak_holm"] = holm(part["p_peak"].to_numpy(dtype=float))
        table.loc[part.index, "family"] = int(part["p_peak"].notna().sum())
    table["verdict"] = [_verdict(row) for row in table.to_dict("records")]
    return table


def _describe(places, complete):
    """Everything about one curve but its test and its drop."""
    means = complete.mean(axis=0)
    peak = int(means.argmax())
    span = effective_range(means, places)
    row = {
        "n": len(complete),
        "n_values": len(places),
        "first_value": places[0],
        "last_value": places[-1],
        "peak_value": places[peak],
        "peak_mean": means[peak],
        "last_mean": means[-1],
        "range_low": span["low"],
        "range_high": span["high"],
        "octaves": span["octaves"],
        "range_open": span["open"],
        "illustrative": len(complete) < ILLUSTRATIVE_BELOW,
    }
    if len(complete) > 1:
        drawn = drawn_means(complete)
        shares = np.bincount(drawn.argmax(axis=1), minlength=len(places)) / len(drawn)
        reached = np.cumsum(shares)
        row["peak_share"] = shares[peak]
        row["peak_low"] = places[np.searchsorted(reached, 0.025 + 1e-12)]
        row["peak_high"] = places[np.searchsorted(reached, 0.975 - 1e-12)]
        row["peak_distribution"] = [
            (float(at), float(share)) for at, share in zip(places, shares, strict=True) if share
        ]
    return row


def _add_tests(rows, members):
    """Peak tests of many curves of one shape, which are cheaper at once."""
    p, index = peak_tests(np.array([complete for _, complete, _ in members]))
    for place, (row, _, values) in enumerate(members):
        rows[row]["p_peak"] = p[place]
        rows[row]["tested_value"] = values[index[place]] if index[place] >= 0 else np.nan


def _add_drops(rows, shape, members):
    """Drops of many curves of one shape, which are cheaper at once."""
    seeds, places = shape
    if places < 2:
        return
    measured = measure_drops(np.array([complete for _, complete, _ in members]))
    kind = "cross-fitted" if seeds >= SPLIT_FROM else "selected, biased upward"
    for place, (row, _, _) in enumerate(members):
        rows[row]["drop"] = measured["drop"][place]
        rows[row]["drop_low"] = measured["low"][place]
        rows[row]["drop_high"] = measured["high"][place]
        rows[row]["drop_kind"] = kind


def _verdict(row):
    if row["n_values"] < 3:
        return "too few values"
    if not np.isfinite(row["p_peak"]):
        return "too few seeds"
    if row["p_peak_holm"] <= ALPHA:
        return "peak"
    # Not even the smallest p-value would do.
    unreachable = smallest_p(row["n"]) * row["family"] > ALPHA
    return "too few seeds" if unreachable else "no peak shown"
