"""Adam as runs use it, and optimisers that go on from a saved state."""

import torch


def fused_adam(parameters, schedule):
    """Adam in one kernel for all parameters, where the device has it.

    On CUDA devices it can be captured in a graph, which changes nothing else: it counts its steps
    on the device either way.
    """
    parameters = list(parameters)
    kinds = {parameter.device.type for parameter in parameters}
    return torch.optim.Adam(
        parameters,
        lr=schedule.learning_rate,
        betas=(schedule.adam_beta1, schedule.adam_beta2),
        eps=schedule.adam_epsilon,
        fused=kinds <= {"cpu", "cuda"} and all(p.is_floating_point() for p in parameters),
        capturable=kinds == {"cuda"},
    )


def load_optimiser(optimiser, state):
    """Go on from a saved state, in the way that suits this device.

    How an optimiser computes (in one kernel, capturable) is saved beside what it knows; a state
    from another kind of device, or from a version that captured nothing, must not change it.
    """
    own = optimiser.state_dict()["param_groups"]
    groups = [
        {**saved, **{key: group[key] for key in ("fused", "capturable") if key in group}}
        for saved, group in zip(state["param_groups"], own, strict=True)
    ]
    optimiser.load_state_dict({**state, "param_groups": groups})
