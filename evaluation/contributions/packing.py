"""Pack representations, their scores and what their authors say into one archive."""

import dataclasses
import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..files import plain, replacing
from ..naming import one_line
from ..reference.benchmarks import Benchmark, load_benchmark
from ..scoring.batch import evaluate_paths
from ..scoring.finding import find_representations
from ..scoring.score_files import versions
from ..scoring.standard import list_metrics, require_metrics
from .about import Method, read_about
from .groups import Row, group_members
from .manifest import (
    FORMAT_VERSION,
    LARGEST_ARCHIVE,
    LARGEST_MEMBER,
    MOST_MEMBERS,
    NAME,
)
from .members import Member, read_members
from .problems import ContributionError

_BEGINNING = (1980, 1, 1, 0, 0, 0)  # of zip's calendar: an archive depends on its content alone


@dataclasses.dataclass(frozen=True)
class Packed:
    """An archive that was written.

    Attributes
    ----------
    path : Path
    size : int
        Bytes.
    sha256 : str
    methods : list of Method
    rows : list of Row
    left_out : tuple of str
        Attributes and blocks of the files that the archive does not hold.
    members : int
    computed : int
        Scores computed now.
    """

    path: Path
    size: int
    sha256: str
    methods: list[Method]
    rows: list[Row]
    left_out: tuple[str, ...]
    members: int
    computed: int


def pack(
    paths: Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    about: str | os.PathLike[str],
    benchmark: str = "db1",
    **scoring: Any,
) -> Packed:
    """Pack representations of one method or several for a standard table.

    What is not scored is scored first, as `evaluate_paths` does it, with the scores beside the
    files. The archive depends on its content alone: the same files give the same bytes.

    Parameters
    ----------
    paths : iterable of str or Path
        Representations, or folders of them.
    output : str or Path
        The archive.
    about : str or Path
        What the authors say, see `read_about`.
    benchmark : str, default "db1"
    **scoring
        `jobs`, `progress`, `reading`, `time_limit`, `memory_limit` of `evaluate_paths`.

    Returns
    -------
    Packed

    Raises
    ------
    ContributionError
        With everything that keeps the files from being packed.
    MetricError
        If this version computes another variant of a metric than the benchmark compares.
    OSError
        If the archive cannot be written.
    """
    paths = [Path(path) for path in paths]
    standard = load_benchmark(benchmark)
    asked, metrics = list_metrics(standard), require_metrics(standard)
    methods = read_about(about)
    files = _find_files(paths)
    with tempfile.TemporaryDirectory(prefix="bench-pack-") as folder:
        targets = [Path(folder, f"{number}.npz") for number in range(len(files))]
        members = _inspect(files, targets, [each.name for each in methods], standard)
        table = Path(folder, "scores.csv")
        report = evaluate_paths(files, metrics=asked, table=table, **scoring)
        if report.problems:
            raise ContributionError(one_line(line) for _, line in report.problems)
        contents: dict[str, Path] = {}
        entries = []
        for member, target, row in zip(members, targets, report.rows, strict=True):
            name = _name(member, contents)
            contents[name] = target
            scores = {key: row.get(key) for key in metrics}
            commit = {"git_commit": member.commit} if member.commit else {}
            entries.append({"name": name, **_measure(target), "scores": scores, **commit})
        manifest = {
            "format_version": FORMAT_VERSION,
            "benchmark": {"name": standard.name, "version": standard.version},
            "methods": [method.as_dict() for method in methods],
            "members": sorted(entries, key=lambda entry: entry["name"]),
            "versions": versions(),
        }
        size, sha256 = _write(Path(output), manifest, contents)
    left_out = dict.fromkeys(name for member in members for name in member.left_out)
    return Packed(
        Path(output),
        size,
        sha256,
        methods,
        group_members(members),
        tuple(left_out),
        len(members),
        report.computed,
    )


def _find_files(paths):
    """Representations below paths, within the limits of an archive."""
    files, missing = find_representations(paths)
    problems = [f"{path}: {one_line(reason)}" for path, reason in missing]
    if not files and not problems:
        problems.append(f"no representation (.h5, .hdf5, .npz) below {', '.join(map(str, paths))}")
    if len(files) > MOST_MEMBERS:
        problems.append(f"{len(files)} representations; an archive holds at most {MOST_MEMBERS}")
    if problems:
        raise ContributionError(problems)
    return files


def _inspect(
    files: list[Path],
    targets: list[Path],
    names: list[str],
    benchmark: Benchmark,
) -> list[Member]:
    """Read the files and write what an archive holds of them, in a process of its own."""
    members, problems = read_members(files, list(map(str, files)), names, benchmark.name, targets)
    stated = dict.fromkeys(member.stated for member in members)
    if len(names) == 1 and len(stated) > 1 and not any(member.problems for member in members):
        problems = [
            f"the files name different models ({one_line(', '.join(map(repr, stated)), 200)}), "
            f"and one method is described: pack the files of {names[0]} alone"
        ]
    if not problems:
        problems += [
            f"{path}: {target.stat().st_size} bytes, more than {LARGEST_MEMBER}"
            for path, target in zip(files, targets, strict=True)
            if target.stat().st_size > LARGEST_MEMBER
        ]
        total = sum(target.stat().st_size for target in targets)
        if total > LARGEST_ARCHIVE:
            problems.append(f"{total} bytes in all, more than an archive holds, {LARGEST_ARCHIVE}")
    if problems:
        raise ContributionError(problems)
    return members


def _name(member: Member, taken: Mapping[str, Path]) -> str:
    """Where a representation lies in the archive; settings that would look alike get a number."""
    setting = re.sub(r"[^A-Za-z0-9._+=,-]", "-", member.setting).lstrip("._+=,-")[:100]
    parts = [member.method, member.dataset, *([setting] if setting else [])]
    stem = "/".join(["representations", *parts])
    names = (f"{stem}{ending}/seed-{member.seed}.npz" for ending in _endings(setting))
    lowered = {name.lower() for name in taken}
    return next(name for name in names if name.lower() not in lowered)


def _endings(setting):
    yield ""
    for number in range(2, MOST_MEMBERS + 2):
        yield f"-{number}" if setting else f"/{number}"


def _measure(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def _write(output: Path, manifest: dict[str, Any], contents: Mapping[str, Path]) -> tuple[int, str]:
    """Write an archive: sorted, uncompressed and without times; give its size and hash."""
    import json

    text = json.dumps(plain(manifest), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with replacing(output) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(NAME, _BEGINNING), text)
            for name in sorted(contents):
                archive.writestr(zipfile.ZipInfo(name, _BEGINNING), contents[name].read_bytes())
        measured = _measure(temporary)
    return measured["size"], measured["sha256"]
