"""Check that a model is another method where it says so: tables give its runs that name."""

import torch

from ...models.autoencoder import coefficient_tensors
from ..errors import BenchError
from ..protocol.registry import get_model, model_names
from .trial import build, compute

TOLERANCE = 1e-4
FIRST_PHASE = 900
STEPS = (0, 450, 900)


def check_reductions(model, declaration, outputs):
    """Compare losses at the values of ``reduces_to``, for methods that go by a name.

    Parameters
    ----------
    model : torch.nn.Module
    declaration : models.declaration.Declaration
        Of its class.
    outputs : models.terms.Outputs

    Raises
    ------
    BenchError
        If one differs.
    """
    for name in declaration.reduces_to.keys() & set(model_names()):
        known = get_model(name)
        other, others = build(known.load()), known.declaration
        if others.hooks.adversary is not None:
            continue  # its loss has weights of its own
        values = {**declaration.hyperparameters, **declaration.reduces_to[name]}
        shared = {key: values.get(key, value) for key, value in others.hyperparameters.items()}
        for step in STEPS:
            loss, theirs = (
                _loss_at(kind, given, hooks, outputs, step)
                for kind, given, hooks in (
                    (model, values, declaration.hooks),
                    (other, shared, others.hooks),
                )
            )
            if abs(loss - theirs) > TOLERANCE * abs(theirs):
                where = ", ".join(f"{k} = {v:g}" for k, v in declaration.reduces_to[name].items())
                raise BenchError(
                    f"reduces_to says that the model is {name} at {where}, but there its loss of "
                    f"the same outputs is {loss:.4f}, and that of {name} {theirs:.4f}"
                )


def _loss_at(model, hyperparameters, hooks, outputs, step):
    depending = {}
    if hooks.anneals:
        depending = model.coefficients_at(dict(hyperparameters), step, FIRST_PHASE)
    coefficients = coefficient_tensors({**hyperparameters, **depending}, "cpu")
    with torch.no_grad():
        return compute(model, "loss", outputs, coefficients)[0].item()
