"""Tables of what there is: runs, models, data sets, presets and metrics."""

import math
import os
from collections import Counter
from pathlib import Path

import click

from ...evaluation.naming import format_number, one_line, unknown_name
from ...evaluation.scoring.run_records import STATUSES, find_runs
from ..cluster.logs import count_logs, jobs_folder, log_file
from ..console import console, print_table, table
from ..errors import BenchError

# More values than these are shown by their ends.
MOST_VALUES = 10
# More logs than these are only counted.
MOST_LOGS = 5


def show_status(results, each=False):
    """Print the state of the runs below a results folder.

    Parameters
    ----------
    results : path
    each : bool, default False
        One line a run instead of a count for every data set, preset and model.
    """
    from ..runs.claims import Observer
    from ..runs.store import RunFolder

    runs = Path(results) / "runs"
    if not runs.is_dir():
        raise BenchError(f"there are no runs below {runs}; bench train makes them")
    observer = Observer()
    counts, values, lines, problems, running = {}, {}, [], [], []
    for path in find_runs(runs):
        name = os.path.relpath(path, runs)
        try:
            status, reason = RunFolder(path).status(observer)
        except BenchError as error:
            status, reason = "unreadable", str(error)
        group = tuple(name.split(os.sep)[:3])
        counts.setdefault(group, Counter())[status] += 1
        values.setdefault(group, []).append(_read_settings(name))
        lines.append((name, status, reason))
        if status == "running":
            running.append(path)
        elif status != "done":
            problems.append((name, status, reason))
    if each:
        shown = table(f"Runs below {runs}", "run", "state", "reason")
        for line in lines:
            shown.add_row(*line)
    else:
        statuses = [*STATUSES]
        if any(count["unreadable"] for count in counts.values()):
            statuses.append("unreadable")
        shown = table(f"Runs below {runs}", "data set", "preset", "model", "values", *statuses)
        for group, count in counts.items():
            cells = [*(*group, "", "", "")[:3], _write_values(_gather(values[group]))]
            shown.add_row(*cells, *(str(count[status] or "") for status in statuses))
    print_table(shown)
    if not each:
        for name, status, reason in problems[:20]:
            log = _find_log(results, runs / name)
            told = "; ".join(part for part in (reason, f"log: {log}" if log else "") if part)
            click.echo(f"{status}: {name}{': ' + told if told else ''}")
        if len(problems) > 20:
            click.echo(f"… and {len(problems) - 20} more; --runs shows all")
    _show_jobs(results, running)


def _show_jobs(results, running):
    """Say where the logs of the cluster's jobs lie, and which of them grow now."""
    if not (count := count_logs(results)):
        return
    logs = dict.fromkeys(log for path in running[:200] if (log := _find_log(results, path)))
    some = [str(log) for log in logs][:MOST_LOGS]
    more = f" and {len(logs) - len(some)} more" if len(logs) > len(some) else ""
    now = f"; of running runs: {', '.join(some)}{more}" if some else ""
    click.echo(f"{count} logs of SLURM jobs in {jobs_folder(results)}{now}")


def _find_log(results, path):
    """The log of the job that worked on a run last, or None."""
    from ..runs.store import RunFolder

    try:
        record = RunFolder(path).read()
    except BenchError:
        return None
    job = record.get("slurm_job") if record else None
    log = log_file(results, one_line(job)) if isinstance(job, str) else None
    return log if log and log.is_file() else None


def show_models():
    """Print the models that `--model` takes, and the values that the default preset trains."""
    from ..protocol.presets import DEFAULT_PRESET, PRESETS
    from ..protocol.registry import get_model, list_models, list_plugins
    from ..protocol.sweep import list_values

    heading = f"hyperparameters, values in {DEFAULT_PRESET}"
    shown = table("Models", "name", "method", "loss", heading, "continues", "source")
    for name in list_models():
        model = get_model(name)
        values = _write_values(list_values(model, PRESETS[DEFAULT_PRESET]))
        about = model.declaration
        cells = (about.label, about.description, values, about.continues or "", about.citation)
        shown.add_row(name, *cells)
    for name, point in list_plugins().items():
        shown.add_row(name, "", f"from {point.dist.name} ({point.value})", "", "", "")
    console().print(shown)
    click.echo(
        "--set name=1,2,3 trains other values; bench list presets shows those of all presets."
    )
    click.echo(
        "Your own: --model package.module:Class or path/to/file.py:Class; try bench check first."
    )


def show_datasets(data_dir=None):
    """Print the data sets that `--dataset` takes."""
    from .. import datasets

    shown = table("Data sets", "name", "images", "factors (sizes)", "origin", "ready", "what it is")
    for name in datasets.list_names(data_dir):
        known = datasets.describe(name, data_dir)
        factors = ", ".join(
            f"{factor} {size}"
            for factor, size in zip(known.factor_names or (), known.factor_sizes or (), strict=True)
        )
        shape = "×".join(str(length) for length in known.image_shape or ())
        images = f"{known.size:,} of {shape}" if known.size else "known when loaded"
        missing = f"no: bench data get {name}" if known.origin == "genuine" else "no"
        ready = "yes" if known.present else missing
        shown.add_row(name, images, factors, known.origin, ready, known.text)
    console().print(shown)


def show_presets():
    """Print the presets, and what each sets."""
    from dataclasses import asdict

    from ..protocol.presets import DEFAULT_PRESET, PRESETS
    from ..protocol.registry import get_model, list_models
    from ..protocol.settings import SWEEPABLE
    from ..protocol.sweep import list_values

    shown = table("Presets", "", *PRESETS)
    rows = {
        "": [p.description + (" (default)" * (p.name == DEFAULT_PRESET)) for p in PRESETS.values()],
        "data sets": [", ".join(p.datasets) for p in PRESETS.values()],
        "seeds": [f"0 to {p.seeds - 1}" for p in PRESETS.values()],
    }
    for name in list_models():
        if (model := get_model(name)).hyperparameters:
            values = [list_values(model, p) for p in PRESETS.values()]
            rows[f"values of {name}"] = [_write_values(each) for each in values]
    for key in asdict(PRESETS[DEFAULT_PRESET].config):
        values = [getattr(p.config, key) for p in PRESETS.values()]
        rows[key] = [f"{v:,}" if isinstance(v, int) else f"{v}" for v in values]
    for key, values in rows.items():
        shown.add_row(key, *values)
    console().print(shown)
    click.echo("Everything from network on can be changed with --set key=value.")
    click.echo(
        f"--set key=value,value trains every value, of a hyperparameter or of one of these: "
        f"{', '.join(SWEEPABLE)}."
    )


def show_metrics():
    """Print the metrics there are, and which of them `bench evaluate` computes unasked."""
    from ...evaluation.metrics import METRICS, plugins

    shown = table("Metrics", "metric", "default", "variant", "key", "range", "better", "what it is")
    for metric in METRICS.values():
        for key in metric.keys:
            high = format_number(key.high) if math.isfinite(key.high) else "∞"
            unit = f" {key.unit}" if key.unit else ""
            shown.add_row(
                metric.name,
                "yes" if metric.default else "no",
                metric.variant,
                key.name,
                f"{format_number(key.low)} … {high}{unit}",
                {True: "higher", False: "lower", None: ""}[key.higher_is_better],
                key.description,
            )
    for name, entry in plugins().items():
        shown.add_row(name, "", "", "", "", "", f"plugin: {entry.value}")
    console().print(shown)
    click.echo(
        "Without --metrics, bench evaluate computes those marked yes and those of plugins that do "
        "not say otherwise; --metrics all computes every one. Names that end in _sampled and "
        "_active are computed with their metric where there are log-variances."
    )


def show_published(dataset=None):
    """Print the figures of others that `bench report` sets beside genuine data.

    Parameters
    ----------
    dataset : str, optional
        All figures for this data set; by default what there is for which.
    """
    from ...evaluation import reference as published
    from ...evaluation.statistics.labels import describe_key

    changes, scores = published.paper_percent_change(), published.literature_scores()
    known = list(dict.fromkeys([*changes["dataset"], *scores["dataset"]]))
    if dataset is None:
        shown = table("Published figures", "data set", "changes with β and λ", "scores", "sources")
        for name in known:
            metrics = changes.loc[changes["dataset"] == name, "metric"].unique()
            part = scores[scores["dataset"] == name]
            labels = ", ".join(describe_key(metric).label for metric in metrics)
            shown.add_row(name, labels, str(len(part)), ", ".join(part["source"].unique()))
        console().print(shown)
        click.echo(f"The changes are those of {published.SOURCE}.")
        click.echo(f"bench list published {known[0]} shows the figures for one data set.")
        return
    if dataset not in known:
        raise BenchError(unknown_name("data set with published figures", dataset, known), 2)
    for metric, part in changes[changes["dataset"] == dataset].groupby("metric", sort=False):
        grid = part.pivot(index="lambda", columns="beta", values="percent_change")
        title = f"{describe_key(metric).label} on {dataset}: % change against β = 1, λ = 0"
        shown = table(title, "λ", *(f"β = {format_number(beta)}" for beta in grid.columns))
        for lambda_, row in grid.iterrows():
            shown.add_row(format_number(lambda_), *(f"{value:+.1f}" for value in row))
        console().print(shown)
    click.echo(f"Source: {published.SOURCE}")
    headings = ("model", "setting", "metric", "value ± std", "seeds", "variant", "source")
    title = f"Scores on {dataset} in the literature; variants, networks and steps differ"
    shown = table(title, *headings)
    part = scores[scores["dataset"] == dataset].astype(object)
    for row in part.where(part.notna(), "").itertuples():
        spread = f" ± {row.std:g}" if row.std != "" else ""
        seeds = f"{row.n_seeds:g}" if row.n_seeds != "" else ""
        cells = (row.method, row.hyperparameters, row.metric_printed, f"{row.value:g}{spread}")
        shown.add_row(*cells, seeds, row.variant, f"{row.source}; {row.place}")
    console().print(shown)


def _read_settings(name):
    """What the name of a run's folder says of its settings."""
    parts = [part.partition("=") for part in [*name.split(os.sep), "", "", "", ""][3].split(",")]
    return {key: value for key, equals, value in parts if equals}


def _gather(settings):
    """All values of each setting; runs at the protocol's value of a swept one do not name it."""
    from ..protocol.settings import SWEEPABLE

    gathered = {}
    for key in dict.fromkeys(key for each in settings for key in each):
        words = [each[key] for each in settings if key in each]
        ordinary = key in SWEEPABLE and len(words) < len(settings)
        gathered[key] = [*dict.fromkeys(words), *(["the preset's"] if ordinary else [])]
    return gathered


def _write_values(values):
    """Names with all their values, numbers in order: ``beta 1, 4; lambda 0, 8``."""
    texts = []
    for name, each in values.items():
        words = sorted(map(_write, each), key=_order)
        if len(words) > MOST_VALUES:
            words = [f"{words[0]} … {words[-1]} ({len(words)} values)"]
        texts.append(f"{name} {', '.join(words)}")
    return "; ".join(texts)


def _write(value):
    return value if isinstance(value, str) else format_number(value)


def _order(word):
    try:
        return 0, float(word), word
    except ValueError:
        return 1, 0.0, word
