"""`bench demo`."""

import click

from .options import device_option, results_option


@click.command(short_help="The whole job on embedded data, in one command.")
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Number of seeds."
)
@click.option(
    "--steps", type=click.IntRange(1), help="Steps of the first phase (default: quick's)."
)
@device_option
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes.")
@results_option
def command(seeds, steps, device, jobs, results):
    """Train the paper's models on the embedded data at β = 1, 8 and 32, score them and report.

    Needs no download. A second call trains and scores nothing anew.

    \b
    Example:
      bench demo
    """
    from ..demo import demo

    code = demo(results, seeds, steps, device, jobs)
    if code:
        raise SystemExit(code)
