import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files import copies, storage
from disentanglement_bench.benchmark.datasets.files.mapped import MappedArray
from disentanglement_bench.benchmark.datasets.genuine import shapes3d
from disentanglement_bench.benchmark.datasets.genuine.releases import RELEASES, Release
from disentanglement_bench.benchmark.errors import BenchError

VALUES = ((0.0, 0.1), (0.0, 0.1), (0.0, 0.1), (0.75, 1.25), (0.0, 1.0), (-30.0, 0.0, 30.0))
RELEASE = Release("shapes3d", "tiny.h5", "http://example.invalid/tiny.h5", stand_in="rooms3d")


def test_images_are_memory_mapped_from_a_copy(tmp_path, shapes3d_file):
    made = shapes3d_file(tmp_path / "tiny.h5", VALUES)
    steps = []
    loaded = shapes3d.load(tmp_path, RELEASE, VALUES, lambda *step: steps.append(step))
    assert isinstance(loaded.source.array, MappedArray)
    np.testing.assert_array_equal(loaded.source.images(range(len(loaded))), made.images)
    np.testing.assert_array_equal(loaded.factors(range(len(loaded))), made.labels)
    assert steps[-1] == (96, 96)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "tiny.h5",
        "tiny.h5.json",
        "tiny.npy",
        "tiny.npy.json",
    ]


def test_several_blocks_make_the_same_copy(tmp_path, shapes3d_file, monkeypatch):
    monkeypatch.setattr("disentanglement_bench.benchmark.datasets.files.arrays.BLOCK_BYTES", 1)
    made = shapes3d_file(tmp_path / "tiny.h5", VALUES)
    steps = []
    loaded = shapes3d.load(tmp_path, RELEASE, VALUES, lambda *step: steps.append(step))
    assert steps == [(32, 96), (64, 96), (96, 96)]
    np.testing.assert_array_equal(loaded.source.array, made.images)


def test_the_file_is_converted_only_once(tmp_path, shapes3d_file):
    shapes3d_file(tmp_path / "tiny.h5", VALUES)
    first = shapes3d.load(tmp_path, RELEASE, VALUES)
    before = (tmp_path / "tiny.npy").stat().st_mtime_ns
    steps = []
    again = shapes3d.load(tmp_path, RELEASE, VALUES, lambda *step: steps.append(step))
    assert steps == []
    assert (tmp_path / "tiny.npy").stat().st_mtime_ns == before
    assert again.identity == first.identity


def test_the_copy_is_enough(tmp_path, shapes3d_file):
    shapes3d_file(tmp_path / "tiny.h5", VALUES)
    first = shapes3d.load(tmp_path, RELEASE, VALUES)
    (tmp_path / "tiny.h5").unlink()
    again = shapes3d.load(tmp_path, RELEASE, VALUES)
    assert again.identity == first.identity
    assert again.identity["file"] == "tiny.h5"


def test_a_copy_of_another_file_is_made_again(tmp_path, shapes3d_file):
    shapes3d_file(tmp_path / "tiny.h5", VALUES)
    shapes3d.load(tmp_path, RELEASE, VALUES)
    (tmp_path / "tiny.h5").unlink()
    made = shapes3d_file(tmp_path / "tiny.h5", VALUES, images=np.full((96, 64, 64, 3), 9, "u1"))
    loaded = shapes3d.load(tmp_path, RELEASE, VALUES)
    np.testing.assert_array_equal(loaded.source.array, made.images)


def test_an_unfinished_copy_is_made_again(tmp_path, shapes3d_file):
    made = shapes3d_file(tmp_path / "tiny.h5", VALUES)
    shapes3d.load(tmp_path, RELEASE, VALUES)
    with (tmp_path / "tiny.npy").open("r+b") as stream:
        stream.truncate(5000)
    loaded = shapes3d.load(tmp_path, RELEASE, VALUES)
    np.testing.assert_array_equal(loaded.source.array, made.images)


def test_a_full_disk_is_seen_before_anything_is_written(tmp_path, shapes3d_file, monkeypatch):
    shapes3d_file(tmp_path / "tiny.h5", VALUES)

    class Usage:
        free = 1000

    monkeypatch.setattr(copies, "LARGEST_TEMPORARY", 1000)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(BenchError, match=r"unpacking needs 1\.18 MB .* 1 kB are free"):
        shapes3d.load(tmp_path, RELEASE, VALUES)
    assert not (tmp_path / "tiny.npy").exists()


def test_wrong_content_is_one_clear_line(tmp_path, shapes3d_file):
    made = shapes3d_file(tmp_path / "good.h5", VALUES)
    labels = np.stack([np.take(v, c) for v, c in zip(VALUES, made.labels.T, strict=True)], 1)
    cases = [
        ({"images": None}, "no array 'images'; expected images, labels, found labels"),
        ({"labels": None}, "no array 'labels'"),
        ({"images": made.images[:50]}, r"\(96, 64, 64, 3\), got uint8 of shape \(50, 64, 64, 3\)"),
        ({"images": made.images.astype("f4")}, "to be uint8 .* got float32"),
        ({"labels": made.labels}, "to be float64 .* got int64"),
        ({"labels": labels[::-1]}, r"labels of image 0 .* to be \[0\.0, .*\], got \[0\.1"),
    ]
    for number, (changes, message) in enumerate(cases):
        path = tmp_path / f"bad-{number}.h5"
        shapes3d_file(path, VALUES, **changes)
        with pytest.raises(BenchError, match=message) as caught:
            list(shapes3d.read(path, VALUES))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.999])
def test_a_file_cut_short_is_reported(tmp_path, shapes3d_file, keep):
    path = shapes3d_file(tmp_path / "tiny.h5", VALUES).path
    content = path.read_bytes()
    path.write_bytes(content[: keep if keep > 1 else int(keep * len(content))])
    with pytest.raises(BenchError, match="damaged or cut short"):
        list(shapes3d.read(path, VALUES))
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.h5"]


def test_a_damaged_chunk_is_reported_and_leaves_nothing(tmp_path, shapes3d_file):
    path = shapes3d_file(tmp_path / "tiny.h5", VALUES).path
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(BenchError, match="damaged or cut short"):
        list(shapes3d.read(path, VALUES))
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.h5"]


def test_a_wrong_size_is_told_without_hashing(tmp_path, shapes3d_file):
    shapes3d_file(tmp_path / "3dshapes.h5", VALUES)
    with pytest.raises(BenchError, match="expected 267573662 bytes, got"):
        shapes3d.load(tmp_path)
    assert not (tmp_path / "3dshapes.h5.json").exists()


def test_a_missing_file_names_the_alternative(tmp_path):
    with pytest.raises(BenchError, match="re-rendered `rooms3d`") as caught:
        shapes3d.load(tmp_path)
    assert RELEASES["shapes3d"].url in str(caught.value)
