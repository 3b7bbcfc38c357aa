"""Score one representation file: what is missing, and each result as soon as it is known."""

import dataclasses
import os
import time
import traceback
from pathlib import Path

from ..metrics import METRICS, get_metric, with_twins
from ..representation.array_checks import RepresentationError
from ..representation.file_format import read_representation
from .score_files import Source, is_current, read_score, request, scores_folder, write_score

DEFAULT = tuple(name for name in METRICS if not name.endswith("_sampled"))


@dataclasses.dataclass(frozen=True)
class Options:
    """What is asked of every representation.

    Attributes
    ----------
    metrics : tuple of str
        Names, or `module:name` of a user's metric.
    force : bool
        Compute also what is up to date.
    backend : str
    seed : int
    threads : int
        Inside one representation.
    """

    metrics: tuple = DEFAULT
    force: bool = False
    backend: str = "numba"
    seed: int = 0
    threads: int = 1


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
        Why it, or one of its metrics, could not be scored.
    seconds : float
    """

    path: Path
    computed: int = 0
    kept: int = 0
    problems: tuple = ()
    seconds: float = 0.0


def evaluate_one(path, options, step=None):
    """Score one representation, writing each score the moment it is known.

    Parameters
    ----------
    path : Path
    options : Options
    step : callable, optional
        Called with the name of each metric before it is computed.

    Returns
    -------
    Outcome
        Never raises for a broken file or a failing metric.
    """
    began = time.perf_counter()
    metrics = [get_metric(name) for name in options.metrics]
    try:
        source = Source.of(path)
        folder = scores_folder(path)
        missing, kept = missing_scores(source, folder, metrics, options)
        if not missing:
            return Outcome(path, 0, kept, (), time.perf_counter() - began)
        sha256 = source.sha256() if os.path.isfile(path) else ""
        representation = read_representation(path)
        computed, problems = 0, []
        for metric in with_twins(metrics, representation.log_variances is not None):
            wanted = request(metric, options.seed, options.backend)
            target = folder / metric.file_name
            if not options.force and is_current(read_score(target), wanted, source):
                continue
            if step is not None:
                step(metric.name)
            outcome, seconds = _attempt(metric, representation, options)
            write_score(target, outcome, metric, wanted, source, sha256, representation, seconds)
            computed += 1
            if isinstance(outcome, str):
                problems.append(f"{path}: metric {metric.name} failed: {outcome}")
        return Outcome(path, computed, kept, tuple(problems), time.perf_counter() - began)
    except RepresentationError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{path}: {error.strerror or error}"
    return Outcome(path, 0, 0, (problem,), time.perf_counter() - began)


def _attempt(metric, representation, options):
    """Compute one metric; a failure becomes its reason, with the place where it happened."""
    from ..metrics.driver import compute

    began = time.perf_counter()
    try:
        outcome = compute(
            metric,
            representation,
            seed=options.seed,
            backend=options.backend,
            n_jobs=options.threads,
        )
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}, line {place.lineno}"
        text = " ".join(str(error).split())
        outcome = f"{type(error).__name__}: {text} ({where})"
    return outcome, time.perf_counter() - began


def missing_scores(source, folder, metrics, options):
    """Which scores of a representation are missing or outdated, by its score files alone.

    Parameters
    ----------
    source : Source
    folder : Path
        Where its score files are.
    metrics : list of Metric
        Asked for; their sampled twins count where a score file tells of a posterior.
    options : Options

    Returns
    -------
    missing : list of str
    kept : int
        Number of scores that are up to date.
    """
    records = {m.name: read_score(folder / m.file_name) for m in with_twins(metrics, True)}
    told = [r["representation"].get("posterior") for r in records.values() if r is not None]
    wanted = with_twins(metrics, told[0] if told else True)
    missing = [
        metric.name
        for metric in wanted
        if options.force
        or not is_current(
            records[metric.name], request(metric, options.seed, options.backend), source
        )
    ]
    return missing, len(wanted) - len(missing)


def look(path, metrics, options):
    """The outcome of a representation whose scores are all up to date, or None."""
    try:
        source = Source.of(path)
        missing, kept = missing_scores(source, scores_folder(path), metrics, options)
    except OSError:
        return None
    return None if missing else Outcome(path, kept=kept)
