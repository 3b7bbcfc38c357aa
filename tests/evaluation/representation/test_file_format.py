import fcntl
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from disentanglement_bench.evaluation.representation import (
    Representation,
    RepresentationError,
    Shared,
    read_representation,
    write_representation,
)


@pytest.fixture
def arrays(stream):
    return {
        "codes": stream.normal(size=(12, 3)),
        "factors": stream.integers(0, 4, size=(12, 2)),
        "n_train": 8,
        "log_variances": stream.normal(size=(12, 3)),
        "index": np.arange(12) * 2**33,
        "factor_names": ["shape", "größe"],
        "factor_sizes": [4, 5],
        "dataset": "sprites-small",
        "attributes": {"beta": 4.0, "model": "vae", "seed": 3, "ok": True, "betas": [1, 2]},
    }


@pytest.mark.parametrize("name", ["a.h5", "a.hdf5", "a.npz", "A.NPZ"])
def test_round_trip(tmp_path, arrays, name):
    path = tmp_path / name
    write_representation(path, **arrays)
    found = read_representation(path)
    assert found.path == path
    assert found.codes.dtype == found.log_variances.dtype == np.float32
    assert found.factors.dtype == np.int32
    np.testing.assert_array_equal(found.codes, arrays["codes"].astype(np.float32))
    np.testing.assert_array_equal(found.factors, arrays["factors"])
    np.testing.assert_array_equal(found.index, arrays["index"])
    assert found.n_train == 8
    assert found.factor_names == ("shape", "größe")
    assert found.factor_sizes == (4, 5)
    assert found.dataset == "sprites-small"
    assert found.attributes == {**arrays["attributes"], "betas": "[1, 2]"}
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_defaults(tmp_path, name):
    write_representation(tmp_path / name, [[0.0]] * 9, [[0], [2], [1]] * 3)
    found = read_representation(tmp_path / name)
    assert found.n_train == 6
    assert found.factor_names == ("factor_0",)
    assert found.factor_sizes == (3,)
    assert found.log_variances is found.index is None
    assert (found.dataset, found.attributes) == ("", {})


def test_the_same_arrays_give_the_same_file(tmp_path, arrays):
    for name in ("a.h5", "b.h5"):
        write_representation(tmp_path / name, **arrays)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_what_others_write(tmp_path):
    """Half precision, big-endian numbers, whole floats, bytes as text, no attributes at all."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["codes"] = np.arange(6, dtype=np.float16).reshape(6, 1)
        file["factors"] = np.arange(6, dtype=">f8").reshape(6, 1)
        file.attrs["dataset"] = np.bytes_("mine")
        file.attrs["n_train"] = np.array([4])
    with pytest.raises(
        RepresentationError, match=r"n_train must be a whole number in 1 … 6, not \[4\]"
    ):
        read_representation(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["n_train"] = 4
    found = read_representation(tmp_path / "a.h5")
    assert found.codes.dtype == np.float32
    assert found.factors.ravel().tolist() == list(range(6))
    assert found.dataset == "mine"
    np.savez(tmp_path / "b.npz", codes=np.arange(3)[:, None], factors=np.eye(3, dtype=bool))
    assert read_representation(tmp_path / "b.npz").codes.dtype == np.float64


def test_locks_are_not_asked_for(tmp_path, arrays):
    path = tmp_path / "a.h5"
    write_representation(path, **arrays)
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="lock"):
            h5py.File(path, "r", locking=True)
        assert read_representation(path).n_train == 8


BROKEN = [
    ({"codes": np.zeros(5)}, r"codes must be a non-empty array of shape \(rows, columns\)"),
    ({"codes": np.zeros((0, 2))}, "codes must be a non-empty array"),
    ({"codes": np.array([["a"]])}, "codes must hold real numbers, not <U1"),
    ({"codes": np.array([[1j]])}, "codes must hold real numbers, not complex128"),
    ({"codes": np.array([[None]])}, "codes must hold real numbers, not object"),
    ({"codes": np.array([[0.0], [np.nan]])}, "finite, but row 1, column 0 is nan"),
    ({"codes": np.array([[np.inf], [0.0]])}, "finite, but row 0, column 0 is inf"),
    ({"factors": [[0], [-1]]}, r"factors must lie in 0 … \d+, but one is -1"),
    ({"factors": [[0], [2**40]]}, r"factors must lie in 0 … \d+, but one is 1099511627776"),
    ({"factors": [["a"], ["b"]]}, "factors must hold numbers, not <U1"),
    ({"factors": [[0.0], [np.nan]]}, "factors must be finite, but row 1, column 0 is nan"),
    ({"factors": [[np.inf], [0.5]]}, "factors must be finite, but row 0, column 0 is inf"),
    ({"factors": [[0.5, -1], [0.1, 0]]}, r"factors must lie in 0 … \d+, but one is -1"),
    (
        {"factors": [[0.5], [1.0]], "factor_kinds": ["ordinal"]},
        "column 0 of factors is ordinal by factor_kinds, so it must hold classes from 0, but one "
        "is 0.5",
    ),
    ({"factor_kinds": ["round"]}, r"must be nominal, .*, continuous or empty, not \['round'\]"),
    ({"factors": [[0], [1], [2]]}, "codes have 2 rows but factors 3"),
    ({"log_variances": [[0.0]]}, r"shape of codes, \(2, 1\), not \(1, 1\)"),
    ({"log_variances": [[0.0], [np.nan]]}, "log_variances must be finite"),
    ({"index": [1]}, "codes have 2 rows but index 1"),
    ({"index": [[1], [2]]}, r"index must be a non-empty array of shape \(rows,\)"),
    ({"n_train": 0}, "n_train must be a whole number in 1 … 2, not 0"),
    ({"n_train": 3}, "n_train must be a whole number in 1 … 2, not 3"),
    ({"n_train": 1.5}, "n_train must be a whole number in 1 … 2, not 1.5"),
    ({"n_train": True}, "n_train must be a whole number"),
    ({"factor_names": ["a", "b"]}, "factor_names must be 1 different names"),
    ({"factor_sizes": [2, 2]}, "factor_sizes must be 1 whole numbers"),
    ({"factor_sizes": ["x"]}, "factor_sizes must be whole numbers"),
    (
        {"factor_sizes": [1]},
        "factor 'factor_0' has 1 classes by factor_sizes, but a row has class 1",
    ),
]


@pytest.mark.parametrize(("changes", "message"), BROKEN)
def test_arrays_that_break_the_format(changes, message):
    arrays = {"codes": [[0.0], [1.0]], "factors": [[0], [1]], **changes}
    with pytest.raises(RepresentationError, match=message) as caught:
        Representation(**arrays)
    assert "\n" not in str(caught.value)


def test_writing_refuses(tmp_path, arrays):
    with pytest.raises(RepresentationError, match=r"ends in \.h5, \.hdf5, \.npz"):
        write_representation(tmp_path / "a.csv", **arrays)
    with pytest.raises(RepresentationError, match="attribute 'codes' is a name of the format"):
        write_representation(tmp_path / "a.h5", **{**arrays, "attributes": {"codes": 1}})
    with pytest.raises(RepresentationError, match="attribute 'f' cannot be stored"):
        write_representation(tmp_path / "a.h5", **{**arrays, "attributes": {"f": print}})
    with pytest.raises(RepresentationError, match="codes must fit float32"):
        write_representation(tmp_path / "a.h5", **{**arrays, "codes": arrays["codes"] * 1e300})
    assert os.listdir(tmp_path) == []


def test_a_float_class_beyond_int32_does_not_become_negative():
    for dtype in ("f4", "f8"):
        factors = np.array([[0], [2147483648]], dtype)
        with pytest.raises(RepresentationError, match="but one is 2147483648"):
            Representation([[0.0], [1.0]], factors)


@pytest.mark.parametrize("ending", ["h5", "npz"])
def test_any_name_can_be_an_attribute(tmp_path, ending):
    names = ("file", "args", "kwds", "self", "mig", "naïve name", "x.npy", "a/b")
    attributes = {name: f"value of {name}" for name in names}
    path = tmp_path / f"a.{ending}"
    write_representation(path, [[0.0], [1.0]], [[0], [1]], attributes=attributes)
    assert read_representation(path).attributes == attributes


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_shared_images_and_kinds(tmp_path, arrays, stream, name):
    shared = Shared(stream.normal(size=(5, 3)), [9, 2, 4, 1, 0], stream.normal(size=(5, 3)))
    kinds = ["nominal", ""]
    write_representation(tmp_path / name, **arrays, shared=shared, factor_kinds=kinds)
    found = read_representation(tmp_path / name)
    assert found.factor_kinds == ("nominal", "")
    assert found.factors.dtype == np.int32
    assert found.shared.index.tolist() == [9, 2, 4, 1, 0]
    assert found.shared.codes.dtype == found.shared.log_variances.dtype == np.float32
    np.testing.assert_array_equal(found.shared.codes, shared.codes.astype("f4"))
    np.testing.assert_array_equal(found.shared.log_variances, shared.log_variances.astype("f4"))
    write_representation(tmp_path / name, **arrays, shared=Shared([[0.0, 1.0, 2.0]], [3]))
    assert read_representation(tmp_path / name).shared.log_variances is None


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_continuous_factors(tmp_path, name):
    """A value that is not whole makes a factor continuous, and so does its kind."""
    factors = np.array([[0, 0.25, -3], [1, 7, 2**40], [2, -1, 5]])
    kinds = ["ordinal", "", "continuous"]
    write_representation(tmp_path / name, [[0.0]] * 3, factors, factor_kinds=kinds)
    found = read_representation(tmp_path / name)
    assert found.factors.dtype == np.float64
    np.testing.assert_array_equal(found.factors, factors)
    assert found.factor_kinds == ("ordinal", "continuous", "continuous")
    assert found.factor_sizes == (3, 0, 0)


def test_a_size_of_a_continuous_factor_says_nothing():
    found = Representation([[0.0]] * 2, [[0.5, 1], [1.5, 0]], factor_sizes=[10, 2])
    assert found.factor_sizes == (0, 2)


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_version_1_is_read_as_before(tmp_path, name):
    """There, the names that version 2 added were attributes like any other."""
    codes, factors = [[0.0], [1.0]], [[0], [1]]
    more = {"factor_kinds": "my own", "format_version": 1}
    if name == "a.npz":
        more["shared_codes"] = [1.5, 2.5]
        np.savez(tmp_path / name, codes=codes, factors=factors, **more)
    else:
        with h5py.File(tmp_path / name, "w") as file:
            file["codes"], file["factors"] = codes, factors
            file["shared"] = np.zeros(3)
            file.attrs.update(more)
    found = read_representation(tmp_path / name)
    assert found.shared is None
    assert found.factor_kinds == ("",)
    assert found.attributes.pop("factor_kinds") == "my own"
    assert found.attributes == ({"shared_codes": [1.5, 2.5]} if name == "a.npz" else {})


def test_files_of_version_0_1_0_are_read():
    folder = Path(__file__).parents[2] / "data/results-0.1.0"
    for path in sorted(folder.rglob("representation.h5")):
        found = read_representation(path)
        assert found.shared is None
        assert found.factor_kinds == ("",) * found.factors.shape[1]
        assert found.factors.dtype == np.int32
