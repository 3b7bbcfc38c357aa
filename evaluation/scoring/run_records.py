"""Run records: the run.json of every run, read and checked in one place."""

import os
from pathlib import Path

from ..files import RecordError, read_json, walk

RUN_SCHEMA_VERSION = 1
STATUSES = ("done", "failed", "interrupted", "running")

# Version found in a file -> function that turns the record into the next version.
MIGRATIONS = {}


def read_run(path, *, migrations=None, version=RUN_SCHEMA_VERSION):
    """Read a run.json and bring it to the current schema version.

    Parameters
    ----------
    path : str or Path
        The run.json, or the run folder that holds it.
    migrations : dict of int to callable, optional
        From a version to the function that returns the record of the next one.
    version : int, default RUN_SCHEMA_VERSION
        The version wanted.

    Returns
    -------
    dict
        The record at schema version `version`, its status one of `STATUSES`.

    Raises
    ------
    RecordError
        If it is broken, has no known version or status, or comes from a newer version.
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    path = path / "run.json" if path.is_dir() else path
    migrations = MIGRATIONS if migrations is None else migrations
    record = read_json(path)
    found = record.get("schema_version") if isinstance(record, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise RecordError(f"{path}: not a run record (it has no integer schema_version)")
    if found > version:
        raise RecordError(
            f"{path}: schema version {found} is newer than {version}, the newest known here; "
            "update disentanglement-bench"
        )
    while found < version:
        if found not in migrations:
            raise RecordError(f"{path}: schema version {found} has no migration to {version}")
        record = migrations[found](record)
        found += 1
        record["schema_version"] = found
    if record.get("status") not in STATUSES:
        raise RecordError(
            f"{path}: status must be one of {', '.join(STATUSES)}, not {record.get('status')!r}"
        )
    return record


def find_runs(root):
    """Find the folders that contain a run.json.

    Parameters
    ----------
    root : str or Path
        The folder to search, itself included. Links are followed, loops are not.

    Yields
    ------
    Path
        Run folders in sorted order.

    Raises
    ------
    RecordError
        If `root` is not a folder or a folder below it cannot be listed.
    """
    if not os.path.isdir(root):
        raise RecordError(f"{root}: no such folder")
    found = [folder for folder, names in walk(root, leaf="run.json") if "run.json" in names]
    yield from sorted(Path(folder) for folder in found)
