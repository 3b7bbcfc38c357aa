"""Data sets that are Python objects: from an entry point or by reference."""

import hashlib
import math
from dataclasses import replace

import numpy as np

from ....evaluation.importing import ImportFailure, load_object, name_object
from ....evaluation.naming import one_line
from ...errors import BenchError
from ..base import Dataset, ImageSource
from ..files import mapped
from . import rules

GROUP = "disentanglement_bench.datasets"
ROWS = 1024
READ_OF_A_MAP = 1024


def entry_points():
    """Give the data sets that installed packages offer, by name, as entry points.

    Built-in names are not among them, and of names that differ in case alone only one is.
    """
    from importlib.metadata import entry_points as installed

    entries = {}
    for entry in sorted(installed(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        if rules.NAME.fullmatch(entry.name) and entry.name.lower() not in rules.BUILT_IN:
            entries.setdefault(entry.name.lower(), entry)
    return {entry.name: entry for entry in entries.values()}


def load(reference, name=None):
    """Import a user's object by reference, and make a data set of it.

    `name` is that of an entry point; else the object's own ``name``, or the name it is imported by,
    is taken. Whatever goes wrong is a `BenchError`.
    """
    given = _make_object(reference)
    attribute = reference.rpartition(":")[2].rpartition(".")[2]
    try:
        return from_object(given, name or attribute, name_object(reference), forced=bool(name))
    except BenchError:
        raise
    except Exception as error:
        raise BenchError(f"data set {reference!r}: {_describe(error)}") from error


def count_images(reference):
    """Count the images of a user's object without asking it for any.

    None where the object does not say how many there are.
    """
    try:
        return _count(_make_object(reference))
    except BenchError:
        raise
    except Exception:  # a property of the user's may raise anything
        return None


def grid_sizes(reference):
    """Sizes of the factors of a user's object; None where its images are not the full grid."""
    given = _make_object(reference)
    try:
        if isinstance(given, Dataset):
            return given.grid_sizes
        labelled = getattr(given, "factors", None) is not None
        return None if labelled else tuple(map(int, given.factor_sizes))
    except Exception:  # a property of the user's may raise anything
        # Loading says what is wrong with it.
        return load(reference).grid_sizes


def _count(given):
    """Number of images, from classes or the sizes of the grid."""
    if isinstance(given, Dataset):
        return len(given)
    labels = getattr(given, "factors", None)
    return len(labels) if labels is not None else math.prod(map(int, given.factor_sizes))


def _make_object(reference):
    """Import a user's object; a class or a function makes the data set, an instance is one."""
    try:
        target = load_object(reference, "data set")
    except ImportFailure as error:
        raise BenchError(str(error), exit_code=2) from error
    if not callable(target):
        return target
    try:
        return target()
    except (Exception, SystemExit) as error:
        raise BenchError(f"data set {reference!r} could not be made: {_describe(error)}") from error


def _describe(error):
    return one_line(f"{type(error).__name__}: {error}")


def from_object(given, name, reference, forced=False):
    """Make a data set of an object that follows the protocol.

    Parameters
    ----------
    given : object
        A `Dataset`, or anything with

        - ``images``: an array (N, H, W), (N, H, W, C) or (N, C, H, W), uint8 from 0 to 255 (it may
          be memory-mapped), bool for black and white, or floating point from 0 to 1; or a method
          ``images(index)`` that returns such an array for flat indices, called once for all images;
        - ``factor_names`` and ``factor_sizes``: K each, the last factor fastest;
        - optionally ``factors``: integer classes (N, K), where the images are not the full grid;
        - optionally ``name``, ``version``, ``notes`` (sentences to stand under every table) and
          ``unidentifiable_factors`` (names of factors that the images do not determine);
        - optionally ``factor_kinds``: ``nominal``, ``ordinal``, ``periodic`` or nothing, K texts.
    name : str
        Used unless the object has a ``name``.
    reference : str
        Where the object comes from, for messages and the identity.
    forced : bool, default False
        Whether `name` wins over the object's own.

    Returns
    -------
    Dataset

    Raises
    ------
    BenchError
        When something is missing or does not fit.
    """
    if isinstance(given, Dataset):
        rules.check_name(given.name)
        return _share(given)
    where = f"data set {reference!r}"
    missing = [key for key in ("factor_names", "factor_sizes", "images") if not hasattr(given, key)]
    if missing:
        raise BenchError(
            f"{where}: expected factor_names, factor_sizes and images, {missing[0]} is missing"
        )
    name = name if forced else getattr(given, "name", name)
    rules.check_name(name)
    version = one_line(getattr(given, "version", "1"), limit=80)
    source = _make_source(given.images, _count(given), where)
    names, sizes, labels = rules.check_factors(
        given.factor_names, given.factor_sizes, getattr(given, "factors", None), len(source), where
    )
    dataset = Dataset(
        name=name,
        version=version,
        factor_names=names,
        factor_sizes=sizes,
        source=source,
        identity={
            "name": name,
            "version": version,
            "kind": "plugin",
            "source": reference,
            **_content_hash(source, labels),
        },
        notes=_read_texts(given, "notes"),
        labels=labels,
        unidentifiable_factors=_read_texts(given, "unidentifiable_factors"),
        factor_kinds=rules.check_kinds(getattr(given, "factor_kinds", None), len(names), where),
    )
    return _share(dataset)


def _read_texts(given, key):
    """An attribute that is a text or several."""
    value = getattr(given, key, ())
    return tuple(one_line(text) for text in ((value,) if isinstance(value, str) else value))


def _share(dataset):
    """The same data set, its arrays mapped from files, so that processes share them."""
    source, labels = dataset.source, dataset.labels
    return replace(
        dataset,
        source=replace(source, array=mapped.share(source.array, f"data set {dataset.name!r}")),
        labels=None if labels is None else mapped.share(labels, f"data set {dataset.name!r}"),
    )


def _make_source(images, count, where):
    """Bring a user's images to one of the storage forms."""
    if callable(images):
        images = _collect(images, count, where)
    if not isinstance(images, np.ndarray):
        raise BenchError(
            f"{where}: expected images to be a NumPy array, got {type(images).__name__}"
        )
    layout = rules.check_images(images.shape, images.dtype, where)
    if images.dtype == np.bool_:
        blocks = (layout.convert(block, where) for block in _cut(images))
        packed = [np.packbits(block.reshape(len(block), -1) > 0, axis=1) for block in blocks]
        return ImageSource("bits", np.concatenate(packed), layout.shape[1:])
    if images.dtype == np.uint8 and not layout.channels_first:
        images = images.reshape(layout.shape)
    else:
        images = np.asarray(
            np.concatenate([layout.convert(block, where) for block in _cut(images)])
        )
    sample = images[_spread(len(images))] if isinstance(images, np.memmap) else images
    rules.check_range(int(sample.max()), where)
    return ImageSource("uint8", images, layout.shape[1:])


def _cut(images):
    return (images[first : first + ROWS] for first in range(0, len(images), ROWS))


def _spread(count):
    """Evenly spaced indices: as much of a memory-mapped array as is read at every load."""
    return np.linspace(0, count - 1, min(count, READ_OF_A_MAP)).astype(int)


def _collect(images, count, where):
    """Call a method for all images, and give them as one array."""
    whole = None
    for first in range(0, count, ROWS):
        index = np.arange(first, min(count, first + ROWS))
        try:
            block = np.asarray(images(index))
        except Exception as error:
            raise BenchError(
                f"{where}: images({first} … {index[-1]}) failed: {_describe(error)}"
            ) from error
        if whole is None:
            whole = np.empty((count, *block.shape[1:]), block.dtype)
        if block.shape != (len(index), *whole.shape[1:]) or block.dtype != whole.dtype:
            raise BenchError(
                f"{where}: expected images(index) to give {whole.dtype} of shape "
                f"{(len(index), *whole.shape[1:])}, got {block.dtype} of shape {block.shape}"
            )
        whole[first : first + len(index)] = block
    return whole


def _content_hash(source, labels):
    """Hash of images and labels; of evenly spaced images where they are memory-mapped."""
    in_file = isinstance(source.array, np.memmap)
    kind = "memmap" if in_file else source.kind
    digest = hashlib.sha256(repr((kind, source.image_shape, len(source))).encode())
    if in_file:
        digest.update(np.ascontiguousarray(source.array[_spread(len(source))]))
        key = "sha256_of_sample"
    else:
        digest.update(np.ascontiguousarray(source.array))
        key = "sha256_of_images"
    if labels is not None:
        digest.update(np.ascontiguousarray(labels))
    return {key: digest.hexdigest()}
