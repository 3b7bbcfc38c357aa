"""The public surface: the document's session runs, and everything offered is annotated."""

import inspect
import re
from pathlib import Path

import matplotlib
import pytest

import disentanglement_bench
from disentanglement_bench import evaluation

ROOT = Path(__file__).parents[1]


def test_the_session_of_the_document_runs(tmp_path, monkeypatch, capsys):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/api.md").read_text()
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 8
    for block in blocks:
        exec(block, names)
    assert (tmp_path / "mine/report/index.html").exists()
    assert (tmp_path / "mine-matrix.png").exists() or (tmp_path / "mig-matrix.png").exists()


def test_the_facade_names_what_the_document_shows():
    page = (ROOT / "docs/api.md").read_text()
    for name in disentanglement_bench.__all__:
        if name != "__version__":
            assert f"db.{name}(" in page, name


OFFERED = [
    getattr(package, name)
    for package in (disentanglement_bench, evaluation)
    for name in package.__all__
    if inspect.isfunction(getattr(package, name))
]


@pytest.mark.parametrize("function", sorted(set(OFFERED), key=lambda f: f.__name__))
def test_every_public_function_is_annotated(function):
    signature = inspect.signature(function)
    assert signature.return_annotation is not inspect.Signature.empty
    lacking = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is inspect.Parameter.empty
    ]
    assert not lacking, f"{function.__name__}: {lacking}"


@pytest.mark.parametrize("function", sorted(set(OFFERED), key=lambda f: f.__name__))
def test_every_public_function_says_what_it_takes_and_gives(function):
    text = inspect.getdoc(function) or ""
    assert (
        "Returns\n---" in text
        or "Yields\n---" in text
        or "None" in str(inspect.signature(function).return_annotation)
    ), function.__name__
    if inspect.signature(function).parameters:
        assert "Parameters\n---" in text, function.__name__
