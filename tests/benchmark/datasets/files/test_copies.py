import json
import os
import time

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files import copies, storage
from disentanglement_bench.benchmark.datasets.files.mapped import MappedArray
from disentanglement_bench.benchmark.errors import BenchError

ROWS = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
SOURCE = {"renderer": "toy 1"}


@pytest.fixture
def copy(tmp_path):
    """Open or write a copy of `ROWS`; `made` counts how often its rows were asked for."""

    def run(source=SOURCE, path=tmp_path / "deep" / "toy.npy"):
        def make_blocks():
            run.made += 1
            return ROWS[:4], ROWS[4:]

        return copies.open_or_write(path, ROWS.shape, source, make_blocks, "toy")

    run.made, run.path = 0, tmp_path / "deep" / "toy.npy"
    return run


def test_rows_are_made_once(copy):
    for _ in range(3):
        array = copy()
        assert isinstance(array, MappedArray)
        np.testing.assert_array_equal(array, ROWS)
    assert copy.made == 1
    assert sorted(p.name for p in copy.path.parent.iterdir()) == ["toy.npy", "toy.npy.json"]


def test_another_version_or_a_cut_file_is_made_again(copy):
    copy()
    copy({"renderer": "toy 2"})
    assert copy.made == 2
    with copy.path.open("r+b") as stream:
        stream.truncate(100)
    np.testing.assert_array_equal(copy({"renderer": "toy 2"}), ROWS)
    assert copy.made == 3


def test_a_copied_folder_is_hashed_and_taken(copy):
    copy()
    os.utime(copy.path, (1, 1))
    copy()
    assert copy.made == 1
    content = bytearray(copy.path.read_bytes())
    content[-1] ^= 1
    copy.path.write_bytes(content)
    np.testing.assert_array_equal(copy(), ROWS)
    assert copy.made == 2


def test_a_folder_that_cannot_be_written_to_is_replaced_by_a_file_without_a_name(copy, tmp_path):
    (tmp_path / "file").write_text("in the way")
    array = copy(path=tmp_path / "file" / "toy.npy")
    np.testing.assert_array_equal(array, ROWS)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_is_too_large_for_a_temporary_file_is_an_error(copy, tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "LARGEST_TEMPORARY", 10)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BenchError, match=r"cannot write .*file"):
        copy(path=tmp_path / "file" / "toy.npy")


def test_a_call_that_writes_at_the_same_time_does_no_harm(copy, monkeypatch):
    replaced = os.replace

    def replace_twice(temporary, path):
        # Another call publishes its own copy between our renaming and our record of it.
        replaced(temporary, path)
        if str(path).endswith("toy.npy"):
            monkeypatch.setattr(os, "replace", replaced)
            copy()

    monkeypatch.setattr(os, "replace", replace_twice)
    np.testing.assert_array_equal(copy(), ROWS)
    np.testing.assert_array_equal(copy(), ROWS)
    assert copy.made == 2


def test_blocks_that_are_not_all_rows_leave_nothing(tmp_path):
    with pytest.raises(BenchError, match="toy: expected 6 rows, got 4"):
        copies.write(tmp_path / "toy.npy", [ROWS[:4]], ROWS.shape, SOURCE, "toy")
    assert list(tmp_path.iterdir()) == []


def test_only_what_nobody_writes_any_more_is_removed(tmp_path):
    old, fresh = tmp_path / ".toy.npy.1.abc.tmp", tmp_path / ".toy.npy.2.def.tmp"
    other = tmp_path / ".other.npy.1.abc.tmp"
    for path in (old, fresh, other):
        path.write_bytes(b"half")
    long_ago = time.time() - 2 * storage.LEFTOVER_SECONDS
    for path in (old, other):
        os.utime(path, (long_ago, long_ago))
    storage.remove_leftovers(tmp_path / "toy.npy")
    assert sorted(p.name for p in tmp_path.iterdir()) == [other.name, fresh.name]


def test_a_damaged_record_makes_the_copy_again(copy):
    copy()
    storage.sidecar(copy.path).write_text(json.dumps([1]))
    copy()
    assert copy.made == 2
