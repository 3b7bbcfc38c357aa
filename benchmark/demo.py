"""The main job on the embedded data set, start to end: train, score, theory, report."""

import time

import click

from .commands.evaluate import evaluate
from .protocol.request import TrainRequest
from .workers.progress import format_seconds
from .workers.train import train

# The paper's claim and its comparison; the rest of the zoo would double the time.
MODELS = ("vae", "betavae", "lambdabeta", "betatcvae")
BETAS = (1.0, 8.0, 32.0)
STAGES = 4
# Beginnings of the names of tables that are printed at the end; the page has them all.
PRINTED_TABLES = ("ranking", "collapse")
NOT_PRINTED = ("ranking-other",)


def demo(results, seeds, steps=None, device="auto", jobs=None):
    """Train the models of the paper with the quick preset at three values of β, score and report.

    Parameters
    ----------
    results : path
    seeds : int
        Number of seeds; below 5 the outcome is an illustration.
    steps : int, optional
        Steps of the first phase; fewer than the preset's are kept apart from real results.
    device : str
    jobs : int, optional

    Returns
    -------
    int
        Exit code: 0, 1 if a run or a score failed, or 128 + the signal that stopped it.
    """
    request = TrainRequest(
        preset="quick",
        models=MODELS,
        seeds=tuple(range(seeds)),
        betas=BETAS,
        steps=steps,
        # A run's place tells its protocol: a shortened one must not lie where the full one does.
        tag=f"steps-{steps}" if steps else "",
        device=device,
        jobs=jobs,
        results=results,
    )
    start = time.monotonic()
    runs = len(request.plan())
    number = "one seed" if seeds == 1 else f"{seeds} seeds"
    _announce(1, start, f"training {len(MODELS)} models on sprites-small: {runs} runs, {number}")
    code = train(request)
    if code > 1:
        return code
    _announce(2, start, "scoring the representations")
    code = max(code, evaluate([results], jobs=jobs))
    _announce(3, start, "the theory: the linear-Gaussian VAE in closed form and as a fixed point")
    _solve_theory(results)
    _announce(4, start, "tables, figures and the page")
    _write_report(results)
    click.echo(f"Took {format_seconds(time.monotonic() - start)}.")
    return code


def _announce(number, start, text):
    since = f" ({format_seconds(time.monotonic() - start)} so far)" if number > 1 else ""
    click.echo(f"\n[{number}/{STAGES}] {text}{since}")


def _solve_theory(results):
    from .theory.solve import write_theory

    deviation = write_theory(results, starts=10).data["largest_deviation"]
    click.echo(f"Largest deviation of the fixed point from the closed form: {deviation:.1e} nats.")


def _write_report(results):
    from ..evaluation.tables.rendering import to_text
    from .reporting.report import make_report

    report = make_report(results)
    for table in report.tables:
        if table.name.startswith(PRINTED_TABLES) and not table.name.startswith(NOT_PRINTED):
            click.echo(f"\n{to_text(table)}")
    click.echo(f"\nThe report, for any browser: {report.page}")
