"""The examples of docs/datasets.md do what the page says."""

import re
import sys
from pathlib import Path

import pytest

from disentanglement_bench.benchmark import datasets
from disentanglement_bench.benchmark.datasets.own import added

PAGE = Path(__file__).parents[3] / "docs" / "datasets.md"


@pytest.fixture
def examples():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_file_of_the_page_can_be_added(examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(examples[0], {})
    added.add("faces", tmp_path / "faces.npz", tmp_path)
    loaded = added.load("faces", tmp_path)
    assert loaded.factor_names == ("size", "place")
    assert len({image.tobytes() for image in loaded.source.images(range(12))}) == 12


def test_the_class_of_the_page_can_be_loaded(examples, tmp_path, monkeypatch):
    (tmp_path / "bars_of_the_page.py").write_text(examples[1])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    loaded = datasets.load_dataset("bars_of_the_page:Bars")
    sys.modules.pop("bars_of_the_page")
    assert loaded.name == "Bars"
    assert len({image.tobytes() for image in loaded.source.images(range(12))}) == 12


def test_the_page_names_every_built_in_set_with_its_numbers():
    text = PAGE.read_text(encoding="utf-8")
    for name in datasets.list_names()[:6]:
        known = datasets.describe(name)
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        assert f"{known.size:,}" in row
