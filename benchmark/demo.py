"""The main job on the embedded data set, start to end."""

import click

from benchmark.commands.evaluate import evaluate
from benchmark.training import TrainRequest, train

BETAS = (1.0, 8.0, 32.0)


def demo(results, seeds, steps=None, device="auto", jobs=None):
    """Train the zoo with the quick preset at three values of β, and score what it learnt.

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
        seeds=tuple(range(seeds)),
        betas=BETAS,
        steps=steps,
        # A run's place tells its protocol: a shortened one must not lie where the full one does.
        tag=f"steps-{steps}" if steps else "",
        device=device,
        jobs=jobs,
        results=results,
    )
    click.echo(f"Training the zoo on sprites-small: {len(request.plan())} runs, {seeds} seeds.")
    code = train(request)
    if code > 1:
        return code
    click.echo("Scoring the representations.")
    return max(code, evaluate([results], jobs=jobs))
