"""Scores that compare the runs of one setting: which runs these are, and one file for them all."""

import contextlib
import dataclasses
import hashlib
import json
import os
from pathlib import Path

from .. import schema
from ..files import RecordError, read_json
from ..metrics import METRICS
from ..representation.file_format import SUFFIXES
from ..schema import SchemaError
from .file_scores import Outcome
from .score_files import Choices, Source, is_of, request
from .score_schema import SOURCE, check_values
from .stored import StoredScore, read_stored

GROUP_SCHEMA_VERSION = 1
METRIC = "udr"
STATUSES = ("done", "undefined", "failed", "none")
# What files in one folder that are runs of one setting have in common, besides their data set.
_SETTING = (
    "dataset_version",
    "preset",
    "tag",
    "model",
    "init",
    "beta",
    "lambda",
    "hyperparameters",
)
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
    def is_due(self):
        """Whether there is something to compare, or something outdated to replace."""
        return not self.current and bool(self.group.members or self.scores or self.broken)


def find_groups(stored):
    """Find out which representations are runs of one setting.

    These are the files of one name in the folders `seed-…` beside each other, whichever of them
    were asked for, and the files in one folder that state the same setting and a seed of their own.

    Parameters
    ----------
    stored : dict of Path to Stored

    Returns
    -------
    groups : list of Group
    places : dict of Path to (Group, str)
        For each representation that is in a group, the group and its name there.
    """
    groups, places, stated = {}, {}, {}
    for path, known in stored.items():
        folder, file = os.path.split(path)
        if os.path.basename(folder) in ("", ".."):
            folder = os.path.abspath(folder)
        above, seed = os.path.split(folder)
        if seed.startswith("seed-"):
            key = above, file
            if key not in groups:
                own = "" if file == "representation.h5" else f"{file}."
                groups[key] = Group(Path(above, f"{own}udr.json"), _list_seeds(*key))
            places[path] = groups[key], f"{seed}/{file}"
            continue
        stated_seed, setting = known.attributes.get("seed"), _read_setting(known)
        if type(stated_seed) is int and setting:
            key = folder, setting
            if key not in groups:
                digest = hashlib.sha256(setting.encode()).hexdigest()[:12]
                groups[key] = Group(Path(folder, f"udr-{digest}.json"), {})
            seeds = stated.setdefault(key, set())
            if stated_seed not in seeds:
                seeds.add(stated_seed)
                groups[key].members[file] = os.path.join(folder, file)
                places[path] = groups[key], file
    return list(groups.values()), places


def _list_seeds(folder, file):
    """Files of a name in the folders `seed-…` of a folder, by seed and name."""
    try:
        with os.scandir(folder or ".") as entries:
            seeds = sorted(entry.name for entry in entries if entry.name.startswith("seed-"))
    except OSError:
        return {}
    paths = {f"{seed}/{file}": os.path.join(folder, seed, file) for seed in seeds}
    return {name: path for name, path in paths.items() if os.path.isfile(path)}


def _read_setting(known):
    """What a file states about the setting it is a run of, as text; empty if that is too little."""
    if not isinstance(known.attributes.get("model"), str):
        return ""
    stated = {name: known.attributes.get(name) for name in _SETTING}
    return json.dumps([known.dataset, stated], sort_keys=True)


def read_group(group, shared, force=False):
    """Read what is stored of a group, and see whether it holds.

    Parameters
    ----------
    group : Group
    shared : dict of str to bool or None
        By the name of a member, whether it holds shared images, as far as that is known.
    force : bool, default False
        Nothing holds.

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
    current = not force and record is not None and _holds(record, group)
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


def _holds(record, group):
    """Whether a group's scores were computed as asked for, from its members as they now are."""
    if record["request"] != request(METRICS[METRIC], Choices(), {}):
        return False
    peers = record["peers"]
    compared = {name for name, peer in peers.items() if peer["status"] != "none"}
    if not compared <= group.members.keys() <= peers.keys():
        return False
    try:
        return all(_is_same(peers[name], path) for name, path in group.members.items())
    except OSError:
        return False


def _is_same(peer, path):
    status, source = os.stat(path), peer["source"]
    if (source.get("size"), source.get("mtime_ns")) == (status.st_size, status.st_mtime_ns):
        return True
    return is_of(peer, Source.of(path))


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


class Groups:
    """The groups that representations belong to, and what is to be done about them.

    Parameters
    ----------
    stored : dict of Path to Stored
        Of the representations asked for; their scores in groups are added to it.
    metrics : list of Metric
        Those asked for.
    force : bool
        Compare also what is up to date.

    Attributes
    ----------
    waiting : list of Group or None
        What is compared anew; None before `find_work`.
    repaired, broken : list of (Path, str)
        Broken files of scores: computed anew, and others.
    """

    def __init__(self, stored, metrics, force):
        self._stored = stored
        self._asked = any(metric.grouped for metric in metrics)
        self._force = force and self._asked
        self._groups, self._places, self._shared, self._states = [], {}, {}, {}
        self.waiting = None
        self.repaired = []
        self.broken = []

    def find_work(self):
        """The groups whose scores are missing or outdated, once their files have been scored."""
        self._groups, self._places = find_groups(self._stored)
        self._shared = {group.path: {} for group in self._groups}
        for path, (group, name) in self._places.items():
            self._shared[group.path][name] = self._stored[path].shared
        for group in self._groups:
            shared = self._shared[group.path]
            for name in group.members.keys() - shared.keys():  # seeds that were not asked for
                with contextlib.suppress(OSError):
                    path = Path(group.members[name])
                    shared[name] = read_stored(path, [], Choices()).shared
            self._states[group.path] = read_group(group, shared, self._force)
        states = self._states.values()
        self.waiting = [state.group for state in states if self._asked and state.is_due]
        return self.waiting

    def finish(self):
        """Read what was compared, and hand each representation its scores.

        Returns
        -------
        list of Outcome
            Of the groups that were up to date.
        """
        due = {group.path for group in self.waiting}
        for group in self._groups:
            before = self._states[group.path].broken
            if group.path in due:
                self._states[group.path] = read_group(group, self._shared[group.path])
            state = self._states[group.path]
            self.broken += [(group.path, line) for line in state.broken]
            self.repaired += [(group.path, line) for line in before if not state.broken]
        kept = dict.fromkeys((path for path in self._states if path not in due), 0)
        for path, (group, name) in self._places.items():
            score = self._states[group.path].scores.get(name)
            if score is not None:
                self._stored[path].scores[METRIC] = score
                if group.path in kept and score.status in ("done", "undefined"):
                    kept[group.path] += 1
        return [Outcome(path, kept=number) for path, number in kept.items() if self._asked]
