"""Which files may stand beside a standard benchmark, under which name, and why others may not."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from pathlib import Path

from ..files import RecordError
from ..naming import SEED_PATTERN, one_line
from ..reference.benchmarks import Benchmark
from ..representation.array_checks import RepresentationError
from ..representation.file_format import read_representation
from ..schema import SchemaError
from ..schema import name as check_name
from ..scoring.run_records import read_run
from .agreement import find_disagreement, is_benchmark_sample

_NUMBERED = re.compile(rf"(.*?)[-_. ]*{SEED_PATTERN}", re.IGNORECASE | re.DOTALL)
_RUN_FILE = "representation.h5"


class ComparisonError(ValueError):
    """Nothing can be compared, or a comparison cannot be written; the message is one line."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A representation that somebody wants to compare.

    Attributes
    ----------
    path : Path
    trained_here : bool
        Whether a run of the benchmark's protocol wrote it; else nobody knows how it was trained.
    model : str
        What its row is called.
    seed : int or None
    dataset : str
        Empty where the file does not say.
    refusal : str
        Why it is not compared, and what to do; empty where it is.
    unreadable : bool
        Whether it could not be read or scored at all.
    posterior : bool
        Whether it holds log-variances.
    checked : bool
        Whether its factors could be checked against the grid by an index.
    own_sample : bool
        Whether its images are the benchmark's evaluation sample of its seed.
    digest : str
        Of its codes, so that a copy is known.
    stated : str
        The model that the file itself names.
    """

    path: Path
    trained_here: bool = False
    model: str = ""
    seed: int | None = None
    dataset: str = ""
    refusal: str = ""
    unreadable: bool = False
    posterior: bool = False
    checked: bool = False
    own_sample: bool = False
    digest: str = ""
    stated: str = ""


def read_entry(path: Path, benchmark: Benchmark, name: str | None = None) -> Entry:
    """Read a representation and see whether its scores compare with a benchmark's.

    Parameters
    ----------
    path : Path
    benchmark : Benchmark
    name : str, optional
        What rows of representations from elsewhere are called, whatever their files say.

    Returns
    -------
    Entry
    """
    try:
        record = read_run(path.parent / "run.json") if path.name == _RUN_FILE else None
    except FileNotFoundError:
        record = None
    except RecordError as error:
        return Entry(path, True, refusal=one_line(error), unreadable=True)
    if record is not None:
        refusal = _refuse_run(record, benchmark)
        if refusal:
            model, dataset = record["run"].get("model", ""), record["run"].get("dataset", "")
            return Entry(path, True, model, record["run"].get("seed"), dataset, refusal)
    try:
        representation = read_representation(path)
    except RepresentationError as error:
        return Entry(path, refusal=one_line(error), unreadable=True)
    if record is not None:
        model, seed, stated = record["run"].get("model", ""), record["run"].get("seed"), ""
    else:
        model, seed = name_file(path, representation.attributes)
        stated = model if "model" in representation.attributes else ""
        model = name or model
    return Entry(
        path,
        trained_here=record is not None,
        model=model,
        seed=seed,
        dataset=representation.dataset,
        refusal=find_disagreement(representation, benchmark, seed),
        posterior=representation.log_variances is not None,
        checked=representation.index is not None,
        own_sample=is_benchmark_sample(representation, benchmark, seed),
        digest=_digest(representation),
        stated=stated,
    )


def _digest(representation):
    """Of codes and factors: collapsed codes of different images may well be the same."""
    hashed = hashlib.sha256(representation.codes.tobytes())
    hashed.update(representation.factors.tobytes())
    return hashed.hexdigest()


def _refuse_run(record, benchmark):
    """Why a run of `bench train` does not stand beside the benchmark's."""
    run = record["run"]
    if record["status"] != "done":
        return f"its run is {record['status']}: let bench train finish it"
    if run.get("preset") != benchmark.name or run.get("tag"):
        protocol = "+".join(filter(None, (run.get("preset"), run.get("tag")))) or "unknown"
        return (
            f"it was trained under the protocol {one_line(protocol, 60)}, not {benchmark.name}: "
            f"train it with bench train --benchmark {benchmark.name}"
        )
    if run.get("model") in benchmark.models:
        return (
            f"{one_line(run['model'], 60)} is a model of {benchmark.title} itself, whose shipped "
            "scores stand in the table"
        )
    return ""


def name_file(path: Path, attributes: dict) -> tuple[str, int | None]:
    """What a representation from elsewhere is called, and its seed.

    Parameters
    ----------
    path : Path
    attributes : dict
        Of the file; `model` and `seed` go before what its path says.

    Returns
    -------
    model : str
        Else the name of the file without ``seed-0`` and the like, else that of its folder.
    seed : int or None

    Examples
    --------
    >>> name_file(Path("mine/pca-seed-3.h5"), {})
    ('pca', 3)
    >>> name_file(Path("mine/pca/seed-3/representation.h5"), {"model": "PCA"})
    ('PCA', 3)
    >>> name_file(Path("mine/pca/seed-3.h5"), {"seed": 4})
    ('pca', 4)
    """
    found, seed = "", None
    for part in (path.stem, *reversed(Path(os.path.abspath(path)).parent.parts)):
        match = _NUMBERED.fullmatch(part)
        if match and seed is None:
            seed = int(match[2])
        part = match[1] if match else part
        part = "" if part == "representation" or part == os.sep else part
        if part:
            found = part
            break
    model, stated = attributes.get("model"), attributes.get("seed")
    try:
        check_name(model, "model")
        model = one_line(model)
    except SchemaError:
        model = ""
    model = model or one_line(found, 60) or "unnamed"
    if isinstance(stated, int) and not isinstance(stated, bool) and 0 <= stated < 2**53:
        seed = stated
    return model, seed


def refuse_copies(entries: list[Entry]) -> list[Entry]:
    """Refuse files that hold the codes of an earlier one: a copy is not a second seed.

    Parameters
    ----------
    entries : list of Entry

    Returns
    -------
    list of Entry
    """
    seen: dict[str, Path] = {}
    checked = []
    for entry in entries:
        if not entry.refusal and entry.digest in seen:
            text = f"it holds the same codes as {one_line(seen[entry.digest], 120)}: remove one"
            entry = dataclasses.replace(entry, refusal=text)
        elif not entry.refusal:
            seen[entry.digest] = entry.path
        checked.append(entry)
    return checked
