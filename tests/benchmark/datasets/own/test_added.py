import hashlib
import os

import h5py
import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files.mapped import MappedArray
from disentanglement_bench.benchmark.datasets.own import added
from disentanglement_bench.benchmark.errors import BenchError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
LABELS = np.array([[0, 1], [1, 0], [0, 2], [1, 1], [0, 0], [1, 2]])


def write(path, layout=None, **arrays):
    arrays = {"images": IMAGES, "factor_sizes": np.array([2, 3])} | arrays
    arrays = {key: value for key, value in arrays.items() if value is not None}
    if path.suffix == ".npz":
        np.savez_compressed(path, **arrays)
    else:
        with h5py.File(path, "w") as archive:
            for key, value in arrays.items():
                if layout == "attributes" and key != "images":
                    archive.attrs[key] = value
                else:
                    archive[key] = value
    return path


@pytest.mark.parametrize("ending", [".npz", ".h5", ".hdf5"])
def test_a_full_grid(tmp_path, ending):
    names = np.array(["size", "hue"])
    names = names if ending == ".npz" else names.astype("S")
    path = write(tmp_path / f"mine{ending}", factor_names=names)
    folder = tmp_path / "data"
    home = added.add("mine", path, folder)
    loaded = added.load("mine", folder)
    assert loaded.factor_names == ("size", "hue")
    assert loaded.factor_sizes == (2, 3)
    assert isinstance(loaded.source.array, MappedArray)
    np.testing.assert_array_equal(loaded.source.images(range(6)), IMAGES)
    assert loaded.factors([4]).tolist() == [[1, 1]]
    assert loaded.identity["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.identity["file"] == path.name
    assert added.names(folder) == ["mine"]
    assert sorted(p.name for p in home.iterdir()) == [
        "dataset.json",
        "images.npy",
        "images.npy.json",
    ]
    assert [p.name for p in home.parent.iterdir()] == ["mine"]


def test_sizes_and_names_may_be_hdf5_attributes(tmp_path):
    path = write(tmp_path / "mine.h5", "attributes", factor_names=["size", "hue"])
    added.add("mine", path, tmp_path)
    loaded = added.load("mine", tmp_path)
    assert (loaded.factor_names, loaded.factor_sizes) == (("size", "hue"), (2, 3))


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_labels_instead_of_a_grid(tmp_path, ending):
    path = write(tmp_path / f"mine{ending}", factor_sizes=None, factors=LABELS)
    added.add("mine", path, tmp_path)
    loaded = added.load("mine", tmp_path)
    assert loaded.factor_names == ("factor_0", "factor_1")
    assert loaded.factor_sizes == (2, 3)
    np.testing.assert_array_equal(loaded.factors(range(6)), LABELS)


def test_labels_may_leave_classes_out(tmp_path):
    path = write(tmp_path / "mine.npz", factor_sizes=np.array([5, 4]), factors=LABELS)
    added.add("mine", path, tmp_path)
    assert added.load("mine", tmp_path).factor_sizes == (5, 4)


def test_grey_images_get_a_channel(tmp_path):
    added.add("mine", write(tmp_path / "mine.npz", images=IMAGES[..., 0]), tmp_path)
    assert added.load("mine", tmp_path).image_shape == (16, 16, 1)


BAD = [
    ({"images": None}, "no array 'images'"),
    ({"images": IMAGES.astype(float)}, "expected images in .* to be uint8, got float64"),
    ({"images": IMAGES[:, :12, :12]}, r"power of two from 8.*got \(6, 12, 12, 3\)"),
    ({"images": IMAGES[:, :8]}, r"H = W a power of two.*got \(6, 8, 16, 3\)"),
    ({"images": IMAGES[:, :4, :4]}, "from 8"),
    ({"images": IMAGES[..., :2]}, "C 1 or 3"),
    ({"images": IMAGES // 255}, "from 0 to 255, but the largest is 1; multiply the images by 255"),
    ({"factor_sizes": None}, r"expected factor_sizes \(a full grid\) or factors \(N, K\)"),
    ({"factor_sizes": np.array([2, 2])}, r"factor_sizes \(2, 2\) make 4 images, got 6"),
    ({"factor_sizes": np.array([6, 1])}, "whole numbers from 2, one a factor, got .6, 1."),
    ({"factor_sizes": np.array([2.0, 3.0])}, "whole numbers from 2"),
    ({"factor_names": np.array(["a"])}, "expected 2 different factor_names, got a"),
    ({"factor_names": np.array(["a", "a"])}, "expected 2 different factor_names, got a, a"),
    ({"factors": LABELS[:5]}, r"whole numbers of shape \(6, K\), got int64 of shape \(5, 2\)"),
    ({"factors": LABELS.astype(float)}, "whole numbers of shape .* got float64"),
    ({"factors": LABELS - 1}, "classes in factors that start at 0"),
    ({"factors": LABELS * [0, 1]}, "column 0 of factors is constant; leave it out"),
    ({"factors": LABELS, "factor_sizes": np.array([2, 2])}, "do not fit factor_sizes"),
]


@pytest.mark.parametrize("ending", [".npz", ".h5"])
@pytest.mark.parametrize(("arrays", "message"), BAD)
def test_a_file_in_another_layout_is_refused(tmp_path, ending, arrays, message):
    if ending == ".h5" and "factor_names" in arrays:
        arrays = {"factor_names": arrays["factor_names"].astype("S")}
    path = write(tmp_path / f"mine{ending}", **arrays)
    with pytest.raises(BenchError, match=message) as caught:
        added.add("mine", path, tmp_path / "data")
    assert "\n" not in str(caught.value)
    assert added.names(tmp_path / "data") == []
    assert list((tmp_path / "data" / "added").iterdir()) == []


def test_pickled_names_are_refused_unread(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "unpickled"),)

    path = tmp_path / "mine.npz"
    np.savez(path, images=IMAGES, factor_sizes=[2, 3], factor_names=np.array([Trap()], object))
    with pytest.raises(BenchError, match=r"'factor_names' in .* is pickled"):
        added.add("mine", path, tmp_path)
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "a b", "a:b", "x" * 65])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(BenchError, match="letters, digits"):
        added.add(name, write(tmp_path / "mine.npz"), tmp_path)


@pytest.mark.parametrize("name", ["dsprites", "Sprites", "ROOMS3D"])
def test_no_built_in_name_is_shadowed(tmp_path, name):
    with pytest.raises(BenchError, match="built-in"):
        added.add(name, write(tmp_path / "mine.npz"), tmp_path)


@pytest.mark.parametrize("name", ["mine", "Mine"])
def test_a_name_is_given_once(tmp_path, name):
    path = write(tmp_path / "mine.npz")
    added.add("mine", path, tmp_path)
    with pytest.raises(BenchError, match="'mine' has been added already"):
        added.add(name, path, tmp_path)


def test_another_ending_is_refused(tmp_path):
    (tmp_path / "mine.png").write_bytes(b"x")
    with pytest.raises(BenchError, match=r"ending in \.npz, \.h5 or \.hdf5, got mine\.png"):
        added.add("mine", tmp_path / "mine.png", tmp_path)


def test_changed_images_are_not_loaded(tmp_path):
    added.add("mine", write(tmp_path / "mine.npz"), tmp_path)
    images = tmp_path / "added" / "mine" / "images.npy"
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(BenchError, match="has changed since it was added"):
        added.load("mine", tmp_path)


def test_verification_sees_a_change_that_keeps_size_and_time(tmp_path):
    added.add("mine", write(tmp_path / "mine.npz"), tmp_path)
    added.verify("mine", tmp_path)
    images = tmp_path / "added" / "mine" / "images.npy"
    before = images.stat()
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    os.utime(images, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(BenchError, match="has changed: expected sha256"):
        added.verify("mine", tmp_path)


def test_a_damaged_record_is_one_clear_line(tmp_path):
    home = added.add("mine", write(tmp_path / "mine.npz"), tmp_path)
    (home / "dataset.json").write_text("{}")
    with pytest.raises(BenchError, match=r"expected format_version 1 .* got None"):
        added.load("mine", tmp_path)
