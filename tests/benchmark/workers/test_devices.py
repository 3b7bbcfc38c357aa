import pytest
import torch

from disentanglement_bench.benchmark.workers import devices
from disentanglement_bench.benchmark.workers.devices import (
    choose_stack,
    choose_workers,
    resolve_devices,
)


def test_the_cpu_needs_no_torch():
    assert resolve_devices("cpu") == ["cpu"]


def test_auto_takes_all_gpus_before_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_devices("auto") == ["cuda:0", "cuda:1"]
    assert resolve_devices("cuda:1") == ["cuda:1"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_devices("auto") == ["mps"]
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_devices("auto") == ["cpu"]


@pytest.mark.parametrize(
    ("names", "jobs", "cores", "expected"),
    [
        (["cpu"], None, 2, (2, 1)),
        (["cpu"], 1, 2, (1, 2)),
        (["cpu"], 8, 2, (8, 1)),
        (["cuda:0", "cuda:1"], None, 16, (2, 8)),
        (["cuda:0"], 4, 16, (4, 4)),
    ],
)
def test_workers_and_threads(names, jobs, cores, expected, monkeypatch):
    monkeypatch.setattr(devices, "count_cores", lambda: cores)
    assert choose_workers(names, jobs) == expected


def test_stacks_are_measured_on_accelerators_unless_a_number_is_given():
    assert choose_stack(["cpu"]) == 1
    assert choose_stack(["cuda:0"]) == choose_stack(["mps"]) == "auto"
    assert choose_stack(["cpu"], "auto") == "auto"
    assert choose_stack(["cuda:0"], 4) == 4
