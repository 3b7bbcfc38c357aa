"""The networks, layer by layer, and what they refuse."""

import math

import pytest
import torch
from torch import nn

from disentanglement_bench.models.networks import NETWORKS, ImageLayer, build_network

RELU, FLATTEN = "relu", "flatten"


def conv(source, target, kernel):
    return ("conv", source, target, kernel, 2, 1 if kernel == 4 else 0)


def transposed(source, target):
    return ("transposed", source, target, 4, 2, 1)


def dense(source, target):
    return ("dense", source, target)


def layers(network):
    """The layers of a network as plain tuples."""
    found = []
    for layer in network:
        if isinstance(layer, nn.ConvTranspose2d | nn.Conv2d):
            kind = "conv" if isinstance(layer, nn.Conv2d) else "transposed"
            for pair in (layer.kernel_size, layer.stride, layer.padding):
                assert pair[0] == pair[1]
            assert layer.bias is not None
            found.append((kind, layer.in_channels, layer.out_channels))
            found[-1] += (layer.kernel_size[0], layer.stride[0], layer.padding[0])
        elif isinstance(layer, nn.Linear):
            assert layer.bias is not None
            found.append(dense(layer.in_features, layer.out_features))
        elif isinstance(layer, nn.Unflatten):
            found.append(("unflatten", *layer.unflattened_size))
        else:
            found.append({nn.ReLU: RELU, nn.Flatten: FLATTEN}[type(layer)])
    return found


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "late"), [("conv", 4), ("conv-dlib", 2)])
def test_the_layers_of_conv_and_conv_dlib_on_64_pixels(name, late, channels):
    encoder, decoder = build_network(name, (channels, 64, 64), 10)
    expected = [conv(channels, 32, 4), RELU, conv(32, 32, 4), RELU]
    expected += [conv(32, 64, late), RELU, conv(64, 64, late), RELU]
    expected += [FLATTEN, dense(1024, 256), RELU, dense(256, 20)]
    assert layers(encoder) == expected
    expected = [dense(10, 256), RELU, dense(256, 1024), RELU, ("unflatten", 64, 4, 4)]
    expected += [transposed(64, 64), RELU, transposed(64, 32), RELU]
    expected += [transposed(32, 32), RELU, transposed(32, channels)]
    assert layers(decoder) == expected


def test_the_layers_of_conv_small_on_32_pixels():
    encoder, decoder = build_network("conv-small", (1, 32, 32), 10)
    expected = [conv(1, 8, 4), RELU, conv(8, 16, 4), RELU, conv(16, 16, 4), RELU]
    expected += [FLATTEN, dense(256, 128), RELU, dense(128, 20)]
    assert layers(encoder) == expected
    expected = [dense(10, 128), RELU, dense(128, 256), RELU, ("unflatten", 16, 4, 4)]
    expected += [transposed(16, 16), RELU, transposed(16, 8), RELU, transposed(8, 1)]
    assert layers(decoder) == expected


@pytest.mark.parametrize(
    ("name", "shape", "of_encoder", "of_decoder"),
    [
        ("conv", (1, 64, 64), 382_932, 381_313),
        ("conv", (3, 64, 64), 383_956, 382_339),
        ("conv-dlib", (1, 64, 64), 309_204, 381_313),
        ("conv-small", (1, 32, 32), 41_788, 40_729),
    ],
)
def test_the_number_of_parameters(name, shape, of_encoder, of_decoder):
    encoder, decoder = build_network(name, shape, 10)
    assert (count(encoder), count(decoder)) == (of_encoder, of_decoder)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_in_and_out(name, side, channels):
    encoder, decoder = build_network(name, (channels, side, side), 7)
    with torch.no_grad():
        assert encoder(torch.zeros(2, channels, side, side)).shape == (2, 14)
        assert decoder(torch.zeros(2, 7)).shape == (2, channels, side, side)


def test_2x2_kernels_halve_as_same_padding_does():
    """Stride 2 without padding reads every pixel of an even side once, in 2×2 blocks."""
    encoder, _ = build_network("conv-dlib", (1, 32, 32), 2)
    layer = encoder[4]
    blocks = torch.rand(1, 32, 8, 8)
    by_hand = torch.stack(
        [
            torch.einsum("ocij,cij->o", layer.weight, blocks[0, :, 2 * i : 2 * i + 2, :2])
            for i in range(4)
        ],
        dim=1,
    )
    found = layer(blocks)[0, :, :, 0] - layer.bias[:, None]
    torch.testing.assert_close(found, by_hand, rtol=1e-4, atol=1e-5)


def test_glorot_bounds_of_conv_dlib_with_the_heads_taken_apart():
    torch.manual_seed(0)
    encoder, decoder = build_network("conv-dlib", (1, 64, 64), 10)
    fans = {  # (fan in, fan out), the kernel's area included for convolutions
        encoder[0]: (16, 16 * 32),
        encoder[2]: (16 * 32, 16 * 32),
        encoder[4]: (4 * 32, 4 * 64),
        encoder[6]: (4 * 64, 4 * 64),
        encoder[9]: (1024, 256),
        encoder[11]: (256, 10),
        decoder[0]: (10, 256),
        decoder[2]: (256, 1024),
        decoder[5]: (16 * 64, 16 * 64),
        decoder[7]: (16 * 64, 16 * 32),
        decoder[9]: (16 * 32, 16 * 32),
        decoder[11]: (16 * 32, 16),
    }
    with_weights = [m for part in (encoder, decoder) for m in part if hasattr(m, "weight")]
    assert set(with_weights) == set(fans)
    for layer, (into, out) in fans.items():
        bound = math.sqrt(6 / (into + out))
        largest = float(layer.weight.detach().abs().max())
        assert 0.99 * bound < largest <= bound * (1 + 1e-6)
        assert float(layer.weight.detach().std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)
        assert not layer.bias.any()


def test_conv_keeps_pytorchs_own_initialisation():
    torch.manual_seed(0)
    encoder, _ = build_network("conv", (1, 64, 64), 10)
    assert encoder[0].bias.any()
    bound = 1 / math.sqrt(1024)
    assert 0.98 * bound < float(encoder[9].weight.detach().abs().max()) <= bound * (1 + 1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_reach_every_parameter(name):
    encoder, decoder = build_network(name, (1, 32, 32), 4)
    images = torch.rand(3, 1, 32, 32)
    decoder(encoder(images)[:, :4]).square().sum().backward()
    missing = [
        parameter.shape
        for parameter in (*encoder[:-1].parameters(), *decoder.parameters())
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("name", "shape", "halvings"),
    [
        ("conv", (1, 24, 24), 16),
        ("conv", (1, 64, 32), 16),
        ("conv-dlib", (3, 8, 8), 16),
        ("conv-dlib", (3, 33, 33), 16),
        ("conv-small", (1, 12, 12), 8),
        ("conv-small", (1, 0, 0), 8),
    ],
)
def test_sides_it_cannot_halve_are_refused(name, shape, halvings):
    message = (
        f"^network '{name}' needs square images with a side divisible by {halvings}, "
        f"got {shape[1]}×{shape[2]}$"
    )
    with pytest.raises(ValueError, match=message):
        build_network(name, shape, 10)


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match="unknown network 'dense'; available: conv, conv-dlib, "):
        build_network("dense", (1, 64, 64), 10)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_image_layer_is_the_transposed_convolution_it_replaces(layout):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 5, 4, 6, generator=generator).contiguous(memory_format=layout)
    ours = ImageLayer(5, 1, 4, stride=2, padding=1)
    features = features.requires_grad_()
    upstream = torch.randn(3, 1, 8, 12, generator=generator)

    def results(layer):
        images = layer(features)
        inputs = (features, ours.weight, ours.bias)
        return images, *torch.autograd.grad((images * upstream).sum(), inputs)

    expected = results(lambda x: nn.ConvTranspose2d.forward(ours, x))
    for found, wanted in zip(results(ours), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
