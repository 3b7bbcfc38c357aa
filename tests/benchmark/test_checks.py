import pytest
import torch
from torch import nn

from disentanglement_bench.benchmark.checks import check, check_model
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


@pytest.mark.parametrize("model", [Plain, BetaVAE, LambdaBetaVAE])
def test_a_usable_model_passes(model):
    lines = check_model(model)
    assert lines[-1] == "stopped and continued, it ends with the same weights"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (NoDecoder, "has no method 'decode'; a model has"),
        (WrongShape, r"encode must return .* both of shape \(3, 4\)"),
        (WrongLogits, r"decode must return logits of shape \(3, 1, 32, 32\), got \(3, 1024\)"),
        (Breaks, "a training step: ZeroDivisionError: oh"),
        (Unused, "training never changed idle.weight, idle.bias"),
        (Forgetful, "ended with other weights: keep all state in parameters"),
        (NeedsMore, "__init__.*missing 1 required positional argument: 'depth'"),
    ],
)
def test_a_broken_model_is_told_what_is_wrong(model, message):
    with pytest.raises(BenchError, match=message):
        check_model(model)


def test_what_is_checked_follows_from_the_object(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "class Data:\n"
        "    name = 'mine'\n"
        "    factor_names = ('x', 'y')\n"
        "    factor_sizes = (8, 8)\n"
        "    def __init__(self):\n"
        "        random = np.random.default_rng(0)\n"
        "        self.images = random.integers(0, 256, (64, 16, 16, 1), np.uint8)\n"
        "def spread(codes, factors, n_train):\n"
        "    '''How far the codes spread.'''\n"
        "    return float(min(1, codes.std()))\n"
        "nothing = 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert check("mine:Data")[0] == "data set"
    assert check("mine:spread")[0] == "metric"
    assert check("disentanglement_bench.models.zoo.vae:VAE")[0] == "model"
    with pytest.raises(BenchError, match=r"is a int; expected a torch\.nn\.Module class"):
        check("mine:nothing")
    with pytest.raises(
        BenchError, match=r"written package.module:Name or path/to/file.py:Name, got 'mine'"
    ):
        check("mine")
