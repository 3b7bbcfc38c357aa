"""Tables of a comparison: where each row stands, and published figures as context."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from ..naming import file_name
from ..reference.benchmarks import Benchmark
from ..reference.published import literature_scores
from ..statistics.intervals import ILLUSTRATIVE_BELOW
from ..statistics.labels import HEADLINE, KeyFacts, describe_key
from ..statistics.summary import Summary
from ..tables.notes import ILLUSTRATIVE
from ..tables.parts import heading, notes_of, sources_of
from ..tables.table import Compact, Table

PAIRED = (
    "Runs that were trained here share initialisation, order of the data and evaluation sample "
    "with the shipped runs of the same seeds, and are resampled together with them."
)
UNPAIRED = (
    "The seeds of external rows are replicates of their own: they are resampled independently of "
    "the shipped runs, whose seeds are shared by all shipped methods."
)
OTHER_SEEDS = (
    "Runs that were trained here, but report on other seeds than the shipped methods, are "
    "resampled independently of them."
)
CONTEXT = (
    "Published figures have other variants of the metrics, networks and numbers of steps: they are "
    "context, not a comparison."
)


def place_text(place: dict) -> str:
    """A rank with its interval and the number of methods.

    Examples
    --------
    >>> place_text({"rank": 3.0, "rank_low": 2.0, "rank_high": 5.0, "of": 9, "illustrative": False})
    '3 [2, 5] of 9'
    >>> place_text({"rank": 3.5, "rank_low": float("nan"), "of": 9, "illustrative": True})
    '3.5* of 9'
    """
    mark = "*" if place["illustrative"] else ""
    if math.isfinite(place["rank_low"]):
        mark = f" [{place['rank_low']:.2g}, {place['rank_high']:.2g}]"
    return f"{place['rank']:.2g}{mark} of {place['of']}"


def placing_table(
    summary: Summary,
    places: pd.DataFrame,
    chances: pd.DataFrame,
    dataset: str,
    protocol: str,
    metrics: Sequence[str] = HEADLINE,
) -> Table | None:
    """Where each of somebody's rows stands among the shipped methods.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    places, chances : DataFrame
        From `evaluation.statistics.placing.place_methods`.
    dataset, protocol : str
    metrics : sequence of str

    Returns
    -------
    Table or None
        None where nothing is placed.
    """
    places = places[(places["dataset"] == dataset) & places["metric"].isin(metrics)]
    chances = chances[(chances["dataset"] == dataset) & chances["metric"].isin(metrics)]
    if places.empty:
        return None
    names = [name for name in metrics if name in set(places["metric"])]
    rows, short = [], []
    for method, own in places.groupby("method", sort=False):
        label = own["method_label"].iloc[0]
        by_metric = {row["metric"]: row for row in own.to_dict("records")}
        texts = [place_text(by_metric[n]) if n in by_metric else "–" for n in names]
        rows.append((label, "rank", *texts))
        short.append((label, *texts))
        pairs = chances[chances["method"] == method]
        for _, against in pairs.groupby("other", sort=False):
            known = dict(zip(against["metric"], against["p_better"], strict=True))
            if not against["p_better"].notna().any():
                continue
            texts = [chance_text(known.get(name, math.nan)) for name in names]
            rows.append((label, f"P(better than {against['other_label'].iloc[0]})", *texts))
            short.append((f"  than {against['other_label'].iloc[0]}", *texts))
    notes = [
        "Rank of the mean score among the shipped methods, each at its chosen setting and on the "
        "seeds that report, and the row itself (1 is best) [95 % bootstrap interval]. Methods with "
        f"fewer than {ILLUSTRATIVE_BELOW} scores are not ranked beside rows that have as many. "
        "P(better): "
        "share of bootstrap draws in which the mean of the row is better, ties half; deviations "
        "are widened for few seeds, so that equal methods exceed 0.95 in at most one of twenty "
        "comparisons.",
        *([UNPAIRED] if (outside := places["role"] == "external").any() else []),
        *([OTHER_SEEDS] if not (outside | places["paired"]).all() else []),
        *([PAIRED] if places["paired"].any() else []),
        *([ILLUSTRATIVE] if places["illustrative"].any() else []),
    ]
    data = places.merge(
        chances[["metric", "method", "other", "other_label", "difference", "p_better", "n_other"]],
        on=["metric", "method"],
        how="left",
    )
    notes += notes_of(summary, dataset, protocol, names)
    headings = [heading(summary.describe(name)) for name in names]
    return Table(
        file_name("placing", dataset, protocol),
        f"Where the rows stand on {dataset}, protocol {protocol}",
        ("Row", "Among the shipped methods", *headings),
        tuple(rows),
        data,
        tuple(notes),
        sources_of(summary, [dataset], protocol, set(chances["other"]), names),
        Compact(("Rank, and P(better)", *headings), tuple(short), tuple(notes)),
        (dataset, protocol),
    )


def chance_text(chance: float) -> str:
    """A probability; never 0 or 1, which no bootstrap can tell.

    Examples
    --------
    >>> chance_text(0.984), chance_text(1.0), chance_text(0.0), chance_text(float("nan"))
    ('0.98', '> 0.99', '< 0.01', '–')
    """
    if math.isnan(chance):
        return "–"
    if chance > 0.99:
        return "> 0.99"
    return "< 0.01" if chance < 0.01 else f"{chance:.2f}"


def context_table(benchmark: Benchmark, dataset: str) -> Table | None:
    """What others published on a data set, beside rows of which none of ours ship.

    Parameters
    ----------
    benchmark : Benchmark
    dataset : str

    Returns
    -------
    Table or None
        None where nothing is known.
    """
    known = literature_scores()
    known = known[(known["dataset"] == dataset) & known["metric"].ne("")].reset_index(drop=True)
    if known.empty:
        return None
    rows = tuple(
        (
            f"{row['method']} ({row['source']})",
            row["hyperparameters"] or "–",
            _label(describe_key(row["metric"])),
            f"{row['value']:.3g}" + (f" ± {row['std']:.2g}" if row["std"] == row["std"] else ""),
            row["variant"] or "not stated",
        )
        for row in known.to_dict("records")
    )
    return Table(
        file_name("published", dataset, benchmark.name),
        f"Published figures on {dataset}",
        ("Method", "Hyperparameters", "Score", "Value", "What the source says of the variant"),
        rows,
        known,
        (CONTEXT,),
        (),
        None,
        (dataset, benchmark.name),
        secondary=True,
    )


def _label(facts: KeyFacts) -> str:
    return facts.axis
