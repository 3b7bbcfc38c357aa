import fcntl
import os

import h5py
import numpy as np
import pytest

from disentanglement_bench.evaluation.representation.file_format import (
    Representation,
    RepresentationError,
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
    ({"factors": [[0.5], [1.0]]}, "factors must be whole numbers from 0, but one is 0.5"),
    ({"factors": [[np.nan], [1.0]]}, "factors must be whole numbers from 0, but one is nan"),
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
