"""From a trained run to its representation."""

from ...evaluation.representation.file_format import write_representation
from ...evaluation.representation.representation import Shared
from ...models.encoding import encode
from ...models.training.recording import ACTIVE_VARIANCE
from ..errors import BenchError


def check_enough_images(config, available):
    """Raise `BenchError` if a data set has fewer images than the evaluation sample needs."""
    wanted = config.n_train + config.n_test
    if wanted > available:
        raise BenchError(
            f"the representation needs n_train + n_test = {wanted} images, but the data set "
            f"has {available}; lower them with --set n_train=… --set n_test=…"
        )


def publish_representation(path, spec, dataset, trainer, images, claim):
    """Encode a run's evaluation sample, and the images that all runs share, and write them.

    Parameters
    ----------
    path : Path
    spec : RunSpec
    dataset : Dataset
    trainer : models.training.loop.Trainer
        At the end of its schedule.
    images : models.training.images.Images
    claim : benchmark.runs.claims.Claim
        Checked before anything is written.

    Returns
    -------
    dict of str to float
        The run's final figures: means over its last steps, active units over the sample, and the
        floor of the NLL.

    Raises
    ------
    BenchError
        If the model gives another number of codes than in training.
    ClaimLost
        If another process has taken the run over.
    """
    config = spec.config
    count = config.n_train + config.n_test
    index = dataset.evaluation_index(spec.seed, count)
    codes, log_variances, floor = encode(trainer.model, images, index)
    if codes.shape[1] != config.latent_size:
        raise BenchError(
            f"the model gave {codes.shape[1]} codes an image in evaluation mode; "
            f"latent_size is {config.latent_size}"
        )
    shared_index = dataset.shared_index()
    shared_codes, shared_log_variances, _ = encode(trainer.model, images, shared_index)
    active = codes.astype("float64").var(axis=0) > ACTIVE_VARIANCE
    claim.check()
    write_representation(
        path,
        codes,
        dataset.factors(index),
        n_train=config.n_train,
        log_variances=log_variances,
        index=index,
        factor_names=dataset.factor_names,
        factor_sizes=dataset.factor_sizes,
        factor_kinds=dataset.factor_kinds,
        shared=Shared(shared_codes, shared_index, shared_log_variances),
        dataset=dataset.name,
        attributes={
            "dataset_version": dataset.version,
            "unidentifiable_factors": list(dataset.unidentifiable_factors),
            "model": spec.model.name,
            "preset": spec.preset,
            "seed": spec.seed,
            **dict(spec.hyperparameters),
            **dict(spec.settings),
        },
    )
    return {**trainer.recorder.final(), "active_units": int(active.sum()), "bce_floor": floor}
