import json
import os
import time

import numpy as np
import pytest

from disentanglement_bench.evaluation.files import (
    RecordError,
    read_json,
    replacing,
    sweep,
    walk,
    write_atomically,
    write_json,
)


def test_text_and_bytes(tmp_path):
    write_atomically(tmp_path / "a" / "text", "β")
    write_atomically(tmp_path / "a" / "bytes", b"\x00")
    assert (tmp_path / "a" / "text").read_text(encoding="utf-8") == "β"
    assert (tmp_path / "a" / "bytes").read_bytes() == b"\x00"
    assert sorted(os.listdir(tmp_path / "a")) == ["bytes", "text"]


def test_temporary_names_are_hidden_and_told_apart(tmp_path):
    with replacing(tmp_path / "x.h5") as first, replacing(tmp_path / "x.h5") as second:
        assert first.parent == second.parent == tmp_path
        assert first != second
        for name in (first.name, second.name):
            assert name.startswith(".")
            assert name.endswith(".tmp")
            assert f".{os.getpid()}." in name
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "x.h5").read_text() == "1"


def test_a_failure_leaves_the_old_content_and_nothing_else(tmp_path):
    write_atomically(tmp_path / "x", "old")

    def fail(temporary):
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "x") as temporary:
        fail(temporary)
    assert (tmp_path / "x").read_text() == "old"
    assert os.listdir(tmp_path) == ["x"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "x"):
        pass
    assert os.listdir(tmp_path) == []


def test_long_names_fit(tmp_path):
    name = "n" * 255
    write_atomically(tmp_path / name, "")
    assert os.listdir(tmp_path) == [name]


def test_json_is_plain(tmp_path):
    write_json(
        tmp_path / "x.json",
        {
            "b": float("nan"),
            "a": np.float32(0.5),
            "list": (np.int64(1), float("-inf"), np.bool_(True)),
            "array": np.array([[1.0, np.nan]]),
            1: tmp_path,
        },
    )
    text = (tmp_path / "x.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    found = json.loads(text)
    assert list(found) == ["b", "a", "list", "array", "1"]
    assert found["b"] is None
    assert found["list"] == [1, None, True]
    assert found["array"] == [[1.0, None]]
    assert text.splitlines()[1].startswith(' "b"')


def test_what_json_cannot_hold(tmp_path):
    with pytest.raises(TypeError, match="cannot write a set as JSON"):
        write_json(tmp_path / "x.json", {"a": {1}})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1,\n "b": }', r"not valid JSON at line 2, column 7"),
        (b"", r"not valid JSON at line 1"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_broken_json(tmp_path, content, message):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=message) as caught:
        read_json(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_folder_and_nothing(tmp_path):
    with pytest.raises(RecordError, match="not a regular file"):
        read_json(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "x.json")


def test_bare_nan_of_others_is_null(tmp_path):
    (tmp_path / "x.json").write_text('{"a": NaN, "b": -Infinity}')
    assert read_json(tmp_path / "x.json") == {"a": None, "b": None}


def test_walk_reports_what_it_cannot_list(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    really = os.scandir

    def scandir(folder):
        if folder.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return really(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(RecordError, match=r"closed: cannot be listed \(Permission denied\)"):
        list(walk(tmp_path))
    said = []
    seen = [folder for folder, _ in walk(tmp_path, on_error=lambda *pair: said.append(pair[0]))]
    assert seen == [str(tmp_path), str(tmp_path / "open")]
    assert said == [str(tmp_path / "closed")]


def test_walk_skips_what_it_is_told_to(tmp_path):
    for name in ("a/x/deep", "a/y", "b/x"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    visited = walk(tmp_path, skip=lambda name, files: name == "x" and "file" in files)
    assert [os.path.relpath(folder, tmp_path) for folder, _ in visited] == [
        *(".", "a", "a/y", "b", "b/x")
    ]


def test_a_full_disk_names_the_file(tmp_path):
    def fill(temporary):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space") as caught, replacing(tmp_path / "x") as temporary:
        fill(temporary)
    assert caught.value.filename == str(tmp_path / "x")


def test_files_of_dead_processes_are_swept_and_no_others(tmp_path):
    for name, age in (("a.json", 7200), ("b.json", 10)):
        with replacing(tmp_path / name) as temporary:
            temporary.write_text("half")
            os.link(temporary, tmp_path / f"kept-{name}")
        os.rename(tmp_path / f"kept-{name}", temporary)
        os.utime(temporary, (time.time() - age,) * 2)
    for other in (".hidden.tmp", "x.tmp", ".a.json.1.0123456789ab.tmp.txt"):
        (tmp_path / other).touch()
        os.utime(tmp_path / other, (0, 0))
    before = set(os.listdir(tmp_path))
    sweep(tmp_path)
    assert {name.split(".")[1] for name in before - set(os.listdir(tmp_path))} == {"a"}
    sweep(tmp_path, pid=os.getpid() + 1)
    assert len(os.listdir(tmp_path)) == len(before) - 1
    sweep(tmp_path, pid=os.getpid())
    assert len(os.listdir(tmp_path)) == len(before) - 2
    sweep(tmp_path / "none")
