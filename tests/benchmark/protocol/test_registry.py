import sys

import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.registry import (
    ZOO,
    get_model,
    import_object,
    make_current_folder_importable,
)
from disentanglement_bench.models.autoencoder import hyperparameter_names


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_declares_what_its_classes_have(name):
    entry = get_model(name)
    assert entry.hyperparameter_names() == hyperparameter_names(entry.load())


def test_an_entry_point_is_a_model(tmp_path, monkeypatch):
    info = tmp_path / "plug-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[disentanglement_bench.models]\nmine = plug_models:Mine\nbetavae = plug_models:Thief\n"
    )
    (tmp_path / "plug_models.py").write_text(
        "from disentanglement_bench.models.zoo.betavae import BetaVAE\n"
        "class Mine(BetaVAE):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    entry = get_model("mine")
    assert entry.load().__name__ == "Mine"
    assert entry.hyperparameter_names() == ("beta",)
    assert get_model("betavae").target == "disentanglement_bench.models.zoo.betavae:BetaVAE"


def test_the_current_folder_is_searched_last(tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise AssertionError('shadowed')\n")
    (tmp_path / "only_here.py").write_text("value = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    make_current_folder_importable()
    make_current_folder_importable()
    assert sys.path[-1] == str(tmp_path)
    assert sys.path.count(str(tmp_path)) == 1
    assert import_object("only_here:value", "thing") == 1
    assert import_object("json:dumps", "thing")


def test_a_module_that_breaks_on_import_is_told_apart(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match="No module named 'not_installed_anywhere'"):
        import_object("needs_more:Model", "model")
