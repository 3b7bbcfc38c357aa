"""Coefficients over the steps: which values, in the same tensors."""

import pytest
import torch

from disentanglement_bench.models.training.coefficients import Coefficients
from disentanglement_bench.models.training.schedule import Schedule
from disentanglement_bench.models.zoo.annealedvae import AnnealedVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE


def build(model_class, hyperparameters, **options):
    schedule = Schedule(**{"phases": (12, 8), **options})
    return Coefficients(model_class((1, 8, 8), 3, "conv-small"), hyperparameters, schedule, "cpu")


def test_hyperparameters_stay_what_they_are():
    coefficients = build(BetaVAE, {"beta": 4.0})
    assert [float(coefficients(step)["beta"]) for step in (0, 7, 19)] == [4, 4, 4]


def test_a_capacity_grows_for_a_third_of_the_first_phase_and_stays_in_the_second():
    coefficients = build(AnnealedVAE, {"gamma": 7.0, "c_max": 6.0})
    found = [float(coefficients(step)["c_max"]) for step in range(20)]
    assert found == [0, 1.5, 3, 4.5, *[6] * 16]
    assert float(coefficients(19)["gamma"]) == 7


def test_tensors_are_the_same_ones_at_every_step():
    coefficients = build(AnnealedVAE, {"gamma": 7.0, "c_max": 6.0})
    first = {name: tensor.data_ptr() for name, tensor in coefficients(0).items()}
    for step in (1, 3, 19, 0):
        assert {k: v.data_ptr() for k, v in coefficients(step).items()} == first
    assert float(coefficients(0)["c_max"]) == 0


def test_a_run_that_continues_begins_with_the_coefficients_of_its_step():
    values = {"gamma": 7.0, "c_max": 6.0}
    assert float(build(AnnealedVAE, values, start=12).tensors["c_max"]) == 6


def test_a_new_coefficient_stands_beside_the_hyperparameters():
    class Warm(BetaVAE):
        @staticmethod
        def coefficients_at(hyperparameters, step, first_phase):
            return {"weight": hyperparameters["beta"] * step / first_phase}

    found = build(Warm, {"beta": 4.0})(3)
    assert {name: float(value) for name, value in found.items()} == {"beta": 4, "weight": 1}
    assert found["weight"].shape == ()
    assert found["weight"].dtype == torch.float32


def test_other_names_at_another_step_are_refused():
    class Fickle(BetaVAE):
        @staticmethod
        def coefficients_at(hyperparameters, step, first_phase):
            return {"beta": 1.0} if step < 3 else {"gamma": 1.0}

    coefficients = build(Fickle, {"beta": 4.0})
    coefficients(2)
    with pytest.raises(ValueError, match=r"names \['gamma'\] at step 3, \['beta'\] at the first"):
        coefficients(3)
