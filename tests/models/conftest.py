"""Tiny models, batches and outputs."""

import io

import numpy as np
import pytest
import torch

from disentanglement_bench.benchmark.datasets.base import ImageSource
from disentanglement_bench.models.terms import Outputs
from disentanglement_bench.models.training.batches import Batches
from disentanglement_bench.models.training.images import Images
from disentanglement_bench.models.training.loop import Trainer, build_model
from disentanglement_bench.models.training.permutations import Permutations
from disentanglement_bench.models.training.schedule import Schedule
from disentanglement_bench.models.training.streams import Noise
from disentanglement_bench.models.zoo.annealedvae import AnnealedVAE
from disentanglement_bench.models.zoo.betatcvae import BetaTCVAE
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.dipvae1 import DIPVAE1
from disentanglement_bench.models.zoo.dipvae2 import DIPVAE2
from disentanglement_bench.models.zoo.factorvae import FactorVAE
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE
from disentanglement_bench.models.zoo.vae import VAE

LATENTS = 3
ZOO = {
    "vae": (VAE, {}),
    "betavae": (BetaVAE, {"beta": 4.0}),
    "lambdabeta": (LambdaBetaVAE, {"beta": 4.0, "lambda": 2.0}),
    "betatcvae": (BetaTCVAE, {"beta": 4.0}),
    "annealedvae": (AnnealedVAE, {"gamma": 10.0, "c_max": 2.0}),
    "dipvae1": (DIPVAE1, {"lambda_od": 3.0, "lambda_d_factor": 10.0}),
    "dipvae2": (DIPVAE2, {"lambda_od": 3.0, "lambda_d_factor": 1.0}),
    "factorvae": (FactorVAE, {"gamma": 5.0}),
}


@pytest.fixture(params=ZOO)
def zoo_model(request):
    """Class and hyperparameters of each model in turn."""
    return ZOO[request.param]


@pytest.fixture
def make_outputs():
    """Random float64 outputs of a forward pass, as leaves that collect gradients."""

    def make(seed=0, batch=4, shape=(1, 3, 3), latents=LATENTS, binary=False):
        draw = np.random.default_rng(seed)
        images = draw.random((batch, *shape))
        images = np.round(images) if binary else images
        arrays = (
            images,
            draw.normal(size=images.shape, scale=2),
            draw.normal(size=(batch, latents)),
            draw.normal(size=(batch, latents)),
            draw.normal(size=(batch, latents), scale=0.5),
        )
        tensors = [torch.from_numpy(array) for array in arrays]
        return Outputs(tensors[0], *(tensor.requires_grad_() for tensor in tensors[1:]))

    return make


@pytest.fixture(scope="session")
def tiny_source():
    """Forty random 8×8 grey images."""
    array = np.random.default_rng(1).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    return ImageSource("uint8", array, (8, 8, 1))


@pytest.fixture
def make_trainer(tiny_source):
    """A trainer of a tiny model on tiny images; the arguments are those of a run.

    With `second` a model that permutes takes the codes of a second batch, else those of its own.
    """

    def make(
        model_class=BetaVAE,
        hyperparameters=None,
        phases=(7, 5),
        seed=0,
        batch_size=4,
        images=None,
        log_every=4,
        final_steps=3,
        checkpoint_every=100,
        learning_rate=1e-2,
        start=0,
        second=True,
        device="cpu",
        **options,
    ):
        if hyperparameters is None:
            hyperparameters = {"beta": 2.0}
        images = images or Images(tiny_source, device)
        model = build_model(
            model_class, seed, device, images.shape, latent_size=LATENTS, network="conv-small"
        )
        schedule = Schedule(
            phases=phases,
            start=start,
            learning_rate=learning_rate,
            log_every=log_every,
            checkpoint_every=checkpoint_every,
            final_steps=final_steps,
        )
        batches = Batches(images, batch_size, seed)
        shape = (batch_size, LATENTS)
        noise = Noise(shape, seed, device)
        if getattr(model_class, "permutes", False):
            options["permutations"] = Permutations(shape, seed, device, images if second else None)
        return Trainer(model, hyperparameters, batches, noise, schedule, seed, **options)

    return make


@pytest.fixture
def freeze():
    """A trainer's state as the bytes of a checkpoint."""

    def to_bytes(trainer):
        file = io.BytesIO()
        torch.save(trainer.state(), file)
        return file.getvalue()

    return to_bytes


@pytest.fixture
def thaw():
    """The state in the bytes of a checkpoint, read as `bench` reads it."""
    return lambda data: torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
