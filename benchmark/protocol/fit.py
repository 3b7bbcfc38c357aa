"""Fit a protocol to a data set: the size of batch and evaluation sample, the shape of images."""

import inspect
from dataclasses import replace

from ...evaluation.naming import unknown_name
from ..errors import BenchError


def fit_config(config, dataset, count, chosen=()):
    """Lower the evaluation sample and the batch to what a small data set has.

    Parameters
    ----------
    config : Config
    dataset : str
        Its name, for messages.
    count : int or None
        Number of images; None where it is not known yet, which changes nothing.
    chosen : iterable of str
        Settings that the user named: they are not lowered but refused.

    Returns
    -------
    Config
    notes : tuple of str
        One sentence for each change, to stand in the run's record and under its tables.

    Raises
    ------
    BenchError
        If the user asked for more images than there are, or there are fewer than two.

    Examples
    --------
    >>> from disentanglement_bench.benchmark.protocol.presets import Config
    >>> config, notes = fit_config(Config(n_train=3000, n_test=1500), "faces", 12)
    >>> config.n_train, config.n_test, config.batch_size
    (8, 4, 12)
    """
    sample = config.n_train + config.n_test
    if count is None or (sample <= count and config.batch_size <= count):
        return config, ()
    if count < 2:
        raise BenchError(
            f"{dataset} has {count} images; at least two are needed, one to train and one to test",
            exit_code=2,
        )
    changes, notes = {}, []
    if sample > count:
        _refuse_chosen(("n_train", "n_test"), chosen, sample, dataset, count)
        n_train = min(max(1, count * config.n_train // sample), count - 1)
        changes |= {"n_train": n_train, "n_test": count - n_train}
        notes.append(
            f"{dataset} has {count:,} images: {n_train:,} + {count - n_train:,} are scored, "
            f"where the protocol says {config.n_train:,} + {config.n_test:,}"
        )
    if config.batch_size > count:
        _refuse_chosen(("batch_size",), chosen, config.batch_size, dataset, count)
        changes["batch_size"] = count
        notes.append(
            f"{dataset} has {count:,} images: a batch has {count:,}, "
            f"where the protocol says {config.batch_size:,}"
        )
    return replace(config, **changes), tuple(notes)


def _refuse_chosen(keys, chosen, wanted, dataset, count):
    if any(key in chosen for key in keys):
        raise BenchError(
            f"{' + '.join(keys)} = {wanted:,} needs more images than {dataset} has ({count:,}); "
            "lower it with --set, or leave it out and it is fitted to the data set",
            exit_code=2,
        )


def check_network(name):
    """Raise `BenchError` unless there is a network of this name."""
    from ...models.networks import NETWORKS

    if name not in NETWORKS:
        raise BenchError(unknown_name("network", name, NETWORKS), exit_code=2)


def check_images(specs, dataset, image_shape):
    """Raise `BenchError` unless the runs' networks can take the images of their data set.

    Parameters
    ----------
    specs : iterable of RunSpec
        Runs on this data set.
    dataset : str
        Its name, for the message.
    image_shape : tuple of int
        (height, width, channels), as stored.
    """
    import torch

    from ...models.networks import build_network

    height, width, channels = image_shape
    for network, side, model in {
        (spec.config.network, spec.config.image_size, spec.model): None for spec in specs
    }:
        if side and (height != width or height % side):
            raise BenchError(
                f"image_size = {side} does not suit {dataset}, whose images are "
                f"{height}×{width}: they must be square, and the size must divide theirs",
                exit_code=2,
            )
        if not takes_network(model.load()):
            continue
        shape = (channels, side or height, side or width)
        try:
            with torch.device("meta"):
                build_network(network, shape, latent_size=1)
        except ValueError as error:
            raise BenchError(
                f"{dataset}: {error}; --set image_size=… pools them, --set network=… takes another "
                "(bench list presets)",
                exit_code=2,
            ) from error


def check_pairing(specs, dataset, grid_sizes):
    """Raise `BenchError` unless the data set has the pairs of images that runs train on.

    Parameters
    ----------
    specs : iterable of RunSpec
        Runs on this data set whose models train on pairs.
    dataset : str
        Its name, for the message.
    grid_sizes : tuple of int or None
        Numbers of classes; None where the images are not the full grid.
    """
    from ...models.hooks import check_pairs

    for pair_factors in {spec.config.pair_factors: None for spec in specs}:
        try:
            check_pairs(grid_sizes, pair_factors)
        except ValueError as error:
            raise BenchError(f"{dataset}: {error}", exit_code=2) from error


def takes_network(model_class):
    """Whether a model class is built with the name of a network of the zoo."""
    parameters = inspect.signature(model_class).parameters
    return "network" in parameters or any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()
    )
