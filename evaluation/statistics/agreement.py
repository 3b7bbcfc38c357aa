"""How metrics agree over runs."""

from collections.abc import Sequence

import pandas as pd

from .cells import STRATUM
from .intervals import ILLUSTRATIVE_BELOW
from .labels import describe_keys


def correlate_metrics(scores: pd.DataFrame, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Spearman's rank correlation between metrics over runs.

    Parameters
    ----------
    scores : DataFrame
        From `tidy`.
    metrics : list of str, optional
        All by default.

    Returns
    -------
    DataFrame
        `dataset`, `dataset_kind`, `protocol`, `first`, `second`, `first_label`, `second_label`,
        `correlation`, `n` (runs that have both). NaN below 5 runs or where one of the two does not
        vary. Every metric is turned so that larger is better, if it has a direction. Both halves
        and the diagonal are given.
    """
    kept = scores[scores["value"].notna()]
    if metrics is not None:
        kept = kept[kept["metric"].isin(metrics)]
    facts = describe_keys(kept)
    rows = []
    for key, part in kept.groupby(STRATUM, sort=False):
        wide = part.pivot_table(index="path", columns="metric", values="value", sort=False)
        wide = wide * [facts[name].sign or 1 for name in wide]
        table = wide.corr(method="spearman", min_periods=ILLUSTRATIVE_BELOW)
        known = wide.notna().to_numpy().astype(int)
        counts = known.T @ known
        for i, first in enumerate(wide):
            for j, second in enumerate(wide):
                labels = facts[first].label, facts[second].label
                rows.append((*key, first, second, *labels, table.iloc[i, j], counts[i, j]))
    columns = ["first", "second", "first_label", "second_label", "correlation", "n"]
    return pd.DataFrame(rows, columns=[*STRATUM, *columns])
