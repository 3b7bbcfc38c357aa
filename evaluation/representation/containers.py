"""Get arrays and attributes out of HDF5 and NumPy files that may be broken or hostile."""

import os
import stat
import zipfile

import numpy as np

from .array_checks import RepresentationError

# More values than this in one array is a mistake or an attack, not a representation.
MAX_VALUES = 2**27
MAX_ATTRIBUTE_VALUES = 4096


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


def _check_declared(name, shape, kind):
    """Judge an array by its header, before any of it is read."""
    if kind not in "fiub":
        described = {"O": "Python objects", "S": "text", "U": "text", "c": "complex numbers"}
        raise RepresentationError(f"{name} must hold numbers, not {described.get(kind, 'records')}")
    count = 1
    for length in shape:
        count *= int(length)
    if count > MAX_VALUES:
        raise RepresentationError(
            f"{name} declares the absurd size {tuple(shape)}, more than {MAX_VALUES} values"
        )


def _attribute_value(value):
    """Turn an attribute into plain Python: text, number, truth value or list."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.ndarray):
        return (
            [_attribute_value(entry) for entry in value.ravel().tolist()]
            if value.ndim
            else (_attribute_value(value.item()))
        )
    if isinstance(value, np.generic):
        return _attribute_value(value.item())
    return value if isinstance(value, str | bool | int | float) else str(value)


def read_hdf5(path, names):
    """Read the named arrays and all root attributes of an HDF5 file.

    No lock is taken, so files on network file systems and files being read elsewhere open.

    Parameters
    ----------
    path : Path
    names : iterable of str
        Data sets to read where present.

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
            arrays = {name: _hdf5_array(file, name) for name in names if name in file}
            attributes = {}
            for name in file.attrs:
                shape = file.attrs.get_id(name).shape
                if int(np.prod(shape, dtype=float)) > MAX_ATTRIBUTE_VALUES:
                    raise RepresentationError(f"attribute {name!r} is absurdly large: {shape}")
                attributes[name] = _attribute_value(file.attrs[name])
            return arrays, attributes
    except RepresentationError:
        raise
    except Exception as error:  # whatever the library trips over, the file is broken
        raise RepresentationError(f"is not a readable HDF5 file ({_one_line(error)})") from None


def _hdf5_array(file, name):
    import h5py

    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise RepresentationError(f"{name} is a link; store the array itself")
    item = file[name]
    if not isinstance(item, h5py.Dataset):
        raise RepresentationError(f"{name} is a group, not an array")
    if item.shape is None:
        raise RepresentationError(f"{name} is empty")
    if item.is_virtual or item.external:
        raise RepresentationError(f"{name} lies in another file; store the array itself")
    _check_declared(name, item.shape, item.dtype.kind)
    if item.size and not item.id.get_storage_size():
        raise RepresentationError(f"{name} declares shape {item.shape} but holds no data")
    return item[()]


def read_npz(path, names):
    """Read the named arrays of an `.npz`; every other scalar or small array is an attribute.

    Pickled objects are never loaded.

    Parameters
    ----------
    path : Path
    names : iterable of str
        Arrays to read where present.

    Returns
    -------
    arrays : dict of str to ndarray
    attributes : dict

    Raises
    ------
    RepresentationError
        With one line; the caller adds the path.
    """
    _require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            arrays, attributes = {}, {}
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                array = _npz_array(archive, member, name, name in names)
                if name in names:
                    arrays[name] = array
                else:
                    attributes[name] = _attribute_value(array)
            return arrays, attributes
    except RepresentationError:
        raise
    except Exception as error:  # zlib, tokenize, struct and others raise their own
        raise RepresentationError(f"is not a readable .npz file ({_one_line(error)})") from None


def _npz_array(archive, member, name, wanted):
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        if wanted:
            _check_declared(name, shape, dtype.kind)
        elif dtype.hasobject:
            raise RepresentationError(f"{name} holds Python objects, which are never loaded")
        elif int(np.prod(shape, dtype=float)) > MAX_ATTRIBUTE_VALUES:
            raise RepresentationError(
                f"{name} is no array of the format, and too large for an attribute: {shape}"
            )
        size = int(np.prod([int(length) for length in shape], dtype=object)) * dtype.itemsize
        if size != member.file_size - file.tell():
            raise RepresentationError(
                f"{name} declares shape {shape}, {size} bytes, "
                f"but {member.file_size - file.tell()} bytes are stored"
            )
        data = file.read(size)
    if len(data) != size:
        raise RepresentationError(f"{name} is cut off after {len(data)} of {size} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _one_line(error):
    """The first line of an error's text, shortened."""
    return str(error).strip("'\"").split("\n")[0][:160] or type(error).__name__
