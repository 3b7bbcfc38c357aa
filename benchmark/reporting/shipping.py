"""The scores of a standard benchmark that ship with the package: a tool for maintainers.

``python -m disentanglement_bench.benchmark.reporting.shipping db1 results`` reads a results folder
and adds the scores of its runs to the files in `evaluation/reference` of the checkout.
"""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import click

from ...evaluation.files import RecordError, read_json, write_atomically, write_json
from ...evaluation.metrics import METRICS, choose_metrics, with_twins
from ...evaluation.naming import one_line
from ...evaluation.reference.agreement import check_agreement
from ...evaluation.reference.benchmarks import BENCHMARKS, load_benchmark
from ...evaluation.reference.shipped import find_scores, read_rows, run_of, shipped_file
from ...evaluation.scoring.run_records import find_runs, read_run
from ...evaluation.scoring.score_files import Choices
from ...evaluation.scoring.scores_table import RUN_COLUMNS, TRAINING_COLUMNS, make_table, write_rows
from ...evaluation.scoring.standard import list_metrics
from ...evaluation.scoring.stored import read_stored
from ..console import echo_first
from ..errors import BenchError
from ..protocol.plan import config_sha256
from ..protocol.standard import list_runs
from .shipped_origin import describe_batch, describe_datasets, describe_methods

_FILE = "representation.h5"


@dataclass(frozen=True)
class Shipped:
    """What was shipped.

    Attributes
    ----------
    table : Path
    runs : int
        Rows of the table.
    added : int
        Those that were not there before.
    left_out : list of str
        A line for each run that cannot ship.
    """

    table: Path
    runs: int
    added: int
    left_out: list


def ship(name: str, results: Path, anew: bool = False) -> Shipped:
    """Add the scores of a results folder to those that ship in `evaluation/reference`.

    A row that ships already is kept as it is.

    Parameters
    ----------
    name : str
        Of a standard benchmark.
    results : Path
        With ``runs/`` below it: trained and scored with ``--benchmark``.
    anew : bool, default False
        Forget what ships already.

    Returns
    -------
    Shipped

    Raises
    ------
    BenchError
        If there is no run that can ship, or the table that ships is not the one that its provenance
        names, because somebody edited it or a call was interrupted.
    RecordError
        If there is no folder of runs.
    """
    benchmark = load_benchmark(name)
    table = shipped_file(name, "scores.csv")
    place = shipped_file(name, "provenance.json")
    wanted = {
        spec.path: config_sha256(spec.resolved())
        for spec in (*list_runs(benchmark), *list_runs(benchmark, confirmation=True))
    }
    try:
        rows = dict(read_rows(table)) if not anew and find_scores(name) else {}
    except RecordError as error:
        raise BenchError(
            f"{one_line(error)}; in a checkout restore it with git, or forget it with --anew"
        ) from error
    before = read_json(place) if rows else {}
    records, left_out = _read_records(benchmark, results, wanted)
    new = {path: record for path, record in records.items() if path not in rows}
    scored, unscored = _score_rows(benchmark, results, new, wanted)
    if not scored and not rows:
        raise BenchError(
            f"{results} holds no run of {benchmark.title} that can ship; "
            + (one_line((left_out + unscored or ["there is none"])[0]))
        )
    rows |= scored
    text = io.StringIO()
    writer = csv.DictWriter(
        text, _list_columns(benchmark), extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows[path] for path in wanted if path in rows)
    added = {path: new[path] for path in scored}
    about = {
        "benchmark": name,
        "title": benchmark.title,
        "version": benchmark.version,
        "scores": {
            "file": table.name,
            "sha256": hashlib.sha256(text.getvalue().encode()).hexdigest(),
            "runs": len(rows),
        },
        "batches": [
            *before.get("batches", ()),
            *([describe_batch(results, added, _name_metrics(benchmark))] if added else []),
        ],
        "datasets": {
            **describe_datasets(results, added, _name_metrics(benchmark)),
            **before.get("datasets", {}),
        },
        "methods": {**describe_methods(added), **before.get("methods", {})},
    }
    write_atomically(table, text.getvalue())
    write_json(place, about)
    return Shipped(table, len(rows), len(scored), left_out + unscored)


def _read_records(benchmark, results, wanted):
    """Records of the finished runs of the definition, in its order, and why others are left out."""
    found, left_out = {}, []
    runs = results / "runs"
    for folder in find_runs(runs):
        path = folder.relative_to(runs).as_posix()
        if benchmark.name not in path.split("/")[1:2]:
            continue
        try:
            record = read_run(folder)
        except RecordError as error:
            left_out.append(one_line(error))
            continue
        reason = _refuse(record, benchmark, wanted.get(path))
        if reason:
            left_out.append(f"{path}: {reason}")
        else:
            found[path] = record
    return {path: found[path] for path in wanted if path in found}, left_out


def _refuse(record, benchmark, sha256):
    """Why a run cannot ship, or None."""
    if sha256 is None:
        return f"is no run of {benchmark.title}"
    if config_sha256(record["config"]) != sha256:
        return f"its configuration is not that of {benchmark.title}"
    if record["status"] != "done":
        return f"is {record['status']}"
    data, dataset = record["dataset"], record["run"]["dataset"]
    if data.get("version") != benchmark.datasets[dataset].version:
        return f"was trained on version {one_line(data.get('version'), 30)} of its data set"
    if not record.get("git_commit"):
        return "nothing says which commit trained it"
    if record.get("git_dirty"):
        return f"commit {record['git_commit'][:12]} had uncommitted changes when it was trained"
    return None


def _name_metrics(benchmark):
    """All metrics of a benchmark, twins included."""
    return [metric.name for metric in with_twins(choose_metrics(list_metrics(benchmark)), True)]


def _score_rows(benchmark, results, records, wanted):
    """Rows of scores.csv as text, by the folder of their run, and runs that are not scored."""
    metrics, names = choose_metrics(list_metrics(benchmark)), _name_metrics(benchmark)
    scored, left_out = [], []
    for path in records:
        file = results / "runs" / path / _FILE
        stored = read_stored(file, metrics, Choices())
        reasons = [*stored.broken, *check_agreement(stored.about, benchmark)]
        missing = [name for name in names if name in stored.missing or name not in stored.scores]
        if missing:
            some = f"{', '.join(missing)} not scored" if stored.scores else "not scored"
            left_out.append(f"{path}: {some}")
        elif reasons:
            left_out.append(f"{path}: {one_line(reasons[0])}")
        else:
            scored.append((file, stored, ()))
    table = make_table(scored, results, metrics)
    text = write_rows(table.columns, table.rows)
    rows = {}
    for row in csv.DictReader(io.StringIO(text)):
        path = run_of(row["path"])
        rows[path] = {**row, "config_sha256": wanted[path]}
    return rows, left_out


def _list_columns(benchmark):
    """Columns of scores.csv that the definition needs, hyperparameters in alphabetical order."""
    hyperparameters = {name for sweep in benchmark.models.values() for name in sweep}
    names = _name_metrics(benchmark)
    return [
        "path",
        *RUN_COLUMNS,
        *sorted(hyperparameters - set(RUN_COLUMNS)),
        "source",
        "steps",
        *TRAINING_COLUMNS,
        *(key.name for name in names for key in METRICS[name].keys),
        "run_status",
        *(f"{name}_status" for name in names),
        *(f"{name}_variant" for name in names),
        "reasons",
        "config_sha256",
    ]


@click.command()
@click.argument("benchmark", type=click.Choice(BENCHMARKS))
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--anew", is_flag=True, help="Forget what ships already.")
def main(benchmark, results, anew):
    """Add the scores of the runs below RESULTS to those that ship with a standard BENCHMARK."""
    try:
        shipped = ship(benchmark, results, anew=anew)
    except (BenchError, RecordError, OSError) as error:
        raise click.ClickException(one_line(error, 600)) from error
    echo_first([f"Left out: {line}" for line in shipped.left_out], 10, "… and {} more")
    click.echo(f"{shipped.runs} runs, {shipped.added} of them new: {shipped.table}")


if __name__ == "__main__":
    main()
