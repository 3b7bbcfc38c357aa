"""Archives that mean harm: nothing is written outside, nothing grows, and every reason is named."""

import errno
import os
import re
import shutil
import stat
import struct
import zipfile

import pytest

from disentanglement_bench.evaluation.contributions import opening
from disentanglement_bench.evaluation.contributions.opening import extract

SEED = "representations/mine/toy/seed-0.npz"


@pytest.fixture
def problems(archive, tmp_path):
    """Extract an archive anew; give what is wrong with it, and see that nothing got out."""
    before = {path.name for path in tmp_path.iterdir()}

    def call(path=archive):
        folder = tmp_path / "extracted"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        found = extract(str(path), str(folder))
        assert {path.name for path in tmp_path.iterdir()} - before <= {"extracted", "bad.zip"}
        return found.get("problems", [])

    return call


def add(archive, name, content=b"x", **changed):
    """Add a member whose entry is changed."""
    entry = zipfile.ZipInfo(name)
    for key, value in changed.items():
        setattr(entry, key, value)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(entry, content)


def test_an_archive_as_it_was_packed(problems, tmp_path):
    assert problems() == []
    assert sorted(path.name for path in (tmp_path / "extracted").iterdir()) == [
        "manifest.json",
        "representations",
    ]


def test_an_archive_that_ends_with_a_representation_is_cut_off(archive, problems):
    content = archive.read_bytes()
    ends = [match.end() for match in re.finditer(rb"PK\x05\x06.{18}", content, re.DOTALL)]
    archive.write_bytes(content[: ends[0]])
    assert problems() == ["is cut off, or more than a zip archive"]


def test_an_archive_that_ends_within_a_representation_is_cut_off(archive, tmp_path):
    content = archive.read_bytes()
    archive.write_bytes(content[: content.index(b"PK\x05\x06") + 122])
    found = extract(str(archive), str(tmp_path / "extracted"))
    assert found["problems"] == ["is cut off, or more than a zip archive"]


def test_a_full_disk_is_no_fault_of_the_archive(problems, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(opening, "_copy", fail)
    (problem,) = problems()
    assert problem.startswith("cannot be opened in ")
    assert problem.endswith("(No space left on device); set TMPDIR to a folder with more room")


@pytest.mark.parametrize(
    "name",
    [
        "../outside.npz",
        "representations/../../outside.npz",
        "representations/mine/../../../outside.npz",
        "/tmp/outside.npz",
        "C:\\outside.npz",
        "representations\\outside.npz",
        "representations/.hidden.npz",
        "representations/mine/toy/seed-0.npz/",
        "representations//seed-0.npz",
        "representations/a/b/c/d/e/f.npz",
        "representations/mine/two\nlines.npz",
        "representations/mine/ünïcode.npz",
        "representations/mine/code.py",
        "scores.csv",
        "",
        "representations/" + "a" * 5000 + ".npz",
    ],
)
def test_names_that_lead_elsewhere(archive, problems, name):
    add(archive, name)
    assert "which is neither manifest.json nor the name of a representation" in problems()[0]


def test_links_folders_and_devices(archive, problems):
    for number, kind in enumerate((stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR)):
        name = f"representations/mine/{number}.npz"
        add(archive, name, b"/etc/passwd", external_attr=(kind | 0o777) << 16)
    found = problems()
    assert len(found) == 4
    assert all(line.endswith("is a folder, a link or a device, not a file") for line in found)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_occur_twice(archive, problems):
    add(archive, SEED)
    add(archive, "representations/MINE/toy/seed-1.npz")
    add(archive, "manifest.json", b"{}")
    assert problems() == [
        f"holds {SEED} twice",
        "holds representations/MINE/toy/seed-1.npz twice",
        "holds manifest.json twice",
    ]


def test_members_that_grow(archive, problems):
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("representations/mine/bomb.npz", bytes(2**22))
    (problem,) = problems()
    assert "bomb.npz would grow from" in problem


def test_too_many_and_too_large(archive, problems, monkeypatch, tmp_path):
    monkeypatch.setattr(opening, "LARGEST_MEMBER", 100)
    assert len(problems()) == 5
    monkeypatch.setattr(opening, "LARGEST_MEMBER", 2**26)
    monkeypatch.setattr(opening, "MOST_MEMBERS", 3)
    assert problems() == ["lists more than 3 members"]
    monkeypatch.setattr(opening, "MOST_MEMBERS", 10)
    monkeypatch.setattr(opening, "LARGEST_MANIFEST", 2**14)
    monkeypatch.setattr(opening, "LARGEST_ARCHIVE", 100)
    monkeypatch.setattr(opening, "_LARGEST_DIRECTORY", 2**20)
    assert problems()[0].startswith("its members would have")


def test_a_file_larger_than_any_archive(problems, tmp_path):
    path = tmp_path / "bad.zip"
    with open(path, "wb") as file:
        file.truncate(2**30)
    assert problems(path) == ["is larger than 512 MiB"]


def change_entries(path, offset, pack, value, local=None):
    """Change a field of every entry in the list of members, and of the local headers."""
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x01\x02", offset), (b"PK\x03\x04", local)):
        at = content.find(signature)
        while at >= 0 and place is not None:
            struct.pack_into(pack, content, at + place, value)
            at = content.find(signature, at + 4)
    path.write_bytes(content)


def test_encrypted_members(archive, problems):
    change_entries(archive, 8, "<H", 1, local=6)
    found = problems()
    assert len(found) == 6
    assert found[0] == "manifest.json is encrypted"


def test_other_compressions(archive, problems):
    change_entries(archive, 10, "<H", zipfile.ZIP_LZMA, local=8)
    assert "is compressed in a way that is not taken" in problems()[0]


@pytest.mark.parametrize(("offset", "pack"), [(24, "<I"), (20, "<I"), (42, "<I"), (16, "<I")])
def test_sizes_places_and_checksums_that_are_wrong(archive, problems, offset, pack):
    """Declared size, compressed size, place of the member, checksum."""
    change_entries(archive, offset, pack, 77)
    assert problems()


def test_archives_that_are_cut_off(archive, problems, tmp_path):
    content = archive.read_bytes()
    for end in (0, 1, 22, 100, len(content) // 2, len(content) - 30, len(content) - 1):
        (tmp_path / "bad.zip").write_bytes(content[:end])
        # The end of a representation, which is a zip archive as well, may be taken for the end.
        assert problems(tmp_path / "bad.zip")


def test_what_is_no_file(problems, tmp_path):
    assert problems(tmp_path / "none.zip") == ["cannot be read (No such file or directory)"]
    assert problems(tmp_path) == ["is not a regular file"]
    os.mkfifo(tmp_path / "bad.zip")
    assert problems(tmp_path / "bad.zip") == ["is not a regular file"]


def test_members_and_manifest_must_be_the_same(archive, rebuild, problems):
    rebuild(members={SEED: None, "representations/mine/more.npz": b"x"})
    assert problems() == [
        "holds representations/mine/more.npz, which manifest.json does not name",
        f"manifest.json names {SEED}, which is not there",
    ]


def test_files_must_be_those_that_were_packed(rebuild, problems):
    rebuild(members={SEED: b"another"})
    assert problems() == [f"{SEED} is not the file that manifest.json names: another hash or size"]


def test_no_manifest(rebuild, problems):
    rebuild(members={"manifest.json": None})
    assert problems() == ["holds no manifest.json; bench pack writes one"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"format_version": 2}, "format_version must be in 1 … 1"),
        ({"benchmark": "db1"}, "benchmark must be an object"),
        ({"methods": []}, "manifest.json: expected a list of 1 to 100 methods"),
        ({"methods": [{"name": "mine"}]}, "manifest.json: label is required"),
        ({"members": []}, "manifest.json names no representation"),
        ({"members": [{"name": "../x.npz"}]}, "members[0] has no sha256"),
        ({"members": {}}, "members must be a list"),
        ({"more": 1}, "manifest.json: more is not a key that an archive has here"),
        ({"benchmark": {"name": "a", "version": "1", "b": 0}}, "manifest.json: b is not a key"),
        ({"versions": {"numpy": "1\x1b[31m"}}, "without line breaks and control characters"),
        ({"versions": {"numpy": 10**4000}}, "versions.numpy must be text, not an endless number"),
    ],
)
def test_manifests_of_another_form(rebuild, problems, change, problem):
    rebuild(lambda manifest: manifest.update(change))
    assert any(problem in line for line in problems())


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "{", "null", "[]", '"' + "x" * 2**20 + '"', "\x00"]
)
def test_manifests_that_are_none(rebuild, problems, text):
    rebuild(members={"manifest.json": text.encode()})
    assert problems()


@pytest.mark.parametrize("score", ["0.5", True, [1], 10**400, {"a": 1}])
def test_scores_that_are_no_numbers(rebuild, problems, score):
    rebuild(lambda manifest: manifest["members"][0]["scores"].update(mig=score))
    (problem,) = problems()
    assert problem.startswith("manifest.json: members[0].scores.mig must be a finite number")


def test_an_end_that_speaks_of_another_end(archive, problems):
    content = archive.read_bytes()
    place = content.rfind(b"PK\x05\x06")
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1)
    archive.write_bytes(content[:place] + locator + content[place:])
    assert problems() == ["is a zip archive in the format for large ones, which none needs"]
