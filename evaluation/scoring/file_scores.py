"""Score one representation file: what is missing, and each result as soon as it is known."""

import dataclasses
import os
import time
import traceback
from pathlib import Path

from ..files import sweep
from ..metrics import with_twins
from ..naming import one_line
from ..representation.array_checks import RepresentationError
from ..representation.file_format import read_representation
from .score_files import (
    Choices,
    Source,
    describe,
    is_current,
    read_score,
    request,
    scores_folder,
    write_score,
)
from .stored import read_stored


@dataclasses.dataclass(frozen=True)
class Options:
    """What is asked of every representation.

    Attributes
    ----------
    metrics : tuple of str
        Names, or references to metrics of users that are valid from any folder.
    force : bool
        Compute also what is up to date.
    choices : Choices
        What decides the scores besides.
    threads : int
        Inside one representation.
    seconds : float
        Longest time for one score.
    memory : int, optional
        Bytes that scoring one file may take beyond the program itself; by default what its size
        allows.
    """

    metrics: tuple[str, ...]
    force: bool = False
    choices: Choices = dataclasses.field(default_factory=Choices)
    threads: int = 1
    seconds: float = 3600.0
    memory: int | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one representation.

    Attributes
    ----------
    path : Path
    computed : int
        Scores computed now.
    kept : int
        Scores that were up to date.
    problems : tuple of str
        Why it, or one of its metrics, could not be scored; one line each.
    seconds : float
    """

    path: Path
    computed: int = 0
    kept: int = 0
    problems: tuple[str, ...] = ()
    seconds: float = 0.0


def score_file(path, metrics, options, skip=(), step=None):
    """Score one representation, writing each score the moment it is known.

    Whether a score is there already is asked just before it is computed, and once more before it is
    written: several calls may be at work on one folder.

    Parameters
    ----------
    path : Path
    metrics : list of Metric
    options : Options
    skip : iterable of str
        Names of metrics to leave out.
    step : callable, optional
        Called with the name of each metric before it is computed.

    Returns
    -------
    Outcome
        Whatever the file holds and whatever the metrics raise.
    """
    began = time.perf_counter()
    computed, kept, problems = 0, 0, []
    try:
        known = read_stored(path, metrics, options.choices, options.force)
        if not known.missing:
            return Outcome(path, kept=known.kept, seconds=time.perf_counter() - began)
        source = Source.of(path)
        sha256 = source.sha256() if os.path.isfile(path) else ""
        representation = read_representation(path)
        about, folder = describe(representation), scores_folder(path)
        sweep(folder)
        for metric in with_twins(metrics, representation.log_variances is not None):
            if metric.name in skip:
                continue
            wanted = request(metric, options.choices, about)
            target = folder / metric.file_name
            if not options.force and is_current(read_score(target), wanted, source):
                kept += 1
                continue
            if step is not None:
                step(metric.name)
            outcome, seconds = _attempt(metric, representation, about, options)
            if not options.force and is_current(read_score(target), wanted, source):
                kept += 1
                continue
            try:
                write_score(
                    target, outcome, metric, wanted, source, sha256, representation, seconds
                )
            except OSError as error:
                problems.append(f"cannot write {target}: {error.strerror or one_line(error)}")
                break
            computed += 1
            if isinstance(outcome, str):
                problems.append(f"{path}: metric {metric.name} failed: {outcome}")
    except RepresentationError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"{path}: {error.strerror or one_line(error)}")
    except Exception as error:  # one file never ends the others
        problems.append(f"{path}: {describe_failure(error)}")
    return Outcome(path, computed, kept, tuple(problems), time.perf_counter() - began)


def _attempt(metric, representation, about, options):
    """Compute one metric; a failure becomes its reason, with the place where it happened."""
    from ..metrics.driver import compute

    began, choices = time.perf_counter(), options.choices
    try:
        outcome = compute(
            metric,
            representation,
            seed=choices.seed,
            n_jobs=options.threads,
            without_factors=choices.leave_out(about),
            bin_factors=choices.bin_factors,
        )
    except MemoryError:
        outcome = "needs more memory than it may take"
    except BaseException as error:  # sys.exit, or whatever else a user's metric raises
        outcome = describe_failure(error)
    return outcome, time.perf_counter() - began


def describe_failure(error):
    """An error in one line, with the place where it happened."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}, line {place.lineno}"
    return one_line(f"{type(error).__name__}: {one_line(error)} ({where})")
