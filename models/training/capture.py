"""Capturing what a function does on a CUDA device, for `models.training.graph`."""

import time
from functools import cache

import torch


class CudaCapture:
    """Captures what a function does on a CUDA device.

    Parameters
    ----------
    device : torch.device
    """

    # Whether this process captures anything; one that failed may have left PyTorch's memory and
    # random generators in a capturing state.
    allowed = True

    def __init__(self, device):
        self._device = device

    def run(self, function, inputs):
        """Carry a step out on the stream that will capture, so that libraries are ready there."""
        with torch.cuda.device(self._device):
            own, current = _own_stream(self._device), torch.cuda.current_stream(self._device)
            own.wait_stream(current)
            with torch.cuda.stream(own):
                function(*inputs)
            current.wait_stream(own)

    def rehearse(self, function, inputs):
        """Carry a step out, and raise an error where it waits for the device.

        That would break a capture as well, but only after it had begun.
        """
        mode = torch.cuda.get_sync_debug_mode()
        torch.cuda.set_sync_debug_mode("error")
        try:
            self.run(function, inputs)
        finally:
            torch.cuda.set_sync_debug_mode(mode)

    def capture(self, function, watched):
        """Capture ``function()`` without carrying it out.

        Parameters
        ----------
        function : callable
        watched : callable
            ``watched() -> dict of str to list of Tensor``, what must stay where it is.

        Returns
        -------
        callable
            Carries it out; the graph lives as long as this.
        """
        with torch.cuda.device(self._device):
            graph, own = torch.cuda.CUDAGraph(), _own_stream(self._device)
            current = torch.cuda.current_stream(self._device)
            try:
                # A thread that reads batches ahead must not break the capture.
                with torch.cuda.graph(graph, stream=own, capture_error_mode="thread_local"):
                    function()
            except RuntimeError:
                CudaCapture.allowed = False
                raise
            finally:
                # PyTorch leaves its own stream in place when a capture fails.
                torch.cuda.set_stream(current)
        return graph.replay

    def now(self):
        """Seconds, once the device has done everything."""
        torch.cuda.synchronize(self._device)
        return time.perf_counter()


@cache
def _own_stream(device):
    """One stream for all captures of a process, because libraries keep memory for each."""
    return torch.cuda.Stream(device)


def choose_capture(graph, device):
    """What captures steps on a device.

    Parameters
    ----------
    graph : object
        "auto" for `CudaCapture` on a CUDA device and nothing elsewhere; None, or a capture, for
        just that.
    device : torch.device

    Returns
    -------
    CudaCapture, another capture, or None
    """
    if graph != "auto":
        return graph
    return CudaCapture(device) if device.type == "cuda" and CudaCapture.allowed else None
