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
from .score_all import score_all
from .score_files import Choices
from .shards import check_part, take_part
from .stored import Stored


@dataclasses.dataclass(frozen=True)
class Report:
    """What `evaluate_paths` did.

    Attributes
    ----------
    outcomes : list of Outcome
        In the order of paths.
    rows : list of dict
        Those of scores.csv; of a shard, those that it would have there.
    table : Path or None
        The scores.csv written; None where there is nothing, and of a shard.
    computed, kept : int
        Numbers of scores.
    problems : list of (Path, str)
        What could not be scored, and what could not be read; one line each.
    repaired : list of (Path, str)
        Broken score files that were computed anew.
    found : int
        Number of representations below the paths, those of other shards included.
    stored : dict of Path to Stored
        What is stored of each representation now.
    """

    outcomes: list[Outcome]
    rows: list[dict[str, Any]]
    table: Path | None
    computed: int
    kept: int
    problems: list[tuple[Path, str]]
    repaired: list[tuple[Path, str]]
    found: int
    stored: dict[Path, Stored]


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
    shard: tuple[int, int] | None = None,
    progress: Callable[[int, int, Outcome | None], object] | None = None,
    reading: Callable[[int, int], object] | None = None,
) -> Report:
    """Score every representation below the paths and write a table of all their scores.

    Runs of one setting are compared with each other afterwards, where they share images. Only
    missing and outdated scores are computed, in worker processes; each is written the moment it is
    known, so a killed call loses at most the metrics it was at. Broken files and failing metrics
    are reported and do not stop the others. Several calls at once on one folder, also from several
    machines, share what is to be computed; with `shard` they divide it beforehand.

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
    shard : (int, int), optional
        Score part i of n of the representations, i from 0. It compares no runs and writes no table:
        the same call without `shard`, once all parts are done, does both, and scores whatever a
        part has left.
    progress : callable, optional
        Called as `progress(done, total, outcome)` with the number of representations, first with
        `outcome=None`; then with the number of settings whose runs are compared.
    reading : callable, optional
        Called before that as `reading(done, total)` while stored scores are read.

    Returns
    -------
    Report

    Raises
    ------
    MetricError
        If a metric does not exist or is not named by text, or two have the same name or key.
    ValueError
        If jobs or the time limit is below 1, there are fewer than two bins, or a shard is none or
        shall write a table.
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
    if shard is not None:
        check_part(shard)
        if table is not None:
            raise ValueError("a shard writes no table: leave it to the call without shard")
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
    found = len(files)
    if shard is not None:
        files = take_part(files, *shard)
    done = score_all(files, chosen, options, jobs, shard is None, progress, reading)
    first = folders[0] if folders else Path()
    target = Path(table or (first if first.is_dir() else first.parent) / "scores.csv")
    rows = [(path, done.stored.get(path), each.problems) for path, each in done.outcomes.items()]
    scores = make_table(rows, target.parent, chosen)
    # A shard need not hold the files that have these factors.
    misnamed = [] if shard else _find_misnamed(choices, done.stored.values())
    written = bool(files) and shard is None
    if written:
        sweep(target.parent)
        write_table(target, scores)
    return Report(
        list(done.outcomes.values()),
        scores.rows,
        target if written else None,
        done.computed,
        done.kept,
        [(path, f"{path}: {reason}") for path, reason in missing]
        + done.problems
        + scores.problems
        + [(target.parent, line) for line in misnamed],
        done.repaired,
        found,
        done.stored,
    )


def _find_misnamed(choices, stored):
    """Factors to leave out that no representation has, one line each."""
    known = list(dict.fromkeys(name for each in stored for name in each.factor_names))
    return [unknown_name("factor", n, known) for n in choices.without_factors if n not in known]
