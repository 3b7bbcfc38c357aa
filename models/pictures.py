"""Reconstructions and latent traversals of a trained model, as PNG strips and GIF animations."""

import contextlib
import io
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

GAP = 2
# Strips are made of cells of at least this many pixels a side.
CELL = 64
MILLISECONDS = 110
# Grey levels of an animation: more double its size and show nothing new.
LEVELS = 24


def reconstruct(model, images):
    """Decode the posterior means of images.

    Parameters
    ----------
    model : torch.nn.Module
        With ``encode`` and ``decode``, see `models.autoencoder.Autoencoder`.
    images : Tensor of shape (B, C, H, W)
        Values from 0 to 1.

    Returns
    -------
    Tensor of shape (B, C, H, W)
        Means of the decoder's Bernoulli distributions.
    """
    with _evaluating(model), torch.no_grad():
        means, _ = model.encode(images)
        return torch.sigmoid(model.decode(means.float()).float())


def find_posterior(model, images):
    """Find posterior means and log-variances, each ndarray of shape (B, D)."""
    with _evaluating(model), torch.no_grad():
        return tuple(part.float().cpu().numpy() for part in model.encode(images))


def traverse(model, code, latents, values):
    """Decode one code with single latents set to other values.

    Parameters
    ----------
    model : torch.nn.Module
    code : array_like of shape (D,)
    latents : sequence of int
        Which latents, a row each.
    values : sequence of float
        What they are set to, a column each; the prior's standard deviation is 1.

    Returns
    -------
    Tensor of shape (len(latents), len(values), C, H, W)
        Values from 0 to 1.
    """
    device = next(model.parameters()).device
    code = torch.as_tensor(np.asarray(code), dtype=torch.float32, device=device)
    values = torch.as_tensor(np.asarray(values), dtype=torch.float32, device=device)
    codes = code.repeat(len(latents), len(values), 1)
    for row, latent in enumerate(latents):
        codes[row, :, latent] = values
    with _evaluating(model), torch.no_grad():
        images = torch.sigmoid(model.decode(codes.flatten(0, 1)).float())
    return images.unflatten(0, codes.shape[:2])


@contextlib.contextmanager
def _evaluating(model):
    """Put a model into evaluation mode within a block."""
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)


def write_strip(images, row_labels=(), column_labels=()):
    """Write rows of images with labels at the left and above as a PNG file.

    Parameters
    ----------
    images : Tensor or ndarray of shape (rows, columns, C, H, W)
        Values from 0 to 1; C is 1 or 3.
    row_labels, column_labels : sequence of str

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    image = _sheet(images, row_labels, column_labels)
    if image.mode == "RGB":
        image = image.quantize(256, dither=Image.Dither.NONE)
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def write_animation(images, labels=(), columns=5):
    """Write all latents side by side, moving through their values and back, as a GIF file.

    Parameters
    ----------
    images : Tensor or ndarray of shape (latents, values, C, H, W)
    labels : sequence of str
        Of the latents, written above each.
    columns : int

    Returns
    -------
    bytes
    """
    images = _array(images)
    steps = images.shape[1]
    order = [*range(steps), *range(steps - 2, 0, -1)]
    frames = [_frame(images[:, step], labels, columns) for step in order]
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=MILLISECONDS,
        loop=0,
        optimize=True,
    )
    return buffer.getvalue()


def _frame(images, labels, columns):
    """One frame: rows of images, each row with its labels above."""
    sheets = [
        _sheet(images[None, start : start + columns], (), labels[start : start + columns])
        for start in range(0, len(images), columns)
    ]
    width, height = max(s.width for s in sheets), sum(s.height for s in sheets)
    frame = Image.new(sheets[0].mode, (width, height), "white")
    top = 0
    for sheet in sheets:
        frame.paste(sheet, (0, top))
        top += sheet.height
    return frame.quantize(LEVELS if frame.mode == "L" else 64, dither=Image.Dither.NONE)


def _sheet(images, row_labels, column_labels):
    """Images in a grid on white, enlarged by a whole factor to at least `CELL` pixels."""
    images = _array(images)
    rows, columns, channels, height, width = images.shape
    scale = max(1, -(-CELL // max(height, width)))
    images = images.repeat(scale, axis=3).repeat(scale, axis=4)
    height, width = height * scale, width * scale
    font = _font()
    left = max((round(font.getlength(text)) + 6 for text in row_labels), default=0)
    top = 15 if len(column_labels) else 0
    mode = "L" if channels == 1 else "RGB"
    size = (left + columns * (width + GAP) + GAP, top + rows * (height + GAP) + GAP)
    sheet = Image.new(mode, size, "white")
    draw = ImageDraw.Draw(sheet)
    for row in range(rows):
        y = top + GAP + row * (height + GAP)
        if row < len(row_labels):
            draw.text((3, y + height / 2), row_labels[row], "black", font, anchor="lm")
        for column in range(columns):
            pixels = images[row, column].transpose(1, 2, 0)
            tile = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
            sheet.paste(tile, (left + GAP + column * (width + GAP), y))
    for column, text in enumerate(column_labels[:columns]):
        x = left + GAP + column * (width + GAP) + width / 2
        draw.text((x, top / 2), text, "black", font, anchor="mm")
    return sheet


def _array(images):
    """Levels 0…255 of images, of one or three channels."""
    if isinstance(images, torch.Tensor):
        images = images.cpu().numpy()
    images = np.asarray(images)
    if images.dtype != np.uint8:
        images = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
    channels = images.shape[2]
    if channels not in (1, 3):
        raise ValueError(f"pictures need 1 or 3 channels, got {channels}")
    return images


@cache
def _font():
    """A font with Greek letters, which comes with matplotlib."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), 11)
