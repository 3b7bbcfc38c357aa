"""Objects of users by name: `package.module:Name` or `path/to/file.py:Name`."""

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from pathlib import Path

from .naming import one_line, unknown_name


class ImportFailure(ValueError):
    """A user's object that cannot be imported; the message is one line."""


def load_object(reference, kind):
    """Import an object that a user named.

    Parameters
    ----------
    reference : str
        ``package.module:Name``, where modules in the current folder are found after all others, so
        that they shadow nothing; or ``path/to/file.py:Name``, relative to the current folder. The
        name may have dots.
    kind : str
        What it should be, for messages: "model", "metric", "data set".

    Returns
    -------
    object

    Raises
    ------
    ImportFailure
        If the reference has another form, if the module cannot be imported whatever it raises
        (`sys.exit` included), or if it has no such name.
    """
    place, _, name = reference.rpartition(":")
    if not place or not name:
        raise ImportFailure(
            f"a {kind} of your own is written package.module:Name or path/to/file.py:Name, "
            f"got {reference!r}"
        )
    try:
        module = _import_file(place) if place.endswith(".py") else _import_module(place)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ImportFailure(
            f"cannot import the {kind} {reference!r}: {_describe(error)}{_advise(place, error)}"
        ) from error
    item = module
    for part in name.split("."):
        if not hasattr(item, part):
            public = [n for n, value in vars(module).items() if _is_own(module, n, value)]
            other = f"; to take it from ./{place}.py write {place}.py:{name}"
            hint = other if Path(f"{place}.py").exists() and not _is_here(module) else ""
            raise ImportFailure(f"module {place!r}: {unknown_name(kind, name, public)}{hint}")
        item = getattr(item, part)
    return item


def name_object(reference):
    """The name that a reference is stored and shown under: files go by their stem.

    Examples
    --------
    >>> name_object("mymodels:VAE"), name_object("work/mymodels.py:VAE")
    ('mymodels:VAE', 'mymodels:VAE')
    """
    place, _, name = reference.rpartition(":")
    return f"{Path(place).stem}:{name}" if place.endswith(".py") else reference


def absolute_reference(reference):
    """The same reference, valid from any folder: a file's path becomes absolute."""
    place, _, name = reference.rpartition(":")
    return f"{os.path.abspath(place)}:{name}" if place.endswith(".py") else reference


def _import_module(name):
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def _import_file(place):
    """Import a file under a name of its own, so that it neither hides nor is a known module."""
    path = os.path.realpath(place)
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    name = f"_bench_file_{digest}_{Path(path).stem}"
    if name in sys.modules:
        return sys.modules[name]
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {place}")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.append(folder)  # for the files that it imports from beside it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _describe(error):
    if isinstance(error, SystemExit):
        return f"it ends the program while it is imported (sys.exit({error.code!r}))"
    text = one_line(error)
    if isinstance(error, ImportError | FileNotFoundError) and text:
        return text
    return f"it raises {type(error).__name__} while it is imported: {text}".rstrip(": ")


def _advise(place, error):
    if isinstance(error, ModuleNotFoundError) and not place.endswith(".py"):
        return "; modules are looked for on Python's path and in the current folder"
    return ""


def _is_own(module, name, value):
    """Whether a module offers a name as its own: no class, function or module of another."""
    if name.startswith("_") or inspect.ismodule(value):
        return False
    defined_somewhere = inspect.isclass(value) or inspect.isroutine(value)
    return not defined_somewhere or value.__module__ == module.__name__


def _is_here(module):
    file = getattr(module, "__file__", None)
    return file is not None and os.path.dirname(os.path.abspath(file)) == os.getcwd()
