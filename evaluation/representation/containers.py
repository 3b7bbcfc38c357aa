"""Get arrays and attributes out of HDF5 and NumPy files that may be broken or hostile.

What a file declares is judged as a whole before any of its arrays is read.
"""

import math
import os
import stat
import zipfile

import numpy as np

from ..naming import one_line
from .array_checks import RepresentationError, check_name

# More than this in all arrays of a file is a mistake or an attack, not a representation.
LARGEST_FILE_CONTENT = 2**29
LARGEST_ATTRIBUTE = 2**18
LONGEST_ATTRIBUTE = 4096
LARGEST_CHUNK = 2**26
MOST_ATTRIBUTES = 1000
_DIMENSIONS = {
    "codes": 2,
    "factors": 2,
    "log_variances": 2,
    "index": 1,
    "shared_codes": 2,
    "shared_log_variances": 2,
    "shared_index": 1,
}


def _require_file(path):
    """Refuse folders, pipes and devices, which would block or make no sense."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise RepresentationError(f"cannot be read ({error.strerror})") from None
    if stat.S_ISDIR(mode):
        raise RepresentationError("is a folder, not a representation file")
    if not stat.S_ISREG(mode):
        raise RepresentationError("is not a regular file")


def check_declared(declared):
    """Judge the arrays of a file by what they declare, before any of them is read.

    Parameters
    ----------
    declared : dict of str to (tuple of int, dtype)
        Shape and type of each array.

    Raises
    ------
    RepresentationError
        If one does not hold numbers, has other dimensions or another number of rows than the
        first of its block, or if together they are larger than `LARGEST_FILE_CONTENT` bytes once
        read.
    """
    total, blocks = 0, {}
    for label, (shape, dtype) in declared.items():
        if dtype.kind not in "fiub":
            kinds = {"O": "Python objects", "S": "text", "U": "text", "c": "complex numbers"}
            kind = kinds.get(dtype.kind, "records")
            raise RepresentationError(f"{label} must hold numbers, not {kind}")
        if len(shape) != _DIMENSIONS[label] or min(shape) < 1:
            raise RepresentationError(
                f"{label} must be a non-empty array of {_DIMENSIONS[label]} dimensions, "
                f"not of shape {_shape(shape)}"
            )
        total += math.prod(map(int, shape)) * max(8, dtype.itemsize)
        if total > LARGEST_FILE_CONTENT:
            raise RepresentationError(
                f"{label} declares the shape {_shape(shape)}: the arrays would take more than "
                f"{LARGEST_FILE_CONTENT >> 20} MiB of memory"
            )
        first, rows = blocks.setdefault(label.startswith("shared_"), (label, shape[0]))
        if shape[0] != rows:
            raise RepresentationError(f"{first} have {rows} rows but {label} {shape[0]}")


def _shape(shape):
    return one_line(tuple(int(length) for length in shape), 60)


def _check_attribute_size(label, shape, dtype):
    count = math.prod(map(int, shape))
    if count > LONGEST_ATTRIBUTE or count * dtype.itemsize > LARGEST_ATTRIBUTE:
        raise RepresentationError(
            f"{label} is no array of the format, and too large for an attribute: "
            f"shape {_shape(shape)}, {dtype.itemsize} bytes a value"
        )


def _attribute_value(value):
    """Turn an attribute into plain Python: text, number, truth value or list."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [_attribute_value(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, bool | int | float):
        return value
    return str(value).encode("utf-8", "replace").decode()


def hdf5_place(name):
    """Where an array lies in an HDF5 file: those of the shared images in a group of their own."""
    return name.replace("shared_", "shared/", 1)


def read_hdf5(path, names):
    """Read the named arrays and all root attributes of an HDF5 file.

    No lock is taken, so files on network file systems and files being read elsewhere open.

    Parameters
    ----------
    path : Path
    names : callable
        Called with the attribute `format_version`, None where there is none; gives the names of
        the arrays to read where present.

    Returns
    -------
    arrays : dict of str to ndarray
    attributes : dict

    Raises
    ------
    RepresentationError
        With one line; the caller adds the path.
    """
    import h5py

    _require_file(path)
    try:
        with h5py.File(path, "r", locking=False) as file:
            attributes = _hdf5_attributes(file)
            items = _hdf5_arrays(file, names(attributes.get("format_version")))
            check_declared({name: (item.shape, item.dtype) for name, item in items.items()})
            for label, item in items.items():
                _check_storage(label, item)
            return {name: item[()] for name, item in items.items()}, attributes
    except (RepresentationError, MemoryError):
        raise
    except Exception as error:  # whatever the library trips over, the file is broken
        raise RepresentationError(f"is not a readable HDF5 file ({_describe(error)})") from None


def _hdf5_arrays(file, names):
    """The arrays of these names in an HDF5 file, unread, by name."""
    import h5py

    shared = file.get("shared", getlink=True) if any("shared_" in name for name in names) else None
    if shared is not None and not isinstance(shared, h5py.HardLink):
        raise RepresentationError("shared is a link; store the arrays themselves")
    if shared is None:
        names = [name for name in names if not name.startswith("shared_")]
    elif not isinstance(file["shared"], h5py.Group):
        raise RepresentationError("shared is no group; it should hold codes, log_variances, index")
    return {name: _hdf5_array(file, name) for name in names if hdf5_place(name) in file}


def _hdf5_array(file, label):
    """An array in an HDF5 file, unread, refused if it lies elsewhere or holds nothing."""
    import h5py

    place = hdf5_place(label)
    if not isinstance(file.get(place, getlink=True), h5py.HardLink):
        raise RepresentationError(f"{label} is a link; store the array itself")
    item = file[place]
    if not isinstance(item, h5py.Dataset):
        raise RepresentationError(f"{label} is a group, not an array")
    if item.shape is None:
        raise RepresentationError(f"{label} is empty")
    if item.is_virtual or item.external:
        raise RepresentationError(f"{label} lies in another file; store the array itself")
    return item


def _check_storage(label, item):
    """Refuse an array without data, and chunks that are larger than the whole."""
    if not item.id.get_storage_size():
        raise RepresentationError(
            f"{label} declares the shape {_shape(item.shape)} but holds no data"
        )
    chunk = math.prod(map(int, item.chunks or ())) * item.dtype.itemsize
    if chunk > max(LARGEST_CHUNK, item.size * item.dtype.itemsize):
        raise RepresentationError(f"{label} is stored in chunks of shape {_shape(item.chunks)}")


def _hdf5_attributes(file):
    import h5py

    if len(file.attrs) > MOST_ATTRIBUTES:
        raise RepresentationError(f"has {len(file.attrs)} attributes, more than {MOST_ATTRIBUTES}")
    attributes = {}
    for label in file.attrs:
        check_name(label, "the name of an attribute")
        attribute = file.attrs.get_id(label)
        if attribute.shape is None:  # an attribute without a value says nothing
            continue
        text = h5py.check_string_dtype(attribute.dtype)
        if text is None and attribute.dtype.kind not in "fiubSU":
            raise RepresentationError(f"attribute {label!r} is neither text nor numbers")
        _check_attribute_size(label, attribute.shape, attribute.dtype)
        attributes[label] = _attribute_value(file.attrs[label])
    return attributes


def read_npz(path, names):
    """Read the named arrays of an `.npz`; every other scalar or small array is an attribute.

    Pickled objects are never loaded. Arguments, results and errors are those of `read_hdf5`.
    """
    _require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST_ATTRIBUTES:
                raise RepresentationError(f"has {len(members)} members, more than "
                                          f"{MOST_ATTRIBUTES}")  # fmt: skip
            headers = {m.filename.removesuffix(".npy"): _npz_header(archive, m) for m in members}
            names = names(_npz_version(archive, headers.get("format_version")))
            check_declared({n: headers[n][1:3] for n in names if n in headers})
            for label, header in headers.items():
                if label not in names:
                    _check_npz_attribute(label, *header)
            arrays = {label: _npz_array(archive, label, *h) for label, h in headers.items()}
            attributes = {n: _attribute_value(a) for n, a in arrays.items() if n not in names}
            return {n: a for n, a in arrays.items() if n in names}, attributes
    except (RepresentationError, MemoryError):
        raise
    except Exception as error:  # zlib, tokenize, struct and others raise their own
        raise RepresentationError(f"is not a readable .npz file ({_describe(error)})") from None


def _npz_version(archive, header):
    """The attribute `format_version`, None where there is none."""
    if header is None:
        return None
    _check_npz_attribute("format_version", *header)
    return _attribute_value(_npz_array(archive, "format_version", *header))


def _npz_header(archive, member):
    """Member, shape, type, order and place of the data of one array, which is not read."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(file)
        return member, shape, dtype, fortran, file.tell()


def _check_npz_attribute(label, member, shape, dtype, fortran, start):
    check_name(label, "the name of an attribute")
    if dtype.kind not in "fiubSU":
        raise RepresentationError(
            f"{label} holds Python objects or records, which are never loaded"
        )
    _check_attribute_size(label, shape, dtype)


def _npz_array(archive, label, member, shape, dtype, fortran, start):
    size = math.prod(map(int, shape)) * dtype.itemsize
    if size != member.file_size - start:
        raise RepresentationError(
            f"{label} declares the shape {_shape(shape)}, {size} bytes, "
            f"but {member.file_size - start} bytes are stored"
        )
    with archive.open(member) as file:
        file.read(start)
        data = file.read(size)
    if len(data) != size:
        raise RepresentationError(f"{label} is cut off after {len(data)} of {size} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _describe(error):
    """The first line of an error's text, shortened."""
    return one_line(str(error).strip("'\"").split("\n")[0], 160) or type(error).__name__
