"""Images by flat index on the training device, from any image source.

A source is any object with the attributes ``kind``, ``array``, ``image_shape`` (H, W, C) and, for
templates, ``palette``:

- ``bits``: array (N, H·W·C/8) uint8, `numpy.packbits` of binary images;
- ``uint8``: array (N, H, W, C) uint8;
- ``templates``: array (T, M, H, W) uint8 weights and palette (N/T, M, C) of colours in 0…255:
  image i is the sum of template i mod T weighted by palette row i // T.
"""

from functools import reduce

import numpy as np
import torch

ROW_KINDS = ("bits", "uint8")
# Accelerators whose free memory cannot be asked for take data sets up to this size.
UNKNOWN_MEMORY_LIMIT = 1 << 30
# Bytes of host memory through which images move to a device.
UPLOAD_BYTES = 64 << 20


class Images:
    """The images of a data set by flat index, as float32 in [0, 1] on a device.

    The stored form (bits, bytes or templates) stays on the device when it fits there with room to
    spare, else on the host; either way a batch is decoded on the device.

    Parameters
    ----------
    source : object
        An image source, see the module's description.
    device : torch.device
    side : int, optional
        Average-pool square images to this side, which must divide theirs; by default images of
        any shape come as they are.
    reserve : int, default 4 GiB
        Bytes of device memory that are left to the model.

    Attributes
    ----------
    shape : tuple of int
        (C, H, W) as delivered.

    Raises
    ------
    ValueError
        For an unknown kind of source or a side that does not divide the images'.
    """

    def __init__(self, source, device, side=None, reserve=4 << 30):
        height, width, channels = source.image_shape
        if side is not None and (side < 1 or height != width or height % side):
            raise ValueError(
                f"images of {height}×{width} cannot be average-pooled to {side}×{side}: "
                "they must be square, and the side must divide theirs"
            )
        # An empty tensor knows the index of its device, also where only "cuda" was said.
        self.device = torch.empty(0, device=device).device
        self.pool = height // side if side else 1
        self.shape = (channels, height // self.pool, width // self.pool)
        self.kind = source.kind
        self._white = 1 if source.kind == "bits" else 255
        self._stored_shape = (height, width, channels)
        self._array = self._stored = None
        if source.kind == "templates":
            # Copied, because tensors must not alias arrays that may be read-only memory maps.
            self._templates = torch.from_numpy(np.array(source.array)).to(self.device)
            palette = np.array(source.palette, dtype=np.float32)
            self._palette = torch.from_numpy(palette).to(self.device)
            self._length = self._templates.shape[0] * self._palette.shape[0]
        elif source.kind in ROW_KINDS:
            self._array = source.array
            self._length = len(source.array)
            self._stored = self._upload(reserve)
        else:
            raise ValueError(f"unknown kind of image source {source.kind!r}")
        if source.kind == "bits":
            # Neighbours in a row are summed while they are unpacked.
            self._group = self.pool if channels == 1 and self.pool in (2, 4, 8) else 1
            self._counts = _bit_counts(self._group).to(self.device)

    def __len__(self):
        return self._length

    def __call__(self, index):
        """Return images as a tensor of shape (B, C, H, W).

        Parameters
        ----------
        index : Tensor of shape (B,), int64
            Flat indices, on the host or on the device.
        """
        if self.kind == "templates":
            levels = self._mix_templates(index.to(self.device))
        else:
            levels = self._decode(self._rows(index))
        sums = _block_sums(levels, *self.shape[1:])
        # Stored channels-last: the permuted view is channels-last without a copy.
        return sums.div_(self._white * self.pool**2).permute(0, 3, 1, 2)

    @property
    def resident(self):
        """Whether the stored images lie on an accelerator."""
        if self.kind == "templates":
            return self.device.type != "cpu"
        return self._stored is not None

    def _upload(self, reserve):
        """Copy the stored rows to an accelerator that has room, in pieces; None otherwise."""
        if self._array.nbytes > _room(self.device, reserve):
            return None
        stored = torch.empty(self._array.shape, dtype=torch.uint8, device=self.device)
        rows = max(1, UPLOAD_BYTES // self._array[0].nbytes)
        for start in range(0, len(stored), rows):
            piece = np.array(self._array[start : start + rows])
            stored[start : start + rows] = torch.from_numpy(piece).to(self.device)
        return stored

    def _rows(self, index):
        """Stored rows of the images, on the device."""
        if self._stored is not None:
            return self._stored[index.to(self.device)]
        # Fancy indexing copies, so the tensor never aliases a read-only memory map.
        rows = torch.from_numpy(np.asarray(self._array[index.cpu().numpy()]))
        if self.device.type == "cuda":
            rows = rows.pin_memory()
        return rows.to(self.device, non_blocking=True)

    def _decode(self, rows):
        """Levels (B, H, W, C) from 0 to `_white`, a new tensor; bits come summed along W."""
        if self.kind != "bits":
            return rows.float()
        height, width, channels = self._stored_shape
        counts = self._counts.index_select(0, rows.flatten().int())
        return counts.view(-1, height, width // self._group, channels)

    def _mix_templates(self, index):
        """Levels (B, H, W, C) from 0 to 255, a new tensor."""
        height, width, channels = self._stored_shape
        count = self._templates.shape[0]
        weights = self._templates[index % count].flatten(2).float()
        colours = self._palette[index // count] / 255
        # Channels first, because products with a short last axis are slow.
        levels = mix(colours.transpose(1, 2), weights)
        # The images are defined as bytes, whatever device mixes their colours.
        levels = levels.clamp_(0, 255).round_().view(-1, channels, height, width)
        return levels.permute(0, 2, 3, 1).contiguous()


class ImageCache:
    """Keeps the last data set's images on a device, for the next run that needs them.

    One set only: what a plan needs next is mostly what it needed last, and a device has room for
    one.
    """

    def __init__(self):
        self._key = None
        self._images = None

    def __call__(self, source, device, side=None):
        """`Images` of a source; a new object only when the last one was of something else."""
        key = (source, torch.device(device), side)
        if key != self._key:
            # Free the old ones first.
            self._key = self._images = None
            self._images = Images(source, device, side)
            self._key = key
        return self._images


def mix(colours, weights):
    """Sums of weights (B, M, P) by colours (B, C, M), in full float32 precision: (B, C, P).

    On accelerators without a matrix product, which may run in TF32 there and then gives other
    bytes.
    """
    if colours.device.type == "cpu":
        return torch.bmm(colours, weights)
    materials = range(colours.shape[2])
    terms = (colours[:, :, m, None] * weights[:, m, None, :] for m in materials)
    return reduce(torch.Tensor.add_, terms)


def _block_sums(levels, height, width):
    """Sum levels (B, H, W, C) over the blocks of a grid of height × width.

    Sums of integers are exact in float32. Adding slices is several times as fast on a CPU as
    `torch.nn.functional.avg_pool2d` or sums over dimensions.
    """
    count, rows, columns, channels = levels.shape
    if rows > height:
        lines = levels.reshape(count, height, rows // height, columns * channels)
        levels = reduce(torch.add, lines.unbind(dim=2))
    if columns > width:
        blocks = levels.reshape(count, height, width, columns // width, channels)
        levels = reduce(torch.add, blocks.unbind(dim=3))
    return levels.reshape(count, height, width, channels)


def _room(device, reserve):
    """Bytes that stored images may take on a device; none where they lie already."""
    if device.type in ("cpu", "meta"):
        return 0
    if device.type == "cuda":
        # What PyTorch keeps for itself but does not use is free as well.
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached - reserve
    return UNKNOWN_MEMORY_LIMIT


def _bit_counts(group):
    """Table (256, 8/group): the number of ones in each group of bits of a byte, high bit first."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    return torch.from_numpy(bits.reshape(256, 8 // group, group).sum(axis=2).astype(np.float32))
