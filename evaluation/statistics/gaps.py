"""Runs that a report has no score of."""

import pandas as pd


def find_gaps(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs that a report has to name, because it has no score of them.

    Parameters
    ----------
    runs : DataFrame
        From `run_table`.

    Returns
    -------
    DataFrame
        `dataset`, `protocol`, `method`, `method_label`, `setting`, `setting_label`, `seed`,
        `status`, `reason`, `path`: every run without scores, and as status "missing" every seed
        that other runs of the same data set and protocol have but a setting has no run of.
        Representations from elsewhere are missing no seed.
    """
    cell = ["dataset", "protocol", "method", "method_label", "setting", "setting_label"]
    names = [*cell, "seed", "status"]
    bad = runs[runs["status"] != "scored"]
    bad = bad[[*names, "status_reason", "path"]].rename(columns={"status_reason": "reason"})
    known = runs[runs["seed"].notna() & (runs["role"] != "external")]
    present = known[[*cell, "seed"]].drop_duplicates()
    seeds = present[["dataset", "protocol", "seed"]].drop_duplicates()
    wanted = present[cell].drop_duplicates().merge(seeds, on=["dataset", "protocol"])
    gone = wanted.merge(present, how="left", indicator=True).query("_merge == 'left_only'")
    gone = gone.drop(columns="_merge").assign(
        status="missing", reason="other settings have this seed", path=None
    )
    return pd.concat([bad, gone.astype(object)], ignore_index=True)
