"""Score every representation below some folders: find, skip what holds, compute, tabulate."""

import contextlib
import dataclasses
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..files import sweep
from ..importing import absolute_reference
from ..metrics import MetricError, choose_metrics, default_metrics
from ..metrics.continuous import LEAST_BINS
from ..naming import unknown_name
from .file_scores import Options, Outcome
from .finding import find_representations
from .groups import Groups
from .score_files import Choices
from .stored import read_stored


@dataclasses.dataclass(frozen=True)
class Report:
    """What `evaluate_paths` did.

    Attributes
    ----------
    outcomes : list of Outcome
        In the order of paths.
    rows : list of dict
        Those of scores.csv.
    table : Path or None
        The scores.csv written.
    computed, kept : int
        Numbers of scores.
    problems : list of (Path, str)
        What could not be scored, and what could not be read; one line each.
    repaired : list of (Path, str)
        Broken score files that were computed anew.
    """

    outcomes: list[Outcome]
    rows: list[dict[str, Any]]
    table: Path | None
    computed: int
    kept: int
    problems: list[tuple[Path, str]]
    repaired: list[tuple[Path, str]]


def evaluate_paths(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    metrics: Iterable[str] | None = None,
    force: bool = False,
    jobs: int = 1,
    seed: int = 0,
    bin_factors: int | None = None,
    without_factors: Iterable[str] = (),
    table: str | os.PathLike[str] | None = None,
    time_limit: float = 3600.0,
    memory_limit: float | None = None,
    progress: Callable[[int, int, Outcome | None], object] | None = None,
) -> Report:
    """Score every representation below the paths and write a table of all their scores.

    Runs of one setting are compared with each other afterwards, where they share images. Only
    missing and outdated scores are computed, in worker processes; each is written the moment it is
    known, so a killed call loses at most the metrics it was at. Broken files and failing metrics
    are reported and do not stop the others.

    Parameters
    ----------
    paths : str, Path or iterable of them
        Run folders, folders of them, or files.
    metrics : iterable of str, optional
        Names, `module:name` or `path/to/file.py:name`; "all" stands for every metric that is built
        in or offered by an installed package. By default those that declare it, see
        `bench list metrics`. Twins come with their metrics wherever log-variances are given.
    force : bool, default False
        Compute also what is up to date.
    jobs : int, default 1
        Worker processes, each with one thread. Left over when there are fewer representations,
        they become threads within one.
    seed : int, default 0
    bin_factors : int, optional
        For metrics that need classes, put the values of each continuous factor into so many bins
        of equal counts; the variant then says so.
    without_factors : iterable of str, optional
        Names of factors to leave out, of whichever representations have them.
    table : str, Path or None
        Where to write the table; `scores.csv` in the first folder of `paths` by default. What its
        metrics declare is written beside it, in `scores.metrics.json`.
    time_limit : float, default 3600
        Longest time for one score, in seconds.
    memory_limit : float, optional
        MiB that scoring one file may take beyond the program itself (Linux only); by default 768
        and 32 times the size of the file.
    progress : callable, optional
        Called as `progress(done, total, outcome)` with the number of representations, first with
        `outcome=None`; then with the number of settings whose runs are compared.

    Returns
    -------
    Report

    Raises
    ------
    MetricError
        If a metric does not exist or is not named by text, or two have the same name or key.
    ValueError
        If jobs or the time limit is below 1, or there are fewer than two bins.
    OSError
        If the table cannot be written; the scores are kept.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from disentanglement_bench.evaluation import write_representation
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> factors = np.random.default_rng(0).integers(0, 4, size=(300, 2))
    >>> write_representation(folder / "mine.h5", factors * 1.0, factors)
    >>> report = evaluate_paths(folder, metrics=["mig"])
    >>> report.computed, report.table.name, round(report.rows[0]["mig"], 1)
    (1, 'scores.csv', 1.0)
    >>> evaluate_paths(folder, metrics=["mig"]).computed
    0
    """
    from .scores_table import check_names, make_table, write_table

    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, not {jobs}")
    if time_limit < 1:
        raise ValueError(f"the time limit must be at least 1 second, not {time_limit}")
    if bin_factors is not None and bin_factors < LEAST_BINS:
        raise ValueError(f"bin_factors must be at least {LEAST_BINS}, not {bin_factors}")
    left = [without_factors] if isinstance(without_factors, str) else without_factors
    choices = Choices(seed, bin_factors, tuple(dict.fromkeys(left)))
    memory = None if memory_limit is None else int(memory_limit * 2**20)
    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    folders = [Path(path) for path in given]
    with contextlib.redirect_stdout(io.StringIO()):  # whatever users' modules print
        references = tuple(dict.fromkeys(default_metrics() if metrics is None else metrics))
        if not all(isinstance(reference, str) for reference in references):
            raise MetricError(
                "name metrics as module:name or path/to/file.py:name: worker processes import them"
            )
        chosen = choose_metrics(references)
    check_names(chosen)
    files, missing = find_representations(folders)
    absolute = tuple(map(absolute_reference, references))
    options = Options(absolute, force, choices, seconds=time_limit, memory=memory)
    done = score_all(files, chosen, options, jobs, progress)
    first = folders[0] if folders else Path()
    target = Path(table or (first if first.is_dir() else first.parent) / "scores.csv")
    rows = [(path, done.stored.get(path), each.problems) for path, each in done.outcomes.items()]
    scores = make_table(rows, target.parent, chosen)
    if files:
        sweep(target.parent)
        write_table(target, scores)
    return Report(
        list(done.outcomes.values()),
        scores.rows,
        target if files else None,
        done.computed,
        done.kept,
        [(path, f"{path}: {reason}") for path, reason in missing]
        + done.problems
        + scores.problems
        + [(target.parent, line) for line in _find_misnamed(choices, done.stored.values())],
        done.repaired,
    )


def _find_misnamed(choices, stored):
    """Factors to leave out that no representation has, one line each."""
    known = list(dict.fromkeys(name for each in stored for name in each.factor_names))
    return [unknown_name("factor", n, known) for n in choices.without_factors if n not in known]


@dataclasses.dataclass
class Scored:
    """What was scored, and what is stored now.

    Attributes
    ----------
    outcomes : dict of Path to Outcome
        Of each representation.
    stored : dict of Path to Stored
        Of those that can be seen.
    compared : list of Outcome
        Of groups of runs.
    repaired : list of (Path, str)
        Broken files of scores that were computed anew.
    broken : list of (Path, str)
        Broken files of scores of groups.
    """

    outcomes: dict = dataclasses.field(default_factory=dict)
    stored: dict = dataclasses.field(default_factory=dict)
    compared: list = dataclasses.field(default_factory=list)
    repaired: list = dataclasses.field(default_factory=list)
    broken: list = dataclasses.field(default_factory=list)

    @property
    def computed(self):
        """Number of scores computed now."""
        return sum(each.computed for each in (*self.outcomes.values(), *self.compared))

    @property
    def kept(self):
        """Number of scores that were up to date."""
        return sum(each.kept for each in (*self.outcomes.values(), *self.compared))

    @property
    def problems(self):
        """What could not be scored, each line once."""
        done = (*self.outcomes.values(), *self.compared)
        lines = {line: outcome.path for outcome in reversed(done) for line in outcome.problems}
        return [(path, line) for line, path in reversed(lines.items())] + self.broken


def score_all(paths, metrics, options, jobs, progress=None):
    """Score what is not up to date: representations, then the groups of runs they belong to.

    Parameters
    ----------
    paths : list of Path
    metrics : list of Metric
    options : Options
    jobs : int
    progress : callable, optional
        As `evaluate_paths` takes it.

    Returns
    -------
    Scored
    """
    from .workers import score_files

    scored, done = Scored(dict.fromkeys(paths)), 0
    for path in paths:
        with contextlib.suppress(OSError):
            known = read_stored(path, metrics, options.choices, options.force)
            scored.stored[path] = known
            if not known.missing:
                scored.outcomes[path] = Outcome(path, kept=known.kept)
    waiting = [path for path, outcome in scored.outcomes.items() if outcome is None]
    if progress is not None:
        progress(0, len(waiting), None)
    options = dataclasses.replace(options, threads=max(1, jobs // max(1, len(waiting))))
    groups = Groups(scored.stored, metrics, options.force)
    with contextlib.closing(score_files(waiting, options, jobs, groups.find_work)) as scoring:
        for outcome in scoring:
            if groups.waiting is None:
                _take(scored, outcome, metrics, options)
                done, total = done + 1, len(waiting)
            else:
                scored.compared.append(outcome)
                done, total = len(scored.compared), len(groups.waiting)
            if progress is not None:
                progress(done, total, outcome)
    scored.compared += groups.finish()
    scored.repaired += groups.repaired
    scored.broken += groups.broken
    return scored


def _take(scored, outcome, metrics, options):
    """Note what became of a representation."""
    path = outcome.path
    scored.outcomes[path] = outcome
    before = scored.stored[path].broken if path in scored.stored else ()
    with contextlib.suppress(OSError):
        scored.stored[path] = read_stored(path, metrics, options.choices)
        gone = [line for line in before if line not in scored.stored[path].broken]
        scored.repaired += [(path, line) for line in gone]
