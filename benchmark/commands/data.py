"""`bench data`: see, fetch, verify, add and remove data sets."""

import click

from ..console import Meter
from .options import data_dir_option


@click.group()
def command():
    """See, fetch, verify, add and remove data sets.

    \b
    Example:
      bench data list
      bench data get dsprites
    """


@command.command("list")
@data_dir_option
def list_(data_dir):
    """Show every known data set and whether it is ready to use.

    \b
    Example:
      bench data list
    """
    from ..reporting.overview import show_datasets

    show_datasets(data_dir)


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--url", metavar="URL", help="Another address of the same file (one NAME only).")
@data_dir_option
def get(names, url, data_dir):
    """Download genuine data files and prepare them for training.

    A download that was cut off goes on where it stopped when the command is given again. With
    BENCH_OFFLINE=1 nothing is downloaded; without a network the exit code is 3.

    \b
    Example:
      bench data get dsprites shapes3d
    """
    from .. import datasets
    from ..datasets.files.storage import data_folder
    from ..datasets.genuine import download
    from ..datasets.genuine.releases import RELEASES

    if url and len(names) > 1:
        raise click.UsageError("--url goes with one NAME")
    for name in names:
        description = datasets.describe(name, data_dir)
        if description.origin != "genuine":
            click.echo(f"{name}: {description.text}; nothing to download")
            continue
        if description.present:
            click.echo(f"{name}: already at {description.path}")
        else:
            with Meter(f"{name}: downloading", binary=True) as report:
                path = download.fetch(RELEASES[name], data_folder(data_dir), url, report)
            click.echo(f"{name}: saved {path}")
        with Meter(f"{name}: unpacking") as report:
            dataset = datasets.load_dataset(name, data_dir, report=report)
        click.echo(f"{name}: ready, {len(dataset):,} images (sha256 {dataset.identity['sha256']})")


@command.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@data_dir_option
def verify(names, data_dir):
    """Read data files again in full and compare hashes, layout and values.

    Without NAME: all genuine and added data sets that are present. The exit code is 1 if any is
    not what it should be.

    \b
    Example:
      bench data verify dsprites
    """
    from .. import datasets
    from ..datasets.stored import verify as check
    from ..errors import BenchError

    for name in names:
        datasets.describe(name, data_dir)
    if not names:
        descriptions = [datasets.describe(name, data_dir) for name in datasets.list_names(data_dir)]
        names = [d.name for d in descriptions if d.present and d.origin in ("genuine", "added")]
        if not names:
            click.echo("no data files to verify; `bench data list` shows what there is")
    failed = []
    for name in names:
        try:
            with Meter(f"{name}: unpacking") as report:
                result = check(name, data_dir, report)
            click.echo(f"{name}: ok, {result}")
        except BenchError as error:
            failed.append(name)
            click.echo(f"{name}: FAILED, {str(error).removeprefix(f'{name}: ')}", err=True)
    if failed:
        raise BenchError(f"{len(failed)} of {len(names)} data sets failed: {', '.join(failed)}")


@command.command()
@click.argument("name")
@click.argument("file", type=click.Path())
@data_dir_option
def add(name, file, data_dir):
    """Check your own FILE and register it as data set NAME.

    FILE is an .npz or .h5 with `images`, (N, H, W), (N, H, W, C) or (N, C, H, W), uint8 from 0 to
    255, bool, or floating point from 0 to 1; and either `factor_sizes` (a full grid, last factor
    fastest) or `factors`, whole numbers (N, K) from 0; `factor_names` is optional. The images are
    copied into the data folder.

    \b
    Example:
      bench data add faces faces.npz
      bench train --dataset faces
    """
    from ..datasets.files.storage import data_folder
    from ..datasets.own import added

    folder = data_folder(data_dir)
    with Meter(f"{name}: copying") as report:
        home = added.add(name, file, folder, report)
    entry = added.read_entry(name, folder)
    factors = zip(entry.factor_names, entry.factor_sizes, strict=True)
    shown = ", ".join(f"{factor} {size}" for factor, size in factors)
    click.echo(f"{name}: added {entry.count:,} images to {home} ({shown})")


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@data_dir_option
def remove(names, data_dir):
    """Remove the files of data sets from the data folder.

    An added data set is gone then; a genuine one has to be downloaded again, and a rendered one is
    rendered again when it is used.

    \b
    Example:
      bench data remove faces
    """
    from ..datasets.files.storage import size_text
    from ..datasets.stored import remove as remove_files

    for name in names:
        freed = remove_files(name, data_dir)
        click.echo(f"{name}: {size_text(freed)} removed" if freed else f"{name}: no files")


@command.command()
@data_dir_option
def path(data_dir):
    """Print the data folder.

    \b
    Example:
      ls "$(bench data path)"
    """
    from ..datasets.files.storage import data_folder

    click.echo(data_folder(data_dir))
