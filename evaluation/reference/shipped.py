"""Scores of standard benchmarks that ship with the package, and where they come from.

Files
-----
<name>-scores.csv
    One row a run, in the columns of `scores.csv`, with the hash of its configuration.
<name>-provenance.json
    Which runs these are; what trained and scored them; what the data sets and the models were.
"""

import csv
import functools
import importlib.resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import read_json
from .benchmarks import load_benchmark

if TYPE_CHECKING:
    import pandas as pd

# Where the run of a row lay, below the folder of all runs.
_FOLDER, _FILE = "runs/", "/representation.h5"


def shipped_file(name: str, ending: str) -> Path:
    """The place of a file that ships with a benchmark, whether it is there or not.

    Parameters
    ----------
    name : str
        Of a standard benchmark.
    ending : str
        ``"scores.csv"`` or ``"provenance.json"``.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        For a name that there is no benchmark of.
    """
    load_benchmark(name)
    return find_folder() / f"{name}-{ending}"


def find_folder() -> Path:
    """The folder of the files that ship."""
    return Path(str(importlib.resources.files(__package__)))


def load_scores(name: str) -> "pd.DataFrame | None":
    """Read the scores that ship with a benchmark.

    Parameters
    ----------
    name : str
        Of a standard benchmark.

    Returns
    -------
    DataFrame or None
        One row a run: the columns of `scores.csv` (`path` is that of the representation, which
        does not ship) and `config_sha256`. None where no scores ship.

    Raises
    ------
    ValueError
        For a name that there is no benchmark of.

    Examples
    --------
    >>> load_scores("db1-paper") is None
    True
    """
    import pandas as pd

    path = shipped_file(name, "scores.csv")
    if not path.exists():
        return None
    texts = ("dataset_version", "tag", "reasons")
    return pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values=[""])


def load_provenance(name: str) -> dict[str, Any] | None:
    """Read where the scores that ship with a benchmark come from.

    Parameters
    ----------
    name : str
        Of a standard benchmark.

    Returns
    -------
    dict or None
        `scores` (file, sha256 and number of runs), `batches` (what trained and scored them),
        `datasets` (identity, notes, reference values) and `methods` (labels and symbols of the
        models). Not to be changed. None where no scores ship.

    Raises
    ------
    ValueError
        For a name that there is no benchmark of.
    """
    path = shipped_file(name, "provenance.json")
    return _read_provenance(path, path.stat().st_mtime_ns) if path.exists() else None


@functools.lru_cache(maxsize=8)
def _read_provenance(path, mtime_ns):
    """Read once what many representations are compared with."""
    return read_json(path)


def list_shipped(name: str) -> dict[str, str]:
    """Runs whose scores ship, with the hash of their configuration.

    Parameters
    ----------
    name : str
        Of a standard benchmark.

    Returns
    -------
    dict of str to str
        By the run's folder below the folder of all runs; empty where no scores ship.

    Raises
    ------
    ValueError
        For a name that there is no benchmark of.
    """
    path = shipped_file(name, "scores.csv")
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["path"].removeprefix(_FOLDER).removesuffix(_FILE): row["config_sha256"]
            for row in csv.DictReader(file)
        }
