"""Machine code is kept in the user's cache folder, never beside the source."""

import importlib.util
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numba
import pytest

from disentanglement_bench.evaluation.metrics.kernels import compiled as place
from disentanglement_bench.evaluation.metrics.kernels.compiled import compiled


def double(x):
    return 2 * x


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Nothing set by NUMBA_CACHE_DIR, and a user's cache folder of our own."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place.kernel_folder.cache_clear()
    yield tmp_path
    place.kernel_folder.cache_clear()


def test_code_is_kept_below_the_users_cache_folder_by_version(cache):
    function = compiled(double)
    assert function(2) == 4
    folder = Path(function.stats.cache_path)
    assert folder.parent == place.kernel_folder()
    assert folder.parent.name == version("disentanglement-bench")
    assert list(folder.glob("*.nbi"))
    again = compiled(double)
    assert again(2) == 4
    assert sum(again.stats.cache_hits.values()) == 1


def test_nothing_is_kept_in_the_package(cache):
    package = Path(importlib.util.find_spec(place.__package__).origin).parent
    before = set(package.rglob("*.nb?"))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import numpy as np\n"
            "from disentanglement_bench.evaluation import sap\n"
            "sap(np.random.rand(30, 2), np.arange(30)[:, None] % 2)\n",
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert set(package.rglob("*.nb?")) == before
    assert list(cache.rglob("*svm_accuracies*.nbi"))


def test_numbas_own_folder_is_respected(cache, monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    assert Path(compiled(double).stats.cache_path).parent == tmp_path / "numba"


def test_functions_of_others_are_cached_as_before(cache):
    compiled(double)(2)
    theirs = numba.njit(cache=True)(double)
    assert Path(theirs.stats.cache_path) == Path(__file__).parent / "__pycache__"


def test_works_where_the_folder_cannot_be_written(cache, monkeypatch):
    blocked = cache / "a file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    place.kernel_folder.cache_clear()
    function = compiled(double)
    assert function(3) == 6
    assert not function.stats.cache_path


def test_a_damaged_entry_is_compiled_anew(cache):
    compiled(double)(2)
    for path in cache.rglob("*.nbi"):
        path.write_bytes(b"not an index")
    assert compiled(double)(2) == 4
    again = compiled(double)
    assert again(2) == 4
    assert sum(again.stats.cache_hits.values()) == 1


def test_a_full_disk_does_not_matter(cache, monkeypatch):
    def save(self, key, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", save)
    assert compiled(double)(2) == 4
