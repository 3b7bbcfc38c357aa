"""The scores that ship with a standard benchmark, as if its runs lay in a results folder."""

from typing import Any

import pandas as pd

from ..naming import one_line
from ..reference.benchmarks import load_benchmark
from ..reference.shipped import find_scores, load_provenance
from ..scoring.scores_table import TRAINING_COLUMNS
from .run_reading import RECORD_COLUMNS, ScoresError, Uncopied, read_scores, row_of
from .run_table import other_hyperparameters, run_table


def read_shipped(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the shipped scores of a benchmark, and what the records of their runs would say.

    Parameters
    ----------
    name : str
        Of a standard benchmark.

    Returns
    -------
    scores : DataFrame
        As `evaluation.statistics.run_reading.read_scores` gives them; the files and folders that
        they name do not exist. `attrs["reference_values"]` are the reference values of each data
        set's scores, by metric, which score files hold elsewhere.
    records : DataFrame
        As `evaluation.statistics.run_reading.read_records` gives them: one row for each row of
        `scores`.

    Raises
    ------
    ScoresError
        If no scores ship with this benchmark, or they are damaged.
    ValueError
        For a name that there is no benchmark of.
    """
    title = load_benchmark(name).title
    try:
        path, about = find_scores(name), load_provenance(name)
        if path is None or about is None:
            raise ScoresError(
                f"no scores of {title} ship with this version; train and score its runs with "
                f"bench train --benchmark {name} and bench evaluate --benchmark {name}"
            )
        return _read(path, load_benchmark(name), about)
    except ScoresError:
        raise
    except Exception as error:  # a damaged file may lack anything
        raise ScoresError(
            f"the scores of {title} that ship cannot be read ({one_line(error)}); install "
            "disentanglement-bench again"
        ) from error


def _read(path, benchmark, about):
    scores = read_scores(path)
    scores.attrs["reference_values"] = Uncopied(
        (dataset, known["reference_values"]) for dataset, known in about["datasets"].items()
    )
    hyperparameters = ["beta", "lambda", *other_hyperparameters(scores)]
    rows = [
        {"folder": row["folder"]} | row_of(_record(row, hyperparameters, benchmark, about))
        for row in scores.to_dict("records")
    ]
    return scores, pd.DataFrame(rows, columns=list(RECORD_COLUMNS))


def _record(row: dict[str, Any], hyperparameters, benchmark, about):
    """What the run.json of a shipped run said, as far as tables and figures read it."""
    data, method = about["datasets"][row["dataset"]], about["methods"][row["model"]]
    given = {key: float(row[key]) for key in hyperparameters if pd.notna(row[key])}
    run = {key: row[key] for key in ("dataset", "preset", "model", "init", "seed")}
    return {
        "run": {**run, "hyperparameters": given},
        "config": {**benchmark.config, "steps": row["steps"]},
        "dataset": data["identity"],
        "method": method,
        "notes": data["notes"],
        "pixels": data["pixels"],
        "status": row["run_status"],
        "reason": "",
        "final": {key: row[key] for key in TRAINING_COLUMNS if pd.notna(row[key])},
    }


def collect_shipped(name: str, confirmation: bool = False) -> pd.DataFrame:
    """One row for each run of a benchmark whose scores ship.

    Parameters
    ----------
    name : str
        Of a standard benchmark.
    confirmation : bool, default False
        The runs of the confirmation seeds alone, as if they were the table.

    Returns
    -------
    DataFrame
        From `evaluation.statistics.run_table.run_table`; runs of confirmation seeds beside those
        of the table are marked there.

    Raises
    ------
    ScoresError
        If no such scores ship.
    ValueError
        For a name that there is no benchmark of.
    """
    scores, records = read_shipped(name)
    if confirmation:
        datasets = load_benchmark(name).datasets
        pairs = zip(scores["dataset"], scores["seed"], strict=True)
        wanted = [seed in datasets[dataset].confirmation_seeds for dataset, seed in pairs]
        if not any(wanted):
            raise ScoresError(
                f"no scores of the confirmation seeds of {name} ship with this version"
            )
        scores, records = scores[wanted], records[wanted]
    return run_table(scores, records)
