"""The optional members of a model, and what a data set must be for pairs."""

import math
from typing import ClassVar

import pytest

from disentanglement_bench.models.hooks import Hooks, check_pairs, read_hooks
from disentanglement_bench.models.zoo.betavae import BetaVAE

GRID = (3, 1, 4, 2)


def test_a_data_set_without_pairs_is_refused():
    for sizes, count in ((None, 24), ((3, 4), 11)):
        with pytest.raises(ValueError, match="one image for every combination of factors"):
            check_pairs(sizes, 0, count)
    with pytest.raises(ValueError, match="a factor with more than one class"):
        check_pairs((1, 1), 0)
    with pytest.raises(ValueError, match=r"^pair_factors must be at least 0, got -1$"):
        check_pairs(GRID, -1)
    with pytest.raises(ValueError, match="with more than one class is 3; lower it to that"):
        check_pairs(GRID, 4)
    check_pairs(GRID, 3, 24)


class Whole(BetaVAE):
    """All of the optional members."""

    adversary = "judge"
    adversary_adam: ClassVar = {"learning_rate": 3e-4}
    permutes = True
    pairs = True
    logs = ("penalty", "adversary_loss", "penalty")

    def adversary_loss(self, outputs, coefficients):
        return outputs.codes.sum()

    def couple(self, first, second):
        return first, second

    @staticmethod
    def coefficients_at(hyperparameters, step, first_phase):
        return {"beta": step}


class Heir(Whole):
    """What a model does is inherited, unlike what it says of itself."""


def test_a_model_without_optional_members_has_no_hooks():
    hooks = read_hooks(BetaVAE)
    assert hooks == Hooks()
    assert hooks.columns == ()
    assert hooks.adversary_adam == {"learning_rate": 1e-4, "beta1": 0.5, "beta2": 0.9}


@pytest.mark.parametrize("model_class", [Whole, Heir])
def test_hooks_are_read_and_inherited(model_class):
    hooks = read_hooks(model_class)
    assert hooks == Hooks(
        adversary="judge",
        adversary_adam={"learning_rate": 3e-4, "beta1": 0.5, "beta2": 0.9},
        permutes=True,
        pairs=True,
        couples=True,
        anneals=True,
        logs=("penalty",),
    )
    assert hooks.columns == ("penalty", "adversary_loss")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"permutes": 1}, "permutes must be True or False, got 1"),
        ({"pairs": "yes"}, "pairs must be True or False, got 'yes'"),
        ({"adversary": 3}, "adversary must be the name of a submodule or None, got 3"),
        ({"adversary": "a.b"}, "adversary must be the name of a submodule"),
        ({"adversary": "d"}, r"adversary = 'd' needs a method adversary_loss\(outputs, coeff"),
        ({"adversary_loss": lambda *_: 0}, "has a method adversary_loss, but it names no adversa"),
        ({"couple": lambda *_: 0}, "has a method couple, but it does not say pairs = True"),
        ({"coefficients_at": 2}, "coefficients_at must be a method, got 2"),
        ({"adversary_adam": {"lr": 1e-4}}, "a dict with learning_rate, beta1, beta2, got"),
        ({"adversary_adam": {"beta1": 1}}, "beta1 must be a number from 0 to below 1, got 1"),
        ({"adversary_adam": {"learning_rate": math.nan}}, "learning_rate must be a number"),
        ({"logs": "penalty"}, "logs must be a tuple of names"),
        ({"logs": ("nll",)}, "names of terms that stand in no log yet"),
        ({"logs": ("a,b",)}, "logs must be a tuple of names"),
    ],
)
def test_members_of_another_form_are_refused(members, message):
    with pytest.raises(ValueError, match=message):
        read_hooks(type("Wrong", (BetaVAE,), members))
