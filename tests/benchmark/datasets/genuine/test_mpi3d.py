import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files import arrays
from disentanglement_bench.benchmark.datasets.genuine import mpi3d
from disentanglement_bench.benchmark.datasets.genuine.releases import RELEASES, Release
from disentanglement_bench.benchmark.errors import BenchError

SIZES = (3, 2, 2, 4, 4)
RELEASE = Release("mpi3d_real", "tiny.npz", "http://example.invalid", refused=("real.npz",))


@pytest.fixture
def images(photographs):
    return photographs(SIZES)


@pytest.fixture(autouse=True)
def five_factors(monkeypatch):
    """The tiny files have two factors fewer than MPI3D."""
    from dataclasses import replace

    known = mpi3d.BUILT_IN["mpi3d_real"]
    short = replace(known, factor_names=known.factor_names[2:], factor_kinds=known.factor_kinds[2:])
    monkeypatch.setitem(mpi3d.BUILT_IN, "mpi3d_real", short)


def test_a_stored_file_is_mapped_in_place(tmp_path, images):
    np.savez(tmp_path / "tiny.npz", images=images)
    loaded = mpi3d.load(tmp_path, RELEASE, SIZES)
    assert loaded.source.array._file.name == str(tmp_path / "tiny.npz")
    np.testing.assert_array_equal(loaded.source.array, images)
    assert not (tmp_path / "tiny.npy").exists()
    assert loaded.factors([len(images) - 1]).tolist() == [[2, 1, 1, 3, 3]]


def test_a_compressed_file_is_unpacked_once(tmp_path, images, monkeypatch):
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 50 * 64 * 64 * 3)
    np.savez_compressed(tmp_path / "tiny.npz", images=images)
    steps = []
    first = mpi3d.load(tmp_path, RELEASE, SIZES, lambda *step: steps.append(step))
    assert steps == [(50, 192), (100, 192), (150, 192), (192, 192)]
    again = mpi3d.load(tmp_path, RELEASE, SIZES, lambda *step: steps.append(step))
    assert len(steps) == 4
    np.testing.assert_array_equal(again.source.array, images)
    assert again.identity == first.identity


def test_the_hash_of_any_passing_file_is_recorded(tmp_path, images):
    np.savez(tmp_path / "tiny.npz", images=images)
    identity = mpi3d.load(tmp_path, RELEASE, SIZES).identity
    assert len(identity["sha256"]) == 64
    assert identity["is_original_release"] is False
    original = Release("mpi3d_real", "tiny.npz", "", md5_of_original=identity["md5"])
    assert mpi3d.load(tmp_path, original, SIZES).identity["is_original_release"] is True


def test_scrambled_images_are_refused(images):
    rng = np.random.default_rng(0)
    mpi3d.check_content(images, SIZES, "good.npz")
    cases = {
        "neighbouring pixels": rng.permuted(images.reshape(192, -1), axis=1).reshape(images.shape),
        "one step of the arm": images[rng.permutation(192)],
        "black, or all are the same": np.zeros_like(images),
        "all are the same": np.broadcast_to(images[:1], images.shape),
    }
    for message, wrong in cases.items():
        with pytest.raises(BenchError, match=message):
            mpi3d.check_content(wrong, SIZES, "bad.npz")


def test_wrong_layout_is_one_clear_line(tmp_path, images):
    cases = [
        ({"pictures": images}, "no array 'images'; expected images, found pictures"),
        ({"images": images[:-1]}, r"\(192, 64, 64, 3\), got uint8 of shape \(191, 64, 64, 3\)"),
        ({"images": images.astype(np.int16)}, "got int16"),
        ({"images": np.asfortranarray(images)}, "stored column by column"),
    ]
    for content, message in cases:
        np.savez(tmp_path / "tiny.npz", **content)
        with pytest.raises(BenchError, match=message):
            mpi3d.load(tmp_path, RELEASE, SIZES)


def test_a_file_cut_short_is_reported(tmp_path, images):
    path = tmp_path / "tiny.npz"
    np.savez(path, images=images)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BenchError, match="damaged or cut short"):
        mpi3d.load(tmp_path, RELEASE, SIZES)


def test_the_corrupted_release_is_not_taken_for_the_data_set(tmp_path, images):
    np.savez(tmp_path / "real.npz", images=images)
    with pytest.raises(BenchError, match=r"real\.npz there is a corrupted release"):
        mpi3d.load(tmp_path)


def test_a_missing_file_says_that_there_is_no_stand_in(tmp_path):
    with pytest.raises(BenchError, match="no re-rendered form of it exists") as caught:
        mpi3d.load(tmp_path)
    assert RELEASES["mpi3d_real"].url in str(caught.value)
