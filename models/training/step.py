"""One update of a model, and of its adversary, as a function of what lies on the device."""

import torch

from ..autoencoder import AdversaryObjective


def training_step(
    objective, optimiser, images, noise, coefficients, permutation=None, adversary=None
):
    """One update of the model, and of its adversary; everything stays on the device.

    Both updates come from one forward pass of the model, with the weights before either.

    Parameters
    ----------
    objective : Objective
    optimiser : torch.optim.Optimizer
    images : Tensor of shape (B, C, H, W)
    noise : Tensor of shape (B, D)
    coefficients : dict of str to Tensor of shape ()
    permutation : models.training.permutations.Permutation, optional
    adversary : Adversary, optional

    Returns
    -------
    logged : Tensor
        Loss, NLL, KL, L2, TC, then the model's further terms, then the adversary's loss.
    means : Tensor of shape (B, D)
        Posterior means.
    """
    # Only the objective of a model that permutes codes takes a permutation.
    further = () if permutation is None else (permutation,)
    loss, logged, outputs = objective(images, noise, coefficients, *further)
    if adversary is None:
        loss.backward()
    else:
        # The model's own loss must not move the adversary.
        loss.backward(inputs=adversary.opponents)
        logged = torch.cat((logged, adversary.learn(outputs, coefficients)))
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return logged, outputs.means


class Adversary:
    """The part of a model that a second optimiser trains, against the rest.

    Parameters
    ----------
    model : torch.nn.Module
    hooks : Hooks
    compiled : bool
        Pass its objective through `torch.compile`.

    Attributes
    ----------
    parameters, opponents : list of Parameter
        Its own, and the rest of the model's; only those that are trained.
    optimiser : torch.optim.Optimizer
        Set by the trainer at the start of every phase.

    Raises
    ------
    ValueError
        If the model has no such submodule, or nothing in it or beside it can be trained.
    """

    def __init__(self, model, hooks, compiled):
        part = getattr(model, hooks.adversary, None)
        if not isinstance(part, torch.nn.Module):
            raise ValueError(
                f"adversary = {hooks.adversary!r} must name a submodule that the model makes in "
                f"__init__, got {type(part).__name__}"
            )
        trained = [p for p in model.parameters() if p.requires_grad]
        own = {id(p) for p in part.parameters()}
        self.parameters = [p for p in trained if id(p) in own]
        self.opponents = [p for p in trained if id(p) not in own]
        if not (self.parameters and self.opponents):
            raise ValueError(
                f"adversary = {hooks.adversary!r}: both it and the rest of the model must have "
                "parameters to train"
            )
        objective = AdversaryObjective(model)
        self.objective = torch.compile(objective) if compiled else objective
        self.adam = {
            "learning_rate": hooks.adversary_adam["learning_rate"],
            "adam_beta1": hooks.adversary_adam["beta1"],
            "adam_beta2": hooks.adversary_adam["beta2"],
        }
        self.optimiser = None

    def learn(self, outputs, coefficients):
        """One update on what a forward pass gave; its loss, of shape (1,), without gradient."""
        loss = self.objective(outputs, coefficients)
        loss.backward(inputs=self.parameters)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss.detach().reshape(1)
