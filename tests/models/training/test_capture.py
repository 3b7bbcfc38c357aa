"""Which device's steps are captured, and how a capture asks PyTorch for it."""

import contextlib

import pytest
import torch

from disentanglement_bench.models.training import capture as module
from disentanglement_bench.models.training.capture import CudaCapture, choose_capture

CPU = torch.device("cpu")


def test_capturing_is_for_cuda_devices_or_on_request(monkeypatch, rerun):
    assert choose_capture("auto", CPU) is None
    assert choose_capture(None, torch.device("cuda")) is None
    assert choose_capture(rerun, CPU) is rerun
    assert isinstance(choose_capture("auto", torch.device("cuda")), CudaCapture)
    monkeypatch.setattr(CudaCapture, "allowed", False)
    assert choose_capture("auto", torch.device("cuda")) is None


class FakeCuda:
    """The parts of `torch.cuda` that a capture calls, which write down in what order."""

    def __init__(self, fails):
        self.calls = []
        self.fails = fails
        self.mode = 0

    def Stream(self, device):
        return FakeStream(self, "own")

    def current_stream(self, device):
        return FakeStream(self, "current")

    def set_stream(self, stream):
        self.calls.append(f"set {stream.name}")

    def synchronize(self, device):
        self.calls.append("synchronise")

    def device(self, device):
        return contextlib.nullcontext()

    def stream(self, stream):
        self.calls.append(f"on {stream.name}")
        return contextlib.nullcontext()

    def get_sync_debug_mode(self):
        return self.mode

    def set_sync_debug_mode(self, mode):
        self.mode = mode
        self.calls.append(f"mode {mode}")

    def CUDAGraph(self):
        return self

    def replay(self):
        self.calls.append("replay")

    @contextlib.contextmanager
    def graph(self, graph, stream, capture_error_mode):
        assert graph is self
        self.calls.append(f"capture on {stream.name}, {capture_error_mode}")
        yield
        if self.fails:
            raise RuntimeError("operation failed due to a previous error during capture")


class FakeStream:
    def __init__(self, cuda, name):
        self.cuda, self.name = cuda, name

    def wait_stream(self, other):
        self.cuda.calls.append(f"{self.name} waits for {other.name}")


@pytest.mark.parametrize("fails", [False, True])
def test_the_real_capture_calls_pytorch_in_the_right_order(fails, monkeypatch):
    """With doubles for PyTorch's functions, because there may be no device here."""
    cuda = FakeCuda(fails)
    for name in ("Stream", "current_stream", "set_stream", "synchronize", "device", "stream"):
        monkeypatch.setattr(torch.cuda, name, getattr(cuda, name))
    for name in ("get_sync_debug_mode", "set_sync_debug_mode", "CUDAGraph", "graph"):
        monkeypatch.setattr(torch.cuda, name, getattr(cuda, name))
    monkeypatch.setattr(CudaCapture, "allowed", True)
    monkeypatch.setattr(module.time, "perf_counter", lambda: cuda.calls.append("clock"))
    # A device of its own, because streams are kept.
    capture = CudaCapture(torch.device("cuda", 90 + fails))

    ran = ["own waits for current", "on own", "step 7", "current waits for own"]
    capture.run(lambda number: cuda.calls.append(f"step {number}"), (7,))
    assert cuda.calls == ran
    cuda.calls.clear()
    capture.rehearse(lambda number: cuda.calls.append(f"step {number}"), (7,))
    assert cuda.calls == ["mode error", *ran, "mode 0"]
    cuda.calls.clear()
    with pytest.raises(RuntimeError) if fails else contextlib.nullcontext():
        replay = capture.capture(lambda: cuda.calls.append("step"), dict)
    assert cuda.calls == ["capture on own, thread_local", "step", "set current"]
    assert CudaCapture.allowed is not fails
    if not fails:
        replay()
        assert cuda.calls[-1] == "replay"
    cuda.calls.clear()
    capture.now()
    assert cuda.calls == ["synchronise", "clock"]
