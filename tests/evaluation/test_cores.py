import pytest

from disentanglement_bench.evaluation.cores import count_cores


def test_a_machine_has_a_core():
    assert count_cores() >= 1


@pytest.mark.parametrize(("allotted", "cores"), [("2", 2), ("64", 3), ("", 3), ("x", 3)])
def test_a_job_of_slurm_uses_the_cpus_it_was_given(allotted, cores, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(3)), raising=False)
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", allotted)
    assert count_cores() == cores
