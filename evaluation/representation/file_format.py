"""The interchange format for representations: write, read, validate."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..files import replacing
from ..naming import one_line
from .array_checks import RepresentationError, float32
from .representation import Representation, Shared

FORMAT_VERSION = 2
SUFFIXES = (".h5", ".hdf5", ".npz")
ARRAYS = ("codes", "factors", "log_variances", "index")
SHARED = ("shared_codes", "shared_log_variances", "shared_index")
HEADER = (
    "n_train",
    "factor_names",
    "factor_sizes",
    "factor_kinds",
    "dataset",
    "format_version",
)


def _attribute(name, value):
    """Turn a free-form attribute into what HDF5 and JSON can hold."""
    if name in (*HEADER, *ARRAYS, *SHARED):
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
        Classes from 0, stored as int32; as float64 where a factor is continuous.
    attributes : dict, optional
        Free-form; values that are not text or numbers are stored as JSON text.
    **described
        `n_train`, `log_variances`, `index`, `factor_names`, `factor_sizes`, `factor_kinds`,
        `shared` and `dataset`, each optional and as `Representation` has them.

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
    arrays = {**_posterior(checked), "factors": checked.factors}
    if checked.shared is not None:
        arrays |= _posterior(checked.shared, "shared_")
    attributes = {str(k): _attribute(str(k), v) for k, v in (attributes or {}).items()}
    header = {
        "n_train": checked.n_train,
        "factor_names": list(checked.factor_names),
        "factor_sizes": np.asarray(checked.factor_sizes, dtype=np.int64),
        **({"factor_kinds": list(checked.factor_kinds)} if any(checked.factor_kinds) else {}),
        "dataset": checked.dataset,
        "format_version": FORMAT_VERSION,
    }
    with replacing(path) as temporary:
        if path.suffix.lower() == ".npz":
            _write_npz(temporary, {**arrays, **header, **attributes})
        else:
            _write_hdf5(temporary, arrays, {**header, **attributes})


def _posterior(source, prefix=""):
    """Codes and what stands beside them, as they are stored."""
    arrays = {f"{prefix}codes": float32(f"{prefix}codes", source.codes)}
    if source.log_variances is not None:
        name = f"{prefix}log_variances"
        arrays[name] = float32(name, source.log_variances)
    if source.index is not None:
        arrays[f"{prefix}index"] = source.index
    return arrays


def _write_npz(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(value), allow_pickle=False)


def _write_hdf5(path, arrays, attributes):
    import h5py

    from .containers import hdf5_place

    with h5py.File(path, "w", locking=False) as file:
        for name, array in arrays.items():
            file.create_dataset(hdf5_place(name), data=array)
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
        arrays, attributes = reader(path, _names)
        missing = [name for name in ("codes", "factors") if name not in arrays]
        if missing:
            raise RepresentationError(f"holds no array named {' and none named '.join(missing)}")
        version = attributes.pop("format_version", FORMAT_VERSION)
        if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
            raise RepresentationError(
                f"format_version {one_line(repr(version), 40)} is not known here "
                f"(newest {FORMAT_VERSION})"
            )
        known = [name for name in HEADER if version > 1 or name != "factor_kinds"]
        header = {name: attributes.pop(name) for name in known if name in attributes}
        shared = _shared({name: arrays.pop(name) for name in SHARED if name in arrays})
        return Representation(**arrays, **header, shared=shared, attributes=attributes, path=path)
    except RepresentationError as error:
        raise RepresentationError(f"{path}: {error}") from None
    except MemoryError:
        raise RepresentationError(f"{path}: does not fit into memory") from None


def _names(version):
    """Arrays of a version of the format; what states none is of the newest."""
    return ARRAYS if version == 1 else (*ARRAYS, *SHARED)


def _shared(arrays):
    """The shared images of a file, or None."""
    if not arrays:
        return None
    for name in ("shared_codes", "shared_index"):
        if name not in arrays:
            raise RepresentationError(f"holds {next(iter(arrays))} but no {name}")
    return Shared(**{name.removeprefix("shared_"): array for name, array in arrays.items()})
