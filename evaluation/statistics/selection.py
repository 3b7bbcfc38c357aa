"""How the setting of a method was chosen: β, λ, and whatever else was swept."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .cells import STRATUM
from .labels import describe_keys
from .run_reading import ScoresError

COMPANION = "mig"


def select_settings(
    scores: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    choose_by: str | None = None,
    fixed: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One setting a method: best of sweep on half the seeds, reported on the other half.

    The seeds of a data set and protocol are sorted; those in odd places (first, third, …, but
    the last one of an odd number) choose, the others report, for every method alike. A method
    with a single setting chooses nothing, but reports on the same seeds, so that all are
    compared on these; where no method has a choice, all seeds report. A setting without a score
    on the reporting seeds cannot be chosen; where that leaves none, as with a single seed, the
    method chooses and reports on the same seeds and says so.

    Parameters
    ----------
    scores : DataFrame
        From `evaluation.statistics.cells.tidy`.
    metrics : sequence of str, optional
        Flat keys to report; all by default.
    choose_by : str, optional
        A key by which all choose. By default each metric chooses by itself; what training
        measures (NLL, KL, …) and keys without a direction are reported for the setting that MIG
        chooses. Without MIG nothing is chosen by a key that has no direction.
    fixed : dict of str to str, optional
        Method to setting, e.g. ``{"lambdabeta": "beta=8,lambda=8"}``: nothing is chosen there.

    Returns
    -------
    DataFrame
        The rows of `scores` that report, with `chosen` (``fixed``, ``only setting``,
        ``best of N, held-out seeds`` or ``best of N, same seeds (biased)``) and `n_settings`.
        A representation from elsewhere that has one setting reports on all its seeds.

    Raises
    ------
    ScoresError
        If `choose_by` has no direction.
    """
    wanted = list(dict.fromkeys(scores["metric"])) if metrics is None else list(metrics)
    kept = scores[scores["metric"].isin(wanted)]
    pool = kept if choose_by is None else scores[scores["metric"] == choose_by]
    facts = describe_keys(scores)
    if choose_by in facts and not facts[choose_by].sign:
        label = facts[choose_by].label
        raise ScoresError(
            f"nothing can be chosen by {label}: neither a higher nor a lower value is better, or "
            "its metric does not declare which"
        )
    chooses = _chooses(scores)
    picks = _picks(pool.assign(chooses=chooses.loc[pool.index]), fixed or {}, facts)
    if choose_by is not None:
        picks = picks.drop(columns="metric")
    elif COMPANION in wanted:
        picks = _accompany(picks, kept, facts)
    keys = [name for name in (*STRATUM, "metric", "method") if name in picks]
    marked = kept.assign(chooses=chooses.loc[kept.index]).reset_index(names="_row")
    rows = marked.merge(picks, on=keys, suffixes=("", "_picked"))
    rows = rows[rows["setting"] == rows["setting_picked"]]
    held_out = rows["chosen"].str.endswith("held-out seeds")
    # A method that chose nothing and has no reporting seed is shown on the seeds that it has.
    reporting = ~rows["chooses"] & rows["value"].notna()
    by_method = [rows[name] for name in (*STRATUM, "metric", "method")]
    absent = ~reporting.groupby(by_method).transform("any")
    parted = held_out.groupby(by_method[:-1]).transform("any")
    free = ~held_out & (absent | rows["role"].eq("external"))
    all_seeds = rows["chosen"].str.endswith("(biased)") | ~parted | free
    rows = rows[all_seeds | ~rows["chooses"]]
    rows = rows.sort_values("_row", kind="stable").reset_index(drop=True)
    return rows.drop(columns=["_row", "chooses", "setting_picked"])


def _accompany(picks, scores, facts):
    """Replace choices by what training measures, or without a direction, by those of MIG."""
    keys = [*STRATUM, "method"]
    led = [name for name, fact in facts.items() if fact.metric == "training" or not fact.sign]
    leader = picks[picks["metric"] == COMPANION].drop(columns="metric")
    pairs = scores.loc[scores["metric"].isin(led), [*keys, "metric"]].drop_duplicates()
    return pd.concat([picks[~picks["metric"].isin(led)], pairs.merge(leader, on=keys)])


def _chooses(scores):
    """Whether a run's seed is one of those that choose; seeds from elsewhere are parted alone."""
    keys = [*STRATUM, "elsewhere"]
    own = scores[[*STRATUM, "seed"]].assign(elsewhere=scores["role"] == "external")
    seeds = own.dropna(subset="seed").drop_duplicates().sort_values("seed", kind="stable")
    groups = seeds.groupby(keys, sort=False)["seed"]
    place, size = groups.cumcount(), groups.transform("size")
    seeds["chooses"] = (place % 2 == 0) & (place < size // 2 * 2)
    marked = own.merge(seeds, on=[*keys, "seed"], how="left")
    return pd.Series(marked["chooses"].eq(True).to_numpy(), scores.index)


def _picks(pool, fixed, facts):
    """For each data set, protocol, metric and method: setting, `chosen` and `n_settings`."""
    keys = [*STRATUM, "metric", "method"]
    first, second = pool["value"].where(pool["chooses"]), pool["value"].where(~pool["chooses"])
    settings = (
        pool.assign(choosing=first, reporting=second)
        .groupby([*keys, "setting"], sort=False)
        .agg(
            choosing=("choosing", "mean"),
            every=("value", "mean"),
            reported=("reporting", "count"),
        )
        .reset_index()
    )
    groups = settings.groupby(keys, sort=False)
    settings["n_settings"] = groups["setting"].transform("size")
    # What could not be reported cannot be chosen: its value is known of the choosing seeds only.
    choosing = settings["choosing"].where(settings["reported"] > 0)
    held_out = choosing.notna().groupby([settings[k] for k in keys]).transform("any")
    signs = settings["metric"].map({name: fact.sign for name, fact in facts.items()})
    quality = choosing.where(held_out, settings["every"])
    settings["quality"] = quality * signs.where(signs != 0)
    single = settings["n_settings"] == 1
    how = np.where(held_out, ", held-out seeds", ", same seeds (biased)")
    chosen = "best of " + settings["n_settings"].astype(str) + how
    settings["chosen"] = chosen.where(~single, "only setting")
    named = settings["method"].map(fixed)
    settings.loc[named.notna(), "chosen"] = "fixed"
    usable = np.where(named.notna(), named == settings["setting"], settings["quality"].notna())
    usable = settings[usable | (single & named.isna())]
    best = usable["quality"].fillna(-np.inf).groupby([usable[k] for k in keys], sort=False).idxmax()
    return usable.loc[best, [*keys, "setting", "chosen", "n_settings"]]


def describe_choice(label, chosen):
    """A setting's label and how it was chosen, for a table's cell.

    Examples
    --------
    >>> describe_choice("β = 8, λ = 2", "best of 20, held-out seeds")
    'β = 8, λ = 2 (best of 20)'
    """
    short = chosen.split(",")[0]
    if short == "only setting":
        return label
    return f"{label} ({short}{', biased' if 'biased' in chosen else ''})"
