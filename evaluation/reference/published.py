"""Figures that others published, with their sources, and how ours compare.

Files
-----
paper_percent_change.csv
    arXiv:2602.09277: change of the mean over 10 seeds against (β, λ) = (1, 0), in percent, read
    from the authors' figure `percent_change_heatmaps_across_datasets.png` (companion code of
    2025-11-09; a later rerun may differ).
literature_scores.csv
    Scores of VAE, β-VAE and β-TCVAE on dSprites and Shapes3D that other work printed, each with
    source, place and what is known of the metric's variant. They are context, not a reference:
    variants, networks and steps differ from those here.
"""

import functools
import importlib.resources

import numpy as np
import pandas as pd

from .agreement import trains_as_published

SOURCE = "arXiv:2602.09277, percent_change_heatmaps_across_datasets.png (2025-11-09)"
_DATASETS = {"dSprites": "dsprites", "Shapes3D": "shapes3d", "MPI3D-real": "mpi3d_real"}
_METRICS = {"NLL": "nll", "SAP": "sap", "MIG": "mig", "I_m": "mi_matched"}


def _read(name, **options):
    with importlib.resources.files(__package__).joinpath(name).open("rb") as file:
        return pd.read_csv(file, **options)


@functools.cache
def _percent_change():
    table = _read("paper_percent_change.csv")
    table["dataset"] = table["dataset"].map(_DATASETS)
    table["metric"] = table["metric"].map(_METRICS)
    return table.astype({"beta": float, "lambda": float})


def paper_percent_change():
    """The authors' grid of changes against (β, λ) = (1, 0).

    Returns
    -------
    DataFrame
        `dataset`, `beta`, `lambda`, `metric` (flat keys; codes are posterior means), and
        `percent_change`; 3 data sets × 4 metrics × 25 cells.
    """
    return _percent_change().copy()


def literature_scores():
    """Scores that other work printed for models of the zoo.

    Returns
    -------
    DataFrame
        `source`, `venue`, `year`, `dataset`, `method`, `hyperparameters`, `metric` (flat key;
        empty where the source does not say which part of DCI it printed), `metric_printed`,
        `variant` (what the source says about it), `value` and `std` (scores from 0 to 1; NLL and
        KL in nats), `n_seeds`, `place`, `url`.
    """
    text = ("source", "venue", "hyperparameters", "metric", "variant", "place", "url")
    table = _read("literature_scores.csv", dtype=dict.fromkeys(text, str))
    return table.fillna(dict.fromkeys(text, ""))


def percent_change(cells):
    """Change of each mean against (β, λ) = (1, 0), in percent, as the paper prints it.

    Parameters
    ----------
    cells : DataFrame
        From `evaluation.statistics.cells.compute_cells`.

    Returns
    -------
    DataFrame
        `dataset`, `dataset_kind`, `protocol`, `metric`, `variant`, `beta`, `lambda`, `mean`,
        `baseline` (mean of the equally long VAE), `percent_change`, `n`, `n_baseline`; one row
        for each setting of a model that reduces to the VAE. NaN without a baseline or where it is
        0. Of several settings with the same (β, λ) only one that nothing else was swept for.
    """
    keys = ["dataset", "dataset_kind", "protocol", "metric", "variant"]
    grid = cells[cells["reduces_to"].notna()]
    grid = grid.assign(**{"lambda": grid["lambda"].fillna(0.0)})  # of methods that have no λ
    grid = grid[_is_grid(grid, keys)]
    base = grid[grid["method"] == grid["reduces_to"]].drop_duplicates(keys)
    base = base[[*keys, "mean", "n"]].rename(columns={"mean": "baseline", "n": "n_baseline"})
    found = grid.merge(base, on=keys, how="left")
    change = 100 * (found["mean"] - found["baseline"]) / found["baseline"].abs()
    found["percent_change"] = change.where(found["baseline"] != 0)
    columns = ["beta", "lambda", "mean", "baseline", "percent_change", "n", "n_baseline"]
    return found[[*keys, *columns]]


def _is_grid(cells, keys):
    """Which cells stand for their (β, λ): alone there, or with nothing else that was swept."""
    several = cells.duplicated([*keys, "beta", "lambda"], keep=False)
    others = cells["setting"].map(
        lambda setting: any(
            part.partition("=")[0] not in ("beta", "lambda", "") for part in setting.split(",")
        )
    )
    return ~(several & others.astype(bool))


def compare_with_paper(cells):
    """Set our grid of changes beside the published one, for genuine data only.

    Runs of protocols that train on smaller images, such as `quick` and `db1`, are left out.

    Parameters
    ----------
    cells : DataFrame
        From `evaluation.statistics.cells.compute_cells`.

    Returns
    -------
    grid : DataFrame
        `dataset`, `protocol`, `metric`, `variant`, `beta`, `lambda`, `ours`, `published`.
    agreement : DataFrame
        `dataset`, `protocol`, `metric`, `variant`, `n` (cells that both have, without the
        baseline), `same_sign` (share of them), `rank_correlation` (Spearman, NaN below 5 cells).
        Both are empty where nothing can be compared.
    """
    changes = percent_change(cells)
    as_published = changes["protocol"].map(trains_as_published).astype(bool)
    changes = changes[changes["dataset_kind"].eq("genuine") & as_published]
    published = _percent_change().rename(columns={"percent_change": "published"})
    grid = changes.merge(published, on=["dataset", "metric", "beta", "lambda"])
    grid = grid.rename(columns={"percent_change": "ours"})
    keys = ["dataset", "protocol", "metric", "variant"]
    rows = []
    for key, part in grid.groupby(keys, sort=False):
        both = part[(part["beta"] != 1) | (part["lambda"] != 0)].dropna(subset="ours")
        same = np.sign(both["ours"]) == np.sign(both["published"])
        correlation = np.nan
        if len(both) >= 5 and both["ours"].nunique() > 1:
            correlation = both["ours"].corr(both["published"], method="spearman")
        rows.append((*key, len(both), same.mean() if len(both) else np.nan, correlation))
    agreement = pd.DataFrame(rows, columns=[*keys, "n", "same_sign", "rank_correlation"])
    return grid[[*keys, "beta", "lambda", "ours", "published"]], agreement
