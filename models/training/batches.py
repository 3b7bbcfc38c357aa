"""Batches of images: epochs without replacement, read ahead where a device waits for them."""

from concurrent.futures import ThreadPoolExecutor

import torch

from .streams import permutation


class Batches:
    """The batches of a training run: epochs without replacement, a pure function of the step.

    An epoch's order depends on the seed and the epoch alone, so that a resumed run sees what an
    uninterrupted one would have seen, and runs that differ in β or λ see the same batches. The
    incomplete batch at an epoch's end is dropped.

    Parameters
    ----------
    images : Images
    batch_size : int
    seed : int
    read_ahead : bool, optional
        Read the next batch in a thread of its own while the device computes; by default where an
        accelerator's images stay on the host.
    stream : str, default "order"
        Name of the random stream that the order comes from.

    Raises
    ------
    ValueError
        If the data set has fewer images than a batch.
    """

    def __init__(self, images, batch_size, seed, read_ahead=None, stream="order"):
        if batch_size > len(images):
            raise ValueError(
                f"the data set has {len(images)} images, fewer than a batch of {batch_size}; "
                "lower batch_size"
            )
        self.images = images
        self.batch_size = batch_size
        self.seed = seed
        self.stream = stream
        self.per_epoch = len(images) // batch_size
        self._epoch = None
        self._order = None
        if read_ahead is None:
            read_ahead = images.device.type != "cpu" and not images.resident
        self._reader = self._stream = None
        if read_ahead:
            self._reader = ThreadPoolExecutor(1, "reader", _use_device, (images.device,))
            if images.device.type == "cuda":
                # Copies on the stream of the training step would wait for it.
                self._stream = torch.cuda.Stream(images.device)
        self._next = None

    def __call__(self, step):
        """Return the images (B, C, H, W) of a step, counted from 0."""
        if self._reader is None:
            return self.images(self.index(step))
        if self._next is not None and self._next[0] == step:
            images = self._receive(self._next[1].result())
        else:
            images = self.images(self.index(step))
        self._next = (step + 1, self._reader.submit(self._read, self.index(step + 1)))
        return images

    def _read(self, index):
        """Images, and the event after which they are there; None where reading waits for them."""
        if self._stream is None:
            return self.images(index), None
        with torch.cuda.stream(self._stream):
            return self.images(index), self._stream.record_event()

    def _receive(self, read):
        images, event = read
        if event is not None:
            current = torch.cuda.current_stream(images.device)
            current.wait_event(event)
            # Their memory must not be used again before this stream is done with them.
            images.record_stream(current)
        return images

    def index(self, step):
        """Flat indices (B,) of a step's images."""
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            order = permutation(len(self.images), self.seed, self.stream, epoch)
            self._order = order.to(self.images.device) if self.images.resident else order
            self._epoch = epoch
        return self._order[position * self.batch_size : (position + 1) * self.batch_size]

    def close(self):
        """Stop reading ahead."""
        if self._reader is not None:
            self._reader.shutdown(wait=True, cancel_futures=True)


def _use_device(device):
    """Leave the first CUDA device, on which every new thread starts."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
