"""Several runs as one: their weights and optimiser states side by side, and one update of all."""

import numpy as np
import torch
from torch.func import functional_call, vmap

from ..autoencoder import Objective
from .graph import describe_optimiser
from .recording import Interval
from .stacked_inputs import SharedInputs, StackedCoefficients, WeighedLoss

# Optimisers that move each element by itself, so that stacked tensors move as single ones do.
ELEMENTWISE = (torch.optim.Adam, torch.optim.SGD)
# How far stacked results may be from single ones, in float32, and in TF32 or bfloat16; codes are
# compared by their largest mean, or by this where all are smaller.
TOLERANCE, ROUGH_TOLERANCE = 2e-3, 5e-2
SMALLEST_SCALE = 0.1
# What every module has.
_MODULES_OWN = vars(torch.nn.Module()).keys()


class StackingError(RuntimeError):
    """These runs cannot be trained as a stack; nothing of them has changed."""


class Stack:
    """The weights and optimiser states of R runs, and one update of all of them.

    Parameters
    ----------
    trainers : list of models.training.loop.Trainer
        At the same step; their weights and states are copied.
    weighed : bool
        Whether all losses are weighted sums of terms (`Autoencoder.weigh_terms`), so that the
        models may be of different classes; else the first one's own loss is computed for all.

    Attributes
    ----------
    trainers : list of models.training.loop.Trainer
    parameters : dict of str to Tensor of shape (R, …)
    optimiser : torch.optim.Optimizer
    here : models.training.recording.Interval

    Raises
    ------
    StackingError
        If the runs do not fit together, or a model has state beside its weights.
    """

    def __init__(self, trainers, weighed):
        check_alike(trainers)
        self.trainers = list(trainers)
        first = trainers[0]
        self._weighed = weighed
        self._images = SharedInputs([trainer.batches for trainer in trainers], images=True)
        self._noise = SharedInputs([trainer.noise for trainer in trainers])
        self._coefficients = StackedCoefficients(trainers, weighed)
        loss = WeighedLoss(self._coefficients.terms) if weighed else None
        self._objective = Objective(first.model, first.objective.amp, loss)
        self.parameters = _stack_parameters([trainer.model for trainer in trainers])
        self.begin_phase()
        self._load_states()
        self.here = Interval(
            first.recorder.interval,
            first.recorder.here.values.shape[-1],
            first.noise.shape[1],
            first.device,
            (len(trainers),),
        )

    def __len__(self):
        return len(self.trainers)

    def begin_phase(self):
        """Make a fresh optimiser."""
        first = self.trainers[0]
        self.optimiser = first.make_optimiser(self.parameters.values(), first.schedule)

    def inputs(self, step):
        """Images, noise and coefficients of a step, counted from 0."""
        coefficients = self._coefficients(step)
        if self._weighed:
            coefficients = coefficients, self._coefficients.present
        return self._images(step), self._noise(step), coefficients

    def update(self, images, noise, coefficients):
        """Update every run; everything stays on the device."""
        loss, logged, means = self._forward(images, noise, coefficients)
        loss.sum().backward()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.here.write(logged, means)

    def tensors(self):
        """All that `update` changes, as `models.training.graph.GraphedStep` takes it."""
        return {
            "weights": list(self.parameters.values()),
            "log": list(vars(self.here).values()),
            **describe_optimiser(self.optimiser),
        }

    def write_back(self):
        """Copy weights and optimiser states into the runs' own."""
        with torch.no_grad():
            for number, trainer in enumerate(self.trainers):
                own = zip(self.parameters.values(), trainer.model.parameters(), strict=True)
                for stacked, parameter in own:
                    parameter.copy_(stacked[number])
                    state = trainer.optimiser.state
                    for name, value in self.optimiser.state.get(stacked, {}).items():
                        # A copy, because saving a view would write the whole stack.
                        state[parameter][name] = (
                            value.clone()
                            if name == "step"
                            else torch.empty_like(parameter).copy_(value[number])
                        )

    def find_finite(self):
        """Whether all weights are finite, as a bool for each run; waits for the device."""
        weights = [parameter.detach() for parameter in self.parameters.values()]
        finite = [weight.isfinite().reshape(len(self), -1).all(dim=1) for weight in weights]
        return torch.stack(finite).all(dim=0).tolist()

    def compare(self, step):
        """Compare a step's losses, terms and codes with those that the runs compute alone.

        What one model computes need not be what another of its class does: tensors that are no
        parameters, say, are the first one's here.

        Raises
        ------
        StackingError
            If they differ by more than the order of sums can explain.
        """
        inputs = self.inputs(step)
        with torch.no_grad():
            _, logged, means = self._forward(*inputs)
            if logged.device.type == "meta":
                return
            amp = self._objective.amp
            rough = amp or logged.device.type != "cpu"
            tolerance = ROUGH_TOLERANCE if rough else TOLERANCE
            for number, trainer in enumerate(self.trainers):
                images = self._images.select(inputs[0], number)
                noise = self._noise.select(inputs[1], number)
                alone = Objective(trainer.model, amp)
                _, terms, outputs = alone(images, noise, trainer.coefficients(step))
                scale = max(outputs.means.abs().max().item(), SMALLEST_SCALE)
                for one, other, size in (
                    (logged[number], terms, 1.0),
                    (means[number], outputs.means, scale),
                ):
                    if not torch.allclose(one, other, tolerance, tolerance * size, equal_nan=True):
                        raise StackingError(
                            "a model computes something else in a stack than alone: everything "
                            "that differs between two models of a class must be a parameter"
                        )

    def _forward(self, *given):
        """Losses (R,), logged terms (R, terms) and posterior means (R, B, D) of all runs."""
        dimensions = (0, self._images.dimension, self._noise.dimension, 0)
        # Kept, it would refer to this object, and nothing of it would be free once it is gone.
        return vmap(self._compute, dimensions, randomness="error")(self.parameters, *given)

    def _compute(self, parameters, images, noise, coefficients):
        """Loss, logged terms and posterior means of one run, as vmap calls it."""
        given = images, noise, coefficients
        loss, logged, outputs = functional_call(self._objective, parameters, given)
        return loss, logged, outputs.means

    def _load_states(self):
        """Stack the states of the runs' optimisers, if they have any."""
        states = [trainer.optimiser.state for trainer in self.trainers]
        models = [trainer.model.parameters() for trainer in self.trainers]
        for stacked, *own in zip(self.parameters.values(), *models, strict=True):
            values = [state.get(p, {}) for state, p in zip(states, own, strict=True)]
            if any(value.keys() != values[0].keys() for value in values):
                raise StackingError("the runs' optimisers are not at the same step")
            for name in values[0]:
                parts = [value[name] for value in values]
                self.optimiser.state[stacked][name] = (
                    parts[0].clone()
                    if name == "step"
                    # In the layout of the weights, which fused optimisers take for granted.
                    else torch.empty_like(stacked).copy_(torch.stack(parts))
                )


def check_alike(trainers):
    """Refuse runs that one stack cannot train.

    Raises
    ------
    StackingError
    """
    wanted = _list_common(trainers[0])
    for trainer in trainers:
        for name, value in _list_common(trainer).items():
            if value != wanted[name]:
                raise StackingError(
                    f"the runs of a stack must share {name}, got {wanted[name]} and {value}"
                )
        if _describe(trainer.model) != _describe(trainers[0].model):
            raise StackingError("the models of a stack must have weights of the same shapes")
        if buffer := next((name for name, _ in trainer.model.named_buffers()), None):
            raise StackingError(
                f"the model has a buffer {buffer!r}, and a stack holds no state but weights"
            )
        if not isinstance(trainer.optimiser, ELEMENTWISE):
            raise StackingError(
                f"{type(trainer.optimiser).__name__} may not treat stacked weights as single ones"
            )


def check_attributes(models):
    """Refuse models of a class that differ in more than their weights.

    A stack computes all members with the first one's code and attributes, so a number that
    `__init__` has drawn, say, would reach all of them. What an attribute holds is compared where
    it is made of numbers, texts, tensors and arrays.

    Parameters
    ----------
    models : list of torch.nn.Module
        None of which has been trained, so that nothing is left in them of a step.

    Raises
    ------
    StackingError
    """
    wanted = _list_attributes(models[0])
    for model in models[1:]:
        attributes = _list_attributes(model)
        for name in {**wanted, **attributes}:
            there = name in wanted and name in attributes
            if not there or not _are_same(wanted[name], attributes[name]):
                raise StackingError(
                    f"two models have different values of {name!r}, which is no parameter, and a "
                    "stack would give all of them the first one's"
                )


def _list_attributes(model):
    """What the modules of a model hold beside parameters, buffers and modules, by name."""
    attributes = {}
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        # The classes of models that share a stack may differ; what they compute is known.
        if path:
            attributes[path] = type(module).__qualname__
        for name, value in vars(module).items():
            if name not in _MODULES_OWN:
                attributes[prefix + name] = value
    return attributes


def _are_same(one, other):
    """Whether two values are equal; those of other types than these cannot be told apart."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        return one.device.type == "meta" or bool(torch.isclose(one, other, 0, 0, True).all())
    if isinstance(one, np.ndarray):
        return repr(one.dtype) == repr(other.dtype) and one.tobytes() == other.tobytes()
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_are_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_are_same(one[key], other[key]) for key in one)
    if isinstance(one, (int, float, complex, str, bytes, np.generic)):
        return bool(one == other or (one != one and other != other))
    return True


def _list_common(trainer):
    """What all runs of a stack have in common, by the name that messages give it."""
    names = ("step", "schedule", "make_optimiser", "device")
    return {
        **{name: getattr(trainer, name) for name in names},
        "amp": trainer.objective.amp,
        "the shape of a batch's codes": trainer.noise.shape,
    }


def _describe(model):
    return [(name, p.shape, p.dtype, p.requires_grad) for name, p in model.named_parameters()]


def _stack_parameters(models):
    """Copies of the models' weights by name in `Objective`, stacked, as leaves with gradients."""
    columns = [dict(model.named_parameters()) for model in models]
    stacked = {}
    for name, parameter in columns[0].items():
        values = torch.stack([column[name].detach() for column in columns])
        stacked[f"model.{name}"] = values.requires_grad_(parameter.requires_grad)
    return stacked
