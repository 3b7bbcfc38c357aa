"""What a model says about itself: which axis its curves are drawn over, and its symbols."""

from dataclasses import dataclass

import pytest

from disentanglement_bench.models.autoencoder import Autoencoder
from disentanglement_bench.models.declaration import read_declaration
from disentanglement_bench.models.zoo import list_models, load_model
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.factorvae import FactorVAE


def declare(**members):
    @dataclass(frozen=True)
    class Hyperparameters:
        alpha: float = 1.0
        gamma: float = 2.0

    return type("Mine", (BetaVAE,), {"Hyperparameters": Hyperparameters, **members})


AXES = {
    "vae": None,
    "betavae": "beta",
    "lambdabeta": "beta",
    "betatcvae": "beta",
    "annealedvae": "c_max",
    "dipvae1": "lambda_od",
    "dipvae2": "lambda_od",
    "factorvae": "gamma",
}


@pytest.mark.parametrize("name", list_models())
def test_every_model_of_the_zoo_has_its_axis_and_a_symbol_for_each_hyperparameter(name):
    declaration = read_declaration(load_model(name), name)
    assert declaration.axis == AXES[name]
    assert list(declaration.symbols) == sorted(
        declaration.symbols, key=list(declaration.hyperparameters).index
    )
    assert declaration.symbols.keys() == declaration.hyperparameters.keys()


@pytest.mark.parametrize(
    ("members", "axis"),
    [
        ({}, None),
        ({"axis": "gamma"}, "gamma"),
        ({"sweeps": {"paper": {"gamma": (1, 2)}}}, "gamma"),
        ({"sweeps": {"quick": {"gamma": (1,)}, "dlib": {"alpha": (1, 2)}}}, "alpha"),
    ],
)
def test_the_axis_is_the_one_declared_or_else_the_first_that_is_swept(members, axis):
    declaration = read_declaration(declare(**members), "mine")
    assert declaration.axis == axis
    assert declaration.symbols == {}


def test_what_a_base_class_says_of_its_axis_is_not_inherited_but_its_hooks_are():
    declaration = read_declaration(type("Heir", (FactorVAE,), {}), "heir")
    assert declaration.axis is None
    assert declaration.symbols == {}
    assert declaration.hooks.adversary == "discriminator"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"axis": "beta"}, r"axis must be one of the model's hyperparameters \(alpha, gamma\)"),
        ({"axis": ["gamma"]}, "axis must be one of the model's hyperparameters"),
        ({"symbols": "γ"}, "symbols must be a dict of hyperparameters to texts"),
        ({"symbols": {"beta": "β"}}, "symbols names a hyperparameter 'beta' that the model does"),
        ({"symbols": {"gamma": ""}}, "gamma must be written in 1 to 20 characters, got ''"),
        ({"symbols": {"gamma": "γ\n"}}, "gamma must be written in 1 to 20 characters"),
        ({"symbols": {"gamma": "γ" * 21}}, "gamma must be written in 1 to 20 characters"),
        ({"permutes": 3}, "permutes must be True or False"),
    ],
)
def test_a_declaration_of_another_form_is_refused(members, message):
    with pytest.raises(ValueError, match=message):
        read_declaration(declare(**members), "mine")


def test_the_zoos_body_alone_has_no_loss():
    class Bare(Autoencoder):
        pass

    class Weighed(Autoencoder):
        @staticmethod
        def weigh_terms(coefficients):
            return {"nll": 1, "kl": 1}

    with pytest.raises(ValueError, match="bare has no method 'loss'"):
        read_declaration(Bare, "bare")
    assert read_declaration(Weighed, "weighed").label == "weighed"
