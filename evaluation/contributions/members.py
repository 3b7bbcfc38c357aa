"""A representation of a contribution: what it says of itself, and whether it compares."""

import contextlib
import dataclasses
import hashlib
import json
import re

import numpy as np

from .. import schema
from ..files import RecordError
from ..guarding import GuardedFailure, call_guarded
from ..naming import SEED_PATTERN, format_number, one_line
from ..reference.agreement import check_agreement
from ..reference.benchmarks import load_benchmark
from ..reference.grids import draw_sample
from ..representation.array_checks import RepresentationError
from ..representation.file_format import read_representation
from ..schema import SchemaError
from ..scoring.run_records import read_run
from ..scoring.score_files import describe
from .groups import find_duplicates
from .manifest import LARGEST_MEMBER
from .problems import ROOM, ContributionError
from .storing import KEPT, write_member

_MADE = ("model", "seed")
_MOST_SEEDS = 2**31
_SEED = re.compile(SEED_PATTERN, re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Member:
    """What is known of one representation.

    Attributes
    ----------
    method : str
        Name of the method that it belongs to.
    stated : str
        The model that the file names; empty where it names none.
    seed : int
    dataset : str
    hyperparameters : dict of str to float
        Those that the file states, or its run's record.
    codes : str
        Hash of the codes; empty where they do not vary, as those of a collapsed encoder.
    left_out : tuple of str
        What the file holds and an archive does not.
    problems : tuple of str
        Why it does not compare with the benchmark, one line each without the file's name.
    commit : str
        Of the software that trained it, where a run's record says so.
    """

    method: str = ""
    stated: str = ""
    seed: int = -1
    dataset: str = ""
    hyperparameters: dict = dataclasses.field(default_factory=dict)
    codes: str = ""
    left_out: tuple = ()
    problems: tuple = ()
    commit: str = ""

    @property
    def setting(self):
        """The hyperparameters on one line, as in ``beta=4,lambda=8``; empty where there are none.

        Examples
        --------
        >>> Member(hyperparameters={"lambda": 8.0, "beta": 4.0}).setting
        'beta=4,lambda=8'
        """
        given = sorted(self.hyperparameters.items())
        return ",".join(f"{key}={format_number(value)}" for key, value in given)


def inspect_files(paths, methods, benchmark, targets=None, report=None):
    """Read representations, and write them as an archive holds them.

    Parameters
    ----------
    paths : list of Path
    methods : list of str
        Names of the methods that they may belong to. To an archive's only one belongs whatever is
        written for it; otherwise a file names its method by the attribute `model`.
    benchmark : str
        Name of a standard benchmark.
    targets : list of Path, optional
        Where the files for an archive are written.
    report : callable, optional
        Called with each path before it is read.

    Returns
    -------
    list of Member
        One for each path, with its problems where it cannot be read.
    """
    members = []
    for number, path in enumerate(paths):
        if report is not None:
            report(path)
        try:
            representation = read_representation(path)
            only = methods[0] if targets is not None and len(methods) == 1 else ""
            member = _inspect(path, representation, methods, only, load_benchmark(benchmark))
            if targets is not None and not member.problems:
                member = _write(targets[number], representation, member)
        except RepresentationError as error:
            member = Member(problems=(str(error).removeprefix(f"{path}: "),))
        except RecordError as error:
            member = Member(problems=(f"its run.json cannot be used: {error}",))
        members.append(member)
    return members


def _write(target, representation, member):
    """Write what an archive holds of a representation; a full disk is a problem of the member."""
    try:
        write_member(target, representation, member)
    except OSError as error:
        problem = f"{error.filename} cannot be written ({error.strerror}); {ROOM}"
        return dataclasses.replace(member, problems=(problem,))
    return member


def read_members(files, names, methods, benchmark, targets=None):
    """Read representations in a process of its own, as `inspect_files` does.

    Parameters
    ----------
    files : list of Path
    names : list of str
        What messages call the files.
    methods, benchmark, targets
        As `inspect_files` takes them.

    Returns
    -------
    members : list of Member
        One for each file.
    problems : list of str
        Why files do not compare with the benchmark, and of whole rows: what is there twice, and
        methods that no file belongs to.

    Raises
    ------
    ContributionError
        If the process ends while it reads a file.
    """
    reading = [names[0]]

    def note(path):
        reading[0] = names[files.index(path)]

    try:
        members = call_guarded(inspect_files, files, methods, benchmark, targets, report=note)
    except GuardedFailure as error:
        raise ContributionError([f"{reading[0]}: cannot be read: {error}"]) from None
    found = dict(zip(names, members, strict=True))
    problems = [f"{name}: {line}" for name, member in found.items() for line in member.problems]
    problems = problems or find_duplicates(found)
    if not problems:
        unused = set(methods).difference(member.method for member in members)
        problems = [f"no file belongs to the method {name}" for name in sorted(unused)]
    return members, problems


def _read_record(path):
    """The record of the run that wrote a file, or nothing."""
    if path.name == "representation.h5":
        with contextlib.suppress(FileNotFoundError):
            return read_run(path.parent / "run.json")
    return {}


def _inspect(path, representation, methods, only, benchmark):
    """What a representation says of itself, and how it agrees with a benchmark."""
    attributes, record = representation.attributes, _read_record(path)
    problems = check_agreement(describe(representation), benchmark)
    stated = one_line(attributes.get("model", ""), 100)
    if not only and stated not in methods:
        problems.append(
            f"its attribute model is {stated!r}, and the methods are {', '.join(methods)}"
        )
    seed, unclear = find_seed(path, attributes)
    hyperparameters, unusable = _find_hyperparameters(attributes, record)
    problems += [*unclear, *unusable]
    size = _measure(representation)
    if size > LARGEST_MEMBER:
        problems.append(f"its arrays take {size} bytes, more than {LARGEST_MEMBER}")
    if not problems:
        problems += _check_images(representation, seed, benchmark)
    known = (*KEPT, *_MADE, *hyperparameters)
    left_out = [name for name in attributes if name not in known]
    shared = ["shared images"] if representation.shared is not None else []
    commit = record.get("git_commit")
    return Member(
        only or stated,
        stated,
        seed,
        representation.dataset,
        hyperparameters,
        _hash(representation.codes) if np.ptp(representation.codes, axis=0).any() else "",
        (*left_out, *shared),
        tuple(problems),
        commit if isinstance(commit, str) and re.fullmatch("[0-9a-f]{7,64}", commit) else "",
    )


def find_seed(path, attributes):
    """The seed of a file.

    Parameters
    ----------
    path : Path
        Says it where the file itself does not, by its name or that of its folder.
    attributes : dict
        Of the file.

    Returns
    -------
    seed : int
        −1 where it is unclear.
    problems : list of str
        Why it is unclear.
    """
    named = [int(text) for text in _SEED.findall(f"{path.parent.name}/{path.stem}")]
    stated = attributes.get("seed")
    if "seed" in attributes:
        if type(stated) is not int or not 0 <= stated < _MOST_SEEDS:
            shown = one_line(repr(stated), 40)
            return -1, [f"its attribute seed must be a whole number from 0, not {shown}"]
        return stated, []
    if len(set(named)) != 1:
        return -1, [
            "it states no seed: write it with attributes={'seed': 0}, or call the file seed-0.npz"
        ]
    return named[0], []


def _find_hyperparameters(attributes, record):
    """Hyperparameters of a run's record, or those that a file states, and what is wrong."""
    given = record.get("run", {}).get("hyperparameters")
    if given is None:
        given = {name: attributes[name] for name in ("beta", "lambda") if name in attributes}
        text = attributes.get("hyperparameters", "{}")
        try:
            given |= json.loads(text)
        except (TypeError, ValueError, RecursionError):
            return {}, ["its attribute hyperparameters must be JSON, name to number"]
    try:
        schema.mapping(schema.number(), 100)(given, "its hyperparameters")
    except SchemaError as error:
        return {}, [str(error)]
    return {name: float(value) for name, value in given.items()}, []


def _measure(representation):
    """Bytes of the arrays that an archive holds."""
    arrays = (
        representation.codes,
        representation.log_variances,
        representation.factors,
        representation.index,
    )
    return sum(array.nbytes for array in arrays if array is not None)


def _check_images(representation, seed, benchmark):
    """Whether the rows are the evaluation sample of the seed: by index, and by the factors."""
    dataset, rows = representation.dataset, len(representation.factors)
    index, factors = draw_sample(dataset, seed, rows)
    same = representation.index is None or np.array_equal(representation.index, index)
    if same and np.array_equal(representation.factors, factors):
        return []
    asked = f"{seed}, image_size={benchmark.image_size}, count={rows}"
    return [
        f"its rows are not the evaluation sample of seed {seed}: "
        f"load_dataset({dataset!r}).evaluation_sample({asked}) gives the images in "
        "their order, and their factors"
    ]


def _hash(array):
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
