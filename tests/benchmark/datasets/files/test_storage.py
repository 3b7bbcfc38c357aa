import hashlib
import json
import os
from pathlib import Path

import pytest

from disentanglement_bench.benchmark.datasets.files import storage
from disentanglement_bench.benchmark.errors import BenchError


def test_the_folder_is_the_option_then_the_variable_then_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "variable"))
    assert storage.data_folder(tmp_path / "option") == tmp_path / "option"
    assert storage.data_folder() == tmp_path / "variable"
    monkeypatch.setenv("BENCH_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert storage.data_folder().name == "disentanglement-bench"
    assert storage.data_folder("~/x") == Path.home() / "x"


def test_a_file_is_hashed_once(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    first = storage.fingerprint(path)
    assert first == {
        "bytes": 3,
        "sha256": hashlib.sha256(b"abc").hexdigest(),
        "md5": hashlib.md5(b"abc").hexdigest(),
    }
    monkeypatch.setattr(storage, "hash_file", lambda _: pytest.fail("hashed again"))
    assert storage.fingerprint(path) == first


def test_a_changed_file_is_hashed_again(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    before = os.stat(path).st_mtime_ns
    storage.fingerprint(path)
    path.write_bytes(b"abd")
    os.utime(path, ns=(before + 1, before + 1))
    assert storage.fingerprint(path)["sha256"] == hashlib.sha256(b"abd").hexdigest()


def test_verification_does_not_believe_the_sidecar(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    storage.fingerprint(path)
    note = json.loads(storage.sidecar(path).read_text())
    storage.sidecar(path).write_text(json.dumps(note | {"sha256": "wrong", "md5": "wrong"}))
    assert storage.fingerprint(path)["md5"] == "wrong"
    assert storage.fingerprint(path, again=True)["md5"] == hashlib.md5(b"abc").hexdigest()


def test_what_cannot_be_read_is_one_clear_line(tmp_path):
    with pytest.raises(BenchError, match=r"cannot read .*: Is a directory"):
        storage.hash_file(tmp_path)


def test_a_damaged_sidecar_is_made_again(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc")
    storage.sidecar(path).write_text("{")
    assert storage.fingerprint(path)["bytes"] == 3
    assert json.loads(storage.sidecar(path).read_text())["bytes"] == 3


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 bytes"), (2500, "2.5 kB"), (377_487_360, "377 MB")]
)
def test_sizes_are_written_for_reading(count, text):
    assert storage.size_text(count) == text


def test_large_sizes_are_gigabytes():
    assert storage.size_text(5_898_240_000) == "5.9 GB"
