import io

import numpy as np
import pytest
import torch
from PIL import Image

from disentanglement_bench.models.pictures import (
    CELL,
    find_posterior,
    reconstruct,
    traverse,
    write_animation,
    write_strip,
)


class Blocks(torch.nn.Module):
    """Encodes the mean brightness into latent 0; decodes latent 0 as brightness."""

    def __init__(self, channels=1):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(1.0))
        self.channels = channels
        self.modes = []

    def encode(self, images):
        self.modes.append(self.training)
        level = torch.logit(images.mean(dim=(1, 2, 3)).clamp(0.01, 0.99))
        means = torch.stack([level, torch.zeros_like(level), torch.zeros_like(level)], dim=1)
        return means * self.scale, torch.zeros_like(means)

    def decode(self, codes):
        self.modes.append(self.training)
        return codes[:, 0, None, None, None].expand(-1, self.channels, 8, 8)


@pytest.fixture
def images():
    return torch.tensor([0.2, 0.5, 0.9])[:, None, None, None].expand(-1, 1, 8, 8)


def read(data):
    return np.array(Image.open(io.BytesIO(data)).convert("L"))


def test_reconstructions_are_the_decoded_means(images):
    found = reconstruct(Blocks(), images)
    assert found.shape == images.shape
    torch.testing.assert_close(found, images, rtol=0, atol=1e-6)
    assert not found.requires_grad


def test_models_are_used_in_evaluation_mode_and_left_as_they_were(images):
    model = Blocks()
    model.train()
    reconstruct(model, images)
    find_posterior(model, images)
    traverse(model, [0.0, 0.0, 0.0], [0], [1.0])
    assert model.modes
    assert not any(model.modes)
    assert model.training


def test_a_traversal_changes_one_latent_at_a_time():
    found = traverse(Blocks(), [1.0, 0.0, 0.0], [1, 0], [-2.0, 0.0, 2.0])
    assert found.shape == (2, 3, 1, 8, 8)
    levels = found[:, :, 0, 0, 0]
    torch.testing.assert_close(levels[0], torch.sigmoid(torch.ones(3)))
    torch.testing.assert_close(levels[1], torch.sigmoid(torch.tensor([-2.0, 0.0, 2.0])))


def test_a_strip_shows_every_image_enlarged_in_its_place():
    images = np.zeros((2, 3, 1, 8, 8), np.float32)
    images[1, 2] = 1.0
    sheet = read(write_strip(images))
    assert sheet.shape == (2 * (CELL + 2) + 2, 3 * (CELL + 2) + 2)
    row, column = CELL + 4, 2 * (CELL + 2) + 2
    assert (sheet[row : row + CELL, column : column + CELL] == 255).all()
    assert (sheet[2 : 2 + CELL, 2 : 2 + CELL] == 0).all()


def test_labels_take_room_beside_and_above_the_images():
    images = np.zeros((2, 3, 1, 8, 8), np.float32)
    plain, labelled = read(write_strip(images)), read(write_strip(images, ("β", "z1"), ("−2", "0")))
    assert labelled.shape[0] > plain.shape[0]
    assert labelled.shape[1] > plain.shape[1]
    margin = labelled[:, : labelled.shape[1] - plain.shape[1]]
    assert (margin < 128).any()  # something is written there


def test_an_animation_goes_there_and_back():
    images = np.linspace(0, 1, 4, dtype=np.float32)[None, :, None, None, None]
    images = np.broadcast_to(images, (2, 4, 1, 8, 8))
    animation = Image.open(io.BytesIO(write_animation(images, ("z0", "z1"))))
    assert animation.n_frames == 6
    levels = []
    for frame in range(6):
        animation.seek(frame)
        levels.append(int(np.array(animation.convert("L"))[-10, 10]))
    assert levels == pytest.approx([0, 85, 170, 255, 170, 85], abs=12)


def test_colour_images_stay_in_colour():
    images = np.zeros((1, 1, 3, 64, 64), np.float32)
    images[:, :, 0] = 1.0
    sheet = np.array(Image.open(io.BytesIO(write_strip(images))).convert("RGB"))
    assert sheet[30, 30].tolist() == [255, 0, 0]
    animation = Image.open(io.BytesIO(write_animation(images)))
    assert np.array(animation.convert("RGB"))[30, 30].tolist() == [255, 0, 0]


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="1 or 3 channels, got 2"):
        write_strip(np.zeros((1, 1, 2, 8, 8)))
