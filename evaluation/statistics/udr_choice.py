"""Which setting UDR would choose without labels, and what that costs against the best."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .cells import STRATUM
from .intervals import ILLUSTRATIVE_BELOW, mean_intervals
from .labels import HEADLINE, KeyFacts, describe_key

FORMS = ("udr", "udr_spearman")
# The row of all methods together, where UDR chooses the method as well.
ALL = ""
COLUMNS = [
    *STRATUM,
    "method",
    "method_label",
    "form",
    "metric",
    "variant",
    "n_settings",
    "n_without",
    "chosen_method",
    "chosen_method_label",
    "chosen_setting",
    "chosen_setting_label",
    "chosen_udr",
    "n_udr",
    "chosen_mean",
    "best_method_label",
    "best_setting",
    "best_setting_label",
    "best_mean",
    "mean_of_all",
    "cost",
    "low",
    "high",
    "n",
    "illustrative",
    "correlation",
    "n_correlated",
]


def describe_udr_choices(
    scores: pd.DataFrame, metrics: Sequence[str] = HEADLINE, forms: Sequence[str] = FORMS
) -> pd.DataFrame:
    """What choosing by UDR, which needs no labels, would give and cost.

    UDR chooses the setting with the largest mean over its seeds, among the settings of a method,
    and among those of all methods. The best setting of each metric is the one with the best mean
    over the same settings. It is picked on the seeds that it is reported on, so the cost is, if
    anything, too high. Runs of a first phase are left out.

    Parameters
    ----------
    scores : DataFrame
        From `evaluation.statistics.cells.tidy`.
    metrics : sequence of str
        Flat keys; those without a direction are left out.
    forms : sequence of str
        Flat keys of the forms of UDR.

    Returns
    -------
    DataFrame
        One row for each data set, protocol, method with at least two settings that have a UDR (and
        ``""`` for all methods together, where there are several), form and metric:

        - `n_settings` among which UDR chooses; `n_without`: settings that have no UDR;
        - `chosen_…`: the setting with the largest mean UDR, which is `chosen_udr` over `n_udr`
          seeds, and the mean of the metric there; NaN where it has no score;
        - `best_…`: the same for the best setting by the metric; `mean_of_all`: mean over settings,
          what a choice at random gives on average;
        - `cost`, `low`, `high`, `n`: best − chosen, turned so that a cost is positive, over the
          seeds that both have (`mean_intervals`); 0 where both are one setting;
          `illustrative` below five of them;
        - `correlation`: Spearman's over the `n_correlated` settings that have both, the metric
          turned so that larger is better; NaN below three or where one of the two does not vary.
    """
    kept = scores[scores["role"].ne("first") & scores["metric"].isin([*metrics, *forms])]
    kept = kept[kept["value"].notna() & kept["seed"].notna()]
    facts = [fact for fact in (describe_key(name, kept) for name in metrics) if fact.sign]
    rows = []
    for key, stratum in kept.groupby(STRATUM, sort=False):
        common = dict(zip(STRATUM, key, strict=True))
        for form in (name for name in forms if name in set(stratum["metric"])):
            table = _tabulate(stratum, [form, *(fact.name for fact in facts)])
            groups = dict(tuple(table.groupby(table["method"], sort=False)))
            if sum(part[form].notna().any() for part in groups.values()) > 1:
                groups = {ALL: table, **groups}
            for method, part in groups.items():
                label = part["method_label"].iloc[0] if method else "all methods"
                about = common | {"method": method, "method_label": label, "form": form}
                rows += [about | row for row in _describe(part, form, facts)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _tabulate(scores, metrics):
    """A row for each setting and seed, a column for each metric."""
    about = ["method", "method_label", "setting", "setting_label"]
    wide = scores.pivot_table(
        index=[*about, "seed"], columns="metric", values="value", sort=False, aggfunc="first"
    )
    return wide.reindex(columns=metrics).reset_index()


def _describe(part, form, facts: Sequence[KeyFacts]):
    """UDR's choice among the settings of a method, against the best by each metric."""
    groups = part.groupby(["method", "setting"], sort=False)
    labels = groups[["method_label", "setting_label"]].first()
    means, counts = groups[[form, *(fact.name for fact in facts)]].mean(), groups[form].count()
    udr = means[form].dropna()
    if len(udr) < 2:
        return []
    chosen = udr.idxmax()
    by_seed = dict(tuple(part.set_index("seed").groupby(["method", "setting"], sort=False)))
    rows = []
    for fact in facts:
        scored = means.loc[udr.index, fact.name].dropna()
        if scored.empty:
            continue
        best = (fact.sign * scored).idxmax()
        difference = (by_seed[best][fact.name] - by_seed[chosen][fact.name]).dropna()
        cost = mean_intervals(fact.sign * difference.to_numpy()[None])
        rows.append(
            {
                "metric": fact.name,
                "variant": fact.variant,
                "n_settings": len(udr),
                "n_without": len(means) - len(udr),
                **_named("chosen", chosen, labels, means[fact.name]),
                "chosen_udr": udr[chosen],
                "n_udr": int(counts[chosen]),
                **_named("best", best, labels, means[fact.name]),
                "mean_of_all": scored.mean(),
                "cost": float(cost["mean"][0]),
                "low": float(cost["low"][0]),
                "high": float(cost["high"][0]),
                "n": len(difference),
                "illustrative": len(difference) < ILLUSTRATIVE_BELOW,
                "correlation": _rank_correlation(udr[scored.index], fact.sign * scored),
                "n_correlated": len(scored),
            }
        )
    return rows


def _named(prefix, place, labels, means):
    method_label, setting_label = labels.loc[place]
    return {
        f"{prefix}_method": place[0],
        f"{prefix}_method_label": method_label,
        f"{prefix}_setting": place[1],
        f"{prefix}_setting_label": setting_label,
        f"{prefix}_mean": means[place],
    }


def _rank_correlation(first, second):
    """Spearman's rank correlation, NaN below three values or without variation."""
    if len(first) < 3 or first.nunique() < 2 or second.nunique() < 2:
        return math.nan
    return float(np.corrcoef(first.rank(), second.rank())[0, 1])
