"""Run records: the run.json of every run, read and checked in one place."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import schema
from ..files import RecordError, read_json, walk
from ..schema import SchemaError

RUN_SCHEMA_VERSION = 2
STATUSES = ("done", "failed", "interrupted", "running")

_LARGEST_FILE = 2**22
_COUNT = schema.whole(0, 2**53)
_SETTINGS = schema.mapping(schema.number(), 100)
_REDUCED = schema.record({"name": schema.name, "label": schema.name, "where": _SETTINGS})
_METHOD = schema.record(
    {"name": schema.name, "label": schema.name},
    citation=schema.text(5000),
    continues=schema.optional(schema.name),
    reduces_to=schema.list_of(_REDUCED, 20),
    axis=schema.optional(schema.name),
    symbols=schema.mapping(schema.name, 100),
)
_RUN = schema.record(
    dataset=schema.name,
    preset=schema.name,
    tag=schema.name,
    model=schema.name,
    hyperparameters=_SETTINGS,
    init=schema.name,
    seed=_COUNT,
    settings=schema.mapping(schema.number_or_name, 100),
)
_CONFIG = schema.record(
    model=schema.name,
    hyperparameters=_SETTINGS,
    init=schema.name,
    seed=_COUNT,
    phases=schema.list_of(_COUNT, 100),
    steps=_COUNT,
    latent_size=_COUNT,
    image_size=_COUNT,
)
_RECORD = schema.record(
    {"status": schema.one_of(*STATUSES)},
    reason=schema.optional(schema.text()),
    run=_RUN,
    method=_METHOD,
    config=_CONFIG,
    config_sha256=schema.name,
    parent=schema.optional(schema.record(path=schema.text(2000), config_sha256=schema.name)),
    dataset=schema.record(
        name=schema.name, version=schema.optional(schema.name), kind=schema.optional(schema.name)
    ),
    notes=schema.list_of(schema.text(), 100),
    pixels=schema.optional(_COUNT),
    command=schema.optional(schema.text()),
    versions=schema.mapping(schema.optional(schema.name)),
    device=schema.optional(schema.text()),
    seconds=schema.optional(schema.number(low=0)),
    steps_per_second=schema.optional(schema.number(low=0)),
    peak_memory_bytes=schema.optional(_COUNT),
    final=schema.optional(schema.mapping(schema.optional(schema.number()))),
    others=schema.plain,
)

# How tables and axes write the hyperparameters of models that say nothing of it.
SYMBOLS = {"beta": "β", "lambda": "λ"}

# What run records of version 1 leave out: the methods that wrote them.
_VAE = {"name": "vae", "label": "VAE"}
_BETAVAE = {"name": "betavae", "label": "β-VAE"}
_FIRST_METHODS: dict[str, dict[str, Any]] = {
    "betavae": {
        **_BETAVAE,
        "citation": "higgins2017beta",
        "reduces_to": [{**_VAE, "where": {"beta": 1}}],
    },
    "lambdabeta": {
        "name": "lambdabeta",
        "label": "λβ-VAE",
        "citation": "vu2026mutual",
        "continues": "betavae",
        "reduces_to": [
            {**_VAE, "where": {"beta": 1, "lambda": 0}},
            {**_BETAVAE, "where": {"lambda": 0}},
        ],
    },
    "betatcvae": {"name": "betatcvae", "label": "β-TCVAE", "citation": "chen2018isolating"},
    "vae": {**_VAE, "citation": "kingma2014auto"},
}


def describe_method(model: str) -> dict[str, Any]:
    """The `method` block of a run record for a model of version 0.1.0, or for an unknown one.

    Parameters
    ----------
    model : str
        The model's name in the record.

    Returns
    -------
    dict
        What it is called, what to cite, what it continues and what it reduces to, which
        hyperparameter its curves are drawn over (`axis`, None where that is unknown) and how its
        hyperparameters are written (`symbols`).

    Examples
    --------
    >>> describe_method("betavae")["label"], describe_method("mine:VAE")["label"]
    ('β-VAE', 'mine:VAE')
    """
    rest: dict[str, Any] = {"citation": "", "continues": None, "reduces_to": []}
    axis = "beta" if model in _FIRST_METHODS and model != "vae" else None
    rest |= {"axis": axis, "symbols": dict(SYMBOLS)}
    return {"name": model, "label": model, **rest, **_FIRST_METHODS.get(model, {})}


def _describe_record(run, declared):
    """The `method` block of a record, with what older ones leave out."""
    method = {**describe_method(run.get("model", "")), **declared}
    names = list(run.get("hyperparameters", {}))
    first = "beta" if "beta" in names else next(iter(names), None)
    symbols = {**SYMBOLS, **method["symbols"]}
    return {**method, "axis": method["axis"] or first, "symbols": symbols}


def _add_method(record):
    """Version 2 describes the method, and the configuration names the model as the run does."""
    model = record.get("run", {}).get("model", "")
    config = record.get("config", {})
    if model and "model" in config:
        config = {**config, "model": model}
    return {**record, "method": describe_method(model), "config": config}


# Version found in a file -> function that turns the record into the next version.
MIGRATIONS = {1: _add_method}


def read_run(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a run.json, check it and bring it to the current schema version.

    Parameters
    ----------
    path : str or Path
        The run.json, or the run folder that holds it.

    Returns
    -------
    dict
        The record: its numbers finite, its names text, and `run`, `method`, `config`, `dataset`,
        `final` (objects), `notes` (list) and `reason` (text) always there. `config_sha256` is that
        of the file, which is also the one that the run's checkpoint carries.

    Raises
    ------
    RecordError
        If it is broken, does not fit the schema, or comes from a newer version; one line.
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    if path.name != "run.json" and path.is_dir():
        path = path / "run.json"
    record = read_json(path, limit=_LARGEST_FILE)
    version = record.get("schema_version") if isinstance(record, dict) else None
    if type(version) is not int or version < 1:
        raise RecordError(f"{path}: not a run record (it has no schema_version)")
    if version > RUN_SCHEMA_VERSION:
        raise RecordError(
            f"{path}: schema version {min(version, 10**9)} is newer than {RUN_SCHEMA_VERSION}, "
            "the newest known here; update disentanglement-bench"
        )
    try:
        _RECORD(record, "")
    except SchemaError as error:
        raise RecordError(f"{path}: not a valid run record: {error}") from None
    for older in range(version, RUN_SCHEMA_VERSION):
        record = MIGRATIONS[older](record)
    run = record.get("run", {})
    return {
        **record,
        "schema_version": RUN_SCHEMA_VERSION,
        "reason": record.get("reason") or "",
        "run": run,
        "method": _describe_record(run, record.get("method", {})),
        "config": record.get("config", {}),
        "dataset": record.get("dataset", {}),
        "notes": record.get("notes", []),
        "final": record.get("final") or {},
    }


def find_runs(root: str | os.PathLike[str]) -> Iterator[Path]:
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
    folders = [folder for folder, names in walk(root, leaf="run.json") if "run.json" in names]
    yield from sorted(Path(folder) for folder in folders)
