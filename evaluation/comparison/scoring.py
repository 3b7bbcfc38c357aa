"""Score what somebody wants to compare, and what of it stands beside the benchmark."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ..metrics import choose_metrics
from ..naming import one_line
from ..reference.benchmarks import Benchmark
from ..scoring import standard
from ..scoring.file_scores import Options
from ..scoring.finding import find_representations
from ..scoring.score_all import score_all
from ..scoring.scores_table import Table, make_table
from ..statistics.labels import untwinned
from .entries import ComparisonError, Entry, read_entry, refuse_copies

# Its score tells at little cost whether a file can be read: a worker that dies of one is replaced.
_FIRST = "sap_continuous"


@dataclasses.dataclass(frozen=True)
class ScoredEntries:
    """What was found below the paths.

    Attributes
    ----------
    entries : list of Entry
    table : Table
        Rows of the entries that are compared, in the form of `scores.csv`.
    computed : int
        Scores computed now; the others were up to date.
    problems : list of str
        Paths that do not exist, and scores that could not be computed; one line each.
    other : dict of str to str
        From `find_metrics`: keys whose scores are not compared, and why.
    """

    entries: list[Entry]
    table: Table
    computed: int
    problems: list[str]
    other: dict[str, str]


def find_metrics(benchmark: Benchmark) -> tuple[list[str], dict[str, str]]:
    """Metrics that give a benchmark's scores, and those that this version gives otherwise.

    Parameters
    ----------
    benchmark : Benchmark

    Returns
    -------
    names : list of str
        Without twins, which come with their metrics.
    other : dict of str to str
        By flat key, why its score cannot be compared.

    Examples
    --------
    >>> from disentanglement_bench.evaluation.reference import load_benchmark
    >>> find_metrics(load_benchmark("db1"))
    (['mig', 'sap', 'sap_continuous', 'dci', 'mi', 'modularity', 'explicitness'], {})
    """
    metrics, variants = standard.find_metrics(benchmark)
    names = dict.fromkeys(untwinned(metric.name) for metric in metrics.values())
    other = {}
    for key, variant in variants.items():
        here = f"scores it as {variant}" if variant else "does not know it"
        other[key] = (
            f"{benchmark.title} compares {benchmark.metrics[key]}, and this version of "
            f"disentanglement-bench {here}: install a version that has it"
        )
    return list(names), other


def score_entries(
    paths: Iterable[str | os.PathLike[str]],
    benchmark: Benchmark,
    folder: Path,
    name: str | None = None,
    jobs: int = 1,
    progress: Callable[..., object] | None = None,
) -> ScoredEntries:
    """Find representations below some paths, and score those that compare with a benchmark.

    Parameters
    ----------
    paths : iterable of str or Path
    benchmark : Benchmark
    folder : Path
        That the table's paths are relative to.
    name : str, optional
        Of the one row that all representations from elsewhere make.
    jobs : int
    progress : callable, optional
        As `evaluation.scoring.evaluate_paths` takes it.

    Returns
    -------
    ScoredEntries

    Raises
    ------
    ComparisonError
        If there is no representation, or a name is given to what has several.
    """
    given = [Path(path) for path in paths]
    files, missing = find_representations(given)
    problems = [f"{one_line(path)}: {reason}" for path, reason in missing]
    if not files:
        where = ", ".join(one_line(path, 100) for path in given) or "no path"
        raise ComparisonError(
            "; ".join(problems[:3]) or f"no representation (.h5, .hdf5, .npz) below {where}"
        )
    first = score_all(files, choose_metrics([_FIRST]), Options((_FIRST,)), jobs, compare=False)
    entries = []
    for file, outcome in first.outcomes.items():
        if outcome.problems:
            text = one_line(outcome.problems[0].removeprefix(f"{file}: "))
            if text.startswith("cannot write"):
                text += "; scores lie beside their files, so copy it to a folder that you can write"
            entries.append(Entry(file, refusal=text, unreadable=True))
        else:
            entries.append(read_entry(file, benchmark, name))
    entries = refuse_copies(entries)
    if name is not None:
        _refuse_several(entries)
    names, other = find_metrics(benchmark)
    options = Options(tuple(names))
    metrics = choose_metrics(names)
    wanted = [entry.path for entry in entries if not entry.refusal]
    done = score_all(wanted, metrics, options, jobs, compare=False, progress=progress)
    rows = [(path, done.stored.get(path), each.problems) for path, each in done.outcomes.items()]
    table = make_table(rows, folder, metrics)
    problems += [one_line(line, 600) for _, line in [*done.problems, *table.problems]]
    return ScoredEntries(entries, table, first.computed + done.computed, problems, other)


def _refuse_several(entries):
    """Refuse one name for files that state several."""
    stated = dict.fromkeys(entry.stated for entry in entries if entry.stated)
    if len(stated) > 1:
        raise ComparisonError(
            f"one name was given, but the files state several models: "
            f"{one_line(', '.join(stated), 200)}; name the paths of one of them, or give no name"
        )
