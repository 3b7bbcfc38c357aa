"""Users' objects by module and by file."""

import sys
from pathlib import Path

import pytest

from disentanglement_bench.evaluation.importing import (
    ImportFailure,
    absolute_reference,
    load_object,
    name_object,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # As for a user of the installed package: the checkout itself is not on the path.
    path = [entry for entry in sys.path if entry not in ("", str(ROOT))]
    monkeypatch.setattr(sys, "path", path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("stem", ["models", "benchmark", "evaluation"])
@pytest.mark.parametrize("form", ["{}:Mine", "{}.py:Mine"])
def test_modules_that_are_named_like_our_rooms_are_found(here, stem, form):
    (here / f"{stem}.py").write_text("class Mine:\n    pass\n")
    assert load_object(form.format(stem), "model").__name__ == "Mine"


def test_a_package_named_like_a_room_is_found(here):
    (here / "evaluation").mkdir()
    (here / "evaluation" / "__init__.py").write_text("def mine(): return 1\n")
    assert load_object("evaluation:mine", "metric")() == 1


def test_files_shadow_nothing(here):
    (here / "json.py").write_text("def mine(): return 1\n")
    assert load_object("json.py:mine", "metric")() == 1
    assert "dumps" in dir(sys.modules["json"])
    with pytest.raises(ImportFailure, match=r"write json\.py:mine"):
        load_object("json:mine", "metric")


def test_files_find_what_lies_beside_them_and_load_once(here):
    (here / "work").mkdir()
    (here / "work" / "helper_of_mine.py").write_text("VALUE = 3\n")
    (here / "work" / "own.py").write_text(
        "from helper_of_mine import VALUE\nclass A:\n    b = VALUE\n"
    )
    assert load_object("work/own.py:A.b", "metric") == 3
    assert load_object("work/own.py:A", "metric") is load_object("./work/own.py:A", "metric")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise RuntimeError('no\\nluck')", "raises RuntimeError while it is imported: no luck"),
        ("import sys; sys.exit(0)", r"ends the program while it is imported \(sys.exit\(0\)\)"),
        ("def f(:", "raises SyntaxError"),
        ("import nothing_like_it", "No module named 'nothing_like_it'"),
        ("Other = 1", "unknown model 'Mine'.*Available: Other"),
    ],
)
def test_whatever_a_module_does_becomes_one_line(here, text, message):
    (here / "bad.py").write_text(text + "\n")
    for reference in ("bad.py:Mine", "bad:Mine"):
        with pytest.raises(ImportFailure, match=message) as caught:
            load_object(reference, "model")
        assert "\n" not in str(caught.value)
        sys.modules.pop("bad", None)


@pytest.mark.parametrize(
    "reference", ["nothing", ":Name", "module:", "nofile.py:Name", "no_module:N"]
)
def test_bad_references(reference):
    with pytest.raises(ImportFailure):
        load_object(reference, "model")


def test_names(here):
    assert name_object("a/b.py:C") == "b:C"
    assert absolute_reference("b.py:C") == f"{here}/b.py:C"
    assert absolute_reference("b:C") == "b:C"


def test_only_what_a_file_defines_itself_is_offered(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import os\nfrom json import dumps, JSONDecoder\nclass Own:\n    pass\nOVERLAP = Own()\n"
    )
    (tmp_path / "ours.py").write_text(
        "from disentanglement_bench.evaluation import Key, Metric\n"
        "SPREAD = Metric('spread', max, (Key('spread'),))\n"
    )
    with pytest.raises(ImportFailure, match=r"Available: Own, OVERLAP$"):
        load_object(f"{tmp_path / 'mine.py'}:Owl", "model")
    with pytest.raises(ImportFailure, match=r"Available: SPREAD$"):
        load_object(f"{tmp_path / 'ours.py'}:SPRAED", "metric")
