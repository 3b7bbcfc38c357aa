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
import hashlib
import importlib.resources
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import RecordError, read_json
from ..naming import one_line
from .benchmarks import load_benchmark

if TYPE_CHECKING:
    import pandas as pd

_MEND = "install disentanglement-bench again"


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


def find_scores(name: str) -> Path | None:
    """Find the table of scores that ships with a benchmark, and see whether it is whole.

    Parameters
    ----------
    name : str
        Of a standard benchmark.

    Returns
    -------
    Path or None
        None where no scores ship.

    Raises
    ------
    RecordError
        If the table is not the one that its provenance names.
    ValueError
        For a name that there is no benchmark of.
    """
    path = shipped_file(name, "scores.csv")
    if not path.exists():
        return None
    stated = load_provenance(name)
    scores = stated.get("scores") if isinstance(stated, dict) else None
    wanted = scores.get("sha256") if isinstance(scores, dict) else None
    try:
        found = hashlib.sha256(path.read_text(encoding="utf-8").encode()).hexdigest()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read ({one_line(error)}); {_MEND}") from None
    if found != wanted:
        raise RecordError(f"{path} is not the table that its provenance names; {_MEND}")
    return path


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
    RecordError
        If the table is damaged.
    ValueError
        For a name that there is no benchmark of.

    Examples
    --------
    >>> load_scores("db1-paper") is None
    True
    """
    import pandas as pd

    path = find_scores(name)
    if path is None:
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
    RecordError
        If the file is not JSON.
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
    RecordError
        If the table is damaged.
    ValueError
        For a name that there is no benchmark of.
    """
    path = find_scores(name)
    return {} if path is None else {run: row["config_sha256"] for run, row in read_rows(path)}


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Read a table of shipped scores as it is written.

    Parameters
    ----------
    path : Path

    Yields
    ------
    run : str
        Folder of the run below the folder of all runs.
    row : dict of str to str
    """
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield run_of(row["path"]), row


def run_of(path: str) -> str:
    """The folder of a run below that of all runs, by the path of its row.

    Examples
    --------
    >>> run_of("runs/rooms3d/db1/vae/base/seed-0/representation.h5")
    'rooms3d/db1/vae/base/seed-0'
    """
    return path.removeprefix("runs/").removesuffix("/representation.h5")
