"""Training on "meta", where whatever copies to the host or mixes devices is an error."""

import numpy as np
import pytest
import torch

from disentanglement_bench.benchmark.datasets.base import ImageSource
from disentanglement_bench.models.networks import NETWORKS
from disentanglement_bench.models.training.images import Images
from disentanglement_bench.models.training.loop import Trainer, build_model, fused_adam
from disentanglement_bench.models.training.pairs import PairedBatches
from disentanglement_bench.models.training.permutations import Permutation
from disentanglement_bench.models.training.schedule import Schedule
from disentanglement_bench.models.training.stack import StackingError
from disentanglement_bench.models.training.stacking import StackedTrainer, find_family
from disentanglement_bench.models.training.streams import Noise
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE
from disentanglement_bench.models.zoo.vae import VAE

SIDES = {"conv": 16, "conv-dlib": 16, "conv-small": 8}
OPTIMISERS = {
    "sgd": lambda parameters, schedule: torch.optim.SGD(parameters, lr=schedule.learning_rate),
    "adam": lambda parameters, schedule: torch.optim.Adam(parameters, fused=False, foreach=False),
    "default": fused_adam,
}


class Enough(Exception):
    """Ends training where saving, which reads the weights, would be the next thing."""


def build(
    model_class,
    hyperparameters,
    network="conv-small",
    optimiser="sgd",
    batches=None,
    rows=4,
    seed=0,
    **options,
):
    """A trainer, all of it on "meta"."""
    shape = (1, SIDES[network], SIDES[network])

    def permute(step):
        order = torch.empty((4, 3), device="meta").argsort(dim=0)
        # A second batch at every other step.
        second = torch.empty((4, *shape), device="meta"), torch.empty((4, 3), device="meta")
        return Permutation(order, *(second if step % 2 else ()))

    return Trainer(
        build_model(model_class, 0, "meta", shape, latent_size=3, network=network),
        hyperparameters,
        batches or (lambda step: torch.empty((rows, *shape), device="meta")),
        Noise((rows, 3), seed, "meta", draw=lambda shape, seed: torch.empty(shape, device="meta")),
        Schedule(phases=(2, 5), log_every=10, **options),
        0,
        make_optimiser=OPTIMISERS[optimiser],
        permutations=permute,
    )


def train(*arguments, steps=3, **options):
    """Train for some steps, all within one interval of the log, which alone is read."""
    return stop_after(build(*arguments, **options), steps)


def train_stacked(*runs, steps=3, **options):
    """The same for a stack of (class, hyperparameters, seed)."""
    trainers = [build(*run, seed=seed, **options) for *run, seed in runs]
    return stop_after(StackedTrainer(trainers), steps)


def stop_after(trainer, steps):
    def stop_without_saving():
        if trainer.step == steps:
            raise Enough

    with pytest.raises(Enough):
        trainer.run(None, should_stop=stop_without_saving)
    return trainer


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_model_and_network_trains_without_a_copy_to_the_host(network, optimiser, zoo_model):
    """Three steps, over the boundary of two phases and through the recorder."""
    trainer = train(*zoo_model, network, optimiser)
    tensors = [*trainer.model.parameters(), *vars(trainer.recorder.here).values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


class Averaged(BetaVAE):
    """A model of pairs whose posteriors are averaged."""

    pairs = True

    def couple(self, first, second):
        both = tuple((one + other) / 2 for one, other in zip(first, second, strict=True))
        return both, both


def test_pairs_are_found_and_coupled_without_a_copy_to_the_host():
    """The images' index lies on the device, as where a data set fits there."""
    weights, palette = np.zeros((4, 1, 8, 8), np.uint8), np.zeros((6, 1, 1), np.float32)
    images = Images(ImageSource("templates", weights, (8, 8, 1), palette), "meta")
    batches = PairedBatches(images, 4, 0, (2, 3, 4))
    assert batches.index(0).device.type == "meta"
    trainer = train(Averaged, {"beta": 2.0}, batches=batches, rows=8)
    assert {parameter.device.type for parameter in trainer.model.parameters()} == {"meta"}


def test_reading_the_log_is_a_copy_to_the_host():
    """So the step's silence above means something: the recorder's buffer is on the device."""
    trainer = train(BetaVAE, {"beta": 2.0})
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        trainer.recorder.flush(3)


def branches_on_beta(nll, kl, coefficients):
    return nll + kl if coefficients["beta"] == 1 else nll + coefficients["beta"] * kl


def reads_the_loss(nll, kl, coefficients):
    return nll + kl if nll.item() > 0 else kl


def goes_through_the_host(nll, kl, coefficients):
    return nll + (coefficients["beta"].cpu() * kl.cpu()).to(nll.device)


def mixes_devices(nll, kl, coefficients):
    return nll + (kl.reshape(1) * torch.ones(1)).sum()


@pytest.mark.parametrize(
    "combine", [branches_on_beta, reads_the_loss, goes_through_the_host, mixes_devices]
)
def test_a_model_that_waits_for_the_host_is_caught(combine):
    class Careless(BetaVAE):
        def loss(self, outputs, coefficients):
            _, known = super().loss(outputs, coefficients)
            return combine(known["nll"], known["kl"], coefficients), known

    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        train(Careless, {"beta": 2.0})


@pytest.mark.parametrize("seeds", [(0, 0), (0, 1, 1)])
@pytest.mark.parametrize("network", ["conv", "conv-small"])
def test_stacks_train_without_a_copy_to_the_host(network, seeds, zoo_model):
    """With one batch for all, and with a batch for each seed; over the boundary of two phases."""
    runs = [(*zoo_model, seed) for seed in seeds]
    if find_family(zoo_model[0]) is None:
        with pytest.raises(StackingError, match="one family are needed for a stack, got FactorVAE"):
            train_stacked(*runs, network=network)
        return
    if find_family(zoo_model[0]) == find_family(VAE):
        runs += [(LambdaBetaVAE, {"beta": 2.0, "lambda": 1.0}, 0), (VAE, {}, 1)]
    stacked = train_stacked(*runs, network=network, optimiser="default")
    tensors = [*stacked.stack.parameters.values(), *vars(stacked.stack.here).values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_reading_a_stack_is_a_copy_to_the_host():
    stacked = train_stacked((BetaVAE, {"beta": 2.0}, 0), (BetaVAE, {"beta": 3.0}, 0))
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        stacked.stack.find_finite()


@pytest.mark.parametrize(
    "combine", [branches_on_beta, reads_the_loss, goes_through_the_host, mixes_devices]
)
def test_a_model_that_waits_for_the_host_is_caught_in_a_stack_as_well(combine):
    class Careless(BetaVAE):
        def loss(self, outputs, coefficients):
            _, known = super().loss(outputs, coefficients)
            return combine(known["nll"], known["kl"], coefficients), known

    with pytest.raises(StackingError, match="cannot be trained as a stack: "):
        train_stacked((Careless, {"beta": 2.0}, 0), (Careless, {"beta": 3.0}, 0))
