"""One thread a process: tests share the machine, and threads that wait for each other crawl."""

import importlib
import os
import sys

import pytest

os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True, scope="session")
def _data_folder(tmp_path_factory):
    """Rendered data sets are kept for the whole session, and not in the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _wait_for_no_disk(request):
    """Files need not outlive a power cut here; benchmarks measure with it."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.config.getoption("benchmark_only"):
            patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def _keep_the_import_path():
    """Users' modules are found in the current folder; no test leaves its folder to the next."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    added = set(sys.path) - set(path)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and os.path.dirname(os.path.abspath(file)) in added:
            del sys.modules[name]


@pytest.fixture
def own_module(request, monkeypatch):
    """The test's own module, under a name that a process it starts can import as well."""
    monkeypatch.syspath_prepend(request.path.parent)
    yield importlib.import_module(request.path.stem)
    del sys.modules[request.path.stem]
