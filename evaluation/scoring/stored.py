"""What is stored beside a representation: its scores, and which of them are missing or outdated."""

import dataclasses
import os

from ..files import RecordError
from ..metrics import METRICS, with_twins
from .score_files import Source, is_current, is_of, load_score, request, scores_folder


@dataclasses.dataclass(frozen=True, slots=True)
class StoredScore:
    """One score file, as far as tables need it.

    Attributes
    ----------
    status : str
        `done`, `undefined`, `failed` or `outdated`; only the first two have values.
    variant : str
    values : dict of str to float or None
    reasons : dict of str to str
    declaration : dict or None
        Of a user's metric; None where the metric is built in or the file does not say.
    """

    status: str
    variant: str
    values: dict
    reasons: dict
    declaration: dict | None


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """All scores of one representation.

    Attributes
    ----------
    source : Source
        State of the representation when its scores were read.
    scores : dict of str to StoredScore
        By metric; without those that are missing or broken.
    dataset : str
    factor_names : tuple of str
    attributes : dict
        Of the representation, as its score files remember them.
    about : dict
        All that its score files remember of the representation, see
        `evaluation.scoring.score_files.describe`; empty where there are none.
    missing : tuple of str
        Metrics asked for whose scores are not there or do not hold.
    kept : int
        Number of scores asked for that hold.
    broken : tuple of str
        One line for each score file that cannot be used.
    shared : bool or None
        Whether it holds shared images; None where no score file of its present state tells.
    """

    source: Source
    scores: dict
    dataset: str
    factor_names: tuple
    attributes: dict
    about: dict
    missing: tuple
    kept: int
    broken: tuple
    shared: bool | None


def read_stored(path, metrics, choices, force=False):
    """Read the score files of a representation, and see what is missing.

    Parameters
    ----------
    path : Path
    metrics : list of Metric
        Those asked for. Their twins count where a score file tells of a posterior, or
        where there is no score file yet.
    choices : Choices
    force : bool, default False
        Everything asked for counts as missing.

    Returns
    -------
    Stored

    Raises
    ------
    OSError
        If the representation cannot be seen.
    """
    source = Source.of(path)
    records, broken = _read_folder(scores_folder(path))
    about = [record["representation"] for record in records.values()]
    first = about[0] if about else {}
    posterior = first.get("posterior", True)
    asked = {metric.name: metric for metric in with_twins(metrics, posterior)}
    known = {name: asked.get(name) or METRICS.get(name) for name in records}
    current = {
        name: is_current(records[name], request(metric, choices, first), source)
        for name, metric in known.items()
        if metric is not None
    }
    missing = [name for name in asked if force or not current.get(name)]
    scores = {}
    for name, record in records.items():
        holds = record["status"] == "failed"
        holds = holds or (is_of(record, source) if known[name] is None else current[name])
        scores[name] = StoredScore(
            record["status"] if holds else "outdated",
            record["variant"],
            record["values"] if holds else {},
            record["reasons"] if holds else {},
            None if name in METRICS else record.get("declaration"),
        )
    return Stored(
        source,
        scores,
        first.get("dataset", ""),
        tuple(first.get("factor_names", ())),
        first.get("attributes", {}),
        first,
        tuple(missing),
        len(asked) - len(missing),
        tuple(broken),
        _holds_shared(records, source),
    )


def _holds_shared(records, source):
    """Whether a representation holds shared images, as the scores of what it now is remember."""
    for record in records.values():
        if is_of(record, source):
            return bool(record["representation"].get("shared"))
    return None


def _read_folder(folder):
    """Heads of all score files of a folder by metric, and what cannot be used."""
    records, broken, about = {}, [], None
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}, []
    for name in names:
        if not name.endswith(".json") or name.startswith("."):
            continue
        path = os.path.join(folder, name)
        try:
            record = load_score(path, only_head=True, about=about)
        except FileNotFoundError:  # removed meanwhile
            continue
        except RecordError as error:
            broken.append(str(error))
            continue
        if record["metric"].replace(":", ".") != name.removesuffix(".json"):
            broken.append(f"{path}: holds the scores of another metric")
            continue
        records[record["metric"]] = record
        about = record["representation"]
    return records, broken
