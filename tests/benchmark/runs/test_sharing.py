import os

import pytest

from disentanglement_bench.benchmark.runs import sharing
from disentanglement_bench.benchmark.runs.sharing import advise_mps, mps_runs


@pytest.fixture
def pipes(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    return tmp_path


def test_mps_runs_where_its_pipe_and_its_process_are(pipes):
    assert not mps_runs()
    (pipes / "control").touch()
    assert mps_runs(), "the daemon of another user does not show its process"
    (pipes / "nvidia-cuda-mps-control.pid").write_text(f"{os.getpid()}\n")
    assert mps_runs()
    # No process has this number: Linux allows less.
    (pipes / "nvidia-cuda-mps-control.pid").write_text(str(2**22 + 1))
    assert not mps_runs()


def test_workers_that_share_a_gpu_are_told_of_mps(pipes, monkeypatch):
    monkeypatch.setattr(sharing.shutil, "which", lambda name: None)
    assert advise_mps(["cpu"], 8) is None
    assert advise_mps(["cuda:0", "cuda:1"], 2) is None
    assert advise_mps(["cuda:0"], 3).startswith("3 workers share one GPU without NVIDIA's MPS")
    assert "not installed" in advise_mps(["cuda:0", "cuda:1"], 3)
    monkeypatch.setattr(sharing.shutil, "which", lambda name: f"/usr/bin/{name}")
    advice = advise_mps(["cuda:0", "cuda:1"], 4)
    assert "4 workers share 2 GPUs" in advice
    assert "nvidia-cuda-mps-control -d starts it" in advice
    assert "\n" not in advice
    (pipes / "control").touch()
    assert advise_mps(["cuda:0"], 3) is None
