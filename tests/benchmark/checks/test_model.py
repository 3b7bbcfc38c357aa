from dataclasses import dataclass

import pytest
import torch
from torch import nn

from disentanglement_bench.benchmark.checks.model import check_model
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.models.terms import kl_divergence, negative_log_likelihood
from disentanglement_bench.models.zoo.betavae import BetaVAE
from disentanglement_bench.models.zoo.lambdabeta import LambdaBetaVAE


class Plain(nn.Module):
    """The least that is needed: no hyperparameters, no network name."""

    def __init__(self, image_shape, latent_size):
        super().__init__()
        self.shape = image_shape
        pixels = torch.Size(image_shape).numel()
        self.inward = nn.Linear(pixels, 2 * latent_size)
        self.outward = nn.Linear(latent_size, pixels)

    def encode(self, images):
        return self.inward(images.flatten(1)).chunk(2, dim=1)

    def decode(self, codes):
        return self.outward(codes).view(-1, *self.shape)

    def loss(self, outputs, coefficients):
        return negative_log_likelihood(outputs) + kl_divergence(outputs), {}


class NoDecoder(nn.Module):
    def encode(self, images):
        return images


class WrongShape(Plain):
    def encode(self, images):
        return self.inward(images.flatten(1))


class WrongLogits(Plain):
    def decode(self, codes):
        return self.outward(codes)


class Breaks(Plain):
    def loss(self, outputs, coefficients):
        raise ZeroDivisionError("oh")


class Unused(Plain):
    def __init__(self, image_shape, latent_size):
        super().__init__(image_shape, latent_size)
        self.idle = nn.Linear(2, 2)


class Forgetful(Plain):
    """Keeps state where no checkpoint finds it."""

    def loss(self, outputs, coefficients):
        self.calls = getattr(self, "calls", 0) + 1
        return super().loss(outputs, coefficients)[0] * self.calls, {}


class NeedsMore(Plain):
    def __init__(self, image_shape, latent_size, depth):
        super().__init__(image_shape, latent_size)


class Leaves(Plain):
    def loss(self, outputs, coefficients):
        raise SystemExit(0)


class Shrinks(Plain):
    """Hides latents that it thinks are of no use, once trained."""

    def encode(self, images):
        means, log_variances = super().encode(images)
        keep = slice(None if self.training else 3)
        return means[:, keep], log_variances[:, keep]


class Weightless(nn.Module):
    def __init__(self, image_shape, latent_size):
        super().__init__()

    encode = decode = loss = print


class Endless(Plain):
    def loss(self, outputs, coefficients):
        return torch.tensor(float("nan")), {}


class NoTerms(Plain):
    def loss(self, outputs, coefficients):
        return super().loss(outputs, coefficients)[0]


class EveryImage(Plain):
    def loss(self, outputs, coefficients):
        return outputs.means.sum(dim=1), {}


class Textual(Plain):
    @dataclass(frozen=True)
    class Hyperparameters:
        beta: str = "four"


class Undefined(Plain):
    @dataclass(frozen=True)
    class Hyperparameters:
        beta: float = float("nan")


class NoDefault(Plain):
    @dataclass(frozen=True)
    class Hyperparameters:
        beta: float


def test_the_weights_of_the_model_that_is_continued_must_fit():
    lines = []
    check_model(LambdaBetaVAE, lines.append, parent=BetaVAE)
    assert "takes the weights of betavae, which it continues" in lines
    with pytest.raises(BenchError, match=r"Plain and Unused must .* differ in idle.bias, idle.we"):
        check_model(Unused, print, parent=Plain)


@pytest.mark.parametrize("model", [Plain, BetaVAE])
def test_a_usable_model_passes(model):
    lines = []
    check_model(model, lines.append)
    assert lines[-1] == "stopped and continued, it ends with the same weights"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (NoDecoder, "has no method 'decode'; a model has"),
        (WrongShape, r"encode must return .* both of shape \(3, 4\)"),
        (
            WrongLogits,
            r"logits of shape \(3, 1, 32, 32\), it returned a tensor of shape \(3, 1024\)",
        ),
        (Breaks, "loss: ZeroDivisionError: oh"),
        (Leaves, r"loss: it ends the program \(sys.exit\(0\)\)"),
        (Shrinks, r"log-variances in evaluation mode, both of shape \(3, 4\).*shape \(3, 3\)"),
        (Weightless, "Weightless has no parameters to train"),
        (Endless, "the loss of random images is nan; it must be finite"),
        (NoTerms, "loss must return the loss and a dict of the terms"),
        (EveryImage, r"loss must return loss as one number.*a tensor of shape \(3,\)"),
        (Textual, "beta must be a finite number, got 'four'"),
        (Undefined, "beta must be a finite number, got nan"),
        (NoDefault, "missing 1 required positional argument: 'beta'"),
        (dict, "dict is not a class derived from torch.nn.Module"),
        (Unused, "training never changed idle.weight, idle.bias"),
        (Forgetful, "ended with other weights: keep all state in parameters"),
        (NeedsMore, "__init__.*missing 1 required positional argument: 'depth'"),
    ],
)
def test_a_broken_model_is_told_what_is_wrong(model, message):
    with pytest.raises(BenchError, match=message):
        check_model(model, print)


def test_a_model_must_be_the_method_that_it_says_it_is():
    liar = type("Liar", (LambdaBetaVAE,), {"reduces_to": {"betavae": {"lambda": 2.0}}})
    with pytest.raises(BenchError, match="the model is betavae at lambda = 2, but there its loss"):
        check_model(liar, print)
