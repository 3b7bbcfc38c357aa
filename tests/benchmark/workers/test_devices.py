import pytest
import torch

from disentanglement_bench.benchmark.workers import devices
from disentanglement_bench.benchmark.workers.devices import (
    choose_stack,
    choose_workers,
    count_cores,
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


def test_a_machine_has_a_core():
    assert count_cores() >= 1


@pytest.mark.parametrize(("allotted", "cores"), [("2", 2), ("64", 3), ("", 3), ("x", 3)])
def test_a_job_of_slurm_uses_the_cpus_it_was_given(allotted, cores, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(3)), raising=False)
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", allotted)
    assert count_cores() == cores


def test_stacks_are_measured_on_accelerators_unless_a_number_is_given():
    assert choose_stack(["cpu"]) == 1
    assert choose_stack(["cuda:0"]) == choose_stack(["mps"]) == "auto"
    assert choose_stack(["cpu"], "auto") == "auto"
    assert choose_stack(["cuda:0"], 4) == 4
