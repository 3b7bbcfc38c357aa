"""Where each score peaks over β, whether it falls after, and over what range it holds."""

import numpy as np
import pandas as pd

from .cells import STRATUM, curves
from .intervals import ILLUSTRATIVE_BELOW
from .labels import HEADLINE, describe_key
from .trends import (
    PERMUTATIONS,
    SPLIT_FROM,
    drawn_means,
    drops,
    effective_range,
    holm,
    isotonic_tests,
    peak_test,
)

ALPHA = 0.05
KEY = [*STRATUM, "curve", "metric", "variant"]
COLUMNS = [
    *KEY,
    "n",
    "n_asked",
    "n_betas",
    "first_beta",
    "last_beta",
    "peak_beta",
    "peak_mean",
    "last_mean",
    "peak_share",
    "peak_low",
    "peak_high",
    "peak_distribution",
    "p_peak",
    "p_peak_holm",
    "tested_beta",
    "p_isotonic",
    "p_isotonic_holm",
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


def trend_table(scores, metrics=HEADLINE, permutations=PERMUTATIONS):
    """Non-monotonicity of every curve and metric.

    Parameters
    ----------
    scores : DataFrame
        From `evaluation.statistics.cells.tidy`.
    metrics : sequence of str
        Flat keys for which higher is better; others are left out.
    permutations : int

    Returns
    -------
    DataFrame
        One row a curve and metric:

        - `dataset`, `dataset_kind`, `protocol`, `curve`, `metric`, `variant`;
        - `n` seeds with every β, of which everything but the peak test is made, `n_asked`;
          `n_betas`, `first_beta`, `last_beta` with at least one score;
        - `peak_beta`, `peak_mean`, `last_mean`: largest mean score, and that at the largest β;
        - `peak_share`: share of bootstrap draws that peak there; `peak_low`, `peak_high`: 95 %
          of draws peak between these β; `peak_distribution`: list of (β, share);
        - `p_peak`, `tested_beta` (`peak_test`), `p_isotonic`, and both after Holm over `family`
          tests, those of the same data set and protocol;
        - `drop`, `drop_low`, `drop_high`: share of the peak lost at the largest β; `drop_kind`:
          cross-fitted, or "selected, biased upward" below four seeds;
        - `range_low`, `range_high`, `octaves`, `range_open`: `effective_range`;
        - `illustrative`; `verdict`: "peak", "no peak shown", "too few seeds" or "too few β".
    """
    wanted = [name for name in metrics if describe_key(name).higher_is_better]
    rows, stacks = [], {}
    for curve in curves(scores, wanted):
        tried = np.isfinite(curve.values).any(axis=0)
        if not tried.any():
            continue
        betas, values = curve.betas[tried], curve.values[:, tried]
        complete = values[np.isfinite(values).all(axis=1)]
        stacks.setdefault(complete.shape, []).append((len(rows), complete))
        rows.append(curve.key | _describe(betas, values, complete))
    for shape, members in stacks.items():
        _add_stacked(rows, shape, members, permutations)
    found = pd.DataFrame(rows, columns=COLUMNS)
    for _, part in found.groupby(STRATUM, sort=False):
        for name in ("p_peak", "p_isotonic"):
            found.loc[part.index, f"{name}_holm"] = holm(part[name].to_numpy(dtype=float))
        found.loc[part.index, "family"] = int(part["p_peak"].notna().sum())
    found["verdict"] = [_verdict(row) for row in found.to_dict("records")]
    return found


def _describe(betas, values, complete):
    """Everything about one curve that needs no stack."""
    usable = complete if len(complete) else values
    means = np.nanmean(usable, axis=0)
    peak = int(means.argmax())
    p, index = peak_test(values)
    span = effective_range(means, betas)
    row = {
        "n": len(complete),
        "n_asked": len(values),
        "n_betas": len(betas),
        "first_beta": betas[0],
        "last_beta": betas[-1],
        "peak_beta": betas[peak],
        "peak_mean": means[peak],
        "last_mean": means[-1],
        "p_peak": p,
        "tested_beta": betas[index] if index >= 0 else np.nan,
        "range_low": span["low"],
        "range_high": span["high"],
        "octaves": span["octaves"],
        "range_open": span["open"],
        "illustrative": len(complete) < ILLUSTRATIVE_BELOW,
    }
    if len(complete) > 1:
        drawn = drawn_means(complete)
        shares = np.bincount(drawn.argmax(axis=1), minlength=len(betas)) / len(drawn)
        reached = np.cumsum(shares)
        row["peak_share"] = shares[peak]
        row["peak_low"] = betas[np.searchsorted(reached, 0.025 + 1e-12)]
        row["peak_high"] = betas[np.searchsorted(reached, 0.975 - 1e-12)]
        row["peak_distribution"] = [
            (float(beta), float(share)) for beta, share in zip(betas, shares, strict=True) if share
        ]
    return row


def _add_stacked(rows, shape, members, permutations):
    """What is cheaper for many curves of one shape at once."""
    seeds, betas = shape
    if not seeds:
        return
    stack = np.array([complete for _, complete in members])
    p_values = isotonic_tests(stack, permutations)
    found = drops(stack)
    kind = "cross-fitted" if seeds >= SPLIT_FROM else "selected, biased upward"
    for place, (row, _) in enumerate(members):
        rows[row]["p_isotonic"] = p_values[place]
        if betas < 2:
            continue
        rows[row]["drop"] = found["drop"][place]
        rows[row]["drop_low"] = found["low"][place]
        rows[row]["drop_high"] = found["high"][place]
        rows[row]["drop_kind"] = kind


def _verdict(row):
    if row["n_betas"] < 3:
        return "too few β"
    if not np.isfinite(row["p_peak"]):
        return "too few seeds"
    return "peak" if row["p_peak_holm"] < ALPHA else "no peak shown"
