"""The interchange format for representations: write, read, validate."""

import dataclasses
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..files import replacing
from ..naming import one_line
from .array_checks import (
    LARGEST_INT32,
    RepresentationError,
    check_name,
    classes,
    factor_labels,
    float32,
    real,
)

FORMAT_VERSION = 1
SUFFIXES = (".h5", ".hdf5", ".npz")
ARRAYS = ("codes", "factors", "log_variances", "index")
HEADER = ("n_train", "factor_names", "factor_sizes", "dataset", "format_version")


@dataclasses.dataclass(frozen=True, eq=False)
class Representation:
    """Codes of N observations beside the factors that made them, checked when it is made.

    Attributes
    ----------
    codes : ndarray of float32 or float64, shape (N, D)
        Posterior means, or any deterministic code; finite real numbers are taken.
    factors : ndarray of int32, shape (N, K)
        Ground-truth classes, counted from 0; whole numbers of any type are taken.
    n_train : int
        Rows 0 … n_train − 1 are the training part, the rest the test part; by default two thirds.
    log_variances : ndarray, shape (N, D), or None
        Natural logarithms of the posterior variances.
    index : ndarray of int64, shape (N,), or None
        Flat index of each observation in its data set.
    factor_names : tuple of str
        By default `factor_0`, `factor_1`, …
    factor_sizes : tuple of int
        Number of classes each factor can take; by default the largest class and one.
    dataset : str
    attributes : dict
        Free-form: str to number, text, truth value or list of them.
    path : Path or None
        Where it was read from.

    Raises
    ------
    RepresentationError
        With one line that says what was expected and what came.

    Examples
    --------
    >>> representation = Representation([[0.5], [1.5], [0.1]], [[0], [1], [0]])
    >>> representation.n_train, representation.factor_sizes
    (2, (2,))
    """

    codes: NDArray[Any]
    factors: NDArray[Any]
    n_train: int = None  # type: ignore[assignment]
    log_variances: NDArray[Any] | None = None
    index: NDArray[Any] | None = None
    factor_names: tuple[str, ...] = None  # type: ignore[assignment]
    factor_sizes: tuple[int, ...] = None  # type: ignore[assignment]
    dataset: str = ""
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    path: Path | None = None

    def __post_init__(self) -> None:
        codes = real("codes", self.codes)
        factors = classes("factors", self.factors, 2, LARGEST_INT32 - 1, np.int32)
        rows = len(codes)
        if len(factors) != rows:
            raise RepresentationError(f"codes have {rows} rows but factors {len(factors)}")
        log_variances, index, n_train = self.log_variances, self.index, self.n_train
        if log_variances is not None:
            log_variances = real("log_variances", log_variances)
            if log_variances.shape != codes.shape:
                raise RepresentationError(
                    f"log_variances must have the shape of codes, {codes.shape}, "
                    f"not {log_variances.shape}"
                )
        if index is not None:
            index = classes("index", index, 1, np.iinfo(np.int64).max, np.int64)
            if len(index) != rows:
                raise RepresentationError(f"codes have {rows} rows but index {len(index)}")
        if n_train is None:
            n_train = max(1, rows * 2 // 3)
        whole = isinstance(n_train, int | np.integer) and not isinstance(n_train, bool)
        if not whole or not 1 <= n_train <= rows:
            raise RepresentationError(
                f"n_train must be a whole number in 1 … {rows}, not {one_line(repr(n_train), 40)}"
            )
        names, sizes = factor_labels(factors, self.factor_names, self.factor_sizes)
        checked = {
            "codes": codes,
            "factors": factors,
            "n_train": int(n_train),
            "log_variances": log_variances,
            "index": index,
            "factor_names": names,
            "factor_sizes": sizes,
            "dataset": check_name(self.dataset, "dataset"),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)


def _attribute(name, value):
    """Turn a free-form attribute into what HDF5 and JSON can hold."""
    if name in HEADER or name in ARRAYS:
        raise RepresentationError(f"attribute {name!r} is a name of the format; choose another")
    if isinstance(value, str | bool | int | float | np.generic):
        return value
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        raise RepresentationError(f"attribute {name!r} cannot be stored: {value!r}") from None


def write_representation(
    path: str | os.PathLike[str],
    codes: ArrayLike,
    factors: ArrayLike,
    *,
    attributes: dict[str, Any] | None = None,
    **described: Any,
) -> None:
    """Validate a representation and write it atomically.

    Parameters
    ----------
    path : str or Path
        Ends in `.h5`, `.hdf5` or `.npz`.
    codes : array_like, shape (N, D)
        Posterior means; stored as float32.
    factors : array_like, shape (N, K)
        Classes from 0; stored as int32.
    attributes : dict, optional
        Free-form; values that are not text or numbers are stored as JSON text.
    **described
        `n_train`, `log_variances`, `index`, `factor_names`, `factor_sizes` and `dataset`, each
        optional and as `Representation` has them.

    Raises
    ------
    RepresentationError
        If the arrays break the format or `path` has another ending.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.npz"
    >>> write_representation(path, [[0.5], [1.5], [0.1]], [[0], [1], [0]], n_train=2)
    >>> read_representation(path).codes.shape
    (3, 1)
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise RepresentationError(f"{path}: a representation ends in {', '.join(SUFFIXES)}")
    checked = Representation(codes, factors, **described)  # type: ignore[arg-type]
    arrays = {"codes": float32("codes", checked.codes), "factors": checked.factors}
    if checked.log_variances is not None:
        arrays["log_variances"] = float32("log_variances", checked.log_variances)
    if checked.index is not None:
        arrays["index"] = checked.index
    attributes = {str(k): _attribute(str(k), v) for k, v in (attributes or {}).items()}
    header = {
        "n_train": checked.n_train,
        "factor_names": list(checked.factor_names),
        "factor_sizes": np.asarray(checked.factor_sizes, dtype=np.int64),
        "dataset": checked.dataset,
        "format_version": FORMAT_VERSION,
    }
    with replacing(path) as temporary:
        if path.suffix.lower() == ".npz":
            _write_npz(temporary, {**arrays, **header, **attributes})
        else:
            _write_hdf5(temporary, arrays, {**header, **attributes})


def _write_npz(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(value), allow_pickle=False)


def _write_hdf5(path, arrays, attributes):
    import h5py

    with h5py.File(path, "w", locking=False) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        for name, value in attributes.items():
            file.attrs[name] = value


def read_representation(path: str | os.PathLike[str]) -> Representation:
    """Read and validate a representation.

    Parameters
    ----------
    path : str or Path
        An `.h5`, `.hdf5` or `.npz` file of the format that docs/formats.md describes.

    Returns
    -------
    Representation
        Whose arrays are plain NumPy arrays; the file is closed again.

    Raises
    ------
    RepresentationError
        If it is missing, unreadable or breaks the format; one line that names the file.
    """
    from .containers import read_hdf5, read_npz

    path = Path(path)
    try:
        reader = {".npz": read_npz, ".h5": read_hdf5, ".hdf5": read_hdf5}.get(path.suffix.lower())
        if reader is None:
            raise RepresentationError(f"a representation ends in {', '.join(SUFFIXES)}")
        arrays, attributes = reader(path, ARRAYS)
        missing = [name for name in ("codes", "factors") if name not in arrays]
        if missing:
            raise RepresentationError(f"holds no array named {' and none named '.join(missing)}")
        header = {name: attributes.pop(name) for name in HEADER if name in attributes}
        version = header.pop("format_version", FORMAT_VERSION)
        if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
            raise RepresentationError(
                f"format_version {one_line(repr(version), 40)} is not known here "
                f"(newest {FORMAT_VERSION})"
            )
        return Representation(**arrays, **header, attributes=attributes, path=path)
    except RepresentationError as error:
        raise RepresentationError(f"{path}: {error}") from None
    except MemoryError:
        raise RepresentationError(f"{path}: does not fit into memory") from None
