"""Primary tests of a standard benchmark, on the seeds of its table and on those that confirm."""

import pandas as pd

from ..naming import write_spans
from ..reference.benchmarks import BENCHMARKS, load_benchmark
from .cells import tidy
from .trend_table import COLUMNS, describe_trends

ADDED = ["seeds", "confirmation", "declared_before"]


def confirm_primary(runs: pd.DataFrame) -> pd.DataFrame:
    """Test the primary hypotheses of standard benchmarks, each group of seeds by itself.

    Hypotheses that were declared after seeds had been seen are only explored on these seeds;
    confirmation seeds test them.

    Parameters
    ----------
    runs : DataFrame
        From `evaluation.statistics.run_table.run_table`, confirmation seeds included.

    Returns
    -------
    DataFrame
        The columns of `describe_trends`, one row for each primary hypothesis and group of seeds
        that has scores, p-values adjusted within the data set and group; and `seeds`, in words;
        `confirmation`: whether they are the confirmation seeds; `declared_before`: whether the
        hypotheses were declared before these seeds had been seen, so that the test confirms.
    """
    parts = []
    for name in BENCHMARKS:
        benchmark = load_benchmark(name)
        for dataset, declared in benchmark.datasets.items():
            own = runs[(runs["protocol"] == name) & (runs["dataset"] == dataset)]
            for later in sorted(set(own["confirmation"])):
                scores = tidy(own, benchmark.primary["metrics"], confirmation=later)
                trends = describe_trends(scores, benchmark.primary["metrics"])
                trends = trends[trends["primary"]]
                if trends.empty:
                    continue
                seeds = sorted(scores.loc[scores["value"].notna(), "seed"].dropna().astype(int))
                unseen = not declared.confirmation_seeds
                unseen |= set(seeds) <= set(declared.confirmation_seeds)
                parts.append(
                    trends.assign(
                        seeds=write_spans(seeds), confirmation=later, declared_before=unseen
                    )
                )
    if not parts:
        return pd.DataFrame(columns=[*COLUMNS, *ADDED])
    return pd.concat(parts, ignore_index=True)
