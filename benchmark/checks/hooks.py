"""Check the optional members of a user's model: each failure names the member that is wrong."""

import torch

from ...models.hyperparameters import is_finite
from ..errors import BenchError
from .calls import call, describe
from .reading import Reading
from .trial import LATENTS, ROWS, compute

# Lengths of a first phase, from the shortest that there can be, and steps as parts of it.
FIRST_PHASES = (1, 2, 900)
PARTS = (0, 0.001, 0.2, 1 / 3, 0.5, 0.999, 1, 4 / 3, 1000)


# The optional members that are no methods, and what each may be.
MEMBERS = {"adversary": str, "adversary_adam": dict, "permutes": bool, "pairs": bool, "logs": tuple}


def check_in_class(model):
    """Check that no optional member was given to an object, where nothing would look for it.

    Parameters
    ----------
    model : torch.nn.Module

    Raises
    ------
    BenchError
        If one was.
    """
    for name, kind in MEMBERS.items():
        if isinstance(vars(model).get(name), kind):
            raise BenchError(
                f"{name} is assigned in __init__, where it changes nothing: write it in the body "
                "of the class"
            )


def check_coefficients(model_class, hyperparameters):
    """Check ``coefficients_at``.

    Parameters
    ----------
    model_class : type
    hyperparameters : dict of str to float

    Returns
    -------
    depending : dict of str to float
        The coefficients that depend on the step, at the first one.
    read : set of str
        The hyperparameters that were looked at.

    Raises
    ------
    BenchError
        With the first thing that is wrong.
    """
    read, given = set(), {}
    for first_phase in FIRST_PHASES:
        steps = sorted({int(part * first_phase) for part in PARTS})
        # Backwards as well: what remembers the calls before differs then.
        for step in (*steps, *reversed(steps)):
            place = f"coefficients_at, at step {step} of a first phase of {first_phase}"
            watched = Reading(hyperparameters, read)
            values = call(place, model_class.coefficients_at, watched, step, first_phase)
            _check_values(values, place)
            if not dict.__eq__(watched, hyperparameters):
                raise BenchError("coefficients_at changes the hyperparameters that it is given")
            first = next(iter(given.values()), values)
            if values.keys() != first.keys():
                raise BenchError(
                    f"{place}, names {', '.join(values)}, but {', '.join(first)} elsewhere; it "
                    "must name the same coefficients at every step"
                )
            before = given.setdefault((first_phase, step), dict(values))
            if before != values:
                raise BenchError(
                    f"{place}, gives {describe(values)}, but gave {describe(before)} before; it "
                    "must depend on nothing but its arguments"
                )
    return given[FIRST_PHASES[-1], 0], read


def _check_values(values, place):
    if not isinstance(values, dict):
        raise BenchError(
            f"{place}, must return a dict of coefficients by name, it returned {describe(values)}"
        )
    for name, value in values.items():
        if not isinstance(name, str) or not is_finite(value):
            raise BenchError(
                f"{place}, must give a finite number for each name, it gives {describe(name)}: "
                f"{describe(value)}"
            )


def check_couple(model):
    """Check ``couple``: its shapes, its gradients, and two images of the same posterior.

    Parameters
    ----------
    model : torch.nn.Module

    Raises
    ------
    BenchError
        With the first thing that is wrong.
    """
    generator = torch.Generator().manual_seed(2)
    different = torch.randn(2, 2, ROWS, LATENTS, generator=generator)
    for posteriors in (different, different[:1].expand(2, -1, -1, -1)):
        given = posteriors.clone().requires_grad_()
        halves = call("couple", model.couple, *(tuple(half) for half in given))
        parts = _read_halves(halves)
        if [getattr(part, "shape", None) for part in parts] != [(ROWS, LATENTS)] * 4:
            raise BenchError(
                "couple must return two posteriors, each means and log-variances of shape "
                f"({ROWS}, {LATENTS}) for {ROWS} pairs and {LATENTS} latents; it returned "
                f"{describe(halves)}"
            )
        if not (parts[0].requires_grad and parts[2].requires_grad):
            raise BenchError(
                "couple cuts the gradient, so that encode would not learn from the means: leave "
                "out detach and no_grad"
            )
        sum(part.square().sum() for part in parts).backward()
        if not all(value.isfinite().all() for value in (*parts, given.grad)):
            raise BenchError(
                "couple gives numbers or gradients that are not finite"
                + ("" if posteriors is different else ", for two images of the same posterior")
            )


def _read_halves(halves):
    """The four tensors of a pair of posteriors; none where it is not built like that."""
    nested = (tuple, list)
    if not (isinstance(halves, nested) and len(halves) == 2):
        return ()
    if not all(isinstance(half, nested) and len(half) == 2 for half in halves):
        return ()
    return [part for half in halves for part in half]


def check_permutes(model, hooks, outputs, coefficients):
    """Check that a model which asks for permuted codes makes use of them.

    Parameters
    ----------
    model : torch.nn.Module
    hooks : models.hooks.Hooks
    outputs : models.terms.Outputs
    coefficients : dict of str to Tensor

    Raises
    ------
    BenchError
        If neither loss changes with the permuted codes.
    """

    def losses(permuted):
        changed = outputs._replace(permuted=permuted)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            values = [compute(model, "loss", changed, coefficients)[0]]
            if hooks.adversary is not None:
                values.append(compute(model, "adversary_loss", changed, coefficients))
            return values

    if losses(outputs.permuted) == losses(torch.randn_like(outputs.permuted)):
        raise BenchError(
            "permutes = True, but neither loss nor adversary_loss depends on outputs.permuted; "
            "leave it out, because it costs a second batch at every step"
        )
