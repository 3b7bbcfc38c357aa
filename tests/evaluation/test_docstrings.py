"""Every example in a docstring runs and prints what it says, in every module there is."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import disentanglement_bench

PACKAGES = ("benchmark", "evaluation", "models")


def modules_with_examples():
    for package in PACKAGES:
        place = importlib.import_module(f"disentanglement_bench.{package}")
        files = {place.__name__: Path(place.__file__)}
        for module in pkgutil.walk_packages(place.__path__, f"{place.__name__}."):
            origin = module.module_finder.find_spec(module.name).origin
            files[module.name] = Path(origin)
        for name, file in files.items():
            if re.search(r"^ *>>> ", file.read_text(), re.MULTILINE):
                yield name


@pytest.mark.parametrize("name", [disentanglement_bench.__name__, *modules_with_examples()])
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
