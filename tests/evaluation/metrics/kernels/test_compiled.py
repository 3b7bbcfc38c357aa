import numba
import pytest

from disentanglement_bench.evaluation.metrics.kernels.compiled import compiled


def double(x):
    return 2 * x


def test_compiles_and_caches():
    function = compiled(double)
    assert function(2) == 4
    assert function.stats.cache_path


def test_works_where_no_folder_is_writable(monkeypatch):
    really = numba.njit
    asked = []

    def njit(**options):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function 'double': no locator available for file")
        return really(**options)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(double)(3) == 6
    assert [bool(options.get("cache")) for options in asked] == [True, False]
    assert all(options["nogil"] for options in asked)


def test_other_errors_are_not_hidden(monkeypatch):
    def njit(**options):
        raise TypeError("no")

    monkeypatch.setattr(numba, "njit", njit)
    with pytest.raises(TypeError):
        compiled(double)
