"""What the steps of stacked runs are computed from: batches, noise, coefficients."""

import torch
from torch.nn import functional as F

from ..terms import TERMS

# The outputs through which a term's gradient goes.
READ = {
    "nll": ("logits",),
    "kl": ("means", "log_variances"),
    "l2": ("logits",),
    "tc": ("codes", "means", "log_variances"),
}


class SharedInputs:
    """Batches or noise of R runs: what several of them share is computed once a step.

    Parameters
    ----------
    sources : list of callable
        One a run: ``source(step) -> Tensor``. Those of one kind and seed give the same, if they
        take it from the same images.
    images : bool, default False
        Whether they give images (B, C, H, W), whose channels then lie side by side in memory:
        channels-last over all runs, as convolutions in groups want them.

    Attributes
    ----------
    dimension : int or None
        The dimension of the result that counts the runs; None where all runs share everything.
    """

    def __init__(self, sources, images=False):
        distinct = {}
        for source in sources:
            distinct.setdefault(_identify(source), source)
        self._sources = list(distinct.values())
        places = {key: place for place, key in enumerate(distinct)}
        self._places = [places[_identify(source)] for source in sources]
        self._stack = _stack_images if images else torch.stack
        self.dimension = None if len(distinct) == 1 else int(images)

    def __call__(self, step):
        """Return a step's Tensor for all runs, or a stacked one with a part for each."""
        tensors = [source(step) for source in self._sources]
        if self.dimension is None:
            return tensors[0]
        return self._stack([tensors[place] for place in self._places])

    def select(self, result, number):
        """Return what one run takes of such a result."""
        return result if self.dimension is None else result.select(self.dimension, number)


def _stack_images(images):
    """Stack images along a new dimension 1, so that channels come last in memory."""
    return torch.stack([part.permute(0, 2, 3, 1) for part in images], 3).permute(0, 3, 4, 1, 2)


def _identify(source):
    """What equal sources have in common: their kind, seed, and where their images come from."""
    seed = getattr(source, "seed", None)
    if seed is None:
        return id(source)
    return type(source), seed, id(getattr(source, "images", None))


class StackedCoefficients:
    """The coefficients of R runs as tensors of R values, by step; they stay the same tensors.

    Parameters
    ----------
    trainers : list of models.training.loop.Trainer
    weighed : bool
        Give the weights of the losses' terms (`models.autoencoder.Autoencoder.weigh_terms`) in
        the place of the coefficients that they come from, and 0 for a term that a loss lacks.

    Attributes
    ----------
    terms : tuple of str
        The terms of any of the losses, in the order of `models.terms.TERMS`.
    present : dict of str to Tensor of shape (R,), bool
        Which losses have a term; only terms that some of them lack.

    Raises
    ------
    ValueError
        If the runs' coefficients have different names, or a weight is of no known term.
    """

    def __init__(self, trainers, weighed):
        self._trainers = trainers
        self._weighed = weighed
        device = trainers[0].device
        read = [self._read(trainer, trainer.step) for trainer in trainers]
        if weighed:
            named = dict.fromkeys(name for values in read for name in values)
            if unknown := named.keys() - TERMS.keys():
                raise ValueError(
                    f"weigh_terms names {min(unknown)!r}, which is no term; there are: "
                    f"{', '.join(TERMS)}"
                )
            self.terms = tuple(name for name in TERMS if name in named)
        else:
            self.terms = ()
            named = read[0]
            if any(values.keys() != named.keys() for values in read):
                raise ValueError("the runs have coefficients of different names")
        self._values = {name: torch.zeros(len(trainers), device=device) for name in named}
        self.present = {}
        for name in self.terms:
            having = [name in values for values in read]
            if not all(having):
                self.present[name] = torch.tensor(having, device=device)
        for number, values in enumerate(read):
            self._fill(number, values)
        # Of those that depend on the step: how often their tensors were filled.
        self._filled = {
            number: None for number, trainer in enumerate(trainers) if trainer.hooks.anneals
        }

    def __call__(self, step):
        """Return the values of a step, counted from 0, as a dict of Tensors of shape (R,)."""
        for number, filled in self._filled.items():
            trainer = self._trainers[number]
            now = [tensor._version for tensor in trainer.coefficients(step).values()]
            if now != filled:
                self._filled[number] = now
                self._fill(number, self._read(trainer, step))
        return self._values

    def _read(self, trainer, step):
        coefficients = trainer.coefficients(step)
        return trainer.model.weigh_terms(coefficients) if self._weighed else coefficients

    def _fill(self, number, values):
        for name, value in values.items():
            self._values[name][number] = value


class WeighedLoss:
    """The weighted sum of terms that is the loss of one member of a stack.

    A term that the member's own loss lacks has no part in it, not even where it is infinite.

    Parameters
    ----------
    terms : tuple of str
        Names in `models.terms.TERMS`, in the order of the sum.
    """

    def __init__(self, terms):
        self._terms = terms

    def __call__(self, outputs, coefficients):
        """Return the loss and its terms.

        Parameters
        ----------
        outputs : models.terms.Outputs
        coefficients : tuple of dict of str to Tensor of shape ()
            The weights; and whether the loss has a term, for those that it may lack.
        """
        weights, present = coefficients
        total, terms = None, {}
        for name in self._terms:
            having = present.get(name)
            term = _cross_entropy if name == "nll" else TERMS[name]
            given = outputs if having is None else _stop_gradient(outputs, READ[name], having)
            terms[name] = term(given)
            weighted = weights[name] * terms[name]
            if having is not None:
                weighted = torch.where(having, weighted, 0.0)
            total = weighted if total is None else total + weighted
        return total, terms


def _cross_entropy(outputs):
    """The negative log-likelihood in few operations; vmap makes many of the one made for it."""
    logits, images = outputs.logits, outputs.images
    return (F.softplus(logits) - images * logits).sum() / images.shape[0]


def _stop_gradient(outputs, names, having):
    """The same outputs; gradients pass only where `having` is true, and are exact zeros else."""
    parts = {name: getattr(outputs, name) for name in names}
    gated = {name: torch.where(having, part, part.detach()) for name, part in parts.items()}
    return outputs._replace(**gated)
