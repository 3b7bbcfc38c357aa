"""Try a user's own model, data set or metric before time is spent on it."""

import contextlib
import copy

import numpy as np

from ..evaluation.importing import ImportFailure, load_object
from .errors import BenchError

STEPS = 20
BATCH = 16
LATENTS = 4
SIDE = 32


def check(target):
    """Check a class, function or object by its path.

    Parameters
    ----------
    target : str
        ``package.module:Name`` of a `torch.nn.Module`, a data set, or a metric.

    Returns
    -------
    kind : str
        "model", "data set" or "metric".
    lines : list of str
        What was found right.

    Raises
    ------
    BenchError
        With the first thing that is wrong and what was expected.
    """
    try:
        found = load_object(target, "model, data set or metric")
    except ImportFailure as error:
        raise BenchError(str(error), exit_code=2) from error
    if _is_model(found):
        return "model", check_model(found)
    if _is_dataset(found):
        return "data set", check_dataset(target)
    from ..evaluation.metrics import Metric, MetricError
    from ..evaluation.metrics.checks import check_metric

    if not callable(found) and not isinstance(found, Metric):
        raise BenchError(
            f"{target} is a {type(found).__name__}; expected a torch.nn.Module class, a data set "
            "(docs/datasets.md) or a metric (docs/metrics.md)"
        )
    try:
        return "metric", check_metric(found)
    except MetricError as error:
        raise BenchError(str(error)) from error


def check_model(model_class):
    """Check a model class against the protocol of `models.autoencoder.Autoencoder`.

    Parameters
    ----------
    model_class : type

    Returns
    -------
    list of str

    Raises
    ------
    BenchError
    """
    from ..models.hyperparameters import resolve_hyperparameters

    for method in ("encode", "decode", "loss"):
        if not callable(getattr(model_class, method, None)):
            raise BenchError(
                f"{model_class.__name__} has no method {method!r}; a model has "
                "__init__(image_shape, latent_size), encode(images), decode(codes) and "
                "loss(outputs, coefficients): see docs/models.md"
            )
    lines = ["has encode, decode and loss"]
    hyperparameters = _attempt("Hyperparameters", resolve_hyperparameters, model_class, {})
    shown = ", ".join(f"{name} = {value}" for name, value in hyperparameters.items())
    lines.append(f"hyperparameters: {shown or 'none'}")
    lines += _check_shapes(model_class)
    lines += _check_training(model_class, hyperparameters)
    return lines


def check_dataset(target):
    """Load a data set by its path and look at its images and factors.

    Parameters
    ----------
    target : str
        ``package.module:Name``.

    Returns
    -------
    list of str

    Raises
    ------
    BenchError
    """
    from ..models.training.batches import Images
    from . import datasets

    dataset = datasets.load_dataset(target)
    height, width, channels = dataset.source.image_shape
    lines = [
        f"{dataset.name} version {dataset.version}: {len(dataset):,} images of "
        f"{height}×{width}×{channels}",
        "factors: "
        + ", ".join(
            f"{name} ({size})"
            for name, size in zip(dataset.factor_names, dataset.factor_sizes, strict=True)
        ),
    ]
    index = np.unique(np.linspace(0, len(dataset) - 1, 64).astype(np.int64))
    images = _attempt("images", _deliver, Images, dataset.source, index)
    factors = dataset.factors(index)
    if factors.min() < 0 or (factors.max(axis=0) >= np.array(dataset.factor_sizes)).any():
        raise BenchError(
            f"factors lie outside 0 … size - 1: largest {factors.max(axis=0).tolist()} "
            f"for sizes {list(dataset.factor_sizes)}"
        )
    if len(index) > 1 and float(images.std(dim=0).max()) == 0:
        raise BenchError("all images looked at are the same")
    lines.append(f"delivers images in [{float(images.min()):.2f}, {float(images.max()):.2f}]")
    return lines


def _deliver(images_class, source, index):
    import torch

    return images_class(source, "cpu")(torch.from_numpy(index))


def _is_model(found):
    if not isinstance(found, type):
        return False
    import torch

    return issubclass(found, torch.nn.Module)


def _is_dataset(found):
    from .datasets.base import Dataset

    # The images may be made only when an object is.
    attributes = ("factor_names", "factor_sizes")
    return isinstance(found, Dataset) or all(hasattr(found, name) for name in attributes)


def _attempt(what, function, *arguments, passing=BenchError, **options):
    """Call a user's code; its exception becomes one line, unless it is one to pass on."""
    try:
        return function(*arguments, **options)
    except (BenchError, passing):
        raise
    except Exception as error:
        raise BenchError(f"{what}: {type(error).__name__}: {error}") from error


def _check_shapes(model_class):
    import torch

    lines = []
    for channels in (1, 3):
        shape = (channels, SIDE, SIDE)
        model = _attempt(f"__init__{(shape, LATENTS)}", _build, model_class, shape)
        images = torch.rand(3, *shape)
        posterior = _attempt("encode", model.encode, images)
        if (
            not isinstance(posterior, tuple | list)
            or [tuple(getattr(part, "shape", ())) for part in posterior] != [(3, LATENTS)] * 2
        ):
            raise BenchError(
                "encode must return posterior means and log-variances, both of shape "
                f"(3, {LATENTS}) for 3 images; it returned {_shapes(posterior)}"
            )
        logits = _attempt("decode", model.decode, posterior[0])
        if _shapes(logits) != _shapes(images):
            raise BenchError(
                f"decode must return logits of shape {_shapes(images)}, got {_shapes(logits)}"
            )
        lines.append(f"encodes and decodes {channels}×{SIDE}×{SIDE} images")
    return lines


def _shapes(value):
    if isinstance(value, tuple | list):
        return [_shapes(part) for part in value]
    return tuple(value.shape) if hasattr(value, "shape") else type(value).__name__


def _build(model_class, shape):
    from .protocol.presets import Config
    from .runs.execute import construct

    return construct(
        model_class, 0, "cpu", shape, Config(network="conv-small", latent_size=LATENTS)
    )


def _check_training(model_class, hyperparameters):
    """A few steps of the suite's own loop, whole and in two halves."""
    import torch

    whole = _Trial(model_class, hyperparameters)
    untrained = [parameter.detach().clone() for parameter in whole.model.parameters()]
    whole.run()
    names = [name for name, _ in whole.model.named_parameters()]
    unused = [
        name
        for name, before, after in zip(names, untrained, whole.model.parameters(), strict=True)
        if torch.equal(before, after)
    ]
    if unused:
        raise BenchError(
            f"training never changed {', '.join(unused[:5])}; every parameter must enter the loss "
            "(or be registered as a buffer)"
        )
    halves = _Trial(model_class, hyperparameters)
    halves.run(stop_at=STEPS // 2)
    again = _Trial(model_class, hyperparameters)
    again.trainer.load(halves.saved)
    again.run()
    ends = zip(whole.model.parameters(), again.model.parameters(), strict=True)
    if not all(torch.equal(one, other) for one, other in ends):
        raise BenchError(
            "a run stopped and continued ended with other weights: keep all state in parameters "
            "and buffers, and draw randomness from torch only"
        )
    first, *_, last = (row[1] for row in whole.trainer.recorder.rows)
    return [
        f"trains: NLL {first:.1f} → {last:.1f} nats in {STEPS} steps",
        "stopped and continued, it ends with the same weights",
    ]


class _Trial:
    """A short training run on random images."""

    def __init__(self, model_class, hyperparameters):
        import torch

        from ..models.training.loop import Schedule, Trainer
        from ..models.training.streams import Noise

        generator = torch.Generator().manual_seed(1)
        images = torch.rand(STEPS, BATCH, 1, SIDE, SIDE, generator=generator)
        self.model = _build(model_class, (1, SIDE, SIDE))
        self.trainer = Trainer(
            self.model,
            hyperparameters,
            lambda step: images[step],
            Noise((BATCH, LATENTS), 0, "cpu"),
            Schedule((STEPS,), learning_rate=1e-3, log_every=1, checkpoint_every=STEPS),
            seed=0,
        )
        self.saved = None

    def run(self, stop_at=None):
        """Train to the end, or to a step."""
        from ..models.training.loop import Stopped

        def save(trainer):
            self.saved = copy.deepcopy(trainer.state())

        with contextlib.suppress(Stopped):
            _attempt(
                "a training step",
                self.trainer.run,
                save,
                should_stop=lambda: self.trainer.step == stop_at,
                passing=Stopped,
            )
