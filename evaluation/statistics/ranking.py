"""Which method is best, and how sure that is."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .cells import STRATUM
from .intervals import (
    DRAWS,
    ILLUSTRATIVE_BELOW,
    LEVEL,
    bootstrap_weights,
    paired_difference,
    widening,
)
from .labels import HEADLINE, describe_key

WINNER = 0.95


def _table(part):
    """Methods, seeds, and their values as a matrix with NaN where there is none."""
    known = part[part["value"].notna() & part["seed"].notna()]
    row, methods = pd.factorize(known["method"])
    seeds, column = np.unique(known["seed"].to_numpy(dtype=float), return_inverse=True)
    values = np.full((len(methods), len(seeds)), np.nan)
    values[row, column] = known["value"].to_numpy(dtype=float)
    return list(methods), seeds, values


def rank_methods(
    selected: pd.DataFrame, metrics: Sequence[str] = HEADLINE, draws: int = DRAWS
) -> pd.DataFrame:
    """Ranks of methods per metric, with the uncertainty of the seeds.

    Rank 1 is best, ties share ranks. In every draw the same seeds are resampled for all methods,
    independently for each data set. Data sets of one kind only are ranked together, and of one
    protocol. The runs of a first phase that others continue are not ranked, and neither are methods
    with fewer than five seeds where two others have as many.

    Parameters
    ----------
    selected : DataFrame
        From `evaluation.statistics.selection.select_settings`: one setting a method and metric.
    metrics : sequence of str
    draws : int

    Returns
    -------
    DataFrame
        `dataset_kind`, `protocol`, `dataset` (a name, or "all" for the mean over several),
        `metric`, `variant`, `method`, `method_label`, `role`, `unequal_steps`, `citation`,
        `setting` (of one data set), `chosen`, `n_settings`,
        `mean` (over the shared seeds, of one data set), `rank`, `rank_low`, `rank_high` (95 % of
        draws), `p_best`, `n` (shared seeds, the fewest of any data set), `verdict` ("winner",
        "tied" for every method whose rank interval reaches the best one's, "" for others,
        "illustrative" below 5 seeds, or "not ranked"), `reason` (why not ranked).
    """
    rows = []
    kept = selected[selected["role"] != "first"]
    stratum = ["dataset_kind", "protocol", "metric", "variant"]
    for key, part in kept.groupby(stratum, sort=False):
        common = dict(zip(stratum, key, strict=True))
        facts = describe_key(common["metric"], part)
        if common["metric"] not in metrics or not facts.sign:
            continue
        tables = {name: _table(rows) for name, rows in part.groupby("dataset", sort=False)}
        set_of = {name: set(rows["method"]) for name, rows in part.groupby("dataset")}
        methods = list(dict.fromkeys(part["method"]))
        for name, table in tables.items():
            own = [method for method in methods if method in set_of[name]]
            rows += _ranked({name: table}, own, facts.sign, common | {"dataset": name}, draws)
        if len(tables) > 1:
            rows += _ranked(tables, methods, facts.sign, common | {"dataset": "all"}, draws)
    columns = [
        "dataset_kind", "protocol", "dataset", "metric", "variant", "method",
        "mean", "rank", "rank_low", "rank_high", "p_best", "n", "verdict", "reason",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    how = kept.drop_duplicates(["dataset", "protocol", "metric", "variant", "method"])
    keys = ["dataset", "protocol", "metric", "variant", "method"]
    table = table.merge(how[[*keys, "setting", "chosen", "n_settings"]], on=keys, how="left")
    about = ["method_label", "role", "unequal_steps", "citation"]
    named = kept.sort_values("unequal_steps", ascending=False, kind="stable")
    named = named.drop_duplicates(["protocol", "method"])[["protocol", "method", *about]]
    return table.merge(named, on=["protocol", "method"], how="left")


def _ranked(tables, methods, sign, common, draws):
    """Rows of one ranking: each method's, ranked or with the reason why not."""
    present, reasons = [], {}
    for method in methods:
        lacking = [name for name, (known, _, _) in tables.items() if method not in known]
        if lacking:
            reasons[method] = f"no score on {', '.join(lacking)}"
        else:
            present.append(method)
    present = _drop_sparse(tables, present, reasons)
    shared, dropped = _shared_seeds(tables, present)
    reasons |= dropped
    present = [method for method in present if method not in dropped]
    rows = []
    n = min((len(seeds) for seeds in shared.values()), default=0)
    if len(present) >= 2 and n:
        values = [sign * _values(tables[k], present, shared[k]) for k in tables]
        ranks = rank_uncertainty(values, draws)
        best = ranks["rank"].min()
        reach = ranks["rank_high"][ranks["rank"] == best].max()
        for i, method in enumerate(present):
            row = {name: float(column[i]) for name, column in ranks.items()}
            mean = sign * float(values[0][i].mean()) if len(values) == 1 else math.nan
            row |= {"method": method, "mean": mean, "n": n, "reason": None}
            row["verdict"] = _verdict(row, ranks["p_best"].max(), reach, n)
            rows.append(common | row)
    else:
        reasons |= dict.fromkeys(present, "nothing to compare with")
    unranked = common | {"n": 0, "verdict": "not ranked"}
    return rows + [unranked | {"method": m, "reason": reasons[m]} for m in methods if m in reasons]


def _values(table, methods, seeds):
    known, columns, values = table
    return values[[known.index(m) for m in methods]][:, np.isin(columns, seeds)]


def _verdict(row, best_share, reach, n):
    if n < ILLUSTRATIVE_BELOW:
        return "illustrative"
    if best_share > WINNER:
        return "winner" if row["p_best"] > WINNER else ""
    return "tied" if row["rank_low"] <= reach else ""


def _drop_sparse(tables, methods, reasons):
    """Leave out methods with too few seeds for a test, where two others have enough.

    Only shared seeds count, so that one such method would make the whole ranking illustrative.
    """
    counts = {
        method: min(
            int(np.isfinite(values[known.index(method)]).sum())
            for known, _, values in tables.values()
        )
        for method in methods
    }
    enough = [method for method in methods if counts[method] >= ILLUSTRATIVE_BELOW]
    if len(enough) < 2:
        return methods
    for method in methods:
        if method not in enough:
            reasons[method] = f"fewer than {ILLUSTRATIVE_BELOW} seeds ({counts[method]})"
    return enough


def _shared_seeds(tables, methods):
    """Seeds that all methods have, a data set each; methods that share none are dropped."""
    methods, dropped = list(methods), {}
    while True:
        sets = {
            name: [set(seeds[np.isfinite(values[known.index(m)])]) for m in methods]
            for name, (known, seeds, values) in tables.items()
        }
        shared = {name: sorted(set.intersection(*s)) if s else [] for name, s in sets.items()}
        if len(methods) <= 2 or all(shared.values()):
            if methods and not all(shared.values()):
                dropped |= dict.fromkeys(methods, "no seeds in common")
            return shared, dropped
        overlap = [
            sum(len(s[i] & other) for s in sets.values() for other in s[:i] + s[i + 1 :])
            for i in range(len(methods))
        ]
        dropped[methods.pop(int(np.argmin(overlap)))] = "no seeds in common with the others"


def rank_uncertainty(values, draws=DRAWS):
    """Ranks with a bootstrap over seeds, shared by all methods.

    Deviations of a draw from the mean are widened for few seeds
    (`evaluation.statistics.intervals.widening`), so that two equal methods have P(best) > 0.95 in
    one of ten experiments, five for each, whatever the number of seeds.

    Parameters
    ----------
    values : list of array_like, each of shape (methods, seeds)
        One a data set; larger is better; complete.
    draws : int

    Returns
    -------
    dict of str to ndarray, shape (methods,)
        `rank` (mean over data sets of the rank of the mean score), `rank_low`, `rank_high` (2.5
        and 97.5 % of draws), `p_best` (share of draws with the smallest mean rank, ties shared).
        With a single seed there is no resampling and the bounds are NaN.

    Examples
    --------
    >>> found = rank_uncertainty([[[3.0, 3.1, 3.2, 3.0, 3.1], [1.0, 1.1, 1.0, 1.2, 1.1]]])
    >>> found["rank"].tolist(), found["p_best"].tolist()
    ([1.0, 2.0], [1.0, 0.0])
    """
    own, drawn, single = [], [], False
    for place, table in enumerate(values):
        table = np.asarray(table, dtype=float)
        n = table.shape[1]
        mean = table.mean(axis=1)
        own.append(_ranks(mean[None])[0])
        single |= n < 2
        if n < 2:
            drawn.append(np.tile(own[-1], (draws, 1)))
            continue
        means = bootstrap_weights(n, draws, seed=place) @ table.T
        means = mean + widening(n, LEVEL) * (means - mean)
        # Draws of equal values differ by rounding; without it equal methods would not tie.
        drawn.append(_ranks(np.round(means, 12)))
    rank, ranks = np.mean(own, axis=0), np.mean(drawn, axis=0)
    top = ranks == ranks.min(axis=1, keepdims=True)
    low, high = np.quantile(ranks, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    share = (top / top.sum(axis=1, keepdims=True)).mean(axis=0)
    if single:
        low, high, share = (np.full(len(rank), np.nan) for _ in range(3))
    return {"rank": rank, "rank_low": low, "rank_high": high, "p_best": share}


def _ranks(values):
    """Rank of each value in its row, 1 for the largest, ties sharing theirs."""
    # Comparing a few methods with each other is five times faster than SciPy's sorting.
    first, second = values[:, :, None], values[:, None]
    return 0.5 + (second > first).sum(axis=2) + 0.5 * (second == first).sum(axis=2)


def compare_methods(selected: pd.DataFrame, metrics: Sequence[str] = HEADLINE) -> pd.DataFrame:
    """Every pair of methods, paired by seed, on each data set.

    Parameters
    ----------
    selected : DataFrame
        From `evaluation.statistics.selection.select_settings`.
    metrics : sequence of str

    Returns
    -------
    DataFrame
        `dataset`, `dataset_kind`, `protocol`, `metric`, `variant`, `first`, `second`,
        `first_label`, `second_label`, `unequal_steps` (of either), and what `paired_difference`
        gives, turned so that positive differences and chances above one half speak for `first`;
        `illustrative` below 5 pairs.
    """
    rows = []
    keys = [*STRATUM, "metric", "variant"]
    kept = selected[selected["role"].ne("first") & selected["metric"].isin(metrics)]
    for key, part in kept.groupby(keys, sort=False):
        sign = describe_key(part["metric"].iloc[0], part).sign
        if not sign:
            continue
        about = part.drop_duplicates("method").set_index("method")
        short = part.groupby("method")["unequal_steps"].any()
        names, _, values = _table(part)
        for i, first in enumerate(names):
            for j, second in enumerate(names[i + 1 :], i + 1):
                pair = {
                    "first": first,
                    "second": second,
                    "first_label": about.loc[first, "method_label"],
                    "second_label": about.loc[second, "method_label"],
                    "unequal_steps": bool(short[first] or short[second]),
                }
                difference = paired_difference(sign * values[i], sign * values[j])
                difference["illustrative"] = difference["n"] < ILLUSTRATIVE_BELOW
                rows.append(dict(zip(keys, key, strict=True)) | pair | difference)
    names = ["n", "difference", "std", "low", "high", "improvement", "improvement_low",
             "improvement_high", "seeds_improved", "illustrative"]  # fmt: skip
    names = ["first", "second", "first_label", "second_label", "unequal_steps", *names]
    return pd.DataFrame(rows, columns=[*keys, *names])
