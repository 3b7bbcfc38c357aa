"""A user's file, read in full and copied into the data folder."""

from pathlib import Path

import numpy as np

from ....evaluation.files import write_json
from ....evaluation.naming import one_line
from ...errors import BenchError
from ..files import copies, storage
from ..files.arrays import open_arrays
from . import rules

FORMAT_VERSION = "1"
OPTIONAL = ("factor_sizes", "factor_names", "factor_kinds", "factors")


def copy_file(path, source, home, name, report=None):
    """Check a user's file and write its images, classes and a record of them.

    Parameters
    ----------
    path : path
        As `benchmark.datasets.own.added.add` describes it.
    source : dict
        Fingerprint of the file.
    home : path
        An empty folder, which gets ``images.npy``, ``labels.npy`` and ``dataset.json``.
    name : str
        Of the new data set.
    report : callable, optional
        Called with (images done, images in all).

    Raises
    ------
    BenchError
        When the file is damaged or not in the documented layout, or the disk is full.
    """
    path, home = Path(path), Path(home)
    where = one_line(f"{name}: {path}")
    with open_arrays(path, name) as archive:
        archive.require("images")
        member = archive.member("images")
        layout = rules.check_images(member.shape, member.dtype, where)
        given = {key: _read_small(archive, key, layout.shape[0]) for key in OPTIONAL}
        factor_names, sizes, labels = rules.check_factors(
            given["factor_names"], given["factor_sizes"], given["factors"], layout.shape[0], where
        )
        factor_kinds = rules.check_kinds(given["factor_kinds"], len(sizes), where)
        largest = 0

        def convert_blocks():
            nonlocal largest
            for block in archive.blocks("images"):
                block = layout.convert(block, where)
                largest = max(largest, int(block.max(initial=0)))
                yield block

        copies.write(home / "images.npy", convert_blocks(), layout.shape, source, name, report)
    rules.check_range(largest, where)
    if labels is not None:
        with storage.writing(home / "labels.npy"):
            np.save(home / "labels.npy", labels)
    content = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "file": path.name,
        "source": source,
        "count": layout.shape[0],
        "image_shape": layout.shape[1:],
        "factor_names": factor_names,
        "factor_sizes": sizes,
        "factor_kinds": factor_kinds,
        "labelled": labels is not None,
    }
    with storage.writing(home / "dataset.json"):
        write_json(home / "dataset.json", content)


def _read_small(archive, key, count):
    """Small arrays of the file, None where it has none; their headers are judged first."""
    if key not in archive.names():
        return None
    member = archive.member(key)
    rows = {"factors": count}.get(key, rules.MOST_FACTORS)
    if len(member.shape) > 2 or (member.shape and member.shape[0] > rows):
        raise BenchError(
            f"{archive.name}: {key!r} in {archive.path} has the shape {member.shape}; "
            f"expected {'(N, K)' if key == 'factors' else '(K,)'}"
        )
    return archive.array(key)
