"""The file of scores that compare the runs of a setting: read it, and see whether it holds."""

import dataclasses
import os
from pathlib import Path

from .. import schema
from ..files import RecordError, read_json
from ..metrics import METRICS
from ..representation.file_format import SUFFIXES
from ..schema import SchemaError
from .score_files import Choices, Source, is_of, request
from .score_schema import SOURCE, check_values
from .stored import StoredScore

GROUP_SCHEMA_VERSION = 1
METRIC = "udr"
STATUSES = ("done", "undefined", "failed", "none")
_LARGEST_FILE = 2**26
_PEER = schema.record(
    {
        "source": SOURCE,
        "status": schema.one_of(*STATUSES),
        "values": schema.mapping(schema.optional(schema.number()), 100),
        "reasons": schema.mapping(schema.text(), 100),
    }
)
_HEAD = {
    "schema_version": schema.whole(GROUP_SCHEMA_VERSION, GROUP_SCHEMA_VERSION),
    "metric": schema.one_of(METRIC),
    "variant": schema.name,
    "request": schema.mapping(schema.plain, 20),
    "peers": schema.mapping(_PEER),
}
_RECORD = schema.record(_HEAD)


@dataclasses.dataclass(frozen=True)
class Group:
    """The runs of one setting.

    Attributes
    ----------
    path : Path
        File of the scores that compare them.
    members : dict of str to str
        Representations of different seeds, which may hold shared images or not: the path of each
        by its name, which is its path from the folder of `path`.
    """

    path: Path
    members: dict


@dataclasses.dataclass(frozen=True)
class GroupState:
    """A group, and what is stored of it.

    Attributes
    ----------
    group : Group
        Of the members that hold shared images, or of which nothing is known yet.
    scores : dict of str to StoredScore
        By the name of a member; outdated ones have no values.
    current : bool
        Whether these are the scores of the files as they now are.
    broken : tuple of str
        Why the file of scores cannot be used; empty or one line.
    """

    group: Group
    scores: dict
    current: bool
    broken: tuple

    @property
    def kept(self):
        """Number of scores that hold."""
        return sum(score.status in ("done", "undefined") for score in self.scores.values())

    @property
    def is_due(self):
        """Whether there is something to compare, or something outdated to replace."""
        return not self.current and bool(self.group.members or self.scores or self.broken)


def read_group(group, shared, force=False, sources=None):
    """Read what is stored of a group, and see whether it holds.

    Parameters
    ----------
    group : Group
    shared : dict of str to bool or None
        By the name of a member, whether it holds shared images, as far as that is known.
    force : bool, default False
        Nothing holds.
    sources : dict of str to Source, optional
        By the name of a member, its state where that is known.

    Returns
    -------
    GroupState
        Its group has the members that hold shared images, or may do so.
    """
    record, broken = None, ()
    try:
        record = load_group(group.path)
    except FileNotFoundError:
        pass
    except RecordError as error:
        broken = (str(error),)
    peers = record["peers"] if record else {}
    members = {n: path for n, path in group.members.items() if shared.get(n) is not False}
    if group.path.name.startswith("udr-"):
        # Files that this call was not asked to score stay runs of the setting while they exist.
        beside = {n: str(group.path.with_name(n)) for n in peers if _is_file_name(n)}
        members |= {
            name: path
            for name, path in beside.items()
            if name not in group.members and os.path.isfile(path)
        }
    group = Group(group.path, dict(sorted(members.items())))
    current = not force and record is not None and _holds(record, group, sources or {})
    scores = {
        name: StoredScore(
            peer["status"] if current else "outdated",
            record["variant"],
            peer["values"] if current else {},
            peer["reasons"] if current else {},
            None,
        )
        for name, peer in peers.items()
        if peer["status"] != "none"
    }
    return GroupState(group, scores, current, broken)


def _is_file_name(name):
    return name == os.path.basename(name) and name.endswith(SUFFIXES) and name.isprintable()


def _holds(record, group, sources):
    """Whether a group's scores were computed as asked for, from its members as they now are."""
    if record["request"] != request(METRICS[METRIC], Choices(), {}):
        return False
    peers = record["peers"]
    compared = {name for name, peer in peers.items() if peer["status"] != "none"}
    if not compared <= group.members.keys() <= peers.keys():
        return False
    try:
        return all(
            _is_same(peers[name], path, sources.get(name)) for name, path in group.members.items()
        )
    except OSError:
        return False


def _is_same(peer, path, source):
    compared = peer["source"].get("size"), peer["source"].get("mtime_ns")
    if source is not None and (source.size, source.mtime_ns) == compared:
        return True
    source = Source.of(path)
    return (source.size, source.mtime_ns) == compared or is_of(peer, source)


def load_group(path):
    """Read a file of scores that compare runs, and check its types and ranges.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict

    Raises
    ------
    RecordError
        If it is broken; one line.
    FileNotFoundError
        If there is no such file.
    """
    record = read_json(path, limit=_LARGEST_FILE)
    if isinstance(record, dict):
        record = {key: record[key] for key in _HEAD if key in record}
    try:
        _RECORD(record, "")
        for peer in record["peers"].values():
            check_values(record, peer["values"])
    except SchemaError as error:
        raise RecordError(f"{path}: not a valid file of scores: {error}") from None
    return record
