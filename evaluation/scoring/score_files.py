"""Score files: where they lie, what they say, and whether they still hold."""

import dataclasses
import functools
import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

from ..files import RecordError, read_json, write_json
from ..metrics.continuous import name_continuous
from ..representation.file_format import SUFFIXES
from ..schema import SchemaError
from .score_schema import HEAD, SCORE_SCHEMA_VERSION, check_score, is_built_in

_BLOCK = 2**20
_LARGEST_FILE = 2**27


def scores_folder(path: str | os.PathLike[str]) -> Path:
    """Where the scores of a representation lie.

    `representation.h5` of a run has `scores/` beside it, a stray `a.h5` has `a.scores/`. Where
    `a.h5` and `a.npz` lie side by side, the latter has `a.npz.scores/`.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Path

    Examples
    --------
    >>> scores_folder("runs/seed-0/representation.h5").as_posix()
    'runs/seed-0/scores'
    >>> scores_folder("mine/a.npz").as_posix()
    'mine/a.scores'
    """
    path = Path(path)
    earlier = SUFFIXES[: SUFFIXES.index(path.suffix)] if path.suffix in SUFFIXES else ()
    if any(path.with_suffix(suffix).exists() for suffix in earlier):
        return path.with_name(path.name + ".scores")
    if path.stem == "representation":
        return path.with_name("scores")
    return path.with_name(path.stem + ".scores")


@dataclasses.dataclass(frozen=True)
class Source:
    """State of a representation file: its hash is taken when it is asked for, and once.

    Attributes
    ----------
    path : Path
    size : int
        Bytes.
    mtime_ns : int
    """

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path):
        """The state of a file; OSError if there is none."""
        status = os.stat(path)
        return cls(Path(path), status.st_size, status.st_mtime_ns)

    def sha256(self):
        """Hash of the content, in hexadecimal."""
        return self._sha256

    @functools.cached_property
    def _sha256(self):
        digest = hashlib.sha256()
        with open(self.path, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Choices:
    """What decides a score besides metric and file, and is asked of all files alike.

    Attributes
    ----------
    seed : int
    bin_factors : int, optional
        Bins for continuous factors, where a metric needs classes.
    without_factors : tuple of str
        Names of factors to leave out, of whichever files have them.
    """

    seed: int = 0
    bin_factors: int | None = None
    without_factors: tuple[str, ...] = ()

    def leave_out(self, about):
        """Names of the factors to leave out of a file, in its order.

        Parameters
        ----------
        about : dict
            From `describe`, or as its score files remember it.

        Returns
        -------
        list of str
        """
        return [name for name in about.get("factor_names", ()) if name in self.without_factors]


def request(metric, choices, about):
    """What a score file must agree with to count as up to date.

    Parameters
    ----------
    metric : Metric
    choices : Choices
    about : dict
        From `describe`, or as its score files remember it; empty where nothing is known.

    Returns
    -------
    dict
        Only what matters to this metric and this file, so that asking for bins or leaving out a
        factor concerns no file without such factors.
    """
    wanted = {"version": metric.version, "variant": metric.variant}
    if metric.uses_seed:
        wanted["seed"] = choices.seed
    left = choices.leave_out(about)
    if left:
        wanted["without_factors"] = left
    continuous = {*about.get("continuous_factors", ())}.difference(left)
    if choices.bin_factors is not None and continuous and not metric.continuous:
        wanted["bin_factors"] = choices.bin_factors
    return wanted


def load_score(
    path: str | os.PathLike[str], only_head: bool = False, about: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Read a score file and check its types, and its values against the declared ranges.

    Parameters
    ----------
    path : str or Path
    only_head : bool, default False
        Leave out what tables do not need: settings, reference, notes, per factor, per code, matrix,
        and what a built-in metric declared when it was computed.
    about : dict, optional
        The `representation` of another score file of the same representation. Where this one says
        the same, it is not checked again, and the record holds that object.

    Returns
    -------
    dict
        Its values are finite numbers or None.

    Raises
    ------
    RecordError
        If it is broken; one line.
    FileNotFoundError
        If there is no such file.
    """
    record = read_json(path, limit=_LARGEST_FILE)
    if only_head and isinstance(record, dict):
        needed = HEAD if is_built_in(record.get("metric")) else (*HEAD, "declaration")
        record = {key: record[key] for key in needed if key in record}
    same = about is not None and isinstance(record, dict) and record.get("representation") == about
    if same:
        record["representation"] = about
    try:
        check_score(record, same)
    except SchemaError as error:
        raise RecordError(f"{path}: not a valid score file: {error}") from None
    return record


def read_score(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read a score file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict or None
        As `load_score`; None where there is no file, or a broken one.
    """
    try:
        return load_score(path)
    except (FileNotFoundError, RecordError):
        return None


def is_current(record, wanted, source):
    """Whether a score file answers a request for the file as it now is.

    Parameters
    ----------
    record : dict or None
        From `read_score`.
    wanted : dict
        From `request`. Where a score file also names a backend, as older ones do, that is ignored.
    source : Source

    Returns
    -------
    bool
    """
    if record is None or record["status"] == "failed":
        return False
    asked = {name: value for name, value in record["request"].items() if name != "backend"}
    return asked == wanted and is_of(record, source)


def is_of(record, source):
    """Whether a score file was computed from the file as it now is.

    Size and modification time decide; where only the time differs, the hash does.
    """
    scored = record["source"]
    if scored.get("file") != source.path.name or scored.get("size") != source.size:
        return False
    return scored.get("mtime_ns") == source.mtime_ns or scored.get("sha256") == source.sha256()


def describe(representation):
    """What a score file remembers of the representation, so that tables need not open it again."""
    return {
        "rows": len(representation.codes),
        "n_train": representation.n_train,
        "codes": representation.codes.shape[1],
        "factor_names": representation.factor_names,
        "factor_sizes": representation.factor_sizes,
        "factor_kinds": representation.factor_kinds,
        "continuous_factors": name_continuous(representation),
        "dataset": representation.dataset,
        "posterior": representation.log_variances is not None,
        "shared": None if representation.shared is None else len(representation.shared.index),
        "attributes": representation.attributes,
    }


@functools.cache
def versions():
    """Versions of what decides a score; not to be changed."""
    numbers = {"python": platform.python_version()}
    for name in ("disentanglement-bench", "numpy", "scipy", "scikit-learn", "numba"):
        try:
            numbers[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            numbers[name] = None
    return numbers


def write_score(path, outcome, metric, wanted, source, sha256, representation, seconds):
    """Write one score file atomically.

    Parameters
    ----------
    path : Path
    outcome : Score or str
        A score, or why the metric failed.
    metric : Metric
    wanted : dict
        From `request`.
    source : Source
    sha256 : str
    representation : Representation
    seconds : float

    Returns
    -------
    dict
        The record written.
    """
    if isinstance(outcome, str):
        keys = [key.name for key in metric.keys]
        outcome = {
            "metric": metric.name,
            "values": dict.fromkeys(keys),
            "variant": metric.variant,
            "reasons": dict.fromkeys(keys, outcome),
            "status": "failed",
        }
    else:
        outcome = outcome.as_dict()
    record = {
        "schema_version": SCORE_SCHEMA_VERSION,
        "metric": outcome.pop("metric"),
        "status": outcome.pop("status"),
        **outcome,
        "request": wanted,
        "source": {
            "file": source.path.name,
            "size": source.size,
            "mtime_ns": source.mtime_ns,
            "sha256": sha256,
        },
        "declaration": metric.declaration(),
        "representation": describe(representation),
        "versions": versions(),
        "seconds": round(seconds, 4),
    }
    write_json(path, record)
    return record
