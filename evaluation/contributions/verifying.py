"""Score an archive again, and say whether the scores that it states hold."""

import contextlib
import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..files import write_atomically
from ..guarding import GuardedFailure, call_guarded
from ..metrics import Metric
from ..naming import one_line
from ..reference.benchmarks import BENCHMARKS, Benchmark, load_benchmark
from ..scoring.batch import evaluate_paths
from ..scoring.file_scores import Outcome
from ..scoring.standard import list_metrics, require_metrics
from .about import Method, check_methods
from .groups import Row, group_members
from .members import Member, read_members
from .opening import extract
from .problems import ContributionError

MEMORY_BYTES = 2**30


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One score, as it is stated and as it was computed again.

    Attributes
    ----------
    member : str
        The representation, by its name in the archive.
    key : str
    stated, found : float or None
        None where undefined.
    tolerance : float
        How far apart they may be.
    """

    member: str
    key: str
    stated: float | None
    found: float | None
    tolerance: float

    @property
    def difference(self) -> float:
        """Distance of the two; infinite where one of them is undefined, 0 where both are."""
        if self.stated is None or self.found is None:
            return 0.0 if self.stated is self.found else float("inf")
        return abs(self.stated - self.found)

    @property
    def holds(self) -> bool:
        """Whether the two are within the tolerance."""
        return self.difference <= self.tolerance


@dataclasses.dataclass(frozen=True)
class Verification:
    """What became of an archive.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the archive.
    benchmark : Benchmark
    methods : list of Method
    members : dict of str to Member
        By name in the archive.
    versions : dict of str to str
        With which the scores were computed, as the archive says.
    comparisons : list of Comparison
        Of every score of every representation, in the order of the archive.
    """

    path: Path
    sha256: str
    benchmark: Benchmark
    methods: list[Method]
    members: dict[str, Member]
    versions: dict[str, str | None]
    comparisons: list[Comparison]

    @property
    def rows(self) -> list[Row]:
        """The rows of the table that the representations make."""
        return group_members(self.members.values())

    @property
    def holds(self) -> bool:
        """Whether every score holds."""
        return all(comparison.holds for comparison in self.comparisons)


def verify(
    path: str | os.PathLike[str],
    *,
    benchmark: str | None = None,
    output: str | os.PathLike[str] | None = None,
    progress: Callable[..., object] | None = None,
    **scoring: Any,
) -> Verification:
    """Open an archive that `pack` wrote, or somebody who means harm, and score it again.

    It is extracted to a temporary folder, which is removed whatever happens. Foreign bytes are only
    read in processes of their own, within limits of memory and time.

    Parameters
    ----------
    path : str or Path
    benchmark : str, optional
        The standard benchmark that it must be for; by default the one that it names.
    output : str or Path, optional
        Where to write the table of scores that were found, as `evaluate_paths` writes it, and
        beside it, in Markdown, the rows as they are shown. It ends in `.csv`.
    progress : callable, optional
        As `evaluate_paths` takes it; representations have their names in the archive.
    **scoring
        `jobs`, `reading`, `time_limit`, `memory_limit` of `evaluate_paths`.

    Returns
    -------
    Verification

    Raises
    ------
    ContributionError
        If the archive is broken, is not what it says, does not agree with the benchmark, or cannot
        be scored; with all reasons.
    MetricError
        If this version computes another variant of a metric than the benchmark compares.
    OSError
        If the table cannot be written.
    """
    path = Path(path)
    if output is not None and Path(output).suffix != ".csv":
        raise ContributionError([f"{output}: a table of scores ends in .csv"])
    with _opened(path) as (folder, record):
        standard = _choose(record["benchmark"], benchmark)
        asked, metrics = list_metrics(standard), require_metrics(standard)
        methods = check_methods(record["methods"])
        names = [member["name"] for member in record["members"]]
        files = [folder / name for name in names]
        members = _inspect(names, files, [each.name for each in methods], standard)
        stated = {member["name"]: member["scores"] for member in record["members"]}
        _check_keys(stated, metrics)
        table = folder / "scores.csv"
        report = evaluate_paths(
            files,
            metrics=asked,
            table=table,
            progress=None if progress is None else _naming_members(progress, folder),
            **scoring,
        )
        if report.problems:
            raise ContributionError(_shorten(line, folder) for _, line in report.problems)
        comparisons = [
            _compare(name, key, stated[name][key], row.get(key), metric)
            for name, row in zip(names, report.rows, strict=True)
            for key, metric in metrics.items()
        ]
        verification = Verification(
            path,
            _hash(path),
            standard,
            methods,
            dict(zip(names, members, strict=True)),
            record["versions"],
            comparisons,
        )
        if output is not None:
            _write(Path(output), table, verification)
    return verification


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder of an extracted archive, for as long as it is needed, and the manifest."""
    reading = [str(path)]

    def note(name):
        reading[0] = f"{path}: {name}"

    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        try:
            came = call_guarded(extract, str(path), folder, report=note, memory=MEMORY_BYTES)
        except GuardedFailure as error:
            raise ContributionError([f"{reading[0]}: cannot be opened: {error}"]) from None
        if "problems" in came:
            raise ContributionError(f"{path}: {problem}" for problem in came["problems"])
        yield Path(folder), came["manifest"]


def _naming_members(progress: Callable[..., object], folder: Path) -> Callable[..., object]:
    """Tell progress by the names that representations have in the archive."""

    def tell(done: int, total: int, outcome: Outcome | None) -> None:
        if outcome is not None and outcome.path.is_relative_to(folder):
            problems = tuple(_shorten(line, folder) for line in outcome.problems)
            path = outcome.path.relative_to(folder)
            outcome = dataclasses.replace(outcome, path=path, problems=problems)
        progress(done, total, outcome)

    return tell


def _shorten(line: str, folder: Path) -> str:
    return one_line(line.replace(f"{folder}/", ""), 500)


def _choose(stated: Mapping[str, str], wanted: str | None) -> Benchmark:
    """The benchmark that an archive is for."""
    name = one_line(stated["name"], 60)
    if wanted is not None and name != wanted:
        raise ContributionError([f"the archive is for {name}, not for {wanted}"])
    if name not in BENCHMARKS:
        raise ContributionError(
            [f"the archive is for {name}, and known are {', '.join(BENCHMARKS)}"]
        )
    benchmark = load_benchmark(name)
    if stated["version"] != benchmark.version:
        raise ContributionError(
            [
                f"the archive is for version {one_line(stated['version'], 30)} of "
                f"{benchmark.title}, and here is version {benchmark.version}"
            ]
        )
    return benchmark


def _inspect(
    names: list[str],
    files: list[Path],
    methods: list[str],
    benchmark: Benchmark,
) -> list[Member]:
    """Read the representations in a process of its own, and check them as `pack` did."""
    members, problems = read_members(files, names, methods, benchmark.name)
    problems += [
        f"{name}: holds {one_line(', '.join(member.left_out), 100)}, which bench pack leaves out"
        for name, member in zip(names, members, strict=True)
        if member.left_out
    ]
    if problems:
        raise ContributionError(problems)
    return members


def _check_keys(stated: Mapping[str, Mapping[str, object]], metrics: Mapping[str, Metric]) -> None:
    """Refuse an archive that does not state exactly the scores that its benchmark compares."""
    problems = []
    for name, scores in stated.items():
        missing = [key for key in metrics if key not in scores]
        unknown = [one_line(key, 40) for key in scores if key not in metrics]
        if missing:
            problems.append(f"{name}: states no {', '.join(missing)}")
        if unknown:
            problems.append(
                f"{name}: states {', '.join(unknown)}, which are no scores of the table"
            )
    if problems:
        raise ContributionError(problems)


def _compare(
    member: str, key: str, stated: float | None, found: float | None, metric: Metric
) -> Comparison:
    """Set a stated score beside the one that was found."""
    tolerance = metric.tolerance * max(1.0, abs(found or 0.0))
    return Comparison(member, key, stated, found, tolerance)


def _write(output: Path, table: Path, verification: Verification) -> None:
    """Write the table of scores, what its metrics declare, and the rows as they are shown."""
    from .record import describe_rows

    write_atomically(
        output.with_suffix(".metrics.json"), table.with_suffix(".metrics.json").read_bytes()
    )
    write_atomically(output.with_suffix(".md"), describe_rows(verification))
    write_atomically(output, table.read_bytes())


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
