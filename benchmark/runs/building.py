"""From a run's specification to the trainer that carries it out."""

from ...models.training.batches import Batches
from ...models.training.loop import Trainer, build_model
from ...models.training.pairs import PairedBatches
from ...models.training.permutations import Permutations
from ...models.training.schedule import Schedule
from ...models.training.streams import Noise
from ..errors import BenchError
from ..protocol.fit import takes_network


def build_trainer(spec, images, grid_sizes, device, compiled=False, note=None):
    """Build a run's trainer at the run's first step, with weights that no training has changed.

    Parameters
    ----------
    spec : RunSpec
    images : models.training.images.Images
    grid_sizes : tuple of int or None
        Numbers of classes where the images are a full grid, for a model that trains on pairs.
    device : torch.device
    compiled : bool, default False
        Use `torch.compile`.
    note : callable, optional
        ``note(text)``, told in one line what of the training works less well than it should.

    Returns
    -------
    Trainer
        Give it to `close_streams` when it is not needed any more.

    Raises
    ------
    BenchError
        If the data set has too few images for a batch, or is no grid to draw pairs from, or the
        model has nothing to train.
    """
    config = spec.config
    batches, permutations = _build_streams(spec, images, grid_sizes, device)
    schedule = Schedule(
        phases=spec.phases,
        start=spec.start,
        learning_rate=config.learning_rate,
        adam_beta1=config.adam_beta1,
        adam_beta2=config.adam_beta2,
        adam_epsilon=config.adam_epsilon,
        log_every=config.log_every,
        checkpoint_every=config.checkpoint_every,
        final_steps=spec.resolved()["final_steps"],
    )
    return Trainer(
        construct(spec.model.load(), spec.seed, device, images.shape, config),
        dict(spec.hyperparameters),
        batches,
        Noise(_code_shape(spec), spec.seed, device),
        schedule,
        spec.seed,
        amp=config.amp == "bf16",
        compiled=compiled,
        permutations=permutations,
        note=note,
    )


def close_streams(trainer):
    """Let a trainer's batches stop reading ahead."""
    trainer.batches.close()
    if trainer.permutations is not None:
        trainer.permutations.close()


def construct(model_class, seed, device, image_shape, config):
    """Build a zoo model or a user's own, which need not take a `network`."""
    arguments = {"latent_size": config.latent_size}
    if takes_network(model_class):
        arguments["network"] = config.network
    model = build_model(model_class, seed, device, image_shape, **arguments)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise BenchError(f"{model_class.__name__} has no parameters to train")
    return model


def _build_streams(spec, images, grid_sizes, device):
    """The run's batches, and the permutations of codes where its model needs them."""
    config, hooks = spec.config, spec.model.declaration.hooks
    permutations = None
    try:
        if hooks.pairs:
            batches = PairedBatches(
                images, config.batch_size, spec.seed, grid_sizes, config.pair_factors
            )
        else:
            batches = Batches(images, config.batch_size, spec.seed)
        if hooks.permutes:
            second = images if config.permuted_batch == "second" else None
            permutations = Permutations(_code_shape(spec), spec.seed, device, second)
    except ValueError as error:
        raise BenchError(str(error)) from error
    return batches, permutations


def _code_shape(spec):
    """Shape of a batch's codes; a batch of pairs has two images for each pair."""
    images = spec.config.batch_size * (2 if spec.model.declaration.hooks.pairs else 1)
    return images, spec.config.latent_size
