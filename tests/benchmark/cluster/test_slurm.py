import pytest

from disentanglement_bench.benchmark.cluster.slurm import read_array_limit, read_job_state


@pytest.mark.parametrize(
    ("configuration", "limit"),
    [
        ("MaxArraySize            = 1001\nMaxJobCount = 7", 1001),
        ("MaxArraySize = 1001\nSchedulerParameters = bf_interval=9,max_array_tasks=50", 50),
        ("MaxArraySize            = 0", 1),
        ("nothing of the kind", None),
    ],
)
def test_the_smaller_limit_of_arrays_counts(program, configuration, limit):
    program("scontrol", f"print({configuration!r})")
    assert read_array_limit() == limit


def test_without_an_answer_no_limit_is_known(program, monkeypatch, tmp_path):
    program("scontrol", "sys.exit(1)")
    assert read_array_limit() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_array_limit() is None


def test_the_state_of_a_job_is_asked_for_by_its_number(program):
    program("squeue", "print('COMPLETING TimeLimit' if '--jobs=12' in sys.argv else '')")
    assert read_job_state("12") == ("COMPLETING", "TimeLimit")
    assert read_job_state("13") == ("unknown", "")
