import pytest
import torch

from disentanglement_bench.benchmark.runs.record import describe_session


def test_a_session_says_what_its_numbers_depend_on():
    session = describe_session(torch.device("cpu"), True, 7)
    assert (session["first_step"], session["compile"], session["device"]) == (7, True, "cpu")
    assert session["tf32_matmul"] is torch.backends.cuda.matmul.allow_tf32
    assert session["tf32_cudnn"] is torch.backends.cudnn.allow_tf32
    assert session["deterministic"] is torch.are_deterministic_algorithms_enabled() is False
    assert session["cudnn_benchmark"] is torch.backends.cudnn.benchmark
    assert type(session["torch"]) is str


def test_settings_that_pytorch_refuses_to_read_do_not_fail_a_run(monkeypatch):
    class Matmul:
        fp32_precision = "tf32"

        @property
        def allow_tf32(self):
            raise RuntimeError("a mix of the legacy and new APIs")

    with pytest.raises(RuntimeError):
        _ = Matmul().allow_tf32
    monkeypatch.setattr(torch.backends.cuda, "matmul", Matmul())
    assert describe_session(torch.device("cpu"), False, 0)["tf32_matmul"] == "tf32"
