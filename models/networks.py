"""Encoders and decoders, by name."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Architecture:
    """A convolutional encoder and its mirrored decoder.

    Attributes
    ----------
    channels : tuple of int
        Output channels of the encoder's convolutions, each of stride 2.
    kernels : tuple of int
        Their kernel sizes: 4 (padding 1) or 2 (no padding).
    dense : int
        Width of the dense layer between convolutions and latents.
    glorot : bool
        Glorot-uniform weights and zero biases (TensorFlow's defaults) instead of PyTorch's.
    description : str
    discriminator : tuple of int
        Widths of the hidden layers of a discriminator of codes, for the models that have one.
    """

    channels: tuple[int, ...]
    kernels: tuple[int, ...]
    dense: int
    glorot: bool
    description: str
    discriminator: tuple[int, ...] = (1000,) * 6


NETWORKS = {
    "conv": Architecture(
        (32, 32, 64, 64),
        (4, 4, 4, 4),
        256,
        False,
        "convolutions 32-32-64-64, 4×4, stride 2; dense 256 (Burgess et al. 2018)",
    ),
    "conv-dlib": Architecture(
        (32, 32, 64, 64),
        (4, 4, 2, 2),
        256,
        True,
        "as disentanglement_lib: 2×2 kernels in the last two convolutions, Glorot weights",
    ),
    "conv-small": Architecture(
        (8, 16, 16),
        (4, 4, 4),
        128,
        False,
        "convolutions 8-16-16, 4×4, stride 2; dense 128; for CPUs and tests",
        # Six layers of a thousand would be nearly all of a small model's weights and time.
        discriminator=(256,) * 3,
    ),
}


def build_network(name, image_shape, latent_size):
    """Build an encoder and a decoder.

    Parameters
    ----------
    name : str
        A key of `NETWORKS`.
    image_shape : tuple of int
        (channels, height, width); height and width must be equal and divisible by 2 to the
        number of convolutions.
    latent_size : int
        Number of latents D.

    Returns
    -------
    encoder : torch.nn.Module
        Maps (B, C, H, W) to (B, 2 D): means, then log-variances.
    decoder : torch.nn.Module
        Maps (B, D) to logits (B, C, H, W).

    Raises
    ------
    ValueError
        For an unknown name or an image the network cannot halve often enough.
    """
    architecture = _find_architecture(name)
    channels, height, width = image_shape
    halvings = 2 ** len(architecture.channels)
    if height != width or height % halvings or height < halvings:
        raise ValueError(
            f"network {name!r} needs square images with a side divisible by {halvings}, "
            f"got {height}×{width}"
        )
    side = height // halvings
    flat = architecture.channels[-1] * side * side
    # One layer for both heads: a single matrix product gives means and log-variances.
    encoder = nn.Sequential(
        *_downsampling(channels, architecture),
        nn.Flatten(),
        nn.Linear(flat, architecture.dense),
        nn.ReLU(inplace=True),
        nn.Linear(architecture.dense, 2 * latent_size),
    )
    decoder = nn.Sequential(
        nn.Linear(latent_size, architecture.dense),
        nn.ReLU(inplace=True),
        nn.Linear(architecture.dense, flat),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, (architecture.channels[-1], side, side)),
        *_upsampling(channels, architecture),
    )
    if architecture.glorot:
        for module in (*encoder.modules(), *decoder.modules()):
            _initialise_glorot(module)
        # The two heads are separate layers there: the fan-out of each is the latent size.
        heads = encoder[-1]
        bound = math.sqrt(6 / (heads.in_features + latent_size))
        nn.init.uniform_(heads.weight, -bound, bound)
    return encoder, decoder


def build_discriminator(name, latent_size):
    """Build a discriminator that tells codes from codes permuted over a batch.

    Dense layers with leaky ReLUs of slope 0.2, as Kim and Mnih (2018, arXiv:1802.05983).

    Parameters
    ----------
    name : str
        A key of `NETWORKS`.
    latent_size : int
        Number of latents D.

    Returns
    -------
    torch.nn.Module
        Maps codes (B, D) to two logits (B, 2): of the joint, and of the product of marginals.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    architecture = _find_architecture(name)
    layers, width = [], latent_size
    for output in architecture.discriminator:
        layers += [nn.Linear(width, output), nn.LeakyReLU(0.2, inplace=True)]
        width = output
    discriminator = nn.Sequential(*layers, nn.Linear(width, 2))
    if architecture.glorot:
        for module in discriminator.modules():
            _initialise_glorot(module)
    return discriminator


def _find_architecture(name):
    if name not in NETWORKS:
        raise ValueError(f"unknown network {name!r}; available: {', '.join(NETWORKS)}")
    return NETWORKS[name]


def _downsampling(channels, architecture):
    layers, width = [], channels
    for output, kernel in zip(architecture.channels, architecture.kernels, strict=True):
        padding = 1 if kernel == 4 else 0
        layers += [
            nn.Conv2d(width, output, kernel, stride=2, padding=padding),
            nn.ReLU(inplace=True),
        ]
        width = output
    return layers


def _upsampling(channels, architecture):
    """Transposed 4×4 convolutions through the encoder's widths in reverse, to the image."""
    *widths, last = architecture.channels[::-1]
    layers = []
    for source, target in pairwise((*widths, last)):
        layers += [
            nn.ConvTranspose2d(source, target, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
        ]
    return [*layers, ImageLayer(last, channels, 4, stride=2, padding=1)]


class ImageLayer(nn.ConvTranspose2d):
    """The decoder's last transposed convolution.

    oneDNN takes long for the forward pass to a single channel: on a CPU one matrix product and
    `torch.nn.functional.fold` give the same in less than half the time.
    """

    def forward(self, features):
        """Map features (B, I, H, W) to logits (B, C, 2 H, 2 W)."""
        plain = features.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        if self.out_channels > 1 or not plain:
            return super().forward(features)
        return _FoldedConvolution.apply(features, self.weight, self.bias)


class _FoldedConvolution(torch.autograd.Function):
    """Transposed convolution of kernel 4, stride 2, padding 1, to one channel."""

    generate_vmap_rule = True

    @staticmethod
    def forward(features, weight, bias):
        height, width = features.shape[2:]
        columns = torch.matmul(weight.flatten(1).t(), features.flatten(2))
        images = F.fold(columns, (2 * height, 2 * width), 4, padding=1, stride=2)
        return images + bias.view(1, -1, 1, 1)

    @staticmethod
    def setup_context(context, inputs, output):
        features, weight, _ = inputs
        context.save_for_backward(features, weight)

    @staticmethod
    def backward(context, gradient):
        # oneDNN's own backward pass is fast.
        return torch.ops.aten.convolution_backward(
            gradient,
            *context.saved_tensors,
            bias_sizes=[1],
            stride=[2, 2],
            padding=[1, 1],
            dilation=[1, 1],
            transposed=True,
            output_padding=[0, 0],
            groups=1,
            output_mask=[True, True, True],
        )


def _initialise_glorot(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
