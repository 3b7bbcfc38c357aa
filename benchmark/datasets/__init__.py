"""Data sets by name: rendered, genuine, added by the user, or from a plugin.

Nothing heavy is imported before a data set is loaded.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from .base import Dataset

DEFAULT = "sprites-small"


def list_names(data_dir=None):
    """List the names of all known data sets: built in, then added ones, then those of plugins.

    Parameters
    ----------
    data_dir : path, optional
        The data folder, else ``$BENCH_DATA``, else the user's cache folder.

    Returns
    -------
    list of str
    """
    from .catalogue import BUILT_IN

    added, plugins = _others(data_dir)
    return [*BUILT_IN, *added, *plugins]


def load_dataset(
    name: str,
    data_dir: str | PathLike[str] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Load a data set: its factors, and its images by flat index.

    Parameters
    ----------
    name : str
        One of `list_names`, or ``package.module:Name`` or ``path/to/file.py:Name``: a class or
        function that gives a `Dataset` or an object as
        `benchmark.datasets.own.plugins.from_object` describes it.
    data_dir : path, optional
        The data folder, else ``$BENCH_DATA``, else the user's cache folder.
    report : callable, optional
        Called with (images done, images in all) while a compressed file is unpacked, once.

    Returns
    -------
    Dataset

    Raises
    ------
    BenchError
        For an unknown name, a missing or damaged file, or an object that does not fit.

    Examples
    --------
    >>> dataset = load_dataset("rooms3d")
    >>> dataset.factor_names[:2], dataset.factor_sizes[:2], len(dataset)
    (('floor_hue', 'wall_hue'), (10, 10), 480000)
    >>> index = dataset.sample_index(5, seed=0)
    >>> dataset.images(index).shape, dataset.factors(index).shape
    ((5, 64, 64, 3), (5, 6))
    """
    from .files.storage import data_folder
    from .own import added, plugins

    if not isinstance(name, str):
        raise BenchError(f"a data set is named by text, not {name!r}; see bench data list")
    if ":" in name:
        return plugins.load(name)
    description, folder = describe(name, data_dir), data_folder(data_dir)
    if description.loader:
        module, _, function = description.loader.partition(":")
        return getattr(import_module(f".{module}", __name__), function)(folder, report=report)
    if description.origin == "added":
        return added.load(name, folder)
    return plugins.load(_others(data_dir)[1][name].value, name)


def count_images(name: str, data_dir: str | PathLike[str] | None = None) -> int | None:
    """Count the images of a data set without rendering or reading any.

    Parameters
    ----------
    name : str
        As `load_dataset` takes it.
    data_dir : path, optional
        The data folder, else ``$BENCH_DATA``, else the user's cache folder.

    Returns
    -------
    int or None
        None where its file is missing.

    Raises
    ------
    BenchError
        For an unknown name, or an object of the user's that cannot be loaded.

    Examples
    --------
    >>> count_images("sprites-small")
    46080
    """
    reference = name
    if ":" not in name:
        description = describe(name, data_dir)
        if description.origin != "plugin":
            return description.size if description.present else None
        reference = _others(data_dir)[1][name].value
    from .own import plugins

    return plugins.count_images(reference)


def grid_sizes(name, data_dir=None):
    """Tell whether the images of a data set are the full grid of its factors, and which grid.

    Parameters
    ----------
    name : str
        As `load_dataset` takes it.
    data_dir : path, optional
        The data folder, else ``$BENCH_DATA``, else the user's cache folder.

    Returns
    -------
    tuple of int or None
        Numbers of classes, the last factor fastest; None where classes belong to each image.

    Raises
    ------
    BenchError
        For an unknown name, or an object of the user's that cannot be loaded.

    Examples
    --------
    >>> grid_sizes("sprites-small")
    (3, 6, 10, 16, 16)
    """
    reference = name
    if ":" not in name:
        description = describe(name, data_dir)
        if description.factor_sizes is not None:
            return None if description.labelled else description.factor_sizes
        if description.origin != "plugin":
            # Its record is damaged, and loading says what to do.
            return load_dataset(name, data_dir).grid_sizes
        reference = _others(data_dir)[1][name].value
    from .own import plugins

    return plugins.grid_sizes(reference)


def describe(name, data_dir=None):
    """Describe a data set without loading it.

    Parameters
    ----------
    name : str
        One of `list_names`.
    data_dir : path, optional
        The data folder, else ``$BENCH_DATA``, else the user's cache folder.

    Returns
    -------
    benchmark.datasets.catalogue.Description

    Raises
    ------
    BenchError
        For an unknown name, with exit code 2.
    """
    from .catalogue import BUILT_IN, Description

    if name in BUILT_IN:
        entry = BUILT_IN[name]
        return _locate(entry, data_dir) if entry.origin == "genuine" else entry
    added, plugin_entries = _others(data_dir)
    if name in added:
        return _describe_added(name, data_dir)
    if name in plugin_entries:
        return Description(name, f"from {plugin_entries[name].value}", "plugin")
    from ...evaluation.naming import unknown_name

    raise BenchError(unknown_name("data set", name, list_names(data_dir)), exit_code=2)


def _locate(description, data_dir):
    """A genuine data set with the place of its file."""
    from .files.storage import data_folder
    from .genuine.releases import RELEASES

    folder, release = data_folder(data_dir), RELEASES[description.name]
    path = folder / release.filename
    present = path.is_file() or release.copy_in(folder).is_file()
    return replace(description, present=present, path=path)


def _describe_added(name, data_dir):
    """An added data set, from its record."""
    from .catalogue import Description
    from .files.storage import data_folder
    from .own import added

    folder = data_folder(data_dir)
    try:
        entry = added.read_entry(name, folder)
    except BenchError as error:
        return Description(name, str(error), "added", present=False)
    return Description(
        name=name,
        text=f"added from {entry.file}",
        origin="added",
        image_shape=entry.image_shape,
        factor_names=entry.factor_names,
        factor_sizes=entry.factor_sizes,
        factor_kinds=entry.factor_kinds,
        size=entry.count,
        labelled=entry.labelled,
        path=added.home_of(name, folder),
    )


def _others(data_dir):
    """Names of added data sets, and entry points of plugins; an added name wins."""
    from .files.storage import data_folder
    from .own import added, plugins

    added_names = added.list_names(data_folder(data_dir))
    entries = plugins.entry_points()
    taken = {name.lower() for name in added_names}
    return added_names, {name: e for name, e in entries.items() if name.lower() not in taken}
