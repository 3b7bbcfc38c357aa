"""Tables of what there is: runs, models, data sets, presets and metrics."""

import math
import os
from collections import Counter
from pathlib import Path

import click

from ...evaluation.naming import format_number, unknown_name
from ...evaluation.scoring.run_records import STATUSES, find_runs
from ..console import console, table
from ..errors import BenchError


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
    counts, lines, problems = {}, [], []
    for path in find_runs(runs):
        name = os.path.relpath(path, runs)
        try:
            status, reason = RunFolder(path).status(observer)
        except BenchError as error:
            status, reason = "unreadable", str(error)
        group = tuple(name.split(os.sep)[:3])
        counts.setdefault(group, Counter())[status] += 1
        lines.append((name, status, reason))
        if status not in ("done", "running"):
            problems.append((name, status, reason))
    if each:
        shown = table(f"Runs below {runs}", "run", "state", "reason")
        for line in lines:
            shown.add_row(*line)
    else:
        statuses = [*STATUSES]
        if any(count["unreadable"] for count in counts.values()):
            statuses.append("unreadable")
        shown = table(f"Runs below {runs}", "data set", "preset", "model", *statuses)
        for group, count in counts.items():
            group = (*group, "", "", "")[:3]
            shown.add_row(*group, *(str(count[status] or "") for status in statuses))
    console().print(shown)
    if not each:
        for name, status, reason in problems[:20]:
            click.echo(f"{status}: {name}{': ' + reason if reason else ''}")
        if len(problems) > 20:
            click.echo(f"… and {len(problems) - 20} more; --runs shows all")


def show_models():
    """Print the models that `--model` takes."""
    from ..protocol.registry import get_model, list_models, list_plugins

    shown = table("Models", "name", "method", "loss", "hyperparameters", "continues", "source")
    for name in list_models():
        model = get_model(name).declaration
        names = ", ".join(model.hyperparameters)
        cells = (model.label, model.description, names, model.continues or "", model.citation)
        shown.add_row(name, *cells)
    for name, point in list_plugins().items():
        shown.add_row(name, "", f"from {point.dist.name} ({point.value})", "", "", "")
    console().print(shown)
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

    shown = table("Presets", "", *PRESETS)
    rows = {
        "": [p.description + (" (default)" * (p.name == DEFAULT_PRESET)) for p in PRESETS.values()],
        "data sets": [", ".join(p.datasets) for p in PRESETS.values()],
        "seeds": [f"0 to {p.seeds - 1}" for p in PRESETS.values()],
    }
    for name in dict.fromkeys(name for preset in PRESETS.values() for name in preset.sweeps):
        rows[f"values of {name}"] = [_sweeps(p, name) for p in PRESETS.values()]
    for key in asdict(PRESETS[DEFAULT_PRESET].config):
        values = [getattr(p.config, key) for p in PRESETS.values()]
        rows[key] = [f"{v:,}" if isinstance(v, int) else f"{v}" for v in values]
    for key, values in rows.items():
        shown.add_row(key, *values)
    console().print(shown)
    click.echo("Everything from network on can be changed with --set key=value.")


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


def _numbers(values):
    return ", ".join(format_number(value) for value in values)


def _sweeps(preset, name):
    """The values of a hyperparameter, and those of models that have their own."""
    from ..protocol.registry import get_model, list_models

    texts = [_numbers(preset.sweeps[name])]
    for model in list_models():
        own = get_model(model).declaration.sweeps.get(preset.name, {}).get(name)
        texts += [f"{model}: {_numbers(own)}"] if own else []
    return "; ".join(texts)
