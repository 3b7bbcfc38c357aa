"""What `bench train` does: from its options to trained runs."""

import sys
from dataclasses import dataclass

import click

from ...evaluation.naming import unknown_name
from .. import datasets as data
from ..console import console, table
from ..errors import BenchError
from ..protocol.plan import make_plan, shard
from ..protocol.presets import Config, get_preset, override
from ..protocol.sweep import describe_stand_ins
from ..runs.claims import Observer
from ..runs.store import Store, compare
from .devices import resolve_devices, workers_and_threads
from .progress import describe, make_reporter


@dataclass(frozen=True)
class TrainRequest:
    """The options of `bench train`; None takes the preset's value."""

    preset: str = "quick"
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None
    betas: tuple[float, ...] | None = None
    lambdas: tuple[float, ...] | None = None
    steps: int | None = None
    continue_steps: int | None = None
    init: str = "parent"
    settings: tuple[tuple[str, str], ...] = ()
    tag: str = ""
    amp: str | None = None
    device: str = "auto"
    jobs: int | None = None
    shard: tuple[int, int] | None = None
    compiled: bool = False
    results: str = "results"
    data_dir: str | None = None
    retry_failed: bool = False

    def plan(self):
        """The runs asked for.

        Returns
        -------
        list of RunSpec

        Raises
        ------
        BenchError
            For unknown names and values out of range.
        """
        preset = get_preset(self.preset)
        protocol = [(k, v) for k, v in self.settings if k in Config.__dataclass_fields__]
        others = [(k, v) for k, v in self.settings if k not in Config.__dataclass_fields__]
        if self.amp is not None:
            protocol.append(("amp", self.amp))
        config = override(preset.config, self.steps, self.continue_steps, protocol)
        sweeps = {key: (_number(key, text),) for key, text in others}
        for key, values in (("beta", self.betas), ("lambda", self.lambdas)):
            if values is not None:
                sweeps.setdefault(key, values)
        known = data.list_names(self.data_dir)
        for name in self.datasets:
            if name not in known and ":" not in name:
                raise BenchError(unknown_name("data set", name, known), exit_code=2)
        plan = make_plan(
            preset,
            config,
            models=self.models,
            datasets=self.datasets,
            seeds=self.seeds,
            sweeps=sweeps,
            init=self.init,
            tag=self.tag,
        )
        return shard(plan, *self.shard) if self.shard else plan


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

    plan = request.plan()
    devices = resolve_devices(request.device)
    jobs, threads = workers_and_threads(devices, request.jobs)
    runner = Runner(
        plan,
        Store(request.results),
        lambda name: data.load_dataset(name, request.data_dir),
        devices,
        jobs,
        threads,
        reporter or make_reporter(sys.stderr),
        {"command": provenance.command_line(), **provenance.collect()},
        compiled=request.compiled,
        retry_failed=request.retry_failed,
    )
    summary = runner.run()
    _show_summary(summary, runner.store)
    return summary.exit_code


def show_plan(request):
    """Print the table of `--dry-run`: every run, its state, and what a call would do with it."""
    plan = request.plan()
    store = Store(request.results)
    observer = Observer()
    shown = table(f"{len(plan)} runs below {store.runs}", "run", "steps", "state", "would")
    runs = steps = 0
    for spec in plan:
        state, would = _intention(spec, store, observer, request.retry_failed)
        if would.startswith(("train", "continue")):
            runs += 1
            steps += spec.own_steps
        shown.add_row(spec.path, f"{spec.own_steps:,}", state, would)
    console().print(shown)
    click.echo(f"{runs} runs would be trained, {steps:,} steps at most.")
    for sentence in describe_stand_ins(request.models, plan[0].config) if plan else ():
        click.echo(sentence)


def _intention(spec, store, observer, retry_failed):
    """State of a run, and what would be done with it."""
    folder = store.folder(spec)
    try:
        status, reason = folder.status(observer)
        record = folder.read()
    except BenchError as error:
        return "unreadable", f"refuse: {error}"
    state = status + (f": {reason}" if reason else "")
    differences = compare(record["config"], spec.resolved()) if record else []
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
    click.echo(f"{', '.join(parts)}; {summary.trained} trained by this call.")
    shown = [s for s, status in summary.statuses.items() if status == "failed"]
    for spec in shown[:10]:
        click.echo(f"failed: {describe(spec)}: {summary.reasons[spec]}", err=True)
        click.echo(f"        {store.folder(spec).traceback}", err=True)
    if len(shown) > 10:
        click.echo(f"… and {len(shown) - 10} more; see bench status", err=True)
    if shown:
        click.echo("--retry-failed trains failed runs again.", err=True)
    if summary.stopped_by is not None:
        click.echo("Interrupted; the same command continues.", err=True)
    elif counts["done"]:
        click.echo(f"Representations: {store.runs}/**/representation.h5")


def _number(key, text):
    try:
        return float(text)
    except ValueError:
        raise BenchError(f"--set {key}: expected a number, got {text!r}", exit_code=2) from None
