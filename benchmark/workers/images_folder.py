"""A temporary folder with the images of a call's data sets, one copy for all its workers."""

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from ..datasets.files.sharing import detach

_PREFIX = "bench-images-"


@contextlib.contextmanager
def shared_images(datasets):
    """Detach data sets into a temporary folder that lives as long as the block.

    Parameters
    ----------
    datasets : dict of str to Dataset

    Yields
    ------
    dict of str to benchmark.datasets.files.sharing.DetachedDataset
    """
    _remove_orphans(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as folder:
        detached = {}
        for number, name in enumerate(list(datasets)):
            own = Path(folder) / str(number)
            own.mkdir()
            detached[name] = detach(datasets.pop(name), own)
        yield detached


def _remove_orphans(folder):
    """Remove the folders of processes that were killed."""
    for entry in folder.glob(f"{_PREFIX}*"):
        owner = re.match(rf"{_PREFIX}(\d+)-", entry.name)
        if owner and not _alive(int(owner[1])):
            shutil.rmtree(entry, ignore_errors=True)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
