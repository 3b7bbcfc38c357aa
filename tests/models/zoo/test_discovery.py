"""A model is one file: dropped into the zoo it is planned, listed, trained and labelled."""

import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.cli import cli
from disentanglement_bench.benchmark.protocol.plan import make_plan
from disentanglement_bench.benchmark.protocol.presets import PRESETS, override
from disentanglement_bench.benchmark.protocol.registry import get_model
from disentanglement_bench.models import zoo
from disentanglement_bench.models.hyperparameters import hyperparameter_names

FILE = '''
"""Half a VAE."""

from dataclasses import dataclass

from ..autoencoder import Autoencoder
from ..hyperparameters import at_least
from ..terms import kl_divergence, negative_log_likelihood


class HalfVAE(Autoencoder):
    """α NLL + β KL."""

    label = "half-VAE"
    citation = "somebody2026half"
    reduces_to = {"vae": {"alpha": 1, "beta": 1}}
    sweeps = {"quick": {"alpha": (1, 2)}}

    @dataclass(frozen=True)
    class Hyperparameters:
        alpha: float = 0.5
        beta: float = 4.0

        def __post_init__(self):
            at_least("alpha", self.alpha, 0)

    def loss(self, outputs, coefficients):
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        return coefficients["alpha"] * nll + coefficients["beta"] * kl, {"nll": nll, "kl": kl}
'''


@pytest.fixture
def half(tmp_path, monkeypatch):
    """The zoo with one more file."""
    (tmp_path / "half.py").write_text(FILE)
    monkeypatch.setattr(zoo, "__path__", [*zoo.__path__, str(tmp_path)])


def test_the_zoo_is_the_files_of_its_folder():
    assert zoo.list_models() == [
        "annealedvae",
        "betatcvae",
        "betavae",
        "dipvae1",
        "dipvae2",
        "factorvae",
        "lambdabeta",
        "vae",
    ]
    for name in zoo.list_models():
        declaration = get_model(name).declaration
        assert tuple(declaration.hyperparameters) == hyperparameter_names(zoo.load_model(name))
        assert declaration.label
        assert declaration.citation
        assert declaration.description


@pytest.mark.usefixtures("half")
def test_one_more_file_is_planned_listed_trained_and_labelled():
    config = override(PRESETS["quick"].config, 6, 2, [("image_size", "16")])
    plan = make_plan(PRESETS["quick"], config, models=("half",), seeds=(0,))
    settings = [dict(spec.hyperparameters) for spec in plan]
    assert [values["alpha"] for values in settings] == [1] * 5 + [2] * 5
    assert [values["beta"] for values in settings[:5]] == [1, 4, 8, 16, 32]
    assert plan[0].path == "sprites-small/quick/half/alpha=1,beta=1/seed-0"
    assert plan[0].phases == (6, 2)
    assert plan[0].method()["label"] == "half-VAE"
    assert plan[0].method()["reduces_to"][0]["label"] == "VAE"
    listed = CliRunner().invoke(cli, ["list", "models"])
    assert "half-VAE" in listed.output
    assert "α NLL + β KL" in listed.output


@pytest.mark.usefixtures("half")
def test_one_more_file_trains(make_trainer):
    trainer = make_trainer(zoo.load_model("half"), {"alpha": 1.0, "beta": 1.0}, phases=(4, 2))
    trainer.run(lambda trainer: None)
    assert trainer.step == 6


def test_a_file_without_a_model_is_named(tmp_path, monkeypatch):
    (tmp_path / "empty.py").write_text("")
    monkeypatch.setattr(zoo, "__path__", [*zoo.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match=r"models/zoo/empty\.py must have exactly one class"):
        zoo.load_model("empty")
