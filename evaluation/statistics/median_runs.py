"""The run that stands for a setting in pictures and matrices: the one of the median seed."""

SETTING = ["dataset", "protocol", "method", "curve", "setting"]
CHOOSE_BY = ("mig", "mig_sampled", "nll")


def median_runs(runs):
    """Of every setting the run whose MIG is the median of its seeds.

    Of an even number of runs the lower of the two in the middle; without MIG by NLL, and where
    neither is known the run with the smallest seed.

    Parameters
    ----------
    runs : DataFrame
        From `evaluation.statistics.cells.collect`.

    Returns
    -------
    DataFrame
        Rows of `runs`, with `median_by`: the key that chose.
    """
    kept = runs[runs["status"].isin(("scored", "unscored"))]
    places, keys = [], []
    for _, part in kept.groupby(SETTING, dropna=False, sort=False):
        part = part.sort_values("seed", kind="stable")
        place, by = part.index[0], "seed"
        for key in CHOOSE_BY:
            known = part[part[key].notna()] if key in part else part.iloc[:0]
            if len(known):
                order = known.sort_values(key, kind="stable")
                place, by = order.index[(len(order) - 1) // 2], key
                break
        places.append(place)
        keys.append(by)
    return kept.loc[places].assign(median_by=keys)
