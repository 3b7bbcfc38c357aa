"""What `bench train` does: from its options to trained runs."""

import sys

import click

from .. import datasets as data
from ..console import echo_first, print_table, table
from ..errors import BenchError
from ..protocol.fit import check_images
from ..protocol.standard import check_version
from ..protocol.sweep import describe_stand_ins
from ..runs.claims import Observer
from ..runs.store import Store
from .devices import choose_stack, choose_workers, resolve_devices
from .progress import describe, make_reporter


def train(request, reporter=None):
    """Train a request's runs and say how they ended.

    Parameters
    ----------
    request : TrainRequest
    reporter : optional
        Default: bars on a terminal, lines elsewhere.

    Returns
    -------
    int
        Exit code: 0, 1 if a run failed, 130 after Ctrl-C.
    """
    from ..runs import provenance
    from .runner import Runner

    plan, shipped = request.split_plan()
    _show_notes(plan)
    tell_shipped(shipped)
    if shipped and not plan:
        click.echo("Nothing is left to train.")
        return 0

    def load(name):
        dataset = data.load_dataset(name, request.data_dir)
        specs = [spec for spec in plan if spec.dataset == name]
        check_images(specs, dataset.name, dataset.source.image_shape)
        if request.benchmark is not None:
            check_version(dataset.name, dataset.version, request.find_protocol()[1])
        return dataset

    devices = resolve_devices(request.device)
    jobs, threads = choose_workers(devices, request.jobs)
    runner = Runner(
        plan,
        Store(request.results),
        load,
        devices,
        jobs,
        threads,
        reporter or make_reporter(sys.stderr),
        {"command": provenance.command_line(), **provenance.collect()},
        compiled=request.compiled,
        deterministic=request.deterministic,
        graphs=request.graphs,
        retry_failed=request.retry_failed,
        stack=choose_stack(devices, request.stack),
        wait=request.wait,
    )
    summary = runner.run()
    _show_summary(summary, runner.store)
    return summary.exit_code


def show_plan(request):
    """Print the table of `--dry-run`: every run, its state, and what a call would do with it."""
    plan, shipped = request.split_plan()
    store = Store(request.results)
    observer = Observer()
    count = len(plan) + len(shipped)
    shown = table(f"{count} runs below {store.runs}", "run", "steps", "state", "would")
    runs = steps = 0
    for spec in plan:
        state, would = _intention(spec, store, observer, request.retry_failed)
        if would.startswith(("train", "continue")):
            runs += 1
            steps += spec.own_steps
        shown.add_row(spec.path, f"{spec.own_steps:,}", state, would)
    for spec in shipped:
        would = "skip (--retrain-shipped trains it)"
        shown.add_row(spec.path, f"{spec.own_steps:,}", "its scores ship", would)
    print_table(shown)
    click.echo(f"{runs} runs would be trained, {steps:,} steps at most.")
    _show_notes(plan)
    tell_shipped(shipped)
    for sentence in describe_stand_ins(request.models, plan[0].config) if plan else ():
        click.echo(sentence)


def tell_shipped(shipped, err=False):
    """Say how many runs count as done because their scores ship with the package.

    Parameters
    ----------
    shipped : list of RunSpec
    err : bool, default False
        On standard error.
    """
    if shipped:
        runs = "1 run counts" if len(shipped) == 1 else f"{len(shipped)} runs count"
        click.echo(
            f"{runs} as done: their scores ship with the package (--retrain-shipped trains them).",
            err=err,
        )


def _show_notes(plan):
    """Say where a data set made the protocol change."""
    for note in dict.fromkeys(note for spec in plan for note in spec.notes):
        click.echo(note)


def _intention(spec, store, observer, retry_failed):
    """State of a run, and what would be done with it."""
    folder = store.folder(spec)
    try:
        status, reason, differences = folder.inspect(spec, observer)
    except BenchError as error:
        return "unreadable", f"refuse: {error}"
    state = status + (f": {reason}" if reason else "")
    if differences:
        return state, "refuse: another configuration lies there: " + "; ".join(differences)
    if status == "done":
        return state, "skip"
    if status == "failed" and not retry_failed:
        return state, "skip (--retry-failed trains it again)"
    if status == "running":
        return state, "wait: another process trains it"
    verb = "continue" if folder.checkpoint.exists() else "train"
    return state, f"{verb} after its parent" if spec.parent else verb


def _show_summary(summary, store):
    counts = summary.counts()
    parts = [
        f"{counts[status]} {status}"
        for status in ("done", "failed", "blocked", "interrupted", "missing")
        if counts[status]
    ]
    if counts["elsewhere"]:
        parts.append(f"{counts['elsewhere']} left to other processes")
    click.echo(f"{', '.join(parts)}; {summary.trained} trained by this call.")
    shown = [s for s, status in summary.statuses.items() if status == "failed"]
    lines = [
        f"failed: {describe(s)}: {summary.reasons[s]}\n        {store.folder(s).traceback}"
        for s in shown
    ]
    echo_first(lines, 10, "… and {} more; see bench status")
    if shown:
        click.echo("--retry-failed trains failed runs again.", err=True)
    if summary.stopped_by is not None:
        click.echo("Interrupted; the same command continues.", err=True)
    elif counts["done"]:
        click.echo(f"Representations: {store.runs}/**/representation.h5")
