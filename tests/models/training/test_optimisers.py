"""Adam as runs use it, and states that come from elsewhere."""

import copy

import pytest
import torch

from disentanglement_bench.models.training.optimisers import fused_adam, load_optimiser
from disentanglement_bench.models.training.schedule import Schedule

SCHEDULE = Schedule((5,), learning_rate=1e-2, adam_beta1=0.8)


class OnCuda:
    """A parameter that only says where it lies."""

    device = torch.device("cuda:1")

    def is_floating_point(self):
        return True


@pytest.mark.parametrize(
    ("device", "fused", "capturable"),
    [("cpu", True, False), ("cuda", True, True), ("meta", False, False)],
)
def test_adam_is_capturable_on_cuda_devices_alone(device, fused, capturable, monkeypatch):
    """Elsewhere it stays as it was, to the bit."""
    made = {}
    monkeypatch.setattr(torch.optim, "Adam", lambda parameters, **options: made.update(options))
    parameter = OnCuda() if device == "cuda" else torch.zeros(2, device=device)
    fused_adam([parameter, parameter], SCHEDULE)
    assert (made["fused"], made["capturable"]) == (fused, capturable)
    assert (made["lr"], made["betas"], made["eps"]) == (1e-2, (0.8, 0.999), 1e-8)


def trained(make, steps=3):
    """A parameter and an optimiser that has taken some steps."""
    parameter = torch.nn.Parameter(torch.linspace(-1, 1, 5))
    optimiser = make([parameter], SCHEDULE)
    for _ in range(steps):
        step(parameter, optimiser)
    return parameter, optimiser


def step(parameter, optimiser):
    (parameter**3 - parameter).sum().backward()
    optimiser.step()
    optimiser.zero_grad()


@pytest.mark.parametrize("changes", [{}, {"capturable": True}, {"fused": None}])
def test_a_state_from_another_kind_of_device_goes_on_here(changes):
    """A state of a CUDA device is capturable, which Adam refuses on a CPU."""
    parameter, optimiser = trained(fused_adam)
    state = copy.deepcopy(optimiser.state_dict())
    state["param_groups"] = [{**group, **changes} for group in state["param_groups"]]
    again, other = trained(fused_adam, steps=0)
    again.data.copy_(parameter)
    load_optimiser(other, state)
    (group,) = other.param_groups
    assert (group["fused"], group["capturable"]) == (True, False)
    for _ in range(3):
        step(parameter, optimiser)
        step(again, other)
    assert torch.equal(parameter, again)


def test_an_optimiser_of_another_kind_is_loaded_as_it_is():
    def make(parameters, schedule):
        return torch.optim.SGD(parameters, lr=schedule.learning_rate, momentum=0.9)

    parameter, optimiser = trained(make)
    again, other = trained(make, steps=0)
    again.data.copy_(parameter)
    load_optimiser(other, copy.deepcopy(optimiser.state_dict()))
    step(parameter, optimiser)
    step(again, other)
    assert torch.equal(parameter, again)
