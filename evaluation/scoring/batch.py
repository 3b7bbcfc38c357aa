"""Score every representation below some folders: find, skip what holds, compute, tabulate."""

import dataclasses
import os
from pathlib import Path

from ..files import walk
from ..metrics import METRICS, get_metric
from ..representation.file_format import SUFFIXES
from .file_scores import DEFAULT, Options, Outcome, evaluate_one, look


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
    """

    outcomes: list
    rows: list
    table: Path | None
    computed: int
    kept: int
    problems: list


def find_representations(paths):
    """Find representation files below folders, in sorted order, each once.

    Parameters
    ----------
    paths : iterable of str or Path
        Folders to search, or files to take whatever they are called.

    Returns
    -------
    found : list of Path
        Everything that is called like a representation, folders included: reading tells.
    problems : list of (Path, str)
        Paths that do not exist and folders that cannot be listed.
    """
    found, problems = {}, []
    for given in map(Path, paths):
        if not given.is_dir():
            if given.exists() or given.is_symlink():
                found[given] = None
            else:
                problems.append((given, "no such file or folder"))
            continue

        def unlisted(folder, error):
            problems.append((Path(folder), f"cannot be listed ({error.strerror})"))

        below = []
        for folder, names in walk(given, on_error=unlisted):
            if folder.endswith(SUFFIXES) and Path(folder) != given:
                below.append(Path(folder))
            below += [Path(folder, name) for name in names if name.endswith(SUFFIXES)]
        found.update(dict.fromkeys(sorted(below)))
    return list(found), problems


def evaluate_paths(
    paths,
    *,
    metrics=DEFAULT,
    force=False,
    backend="numba",
    jobs=1,
    seed=0,
    table=None,
    progress=None,
):
    """Score every representation below the paths and write a table of all their scores.

    Only missing and outdated scores are computed; each is written the moment it is known, so a
    killed call loses at most the metric it was at. Broken files and failing metrics are reported
    and do not stop the others.

    Parameters
    ----------
    paths : str, Path or iterable of them
        Run folders, folders of them, or files.
    metrics : iterable of str, optional
        Names, or `module:name`; all built-in ones by default. `mig` and `mi` bring their sampled
        twins wherever log-variances are given.
    force : bool, default False
        Compute also what is up to date.
    backend : {"numba", "sklearn"}
    jobs : int, default 1
        Processes, each with one thread. Left over when there are fewer representations, they
        become threads within one.
    seed : int, default 0
    table : str, Path or None
        Where to write the table; `scores.csv` in the first folder of `paths` by default.
    progress : callable, optional
        Called as `progress(done, total, outcome)` with the number of representations, first with
        `outcome=None`.

    Returns
    -------
    Report

    Raises
    ------
    MetricError
        If a metric does not exist.
    ValueError
        If the backend does not exist or jobs is below 1.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from evaluation import write_representation
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> factors = np.random.default_rng(0).integers(0, 4, size=(300, 2))
    >>> write_representation(folder / "mine.h5", factors * 1.0, factors)
    >>> report = evaluate_paths(folder, metrics=["mig"])
    >>> report.computed, report.table.name, round(report.rows[0]["mig"], 1)
    (1, 'scores.csv', 1.0)
    >>> evaluate_paths(folder, metrics=["mig"]).computed
    0
    """
    from ..metrics.score import check_backend
    from .scores_table import make_rows, write_table

    check_backend(backend)
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, not {jobs}")
    paths = [Path(paths)] if isinstance(paths, str | os.PathLike) else [Path(p) for p in paths]
    chosen = tuple(dict.fromkeys(metrics))
    asked = [get_metric(name) for name in chosen]
    found, unread = find_representations(paths)
    options = Options(chosen, force, backend, seed)
    outcomes = run_all(found, options, jobs, progress)
    problems = [(path, f"{path}: {reason}") for path, reason in unread]
    problems += [(o.path, problem) for o in outcomes for problem in o.problems]
    if table is None:
        first = paths[0] if paths else Path()
        table = (first if first.is_dir() else first.parent) / "scores.csv"
    shown = [*METRICS.values(), *(metric for metric in asked if metric.name not in METRICS)]
    rows, complaints = make_rows(outcomes, Path(table).parent, shown)
    if found:
        write_table(table, rows, shown)
    return Report(
        outcomes,
        rows,
        Path(table) if found else None,
        sum(outcome.computed for outcome in outcomes),
        sum(outcome.kept for outcome in outcomes),
        problems + complaints,
    )


def run_all(paths, options, jobs, progress):
    """Score all paths, those that are up to date in this process, the others in parallel."""
    from .workers import run_tasks

    metrics = [get_metric(name) for name in options.metrics]
    outcomes = {}
    for path in paths:
        outcome = look(path, metrics, options)
        if outcome is not None:
            outcomes[path] = outcome
    waiting = [path for path in paths if path not in outcomes]
    done = 0
    if progress is not None:
        progress(done, len(waiting), None)
    threads = max(1, jobs // max(1, len(waiting)))
    options = dataclasses.replace(options, threads=threads)
    for path, outcome in run_tasks(evaluate_one, waiting, options, jobs):
        if isinstance(outcome, str):
            outcome = Outcome(path, problems=(f"{path}: {outcome}",))
        outcomes[path] = outcome
        done += 1
        if progress is not None:
            progress(done, len(waiting), outcome)
    return [outcomes[path] for path in paths]
