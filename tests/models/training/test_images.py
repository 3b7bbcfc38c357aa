"""Images from every storage form."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from disentanglement_bench.benchmark.datasets.base import ImageSource
from disentanglement_bench.models.training import images as images_module
from disentanglement_bench.models.training.batches import Batches
from disentanglement_bench.models.training.images import ImageCache, Images, mix

SIDE = 16
KINDS = ("bits", "uint8", "mapped", "templates")


@pytest.fixture
def make_source(tmp_path):
    """A source of 24 random images of a kind, with a number of channels."""

    def make(kind, channels=1, side=SIDE, count=24):
        draw = np.random.default_rng(channels)
        shape = (side, side, channels)
        if kind == "templates":
            weights = draw.integers(0, 256, (count // 4, 2, side, side), dtype=np.uint8)
            palette = draw.uniform(0, 200, (4, 2, channels)).astype(np.float32)
            return ImageSource(kind, weights, shape, palette)
        if kind == "bits":
            pixels = draw.integers(0, 2, (count, side * side * channels), dtype=np.uint8)
            return ImageSource(kind, np.packbits(pixels, axis=1), shape)
        array = draw.integers(0, 256, (count, *shape), dtype=np.uint8)
        if kind == "mapped":
            np.save(tmp_path / "images.npy", array)
            array = np.load(tmp_path / "images.npy", mmap_mode="r")
        return ImageSource("uint8", array, shape)

    return make


def expected_images(source, index, pool=1):
    """Channels-first float64 images in [0, 1], pooled with plain loops over blocks."""
    images = source.images(index).astype(np.float64).transpose(0, 3, 1, 2) / 255
    side = images.shape[-1] // pool
    blocks = images.reshape(*images.shape[:2], side, pool, side, pool)
    return blocks.mean(axis=(3, 5))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pool", [1, 2, 4, 8, 16])
def test_images_are_those_of_the_source_pooled(kind, channels, pool, make_source):
    source = make_source(kind, channels)
    images = Images(source, "cpu", None if pool == 1 else SIDE // pool)
    index = np.array([5, 0, 23, 5, 11])
    batch = images(torch.from_numpy(index))
    assert len(images) == 24
    assert images.shape == (channels, SIDE // pool, SIDE // pool)
    assert batch.shape == (5, *images.shape)
    assert batch.dtype == torch.float32
    expected = expected_images(source, index, pool)
    if kind == "bits":
        # Numbers of ones over a power of two: no rounding at all.
        np.testing.assert_array_equal(batch.numpy(), expected)
    else:
        np.testing.assert_allclose(batch.numpy(), expected, rtol=0, atol=3e-7)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.sampled_from([1, 2, 4]))
def test_bits_in_any_order_with_any_side(index, pool):
    pixels = np.random.default_rng(0).integers(0, 2, (6, 20, 20, 1), dtype=np.uint8)
    source = ImageSource("bits", np.packbits(pixels.reshape(6, -1), axis=1), (20, 20, 1))
    batch = Images(source, "cpu", 20 // pool)(torch.tensor(index))
    np.testing.assert_array_equal(batch.numpy(), expected_images(source, index, pool))


def test_images_that_are_not_square_come_as_they_are(make_source):
    array = make_source("uint8").array.reshape(24, 8, 32, 1)
    source = ImageSource("uint8", array, (8, 32, 1))
    batch = Images(source, "cpu")(torch.tensor([3]))
    np.testing.assert_allclose(batch, expected_images_of(source, [3]), atol=1e-7)
    with pytest.raises(ValueError, match="images of 8×32 cannot be average-pooled to 8×8: "):
        Images(source, "cpu", 8)


def expected_images_of(source, index):
    return source.images(index).transpose(0, 3, 1, 2) / 255


@pytest.mark.parametrize("side", [-2, 3, 5, 12, 32])
def test_sides_that_do_not_divide_are_refused(side, make_source):
    message = (
        f"^images of 16×16 cannot be average-pooled to {side}×{side}: "
        "they must be square, and the side must divide theirs$"
    )
    with pytest.raises(ValueError, match=message):
        Images(make_source("bits"), "cpu", side)


def test_an_unknown_kind_is_refused(make_source):
    source = make_source("bits")
    object.__setattr__(source, "kind", "tiles")
    with pytest.raises(ValueError, match="unknown kind of image source 'tiles'"):
        Images(source, "cpu")


@pytest.mark.parametrize("kind", KINDS)
def test_read_only_arrays_are_neither_warned_about_nor_aliased(kind, make_source):
    source = make_source(kind)
    source.array.flags.writeable = False
    if source.palette is not None:
        source.palette.flags.writeable = False
    index = torch.tensor([1, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = Images(source, "cpu")
        batch = images(index)
    batch.fill_(7)
    np.testing.assert_allclose(images(index), expected_images(source, [1, 2]), atol=3e-7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pool", [1, 2])
def test_on_an_accelerator_shapes_and_devices_are_right(kind, pool, make_source):
    """On "meta" every mixing of devices is an error; nothing but shapes is computed."""
    images = Images(make_source(kind, 3), "meta", SIDE // pool)
    assert images.resident == (kind == "templates")
    batches = Batches(images, 5, 0)
    try:
        for step in range(6):
            batch = batches(step)
            assert batch.device.type == "meta"
            assert batch.shape == (5, 3, SIDE // pool, SIDE // pool)
    finally:
        batches.close()


@pytest.mark.parametrize("kind", ["bits", "uint8", "mapped"])
def test_rows_move_to_a_device_with_room_and_stay_on_the_host_otherwise(
    kind, make_source, monkeypatch
):
    source = make_source(kind)
    monkeypatch.setattr(
        images_module,
        "_room",
        lambda device, reserve: source.array.nbytes,
    )
    resident = Images(source, "cpu", 8)
    monkeypatch.setattr(
        images_module,
        "_room",
        lambda device, reserve: source.array.nbytes - 1,
    )
    on_host = Images(source, "cpu", 8)
    assert resident.resident
    assert not on_host.resident
    for step in range(8):
        assert torch.equal(Batches(resident, 5, 0)(step), Batches(on_host, 5, 0)(step))


def test_a_large_source_is_uploaded_in_pieces(make_source, monkeypatch):
    """Rows of more than half a piece's size are copied one by one."""
    array = np.zeros((3, 8, 8, 1), dtype=np.uint8)
    array[:, 0, 0, 0] = [1, 2, 3]
    source = ImageSource("uint8", array, (8, 8, 1))
    monkeypatch.setattr(images_module, "_room", lambda device, reserve: 1 << 20)
    monkeypatch.setattr(images_module, "UPLOAD_BYTES", 100)
    images = Images(source, "cpu")
    assert (images(torch.arange(3))[:, 0, 0, 0] * 255).round().tolist() == [1, 2, 3]


def test_the_room_on_the_host_and_on_devices_that_cannot_be_asked():
    assert images_module._room(torch.device("cpu"), 0) == 0
    assert images_module._room(torch.device("mps"), 0) == images_module.UNKNOWN_MEMORY_LIMIT


def test_blocks_that_pytorch_keeps_but_does_not_use_count_as_room(monkeypatch):
    device = torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 9000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 700)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 300)
    room = images_module._room
    assert room(device, reserve=50) == 1000 + 400 - 50


def test_images_are_kept_for_the_next_run_that_needs_them(make_source):
    cache = ImageCache()
    one, other = make_source("uint8", 1), make_source("uint8", 1)
    first = cache(one, "cpu")
    assert cache(one, torch.device("cpu")) is first
    assert cache(one, "cpu", 4) is not first
    pooled = cache(one, "cpu", 4)
    assert cache(one, "cpu", 4) is pooled
    assert cache(other, "cpu", 4) is not pooled


def test_templates_are_mixed_alike_with_and_without_a_matrix_product():
    draw = torch.Generator().manual_seed(0)
    colours = torch.rand((3, 3, 5), generator=draw)
    weights = torch.randint(0, 256, (3, 5, 64), generator=draw).float()
    elsewhere = mix(OnAnAccelerator(colours), weights)
    torch.testing.assert_close(elsewhere, mix(colours, weights), rtol=1e-6, atol=1e-4)


class OnAnAccelerator:
    """A tensor that says it lies on a GPU, where no matrix product may be used."""

    device = torch.device("cuda")

    def __init__(self, tensor):
        self.tensor = tensor
        self.shape = tensor.shape

    def __getitem__(self, place):
        return self.tensor[place]
