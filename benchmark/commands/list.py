"""`bench list`."""

import click

from .options import data_dir_option


@click.group(
    short_help="List models, data sets, presets, benchmarks, metrics or published figures."
)
def command():
    """List what can be named on the command line.

    \b
    Example:
      bench list presets
    """


@command.command()
def models():
    """List the models that --model takes.

    \b
    Example:
      bench list models
    """
    from ..reporting.overview import show_models

    show_models()


@command.command()
@data_dir_option
def datasets(data_dir):
    """List the data sets that --dataset takes.

    \b
    Example:
      bench list datasets
    """
    from ..reporting.overview import show_datasets

    show_datasets(data_dir)


@command.command()
def presets():
    """List the protocols that --preset takes, with every setting.

    \b
    Example:
      bench list presets
    """
    from ..reporting.overview import show_presets

    show_presets()


@command.command()
def benchmarks():
    """List the standard benchmarks that --benchmark takes, with all that defines them.

    \b
    Example:
      bench list benchmarks
    """
    from ..reporting.standard import show_benchmarks

    show_benchmarks()


@command.command()
def metrics():
    """List the metrics that bench evaluate can compute.

    \b
    Example:
      bench list metrics
    """
    from ..reporting.overview import show_metrics

    show_metrics()


@command.command()
@click.argument("dataset", required=False)
def published(dataset):
    """List figures of other work: what there is, or all of them for one DATASET.

    \b
    Example:
      bench list published dsprites
    """
    from ..reporting.overview import show_published

    show_published(dataset)
