import functools
import os

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets import load_dataset
from disentanglement_bench.benchmark.datasets.genuine import mpi3d, releases, shapes3d
from disentanglement_bench.benchmark.datasets.genuine.releases import Release
from disentanglement_bench.benchmark.datasets.own import added
from disentanglement_bench.benchmark.datasets.stored import remove, verify
from disentanglement_bench.benchmark.errors import BenchError

VALUES = ((0.0, 0.1), (0.0, 0.1), (0.0, 0.1), (0.75, 1.25), (0.0, 1.0), (-30.0, 30.0))
SIZES = (2, 2, 2, 1, 1, 4, 4)


@pytest.fixture
def shapes(tmp_path, shapes3d_file, monkeypatch):
    """A tiny Shapes3D in the folder of the test, loaded once."""
    release = Release("shapes3d", "tiny.h5", "http://example.invalid", sha256=None)
    shapes3d_file(tmp_path / "tiny.h5", VALUES)
    monkeypatch.setitem(releases.RELEASES, "shapes3d", release)
    loader = functools.partial(shapes3d.load, release=release, values=VALUES)
    monkeypatch.setattr(shapes3d, "load", loader)
    loader(tmp_path)
    return tmp_path


@pytest.fixture
def photos(tmp_path, photographs, monkeypatch):
    """A tiny MPI3D, its images stored uncompressed."""
    release = Release("mpi3d_real", "tiny.npz", "http://example.invalid")
    np.savez(tmp_path / "tiny.npz", images=photographs(SIZES))
    monkeypatch.setitem(releases.RELEASES, "mpi3d_real", release)
    loader = functools.partial(mpi3d.load, release=release, sizes=SIZES)
    monkeypatch.setattr(mpi3d, "load", loader)
    return tmp_path


def flip_a_bit(path, place):
    """Change a file so that neither size nor time tells."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_good_file_and_its_copy_pass(shapes):
    assert "sha256" in verify("shapes3d", shapes)


def test_a_copy_that_changed_is_found(shapes):
    flip_a_bit(shapes / "tiny.npy", -1)
    with pytest.raises(BenchError, match=r"tiny\.npy has changed: expected sha256"):
        verify("shapes3d", shapes)


def test_the_published_checksum_is_compared_anew(shapes, monkeypatch):
    strict = Release("shapes3d", "tiny.h5", "", sha256="0" * 64)
    monkeypatch.setitem(releases.RELEASES, "shapes3d", strict)
    with pytest.raises(BenchError, match=f"expected sha256 {'0' * 64}"):
        verify("shapes3d", shapes)


def test_photographs_without_a_published_checksum(photos):
    found = verify("mpi3d_real", photos)
    assert found.startswith("layout and content are right, no checksum is published (sha256 ")


def test_a_damaged_photograph_is_found_by_the_archive_s_checksum(photos):
    flip_a_bit(photos / "tiny.npz", (photos / "tiny.npz").stat().st_size // 2)
    with pytest.raises(BenchError, match=r"damaged or cut short .*CRC"):
        verify("mpi3d_real", photos)


def test_a_missing_file_fails(tmp_path):
    for name in releases.RELEASES:
        with pytest.raises(BenchError, match="bench data get"):
            verify(name, tmp_path)


def test_a_rendered_copy_is_compared_with_its_hash(tmp_path):
    assert verify("rooms3d", tmp_path) == "not rendered yet"
    load_dataset("rooms3d", tmp_path)
    assert verify("rooms3d", tmp_path) == "unchanged since it was rendered"
    flip_a_bit(tmp_path / "rendered" / "rooms3d.npy", -1)
    with pytest.raises(BenchError, match=r"rooms3d\.npy has changed"):
        verify("rooms3d", tmp_path)


def test_a_rendered_copy_is_removed_and_made_again(tmp_path):
    load_dataset("rooms3d", tmp_path)
    assert remove("rooms3d", tmp_path) > 9_000_000
    assert list((tmp_path / "rendered").iterdir()) == []
    assert remove("rooms3d", tmp_path) == 0


def test_a_genuine_file_is_removed_with_its_copy(shapes):
    assert remove("shapes3d", shapes) > 0
    assert list(shapes.iterdir()) == []


def test_an_added_set_is_removed_even_where_its_record_is_damaged(tmp_path):
    home = tmp_path / "added" / "mine"
    home.mkdir(parents=True)
    (home / "dataset.json").write_text("[]")
    assert added.list_names(tmp_path) == ["mine"]
    assert remove("mine", tmp_path) == 2
    assert not home.exists()
    with pytest.raises(BenchError, match="unknown data set 'mine'"):
        remove("mine", tmp_path)
