"""A user's model in the suite's own training step and loop, on random images."""

import contextlib
import io

import torch

from ...models.training.loop import Stopped, Trainer
from ...models.training.permutations import Permutations
from ...models.training.schedule import Schedule
from ...models.training.streams import Noise
from ..errors import BenchError
from ..protocol.presets import Config
from ..runs.building import construct
from .calls import call

STEPS = 20
BATCH = 16
LATENTS = 4
SIDE = 32
# Images of the calls outside training, too few to be a batch by accident.
ROWS = 3


def build(model_class, shape=(1, SIDE, SIDE)):
    """Construct a model as training does."""
    config = Config(network="conv-small", latent_size=LATENTS)
    return call(f"__init__({shape}, {LATENTS})", construct, model_class, 0, "cpu", shape, config)


def compute(model, method, outputs, coefficients):
    """Call a model's `loss` or `adversary_loss`.

    Raises
    ------
    BenchError
        For whatever it raises; where nothing but permuted codes was missing, it says so.
    """
    function = getattr(model, method)
    try:
        return call(method, function, outputs, coefficients)
    except BenchError:
        if outputs.permuted is None and _needs_permuted(method, function, outputs, coefficients):
            raise BenchError(
                f"{method} reads outputs.permuted, which is None unless the model says "
                "permutes = True"
            ) from None
        raise


def _needs_permuted(method, function, outputs, coefficients):
    try:
        call(method, function, outputs._replace(permuted=outputs.codes.detach()), coefficients)
    except BenchError:
        return False
    return True


class Trial:
    """A short training run.

    Parameters
    ----------
    model_class : type
    hyperparameters : dict of str to float
    hooks : models.hooks.Hooks

    Attributes
    ----------
    model : torch.nn.Module
    trainer : models.training.loop.Trainer
    saved : bytes
        The last checkpoint.
    """

    def __init__(self, model_class, hyperparameters, hooks):
        rows = 2 * BATCH if hooks.pairs else BATCH
        generator = torch.Generator().manual_seed(1)
        images = torch.rand(STEPS, rows, 1, SIDE, SIDE, generator=generator)
        self.model = build(model_class)
        self.trainer = Trainer(
            self.model,
            hyperparameters,
            lambda step: images[step],
            Noise((rows, LATENTS), 0, "cpu"),
            Schedule((STEPS,), learning_rate=1e-3, log_every=1, checkpoint_every=STEPS),
            seed=0,
            permutations=Permutations((rows, LATENTS), 0, "cpu") if hooks.permutes else None,
        )
        self.saved = None

    def run(self, stop_at=None):
        """Train to the end, or to a step."""
        with contextlib.suppress(Stopped):
            call(
                "a training step",
                self.trainer.run,
                self._save,
                should_stop=lambda: self.trainer.step == stop_at,
                passing=Stopped,
            )

    def go_on(self, saved):
        """Continue from the checkpoint of another run, read as `bench train` reads it."""
        try:
            state = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
        except Exception as error:
            # PyTorch's own text spans lines and recommends to execute what the file holds.
            raise BenchError(
                "a checkpoint of the model cannot be read again: state_dict must hold nothing but "
                "tensors and plain values"
            ) from error
        call("load_state_dict", self.trainer.load, state)
        self.run()

    def _save(self, trainer):
        archive = io.BytesIO()
        torch.save(trainer.state(), archive)
        self.saved = archive.getvalue()
