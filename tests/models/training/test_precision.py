"""TF32, cuDNN's search and determinism; the flags exist on a machine without a GPU as well."""

import pytest
import torch

from disentanglement_bench.models.training import precision

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture(autouse=True)
def _restore(monkeypatch):
    # Set first, so that it is taken away again where there was none.
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    search = torch.backends.cudnn.benchmark
    yield
    precision.apply(CUDA)
    torch.backends.cudnn.benchmark = search


@pytest.mark.parametrize(
    ("tf32", "convolutions", "products"),
    [("none", False, False), ("convolutions", True, False), ("all", True, True)],
)
@pytest.mark.parametrize("before", ["none", "all"])
def test_tf32_says_what_may_round(tf32, convolutions, products, before):
    precision.apply(CUDA, before)
    applied = precision.apply(CUDA, tf32)
    assert (applied["tf32_cudnn"], applied["tf32_matmul"]) == (convolutions, products)
    if hasattr(torch.backends.cudnn, "conv"):
        newer = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
        assert [part.fp32_precision == "tf32" for part in newer] == [convolutions, products]
    assert torch.get_float32_matmul_precision() == ("high" if products else "highest")


def test_the_default_is_pytorchs_own_and_touches_no_flag(monkeypatch):
    """So that runs from before the setting existed keep their identity."""

    class Fixed:
        def __setattr__(self, name, value):
            raise AssertionError(f"{name} was set")

    class Cudnn(Fixed):
        allow_tf32 = True

    class Matmul(Fixed):
        allow_tf32 = False

    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == (True, False)
    precision._allow_tf32(Cudnn(), True)
    precision._allow_tf32(Matmul(), False)


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="an older PyTorch")
def test_flags_that_somebody_set_in_the_newer_way_do_not_get_in_the_way():
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    with pytest.raises(RuntimeError, match="mix of the legacy and new APIs"):
        _ = torch.backends.cudnn.allow_tf32
    applied = precision.apply(CUDA, "none")
    assert (applied["tf32_cudnn"], applied["tf32_matmul"]) == (False, False)


def test_a_version_without_the_older_setting_is_served_by_the_newer():
    class Part:
        fp32_precision = "none"

    class Backend:
        __slots__ = ("conv", "fp32_precision", "rnn")

        def __init__(self):
            self.conv, self.rnn, self.fp32_precision = Part(), Part(), "none"

    cudnn, matmul = Backend(), Backend()
    precision._allow_tf32(cudnn, True, ("conv", "rnn"))
    precision._allow_tf32(matmul, False)
    assert (cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision) == ("tf32", "tf32")
    assert matmul.fp32_precision == "ieee"


@pytest.mark.parametrize("device", [CPU, CUDA], ids=str)
def test_deterministic_allows_no_search_and_no_varying_sums(device, monkeypatch):
    applied = precision.apply(device, deterministic=True)
    assert applied["deterministic"]
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert not applied["cudnn_benchmark"]
    again = precision.apply(device)
    assert not again["deterministic"]
    assert not torch.backends.cudnn.deterministic
    assert again["cudnn_benchmark"] == (device == CUDA)


def test_cublas_gets_the_workspace_that_it_repeats_its_sums_with(monkeypatch):
    import os

    precision.apply(CUDA, deterministic=True)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    precision.apply(CUDA, deterministic=True)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


def test_another_device_keeps_its_flags():
    precision.apply(CUDA, "all")
    assert precision.apply(CPU, "none")["tf32_matmul"] is True
