import hashlib
import json
import os

import h5py
import numpy as np
import pytest

from disentanglement_bench.benchmark import datasets
from disentanglement_bench.benchmark.datasets import stored
from disentanglement_bench.benchmark.datasets.files import arrays
from disentanglement_bench.benchmark.datasets.files.mapped import MappedArray
from disentanglement_bench.benchmark.datasets.own import added
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.evaluation.guarding import GuardedFailure

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
LABELS = np.array([[0, 1], [1, 0], [0, 2], [1, 1], [0, 0], [1, 2]])


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    """Read files here, which is faster; test_reading.py reads them as `added.add` does."""

    def call(function, *arguments, report=None, memory=None):
        try:
            return function(*arguments, report=report or (lambda *_: None))
        except BenchError as error:
            raise GuardedFailure(str(error)) from error

    monkeypatch.setattr(added, "call_guarded", call)


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
    assert added.list_names(folder) == ["mine"]
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


@pytest.mark.parametrize(
    ("ending", "layout"), [(".npz", None), (".h5", None), (".h5", "attributes")]
)
def test_a_file_may_state_kinds(tmp_path, ending, layout):
    kinds = np.array(["ordinal", ""])
    kinds = kinds if ending == ".npz" else kinds.astype("S")
    added.add("mine", write(tmp_path / f"mine{ending}", layout, factor_kinds=kinds), tmp_path)
    assert added.load("mine", tmp_path).factor_kinds == ("ordinal", "")


def test_a_set_added_by_an_earlier_version_states_no_kinds(tmp_path):
    home = added.add("mine", write(tmp_path / "mine.npz"), tmp_path)
    record = json.loads((home / "dataset.json").read_text())
    del record["factor_kinds"]
    (home / "dataset.json").write_text(json.dumps(record))
    assert added.load("mine", tmp_path).factor_kinds == ("", "")


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
    ({"images": IMAGES.astype(float)}, "between 0 and 1; write .* images.astype.np.uint8."),
    ({"images": np.full((6, 8, 8), np.nan)}, "floating-point numbers must lie between 0 and 1"),
    ({"images": IMAGES.astype(int)}, "got int64; write images.astype.np.uint8."),
    ({"images": IMAGES + 1j}, "expected images to be uint8 .* got complex128"),
    (
        {"images": IMAGES[:, :12, :13]},
        r"of 12×13; .* pad them to 16×16: np.pad\(images, "
        r"\[\(0, 0\), \(2, 2\), \(1, 2\), \(0, 0\)\]\)",
    ),
    ({"images": IMAGES[:, :12, :12, 0]}, r"np.pad\(images, \[\(0, 0\), \(2, 2\), \(2, 2\)\]\)"),
    ({"images": np.zeros((6, 1, 28, 28))}, r"\[\(0, 0\), \(0, 0\), \(2, 2\), \(2, 2\)\]"),
    ({"images": IMAGES[:, :8]}, r"H = W to be a power of two.*got images of 8×16"),
    ({"images": IMAGES[:, :4, :4]}, "from 8"),
    ({"images": IMAGES[..., :2]}, "C 1 or 3"),
    ({"images": IMAGES[0, 0]}, r"shape .* got \(16, 3\)"),
    ({"images": IMAGES[0, 0, 0, 0]}, r"shape .* got \(\)"),
    ({"images": IMAGES[:0]}, "at least 2 images"),
    ({"images": IMAGES // 255}, "from 0 to 255, but the largest is 1; multiply the images by 255"),
    ({"factor_sizes": None}, r"expected factor_sizes \(a full grid\) or factors \(N, K\)"),
    ({"factor_sizes": np.array([2, 2])}, r"factor_sizes \(2, 2\) make 4 images, got 6"),
    ({"factor_sizes": np.array([6, 1])}, "whole numbers from 2, one a factor, got .6, 1."),
    ({"factor_sizes": np.array([2.0, 3.0])}, "whole numbers from 2"),
    ({"factor_names": np.array(["a"])}, "expected 2 different factor_names .*, got a$"),
    ({"factor_names": np.array(["a", "a"])}, "expected 2 different factor_names .*, got a, a"),
    ({"factors": LABELS[:5]}, r"whole numbers of shape \(6, K\), got int64 of shape \(5, 2\)"),
    ({"factors": LABELS.astype(float)}, "a data set has no continuous factors.*np.unique"),
    ({"factors": LABELS[:, :0]}, "expected 1 to 1000 factors, got 0"),
    ({"factors": LABELS[:, 0]}, r"got int64 of shape \(6,\)"),
    ({"factors": LABELS.astype("S")}, "whole numbers of shape .* got .S21"),
    ({"factors": np.array(3)}, r"got int64 of shape \(\)"),
    ({"factors": np.full((6, 1), 2**63, np.uint64)}, "classes in factors that start at 0"),
    ({"factor_sizes": np.array(6)}, "whole numbers from 2"),
    ({"factor_sizes": np.array([], int)}, "whole numbers from 2"),
    ({"factor_sizes": np.array([[2, 3]])}, "whole numbers from 2"),
    ({"factor_sizes": np.zeros((2, 2, 2), int)}, r"'factor_sizes' in .* has the shape \(2, 2, 2\)"),
    ({"factor_sizes": np.full(2000, 2)}, r"'factor_sizes' in .* has the shape \(2000,\)"),
    ({"factor_sizes": np.array([2**63 - 1, 3])}, "whole numbers from 2"),
    ({"factor_names": np.array("ab")}, "expected 2 different factor_names"),
    ({"factor_names": np.array([1, 2, 3])}, "expected 2 different factor_names"),
    ({"factor_names": np.array(["a" * 1000, "b"])}, "at most 100 characters"),
    ({"factor_names": np.array(["a", "b\x1b[31m"])}, "on one line, got a, b .31m"),
    ({"factor_names": np.array(["a", "b\nc"])}, "on one line, got a, b c"),
    ({"factor_kinds": np.array([b"ordinal"])}, "expected 2 factor_kinds, each nominal, ordinal, p"),
    ({"factor_kinds": np.array([b"\x1b", b"cubic"])}, "or empty, got .*cubic"),
    ({"factor_kinds": np.array([b"ordinal", b"continuous"])}, "periodic or empty, got"),
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
    assert added.list_names(tmp_path / "data") == []
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


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a/b", ".hidden", "-x", "a b", "a:b", "x" * 65, "a\n", "\x1b[31m", "x" * 10**6],
)
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(BenchError, match="letters, digits") as caught:
        added.add(name, write(tmp_path / "mine.npz"), tmp_path)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["dsprites", "Sprites", "ROOMS3D"])
def test_no_built_in_name_is_shadowed(tmp_path, name):
    with pytest.raises(BenchError, match="built-in"):
        added.add(name, write(tmp_path / "mine.npz"), tmp_path)


@pytest.mark.parametrize("name", ["mine", "Mine"])
def test_a_name_is_given_once(tmp_path, name):
    path = write(tmp_path / "mine.npz")
    added.add("mine", path, tmp_path)
    with pytest.raises(BenchError, match=r"'mine' has been added already.*bench data remove mine"):
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
    assert stored.verify("mine", tmp_path) == "unchanged since it was added"
    images = tmp_path / "added" / "mine" / "images.npy"
    before = images.stat()
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    os.utime(images, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(BenchError, match="has changed: expected sha256"):
        stored.verify("mine", tmp_path)


def test_a_damaged_record_is_one_clear_line(tmp_path):
    home = added.add("mine", write(tmp_path / "mine.npz"), tmp_path)
    good = json.loads((home / "dataset.json").read_text())
    for content in ({}, good | {"count": [1]}, good | {"format_version": "2"}, [1]):
        (home / "dataset.json").write_text(json.dumps(content))
        for call in (added.load, added.read_entry):
            with pytest.raises(BenchError, match=r"is damaged or from another version") as caught:
                call("mine", tmp_path)
            assert "bench data remove mine" in str(caught.value)
        assert not datasets.describe("mine", tmp_path).present
        assert datasets.count_images("mine", tmp_path) is None


def test_missing_classes_are_one_clear_line(tmp_path):
    path = write(tmp_path / "mine.npz", factor_sizes=None, factors=LABELS)
    home = added.add("mine", path, tmp_path)
    (home / "labels.npy").unlink()
    with pytest.raises(BenchError, match=r"labels\.npy.*bench data remove mine"):
        added.load("mine", tmp_path)


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_unambiguous_images_are_brought_to_bytes(tmp_path, ending):
    cases = {
        "first": (IMAGES.transpose(0, 3, 1, 2), IMAGES),
        "grey-first": (IMAGES[:, None, ..., 0], IMAGES[..., :1]),
        "float": ((IMAGES / 255).astype(np.float32), IMAGES),
        "double-first": (IMAGES.transpose(0, 3, 1, 2) / 255, IMAGES),
        "bool": (IMAGES > 99, (IMAGES > 99) * np.uint8(255)),
    }
    for name, (given, wanted) in cases.items():
        added.add(name, write(tmp_path / f"{name}{ending}", images=given), tmp_path)
        np.testing.assert_array_equal(added.load(name, tmp_path).images(range(6)), wanted)


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_what_is_too_large_to_be_classes_is_refused_unread(tmp_path, ending, monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST_ARRAY", 6 * 2 * 8 - 1)
    path = write(tmp_path / f"mine{ending}", factor_sizes=None, factors=LABELS)
    with pytest.raises(BenchError, match=r"'factors' .* takes more than 0 MiB: int64 of shape"):
        added.add("mine", path, tmp_path)


def test_a_folder_of_pictures_gets_advice(tmp_path):
    with pytest.raises(BenchError, match=r"is a folder; .*datasets\.md .*Pictures in folders"):
        added.add("mine", tmp_path, tmp_path / "data")
    with pytest.raises(BenchError, match="does not exist"):
        added.add("mine", tmp_path / "none.npz", tmp_path / "data")
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(BenchError, match="is not a regular file"):
        added.add("mine", tmp_path / "pipe.npz", tmp_path / "data")


def external(archive, path):
    path.with_suffix(".raw").write_bytes(IMAGES.tobytes())
    raw = [(str(path.with_suffix(".raw")), 0, IMAGES.nbytes)]
    archive.create_dataset("images", IMAGES.shape, np.uint8, external=raw)


def linked(archive, path):
    with h5py.File(path.with_suffix(".other"), "w") as other:
        other["images"] = IMAGES
    archive["images"] = h5py.ExternalLink(path.with_suffix(".other"), "images")


def soft(archive, path):
    archive["there"] = IMAGES
    archive["images"] = h5py.SoftLink("/there")


def dangling(archive, path):
    archive["images"] = h5py.SoftLink("/nowhere")


def virtual(archive, path):
    with h5py.File(path.with_suffix(".other"), "w") as other:
        other["images"] = IMAGES
    layout = h5py.VirtualLayout(IMAGES.shape, np.uint8)
    layout[...] = h5py.VirtualSource(path.with_suffix(".other"), "images", IMAGES.shape)
    archive.create_virtual_dataset("images", layout)


def group(archive, path):
    archive.create_group("images")


def empty(archive, path):
    archive["images"] = h5py.Empty(np.uint8)


def hollow(archive, path):
    archive.create_dataset("images", (10**9, 64, 64), np.uint8, chunks=(1, 64, 64))


def large_chunks(archive, path):
    archive.create_dataset("images", (10**6, 64, 64), np.uint8, chunks=(10**5, 64, 64))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (external, "lies in another file"),
        (linked, "is a link"),
        (soft, "is a link"),
        (dangling, "is a link"),
        (virtual, "lies in another file"),
        (group, "is a group"),
        (empty, "'images' in .* is empty"),
        (hollow, "holds nothing|unpacking needs|factor_sizes"),
        (large_chunks, "absurd chunks"),
    ],
)
def test_hdf5_that_points_elsewhere_or_is_hollow_is_refused(tmp_path, make, message):
    path = tmp_path / "mine.h5"
    with h5py.File(path, "w") as archive:
        archive["factor_sizes"] = np.array([2, 3])
        make(archive, path)
    with pytest.raises(BenchError, match=message) as caught:
        added.add("mine", path, tmp_path / "data")
    assert str(caught.value).isprintable()


def test_a_library_that_crashes_is_one_clear_line(tmp_path, monkeypatch):
    def crash(*arguments, **options):
        raise GuardedFailure("the process that read it was ended by SIGSEGV")

    monkeypatch.setattr(added, "call_guarded", crash)
    with pytest.raises(BenchError, match=r"mine: .*mine\.h5 cannot be read: .* by SIGSEGV"):
        added.add("mine", write(tmp_path / "mine.h5"), tmp_path / "data")
    assert list((tmp_path / "data" / "added").iterdir()) == []


def test_what_a_killed_addition_left_is_removed_when_it_is_old(tmp_path):
    left, fresh = tmp_path / "added" / ".old.x", tmp_path / "added" / ".new.x"
    for folder in (left, fresh):
        folder.mkdir(parents=True)
        (folder / "images.npy").write_bytes(b"half")
    for path in (left / "images.npy", left):
        os.utime(path, (1, 1))
    added.add("mine", write(tmp_path / "mine.npz"), tmp_path)
    assert sorted(p.name for p in (tmp_path / "added").iterdir()) == [".new.x", "mine"]
