"""Where a method of someone's stands among others whose runs it shares no seeds with."""

import math
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from .cells import STRATUM
from .intervals import DRAWS, ILLUSTRATIVE_BELOW, LEVEL, bootstrap_weights, widening
from .labels import HEADLINE, describe_key

PLACE = [
    *STRATUM, "metric", "variant", "method", "method_label", "role", "setting", "chosen",
    "mean", "n", "rank", "rank_low", "rank_high", "of", "paired", "illustrative",
]  # fmt: skip
CHANCE = [
    *STRATUM, "metric", "variant", "method", "method_label", "other", "other_label", "n",
    "n_other", "paired", "difference", "p_better",
]  # fmt: skip


def draw_means(samples, groups, draws=DRAWS):
    """Bootstrap means of several methods.

    Methods of one group have the same seeds in the same order, which are resampled together;
    different groups are resampled independently. Deviations from the mean are widened for few
    seeds (`evaluation.statistics.intervals.widening`), of each method by its own number.

    Parameters
    ----------
    samples : list of array_like, each of shape (seeds,)
        At least two values each, all finite.
    groups : list of hashable
    draws : int

    Returns
    -------
    ndarray of float64, shape (draws, methods)
    """
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    columns = []
    for sample, group in zip(samples, groups, strict=True):
        values = np.asarray(sample, dtype=float)
        mean, n = values.mean(), len(values)
        means = bootstrap_weights(n, draws, seed=numbers[group]) @ values
        # Draws of equal values differ by rounding; without it equal methods would not tie.
        columns.append(np.round(mean + widening(n, LEVEL) * (means - mean), 12))
    return np.stack(columns, axis=1)


def place_sample(own, others, own_group=None, groups=None, draws=DRAWS):
    """Rank one method among others, and tell how probably it is better than each.

    Parameters
    ----------
    own : array_like, shape (n,)
        Its scores; larger is better.
    others : list of array_like, each of shape (seeds,)
        Those of the others.
    own_group, groups : hashable and list of hashable, optional
        As `draw_means` takes them. By default the others share their seeds with each other, and
        the one method with none of them.
    draws : int

    Returns
    -------
    dict
        `rank` (1 is best, ties share), `rank_low` and `rank_high` (2.5 and 97.5 % of draws), and
        `p_better`, a list with the share of draws in which it is better than each, ties half,
        and `of`, how many are ranked, itself included. Others with fewer than
        `ILLUSTRATIVE_BELOW` values are not ranked, and their chance is NaN. Where the method
        itself or all others have so few, all are ranked, without interval and chances.

    Examples
    --------
    >>> placed = place_sample([3.0, 3.1, 3.2, 3.0, 3.1], [[1.0, 1.1, 1.0, 1.2, 1.1]])
    >>> placed["rank"], placed["rank_high"], placed["p_better"]
    (1.0, 1.0, [1.0])
    """
    own = np.asarray(own, dtype=float)
    others = [np.asarray(values, dtype=float) for values in others]
    groups = ["others"] * len(others) if groups is None else groups
    means = np.array([values.mean() for values in others])
    enough = [place for place, each in enumerate(others) if len(each) >= ILLUSTRATIVE_BELOW]
    sure = len(own) >= ILLUSTRATIVE_BELOW and len(enough) > 0
    ranked = enough if sure else list(range(len(others)))
    result = {
        "rank": float(_rank(np.round(own.mean(), 12), np.round(means[ranked], 12)[None])[0]),
        "rank_low": math.nan,
        "rank_high": math.nan,
        "p_better": [math.nan] * len(others),
        "of": len(ranked) + 1,
    }
    if not sure:
        return result
    samples = [own, *(others[place] for place in enough)]
    drawn = draw_means(samples, [own_group, *(groups[place] for place in enough)], draws)
    mine, theirs = drawn[:, 0], drawn[:, 1:]
    wins = (mine[:, None] > theirs) + 0.5 * (mine[:, None] == theirs)
    for place, share in zip(enough, wins.mean(axis=0), strict=True):
        result["p_better"][place] = float(share)
    low, high = np.quantile(_rank(mine, theirs), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return result | {"rank_low": float(low), "rank_high": float(high)}


def _rank(own, others):
    """Rank of a value among those of its row, 1 for the largest; shape (draws,)."""
    own = np.reshape(own, (-1, 1))
    return 1 + (others > own).sum(axis=1) + 0.5 * (others == own).sum(axis=1)


def place_methods(
    selected: pd.DataFrame,
    own: Collection[str],
    metrics: Sequence[str] = HEADLINE,
    draws: int = DRAWS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Place each of some methods among all others, on each data set and by each metric.

    Runs that were trained here share initialisation, order of the data and evaluation sample with
    those of the same seed, and are resampled together where their seeds are the same. The seeds of
    representations from elsewhere are replicates of their own.

    Parameters
    ----------
    selected : DataFrame
        From `evaluation.statistics.selection.select_settings`.
    own : collection of str
        Methods to place; none of them counts among the others.
    metrics : sequence of str
        Flat keys; those without a direction place nothing.
    draws : int

    Returns
    -------
    places : DataFrame
        One row for each data set, metric and method that has a score: what tells it from others,
        `mean` over its `n` runs, what `place_sample` gives, `of` (methods ranked, itself
        included), `paired`, and `illustrative` where there is no interval.
    chances : DataFrame
        One row for each of the others besides: `difference` of the means, turned so that positive
        speaks for the method, and `p_better`.
    """
    places, chances = [], []
    known = selected[selected["value"].notna() & selected["metric"].isin(list(metrics))]
    keys = [*STRATUM, "metric", "variant"]
    for key, part in known.groupby(keys, sort=False):
        common = dict(zip(keys, key, strict=True))
        sign = describe_key(common["metric"], part).sign
        methods = dict.fromkeys(part["method"])
        others = [
            method
            for method in methods
            if method not in own
            and not (part["method"].eq(method) & part["role"].eq("first")).any()
        ]
        if not sign or not others:
            continue
        runs = {method: _runs(part[part["method"] == method]) for method in methods}
        samples = [sign * runs[other]["values"] for other in others]
        groups = [runs[other]["group"] for other in others]
        for method in (name for name in methods if name in own):
            mine = runs[method]
            placed = place_sample(sign * mine["values"], samples, mine["group"], groups, draws)
            about = common | mine["about"]
            paired = mine["group"] in groups
            n = len(mine["values"])
            places.append(
                about
                | {name: placed[name] for name in ("rank", "rank_low", "rank_high", "of")}
                | {
                    "mean": mine["values"].mean(),
                    "n": n,
                    "paired": paired,
                    "illustrative": math.isnan(placed["rank_low"]),
                }
            )
            for other, sample, chance in zip(others, samples, placed["p_better"], strict=True):
                chances.append(
                    about
                    | {
                        "other": other,
                        "other_label": runs[other]["about"]["method_label"],
                        "n": n,
                        "n_other": len(sample),
                        "paired": mine["group"] == runs[other]["group"],
                        "difference": float(sign * mine["values"].mean() - sample.mean()),
                        "p_better": chance,
                    }
                )
    return pd.DataFrame(places, columns=PLACE), pd.DataFrame(chances, columns=CHANCE)


def _runs(rows):
    """Values of a method in the order of its seeds, and which methods are resampled with it."""
    rows = rows.sort_values(["seed", "path"], kind="stable")
    first = rows.iloc[0]
    names = ("method", "method_label", "role", "setting", "chosen")
    seeds = tuple(rows["seed"])
    alone = first["role"] == "external" or rows["seed"].isna().any()
    return {
        "values": rows["value"].to_numpy(dtype=float),
        "group": ("external", first["method"]) if alone else ("bench", seeds),
        "about": {name: first[name] for name in names},
    }
