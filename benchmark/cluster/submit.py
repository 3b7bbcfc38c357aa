"""What `bench submit` does: from options to submitted jobs."""

import contextlib
import io
import os
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path

import click

from ...evaluation.naming import one_line
from .. import datasets as data
from ..datasets.files.storage import data_folder
from ..errors import BenchError
from ..protocol.plan import families
from ..runs.claims import Observer
from ..runs.store import Store
from ..workers.devices import check_device
from ..workers.train import tell_shipped
from .jobs import check_folder, split_array, submit_tasks, write_script
from .logs import jobs_folder
from .slurm import read_array_limit
from .task import Task


def submit_train(request, given, resources, array, dry_run=False):
    """Submit what a request has left to train, as tasks that share it.

    Parameters
    ----------
    request : TrainRequest
    given : dict of str to list of str
        What was given to `bench train`: the words of each option, by name.
    resources : Resources
        Of each task.
    array : int
        Number of tasks, at most.
    dry_run : bool, default False
        Print the scripts and submit nothing.

    Raises
    ------
    BenchError
        For options that `bench train` would refuse, data that are missing, and what SLURM refuses.
    """
    check_device(request.device)
    plan, shipped = request.split_plan()
    tell_shipped(shipped, err=True)
    left, states = find_left(plan, Store(request.results), request.retry_failed)
    click.echo(f"{len(plan)} runs: {_count(states)}.", err=True)
    if not left:
        click.echo("Nothing is left to train, so nothing is submitted.", err=True)
        return
    for name in dict.fromkeys(spec.dataset for spec in left):
        _check_data(name, request.data_dir)
    shared = len(families(left))
    tasks = min(array, shared)
    click.echo(
        f"{len(left)} of them are left to train; {shared} tasks at most can share them "
        f"(a parent and its children stay together), and {tasks} are asked for.",
        err=True,
    )
    results = Path(request.results).absolute()
    folder = jobs_folder(results)
    check_folder(folder)
    arguments = ("train", *_join(given, "results"), "--results", str(results), "--no-wait")
    if not dry_run:
        Store(request.results).check_writable()
    _submit(
        folder,
        "bench-train",
        resources,
        [_make_task(arguments, request.data_dir)] * tasks,
        dry_run,
    )
    if not dry_run:
        click.echo(f"bench status {shlex.quote(request.results)} shows how far they are.")


def submit_evaluate(paths, given, resources, array, dry_run=False, metrics=()):
    """Submit the scoring of representations: one array, and a call after it that compares seeds.

    Parameters
    ----------
    paths : tuple of str
        What is scored; scripts and logs lie in ``jobs/`` in the first, or beside it if it is a
        file.
    given : dict of str to list of str
        What was given to `bench evaluate`: the words of each option, and of the paths, by name.
    resources : Resources
        Of each task.
    array : int
        Number of parts; at most one for each representation there is, unless the jobs wait for
        others, which may write more.
    dry_run : bool, default False
    metrics : sequence of str, optional
        Names that were given, to be looked up before anything is submitted.

    Raises
    ------
    BenchError
        If nothing is there to score, for an unknown metric, and for what SLURM refuses.
    """
    _check_metrics(metrics)
    first = Path(paths[0]).absolute()
    if resources.dependency is None:
        from ...evaluation.scoring.finding import find_representations

        files = find_representations(paths)[0]
        if not files:
            raise BenchError(
                f"no representation (.h5, .hdf5, .npz) below {', '.join(paths)}; to submit before "
                "they are written, give --dependency afterany:JOB"
            )
        click.echo(f"{len(files)} representations.", err=True)
        array = min(array, len(files))
    folder = jobs_folder(first if first.is_dir() or not first.exists() else first.parent)
    check_folder(folder)
    # A part writes no table, and what the parts have just computed holds.
    words = _join(given, "table")
    parts = [
        _make_task(("evaluate", *words, "--shard", f"{part}/{array}"))
        for part in range(array)
        if array > 1
    ]
    numbers = _submit(folder, "bench-evaluate", resources, parts, dry_run)
    if parts:
        # Also when a part failed: then the last call does what is left, and says what failed.
        resources = replace(resources, dependency=f"afterany:{':'.join(numbers)}")
    whole = _make_task(("evaluate", *_join(given, "force" if parts else "")))
    _submit(folder, "bench-evaluate", resources, [whole], dry_run)


def _join(given, without):
    """The words of all options, without one of them."""
    return [word for name, words in given.items() if name != without for word in words]


def find_left(plan, store, retry_failed):
    """Find the runs of a plan that nobody has finished or works on.

    Parameters
    ----------
    plan : list of RunSpec
    store : Store
    retry_failed : bool
        Whether failed runs are left to do.

    Returns
    -------
    left : list of RunSpec
        In the order of the plan.
    states : Counter of str
        Number of runs of each status; children of failed parents are "blocked".

    Raises
    ------
    BenchError
        If a run of another configuration lies in the way.
    """
    surveyed = store.survey(plan, Observer())
    left, states, barred = [], Counter(), set()
    for spec in plan:
        status = surveyed[spec][0]
        if status == "failed" and not retry_failed:
            barred.add(spec)
        elif status != "done" and spec.parent in barred:
            barred.add(spec)
            status = "blocked"
        elif status not in ("done", "running"):
            left.append(spec)
        states[status] += 1
    return left, states


def _submit(folder, name, resources, tasks, dry_run):
    """Numbers of the jobs that hold the tasks, in arrays that the cluster takes."""
    numbers = []
    for size in split_array(len(tasks), read_array_limit()):
        part, tasks = tasks[:size], tasks[size:]
        if dry_run:
            script = write_script(folder, name, resources, size)
            click.echo(f"Each task calls: {shlex.join(['bench', *part[0].arguments])}", err=True)
            click.echo(script)
            numbers.append("NUMBER")
            continue
        try:
            number = submit_tasks(folder, name, resources, part)
        except BenchError as error:
            before = f"; jobs submitted before: {', '.join(numbers)}" if numbers else ""
            raise BenchError(f"{error}{before}") from error
        numbers.append(number)
        kind = f"array {number} of {size} tasks" if size > 1 else f"job {number}"
        click.echo(f"Submitted {kind} ({name}); scripts and logs in {folder}")
    return numbers


def _make_task(arguments, data_dir=None):
    # Users' caches may lie elsewhere on the nodes.
    environment = {"BENCH_DATA": str(data_folder(data_dir))}
    return Task(tuple(arguments), os.getcwd(), environment)


def _count(states):
    return ", ".join(f"{number} {status}" for status, number in states.items())


def _check_metrics(names):
    """Raise `BenchError` for a metric that does not exist, which every task would miss."""
    if not names:
        return
    from ...evaluation.metrics import MetricError, choose_metrics

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # whatever users' modules print
            choose_metrics(names)
    except MetricError as error:
        raise BenchError(one_line(error), exit_code=2) from error


def _check_data(name, data_dir):
    """Raise `BenchError` for a file that is missing, which every task would miss."""
    if ":" in name:
        return
    description = data.describe(name, data_dir)
    if description.origin == "genuine" and not description.present:
        from ..datasets.genuine.releases import RELEASES

        RELEASES[name].locate(data_folder(data_dir))
