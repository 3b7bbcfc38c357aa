"""Check the adversary of a user's model: what it is, what trains it, and what it trains."""

import torch

from ..errors import BenchError
from .calls import describe
from .trial import Trial, compute


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


def check_opponent(model, own, results):
    """Check that the rest of the model meets its adversary.

    Parameters
    ----------
    model : torch.nn.Module
    own : set of str
        Names of the adversary's parameters.
    results : list of Tensor
        The loss and its terms.

    Raises
    ------
    BenchError
        If nothing of what ``loss`` returns depends on the adversary.
    """
    parameters = [p for name, p in model.named_parameters(remove_duplicate=False) if name in own]
    total = sum(result for result in results if result.requires_grad)
    gradients = [None]
    if isinstance(total, torch.Tensor):
        gradients = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
    if all(gradient is None for gradient in gradients):
        raise BenchError(
            f"nothing that loss returns depends on the adversary {model.adversary!r}, so that it "
            "learns, but the rest of the model does not learn from it"
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
            f"something other than adversary_loss moves {', '.join(moved[:5])}: the suite's "
            "optimisers must be the only ones"
        )
