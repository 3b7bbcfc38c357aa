"""Broken and hostile files: one clear line each, quickly."""

import io
import os
import pickle
import zipfile

import h5py
import numpy as np
import pytest

from disentanglement_bench.evaluation.representation import (
    RepresentationError,
    Shared,
    read_representation,
    write_representation,
)


@pytest.fixture
def good(tmp_path, stream):
    arrays = stream.normal(size=(300, 3)), stream.integers(0, 3, (300, 2))
    shared = Shared(arrays[0][:50], np.arange(50), arrays[0][50:100])
    for name in ("good.h5", "good.npz"):
        write_representation(
            tmp_path / name, *arrays, factor_kinds=["nominal", "ordinal"], shared=shared
        )
    np.savez_compressed(tmp_path / "packed.npz", codes=arrays[0], factors=arrays[1])
    return tmp_path


def refused(path, message):
    with pytest.raises(RepresentationError, match=message) as caught:
        read_representation(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def array_bytes(header, payload=b""):
    """An .npy member with a header of our own."""
    text = (header + " " * 20).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + payload


@pytest.mark.parametrize("name", ["good.h5", "good.npz", "packed.npz"])
def test_truncated_anywhere(good, name):
    content = (good / name).read_bytes()
    for length in range(0, len(content), max(1, len(content) // 40)):
        path = good / f"cut{(good / name).suffix}"
        path.write_bytes(content[:length])
        with pytest.raises(RepresentationError):
            read_representation(path)


@pytest.mark.parametrize("name", ["good.h5", "good.npz", "packed.npz"])
def test_flipped_bytes_never_give_a_traceback(good, stream, name):
    content = bytearray((good / name).read_bytes())
    refusals = 0
    for position in stream.integers(0, min(len(content), 4000), 100):
        changed = bytearray(content)
        changed[position] ^= 0xFF
        path = good / f"flipped{(good / name).suffix}"
        path.write_bytes(changed)
        try:
            read_representation(path)
        except RepresentationError:
            refusals += 1
    assert refusals > 0


def test_not_files_at_all(tmp_path):
    (tmp_path / "folder.h5").mkdir()
    refused(tmp_path / "folder.h5", "is a folder, not a representation file")
    refused(tmp_path / "none.h5", r"cannot be read \(No such file or directory\)")
    os.mkfifo(tmp_path / "pipe.npz")
    refused(tmp_path / "pipe.npz", "is not a regular file")
    (tmp_path / "text.h5").write_text("hello")
    refused(tmp_path / "text.h5", "is not a readable HDF5 file")
    (tmp_path / "text.npz").write_text("hello")
    refused(tmp_path / "text.npz", "is not a readable .npz file")
    (tmp_path / "a.csv").write_text("1,2")
    refused(tmp_path / "a.csv", "a representation ends in")


def test_missing_arrays(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["codes"] = np.zeros((2, 2))
    refused(tmp_path / "a.h5", "holds no array named factors")
    np.savez(tmp_path / "a.npz", other=np.zeros(2))
    refused(tmp_path / "a.npz", "holds no array named codes and none named factors")


def test_hdf5_that_declares_what_it_does_not_hold(tmp_path):
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("codes", shape=(10**12, 10), dtype="f4", chunks=(1000, 10))
        file["factors"] = np.zeros((2, 2), int)
    refused(tmp_path / "huge.h5", r"codes declares the shape \(1000000000000, 10\)")
    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file.create_dataset("codes", shape=(1000, 10), dtype="f4", chunks=(1000, 10))
        file["factors"] = np.zeros((1000, 2), int)
    refused(tmp_path / "empty.h5", "codes declares the shape .* but holds no data")
    with h5py.File(tmp_path / "chunk.h5", "w") as file:
        codes = file.create_dataset(
            "codes", (2, 2), "f4", chunks=(10**4, 10**4), maxshape=(None,) * 2
        )
        codes.id.write_direct_chunk((0, 0), b"\0")
        file["factors"] = np.zeros((2, 2), int)
    refused(tmp_path / "chunk.h5", r"codes is stored in chunks of shape \(10000, 10000\)")


def test_hdf5_oddities(tmp_path):
    def variant(name, make):
        with h5py.File(tmp_path / name, "w") as file:
            file["factors"] = np.zeros((2, 2), int)
            make(file)
        return tmp_path / name

    text = h5py.string_dtype()
    refused(
        variant("text.h5", lambda f: f.create_dataset("codes", data=["a", "b"], dtype=text)),
        "codes must hold numbers, not Python objects",
    )
    refused(
        variant("record.h5", lambda f: f.create_dataset("codes", (2,), dtype=[("a", "f4")])),
        "codes must hold numbers, not records",
    )
    refused(variant("group.h5", lambda f: f.create_group("codes")), "codes is a group")
    refused(variant("null.h5", lambda f: f.create_dataset("codes", data=h5py.Empty("f"))), "empty")

    def outside(file):
        file["codes"] = h5py.ExternalLink("/etc/passwd", "/codes")

    refused(variant("link.h5", outside), "codes is a link; store the array itself")

    def raw(file):
        file.create_dataset("codes", (2, 2), "f4", external=[("/etc/passwd", 0, 16)])

    refused(variant("raw.h5", raw), "codes lies in another file")

    def many(file):
        file["codes"] = np.zeros((2, 2))
        file.attrs["note"] = np.zeros(5000, dtype="i1")

    refused(variant("attribute.h5", many), "note is no array of the format, and too large")


def test_all_arrays_are_judged_before_any_is_read(tmp_path, monkeypatch):
    """Each is allowed by itself, packed into almost nothing; together they are not."""
    many = 2**22
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for label, columns in (("codes", 8), ("factors", 8), ("log_variances", 8)):
            file.create_dataset(
                label, (many, columns), "i1", chunks=(2**16, columns), compression="gzip"
            )[:8] = 1
    monkeypatch.setattr(h5py.Dataset, "__getitem__", None)
    refused(tmp_path / "a.h5", "the arrays would take more than 512 MiB of memory")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["codes"] = np.zeros((10, 2))
        file["factors"] = np.zeros((9, 2), int)
    refused(tmp_path / "b.h5", "codes have 10 rows but factors 9")


def test_attributes_are_measured_in_bytes(tmp_path):
    note = np.zeros(64, dtype="<U1000000")
    np.savez_compressed(tmp_path / "a.npz", codes=[[0.0]], factors=[[0]], note=note)
    assert (tmp_path / "a.npz").stat().st_size < 10**6
    refused(tmp_path / "a.npz", "note is no array of the format, and too large for an attribute")


def test_an_attribute_without_a_value_is_passed_over(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["codes"], file["factors"] = [[0.0], [1.0]], [[0], [1]]
        file.attrs["note"] = h5py.Empty("S10")
        file.attrs["dataset"] = h5py.Empty("f4")
    assert read_representation(tmp_path / "a.h5").attributes == {}


def test_undecodable_text_can_be_written_again(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["codes"], file["factors"] = [[0.0], [1.0]], [[0], [1]]
        file.attrs["note"] = np.bytes_(b"caf\xe9")
        file.attrs.create("other", b"caf\xe9", dtype=h5py.string_dtype())
    for value in read_representation(tmp_path / "a.h5").attributes.values():
        assert value.encode().startswith(b"caf")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"factor_names": 3}, "factor_names must be a list of 1 names, not 3"),
        ({"factor_names": "shape"}, "factor_names must be a list of 1 names"),
        ({"factor_names": ["a\nb"]}, "a name in factor_names must be a name without line breaks"),
        ({"factor_sizes": [2.5]}, "factor_sizes must be 1 whole numbers"),
        ({"factor_sizes": [2**40]}, "factor_sizes must be 1 whole numbers"),
        ({"factor_kinds": ["ordinal"] * 2}, "factor_kinds must be 1 kinds, one a factor, not"),
        ({"factor_kinds": "ordinal"}, "factor_kinds must be 1 kinds, one a factor, not 'ordinal'"),
        ({"factor_kinds": ["\x1b[31m"]}, "a kind in factor_kinds must be nominal, ordinal, per"),
        ({"factor_kinds": [3]}, "a kind in factor_kinds must be nominal, ordinal, periodic, cont"),
        ({"dataset": "a" * 5000}, "dataset has 5000 characters"),
        ({"dataset": [1, 2]}, "dataset must be text, not a list"),
        ({"n_train": [1, 2]}, r"n_train must be a whole number in 1 … 2, not \[1, 2\]"),
        ({"format_version": "x" * 5000}, "format_version 'x+…x+' is not known"),
    ],
)
@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_odd_headers(tmp_path, header, message, ending):
    path = tmp_path / f"a.{ending}"
    arrays = {"codes": [[0.0], [1.0]], "factors": [[0], [1]]}
    if ending == "npz":
        np.savez(path, **arrays, **header)
    else:
        with h5py.File(path, "w") as file:
            for key, value in arrays.items():
                file[key] = value
            for key, value in header.items():
                file.attrs[key] = value
    refused(path, message)


class Bomb:
    """Unpickling it leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("name", ["codes", "note"])
def test_pickles_are_never_loaded(tmp_path, name):
    mark = tmp_path / "exploded"
    arrays = {"codes": np.zeros((2, 1)), "factors": np.zeros((2, 1), int)}
    arrays[name] = np.array([[Bomb(mark)]], dtype=object)
    np.savez(tmp_path / "a.npz", **arrays)
    refused(tmp_path / "a.npz", "Python objects")
    assert not mark.exists()
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("codes.npy", pickle.dumps(Bomb(mark)))
    refused(tmp_path / "b.npz", "is not a readable .npz file")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000)}",
            "would take more than 512 MiB",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 10)}", "but 8 bytes are stored"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 10)}", "codes"),
        ("{'descr': '<f4', 'shape': (1, 2)}", "is not a readable .npz file"),
        ("__import__('os').system('false')", "is not a readable .npz file"),
    ],
)
def test_npz_headers(tmp_path, header, message):
    factors = io.BytesIO()
    np.save(factors, np.zeros((1, 1), int))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("codes.npy", array_bytes(header, b"\0" * 8))
        archive.writestr("factors.npy", factors.getvalue())
    refused(tmp_path / "a.npz", message)


def test_unknown_format_version(tmp_path):
    np.savez(tmp_path / "a.npz", codes=[[0.0]], factors=[[0]], format_version=3)
    refused(tmp_path / "a.npz", r"format_version 3 is not known here \(newest 2\)")


SHARED_BLOCKS = [
    ({"index": [0, 1, 2]}, "holds shared_index but no shared_codes"),
    ({"codes": np.zeros((3, 2))}, "holds shared_codes but no shared_index"),
    ({"codes": np.zeros((3, 2)), "index": [0, 1]}, "shared_codes have 3 rows but shared_index 2"),
    ({"codes": np.zeros((3, 1)), "index": [0, 1, 2]}, "must have as many codes as the others, 2"),
    ({"codes": [[0, np.nan]] * 3, "index": [0, 1, 2]}, "shared_codes must be finite"),
    ({"codes": np.zeros((3, 2)), "index": [0, 1, -2]}, "shared_index must lie in 0"),
    ({"codes": np.zeros(3), "index": [0, 1, 2]}, "shared_codes must be a non-empty array of 2"),
    ({"codes": np.array([["a", "b"]] * 3, "S1"), "index": [0, 1, 2]}, "must hold numbers"),
    (
        {"codes": np.zeros((3, 2)), "index": [0, 1, 2], "log_variances": np.zeros((3, 1))},
        r"shared_log_variances must have the shape of shared_codes, \(3, 2\), not \(3, 1\)",
    ),
]


@pytest.mark.parametrize(("block", "message"), SHARED_BLOCKS)
@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_shared_images_that_break_the_format(tmp_path, block, message, ending):
    path = tmp_path / f"a.{ending}"
    codes, factors = np.zeros((4, 2)), np.zeros((4, 1), int)
    if ending == "npz":
        named = {f"shared_{name}": array for name, array in block.items()}
        np.savez(path, codes=codes, factors=factors, **named)
    else:
        with h5py.File(path, "w") as file:
            file["codes"], file["factors"] = codes, factors
            for name, array in block.items():
                file[f"shared/{name}"] = array
    refused(path, message)


def test_hostile_groups_of_shared_images(tmp_path):
    def variant(name, make):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["codes"], file["factors"] = np.zeros((2, 2)), np.zeros((2, 2), int)
            make(file)
        return tmp_path / f"{name}.h5"

    def link(file):
        file["shared"] = h5py.ExternalLink("/etc/passwd", "/")

    refused(variant("link", link), "shared is a link; store the arrays themselves")

    def soft(file):
        file["shared"] = h5py.SoftLink("/")

    refused(variant("soft", soft), "shared is a link; store the arrays themselves")

    def member(file):
        file["shared/codes"] = h5py.ExternalLink("/etc/passwd", "/codes")

    refused(variant("member", member), "shared_codes is a link; store the array itself")

    def array(file):
        file["shared"] = np.zeros(3)

    refused(variant("array", array), "shared is no group; it should hold codes")

    def huge(file):
        file.create_dataset("shared/codes", shape=(10**12, 2), dtype="f4", chunks=(1000, 2))

    refused(variant("huge", huge), r"shared_codes declares the shape \(1000000000000, 2\)")

    def hollow(file):
        file.create_dataset("shared/codes", shape=(1000, 2), dtype="f4", chunks=(1000, 2))
        file["shared/index"] = np.arange(1000)

    refused(variant("hollow", hollow), "shared_codes declares the shape .* but holds no data")

    def outside(file):
        file.create_dataset("shared/codes", (2, 2), "f4", external=[("/etc/passwd", 0, 16)])

    refused(variant("outside", outside), "shared_codes lies in another file")


def test_all_blocks_are_judged_together(tmp_path, monkeypatch):
    many = 2**22
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for place, columns in (("codes", 6), ("factors", 6), ("shared/codes", 6)):
            file.create_dataset(
                place, (many, columns), "i1", chunks=(2**16, columns), compression="gzip"
            )[:8] = 1
    monkeypatch.setattr(h5py.Dataset, "__getitem__", None)
    refused(tmp_path / "a.h5", "the arrays would take more than 512 MiB of memory")
