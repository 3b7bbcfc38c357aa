"""Check a model of a user: its four methods, and a short training run."""

import contextlib
import copy

from ...evaluation.naming import one_line
from ..errors import BenchError
from .calls import call

STEPS = 20
BATCH = 16
LATENTS = 4
SIDE = 32


def check_model(model_class, report):
    """Check a model class against the protocol of `models.autoencoder.Autoencoder`.

    Parameters
    ----------
    model_class : type
    report : callable
        Called with a line of text for everything that was found right.

    Raises
    ------
    BenchError
        With the first thing that is wrong.
    """
    from ...models.declaration import read_declaration

    try:
        hyperparameters = read_declaration(model_class, model_class.__name__).hyperparameters
    except (TypeError, ValueError) as error:
        raise BenchError(one_line(error)) from error
    report("has encode, decode and loss")
    shown = ", ".join(f"{name} = {value}" for name, value in hyperparameters.items())
    report(f"hyperparameters: {shown or 'none'}")
    for channels in (1, 3):
        _check_shapes(model_class, (channels, SIDE, SIDE))
        report(f"encodes and decodes {channels}×{SIDE}×{SIDE} images")
    _check_loss(model_class, hyperparameters)
    report("computes a loss that is a finite number")
    trial = _check_training(model_class, hyperparameters)
    first, *_, last = (row[1] for row in trial.trainer.recorder.rows)
    report(f"trains: NLL {first:.1f} → {last:.1f} nats in {STEPS} steps")
    _check_continuation(model_class, hyperparameters, trial)
    report("stopped and continued, it ends with the same weights")


def _check_shapes(model_class, shape):
    """Encode and decode, as in training and as in evaluation."""
    import torch

    model = _build(model_class, shape)
    images = torch.rand(3, *shape)
    for mode, training in (("", True), (" in evaluation mode", False)):
        model.train(training)
        posterior = call(f"encode{mode}", model.encode, images)
        parts = posterior if isinstance(posterior, tuple | list) else ()
        if [tuple(getattr(part, "shape", ())) for part in parts] != [(3, LATENTS)] * 2:
            raise BenchError(
                f"encode must return posterior means and log-variances{mode}, both of shape "
                f"(3, {LATENTS}) for 3 images and {LATENTS} latents; it returned "
                f"{_describe_shapes(posterior)}"
            )
        logits = call(f"decode{mode}", model.decode, posterior[0])
        if getattr(logits, "shape", None) != images.shape:
            raise BenchError(
                f"decode must return logits of shape {tuple(images.shape)}{mode}, "
                f"it returned {_describe_shapes(logits)}"
            )


def _check_loss(model_class, hyperparameters):
    import torch

    from ...models.autoencoder import coefficient_tensors
    from ...models.terms import Outputs

    shape = (1, SIDE, SIDE)
    model = _build(model_class, shape)
    images = torch.rand(3, *shape)
    means, log_variances = model.encode(images)
    codes = means + torch.exp(0.5 * log_variances) * torch.randn(3, LATENTS)
    outputs = Outputs(images, model.decode(codes), codes, means, log_variances)
    result = call("loss", model.loss, outputs, coefficient_tensors(hyperparameters, "cpu"))
    if not (isinstance(result, tuple | list) and len(result) == 2 and isinstance(result[1], dict)):
        raise BenchError(
            "loss must return the loss and a dict of the terms it has computed, e.g. "
            f"{{'nll': nll, 'kl': kl}}; it returned {_describe_shapes(result)}"
        )
    value, terms = result
    for name, term in {"loss": value, **terms}.items():
        if not isinstance(term, torch.Tensor) or term.shape != ():
            raise BenchError(
                f"loss must return {name} as one number, a tensor of shape (); "
                f"it returned {_describe_shapes(term)}"
            )
    if not torch.isfinite(value):
        raise BenchError(f"the loss of random images is {float(value)}; it must be finite")


def _describe_shapes(value):
    if isinstance(value, tuple | list):
        return f"({', '.join(_describe_shapes(part) for part in value[:9])})"
    if hasattr(value, "shape"):
        return f"a tensor of shape {tuple(value.shape)}"
    return one_line(repr(value), limit=60)


def _build(model_class, shape):
    from ..protocol.presets import Config
    from ..runs.execute import construct

    config = Config(network="conv-small", latent_size=LATENTS)
    return call(f"__init__({shape}, {LATENTS})", construct, model_class, 0, "cpu", shape, config)


def _check_training(model_class, hyperparameters):
    """A few steps of the suite's own loop, in which every parameter must change."""
    import torch

    trial = _Trial(model_class, hyperparameters)
    untrained = {name: value.detach().clone() for name, value in trial.model.named_parameters()}
    trial.run()
    unused = [
        name
        for name, value in trial.model.named_parameters()
        if value.requires_grad and torch.equal(untrained[name], value)
    ]
    if unused:
        raise BenchError(
            f"training never changed {', '.join(unused[:5])}; every parameter must enter the loss "
            "(or be registered as a buffer)"
        )
    return trial


def _check_continuation(model_class, hyperparameters, whole):
    """The same steps in two halves must end with the same weights."""
    import torch

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


class _Trial:
    """A short training run on random images."""

    def __init__(self, model_class, hyperparameters):
        import torch

        from ...models.training.loop import Trainer
        from ...models.training.schedule import Schedule
        from ...models.training.streams import Noise

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
        from ...models.training.loop import Stopped

        def save(trainer):
            self.saved = copy.deepcopy(trainer.state())

        with contextlib.suppress(Stopped):
            call(
                "a training step",
                self.trainer.run,
                save,
                should_stop=lambda: self.trainer.step == stop_at,
                passing=Stopped,
            )
