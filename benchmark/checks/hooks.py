"""Check the optional members of a user's model: each failure names the member that is wrong."""

import torch

from ...models.hyperparameters import is_finite
from ..errors import BenchError
from .calls import call, describe
from .reading import Reading
from .trial import LATENTS, ROWS, Trial, compute

# Lengths of a first phase, from the shortest that there can be, and steps as parts of it.
FIRST_PHASES = (1, 2, 900)
PARTS = (0, 0.001, 0.2, 1 / 3, 0.5, 0.999, 1, 4 / 3, 1000)


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

    if losses(outputs.permuted) == losses(outputs.permuted + 1):
        raise BenchError(
            "permutes = True, but neither loss nor adversary_loss depends on outputs.permuted; "
            "leave it out, because it costs a second batch a step"
        )


def find_adversary(model, name):
    """Find the parameters of the adversary, by name.

    Parameters
    ----------
    model : torch.nn.Module
    name : str

    Returns
    -------
    set of str

    Raises
    ------
    BenchError
        If there is no such submodule, no checkpoint would hold it, nothing in it is trained, or
        it has parameters that belong to the rest of the model as well.
    """
    children = [child for child, _ in model.named_modules(remove_duplicate=False) if child]
    children = [child for child in children if "." not in child]
    if name not in children:
        if isinstance(getattr(model, name, None), torch.nn.Module):
            raise BenchError(
                f"adversary = {name!r} is no registered submodule, so that no checkpoint would "
                "hold it: assign it in __init__, as an attribute of its own"
            )
        raise BenchError(
            f"adversary = {name!r}: the model has no submodule of this name; it has: "
            f"{', '.join(children) or 'none'}"
        )
    names = {}
    for parameter_name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.requires_grad:
            names.setdefault(id(parameter), []).append(parameter_name)
    own = set()
    for same in names.values():
        inside = [key for key in same if key.startswith(f"{name}.")]
        if inside and len(inside) < len(same):
            outside = next(key for key in same if key not in inside)
            raise BenchError(
                f"adversary = {name!r} shares {outside} with the rest of the model: one of two "
                "optimisers must train it, not both"
            )
        own.update(inside)
    if not own:
        raise BenchError(f"adversary = {name!r} has no parameters to train")
    if len(own) == sum(map(len, names.values())):
        raise BenchError(f"adversary = {name!r}: the model has no other parameters to train")
    return own


def check_adversary(model, own, outputs, coefficients):
    """Check ``adversary_loss``: a finite number that trains the adversary and nothing else.

    Parameters
    ----------
    model : torch.nn.Module
    own : set of str
        Names of the adversary's parameters.
    outputs : models.terms.Outputs
    coefficients : dict of str to Tensor

    Raises
    ------
    BenchError
        With the first thing that is wrong.
    """
    loss = compute(model, "adversary_loss", outputs.detach(), coefficients)
    if not isinstance(loss, torch.Tensor) or loss.shape != ():
        raise BenchError(
            "adversary_loss must return one number, a tensor of shape (); it returned "
            f"{describe(loss)}"
        )
    if not torch.isfinite(loss):
        raise BenchError(f"the adversary_loss of random images is {loss.item()}; it must be finite")
    trained = {
        name: parameter
        for name, parameter in model.named_parameters(remove_duplicate=False)
        if parameter.requires_grad
    }
    gradients = [None] * len(trained)
    if loss.requires_grad:
        gradients = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    reached = {name for name, g in zip(trained, gradients, strict=True) if g is not None}
    if not reached & own:
        raise BenchError(
            "adversary_loss does not depend on the adversary's parameters, so that it trains "
            "nothing: leave out detach and no_grad"
        )
    if own - reached:
        raise BenchError(
            f"adversary_loss does not depend on {', '.join(sorted(own - reached)[:5])}"
        )
    if reached - own:
        raise BenchError(
            f"adversary_loss also depends on {', '.join(sorted(reached - own)[:5])}; it must "
            "train the adversary alone, from what outputs holds"
        )


def check_alone(model_class, hyperparameters, hooks, own):
    """Check that nothing but its own optimiser trains the adversary.

    Parameters
    ----------
    model_class : type
    hyperparameters : dict of str to float
    hooks : models.hooks.Hooks
    own : set of str
        Names of the adversary's parameters.

    Raises
    ------
    BenchError
        If it moves although its optimiser has a learning rate of 0.
    """
    still = type(
        model_class.__name__,
        (model_class,),
        {
            "adversary_adam": {**hooks.adversary_adam, "learning_rate": 0.0},
            "__module__": model_class.__module__,
        },
    )
    trial = Trial(still, hyperparameters, hooks)
    before = {name: p.detach().clone() for name, p in trial.model.named_parameters()}
    trial.run()
    moved = [
        name
        for name, parameter in trial.model.named_parameters()
        if name in own and not torch.equal(before[name], parameter)
    ]
    if moved:
        raise BenchError(
            f"something else than adversary_loss moves {', '.join(moved[:5])}: the suite's "
            "optimisers must be the only ones"
        )
