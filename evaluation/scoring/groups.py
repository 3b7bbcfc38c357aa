"""Scores that compare the runs of one setting: which runs these are, and what is to be done."""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from .file_scores import Outcome
from .group_files import METRIC, Group, read_group
from .score_files import Choices
from .stored import read_stored

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
                groups[key] = Group(Path(above, f"{own}udr.json"), _list_seeds(*key, stored))
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


def _list_seeds(folder, file, stored):
    """Files of a name in the folders `seed-…` of a folder, by seed and name."""
    try:
        with os.scandir(folder or ".") as entries:
            seeds = sorted(entry.name for entry in entries if entry.name.startswith("seed-"))
    except OSError:
        return {}
    paths = {f"{seed}/{file}": os.path.join(folder, seed, file) for seed in seeds}
    return {
        name: path
        for name, path in paths.items()
        if ((known := stored.get(Path(path))) and known.scores) or os.path.isfile(path)
    }


def _read_setting(known):
    """What a file states about the setting it is a run of, as text; empty if that is too little."""
    if not isinstance(known.attributes.get("model"), str):
        return ""
    stated = {name: known.attributes.get(name) for name in _SETTING}
    return json.dumps([known.dataset, stated], sort_keys=True)


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
        self._groups, self._places, self._states = [], {}, {}
        self._shared, self._sources = {}, {}
        self.waiting = None
        self.repaired = []
        self.broken = []

    def find_work(self):
        """The groups whose scores are missing or outdated, once their files have been scored."""
        self._groups, self._places = find_groups(self._stored)
        self._shared = {group.path: {} for group in self._groups}
        self._sources = {group.path: {} for group in self._groups}
        for path, (group, name) in self._places.items():
            self._shared[group.path][name] = self._stored[path].shared
            self._sources[group.path][name] = self._stored[path].source
        for group in self._groups:
            shared, sources = self._shared[group.path], self._sources[group.path]
            for name in group.members.keys() - shared.keys():  # seeds that were not asked for
                with contextlib.suppress(OSError):
                    known = read_stored(Path(group.members[name]), [], Choices())
                    shared[name], sources[name] = known.shared, known.source
            self._states[group.path] = read_group(group, shared, self._force, sources)
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
                shared, sources = self._shared[group.path], self._sources[group.path]
                self._states[group.path] = read_group(group, shared, sources=sources)
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
