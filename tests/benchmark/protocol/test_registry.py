import pickle

import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.registry import get_model, model_names

MINE = """
from dataclasses import dataclass
from disentanglement_bench.models.zoo.betavae import BetaVAE

class Mine(BetaVAE):
    '''A loss of my own.'''
    {body}
"""


def write_model(folder, body="pass", name="mymodels"):
    path = folder / f"{name}.py"
    path.write_text(MINE.format(body=body))
    return path


def test_the_method_block_says_what_tables_need_to_know():
    assert get_model("lambdabeta").method() == {
        "name": "lambdabeta",
        "label": "λβ-VAE",
        "citation": "vu2026mutual",
        "continues": "betavae",
        "reduces_to": [
            {"name": "vae", "label": "VAE", "where": {"beta": 1, "lambda": 0}},
            {"name": "betavae", "label": "β-VAE", "where": {"lambda": 0}},
        ],
        "axis": "beta",
        "symbols": {"beta": "β", "lambda": "λ"},
        "reference": "lambdabeta",
    }
    assert get_model("betatcvae").method()["reduces_to"] == []
    assert get_model("vae").method()["axis"] is None


def test_an_unknown_name_is_answered_with_the_closest():
    with pytest.raises(BenchError, match=r"unknown model 'betavea'; did you mean 'betavae'\?"):
        get_model("betavea")


def test_an_entry_point_is_a_model(tmp_path, monkeypatch):
    info = tmp_path / "plug-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[disentanglement_bench.models]\n"
        "mine = plug_models:Mine\nbetavae = plug_models:Thief\n../up = plug_models:Mine\n"
    )
    write_model(tmp_path, name="plug_models")
    monkeypatch.syspath_prepend(tmp_path)
    model = get_model("mine")
    assert model.load().__name__ == "Mine"
    assert (model.name, model.reference) == ("mine", "plug_models:Mine")
    assert list(model.declaration.hyperparameters) == ["beta"]
    assert get_model("betavae").reference == "betavae"
    assert "mine" in model_names()
    with pytest.raises(BenchError, match="must be of letters"):
        get_model("../up")


def test_a_model_from_a_file_goes_by_the_stem_and_is_found_from_any_folder(tmp_path, monkeypatch):
    write_model(tmp_path)
    monkeypatch.chdir(tmp_path)
    model = get_model("mymodels.py:Mine")
    assert (model.name, model.folder) == ("mymodels:Mine", "mymodels.Mine")
    assert model.reference == f"{tmp_path}/mymodels.py:Mine"
    monkeypatch.chdir("/")
    assert pickle.loads(pickle.dumps(model)).load().__doc__ == "A loss of my own."
    assert model.declaration.description == "A loss of my own."


def test_a_model_with_another_loss_inherits_no_claims(tmp_path):
    """Otherwise tables would call it by the name of the model that it derives from."""
    method = get_model(f"{write_model(tmp_path)}:Mine").method()
    assert method["label"] == "mymodels:Mine"
    assert method["citation"] == ""
    assert method["reduces_to"] == []
    assert list(get_model(f"{write_model(tmp_path)}:Mine").hyperparameters) == ["beta"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("label = 3", "label must be text on one line, got 3"),
        ("label = 'a\\nb'", "label must be text on one line"),
        ("continues = 7", "continues must be the name of a model or None, got 7"),
        ("reduces_to = {'vae': {}}", "at which values is the model 'vae'?"),
        ("reduces_to = ['vae']", "reduces_to must be a dict of dicts"),
        ("reduces_to = {'vae': {'betta': 1}}", "names a hyperparameter 'betta'"),
        ("reduces_to = {'vae': {'beta': '1'}}", "beta must be a finite number, got '1'"),
        ("sweeps = {'quick': {'beta': 4}}", "beta must be a tuple of numbers, got 4"),
        ("sweeps = {'quick': {'beta': (-1,)}}", "beta must be a finite number of at least 0"),
    ],
)
def test_a_model_that_says_something_impossible_is_refused(body, message, tmp_path):
    path = write_model(tmp_path, body)
    with pytest.raises(BenchError) as caught:
        get_model(f"{path}:Mine")
    assert message in str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_module_that_breaks_on_import_is_told_apart(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BenchError, match="No module named 'not_installed_anywhere'"):
        get_model("needs_more:Model")
