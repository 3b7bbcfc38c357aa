"""One decorator for compiled functions, whose machine code is kept in the user's cache folder."""

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import tempfile
from pathlib import Path

import numba
from numba.core import caching


def compiled(function):
    """Compile with numba, without the GIL, and keep the machine code on disk if possible.

    It is kept in `$NUMBA_CACHE_DIR` where that is set, and in the user's cache folder otherwise, by
    version of this package: never beside the source, where it would outlive the package. Other
    functions that are compiled in the same process are cached as they always are. Where the folder
    cannot be written, the function is compiled anew in every process.

    Parameters
    ----------
    function : callable
        Loops over arrays.

    Returns
    -------
    callable
        Compiled at its first call for each set of argument types.
    """
    dispatcher = numba.njit(nogil=True)(function)
    with contextlib.suppress(RuntimeError, OSError):  # no folder can be written, or no source read
        dispatcher._cache = KernelCache(function)
    return dispatcher


@functools.cache
def kernel_folder():
    """Where the machine code of this version is kept."""
    import platformdirs

    try:
        version = importlib.metadata.version("disentanglement-bench")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    return Path(platformdirs.user_cache_dir("disentanglement-bench"), "kernels", version)


class _KernelLocator:
    """Tell numba where the code of a function lies, and whether it still belongs to its source."""

    def __init__(self, function, source):
        self._source = Path(source)
        self._line = function.__code__.co_firstlineno
        root = numba.config.CACHE_DIR or kernel_folder()
        folder = os.path.dirname(os.path.abspath(source))
        self._folder = os.path.join(root, hashlib.sha256(os.fsencode(folder)).hexdigest()[:16])

    @classmethod
    def from_function(cls, function, source):
        locator = cls(function, source)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator

    def ensure_cache_path(self):
        os.makedirs(self._folder, exist_ok=True)
        tempfile.TemporaryFile(dir=self._folder).close()

    def get_cache_path(self):
        return self._folder

    def get_source_stamp(self):
        return hashlib.sha256(self._source.read_bytes()).digest()

    def get_disambiguator(self):
        return str(self._line)


class _KernelCacheImpl(caching.CompileResultCacheImpl):
    _locator_classes = [_KernelLocator]  # noqa: RUF012


class KernelCache(caching.FunctionCache):
    """numba's cache in a folder of our own; what cannot be read or written is compiled anew."""

    _impl_class = _KernelCacheImpl

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged file raises whatever unpickling it runs into
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig, data):
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
