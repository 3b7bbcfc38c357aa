import subprocess

from disentanglement_bench.benchmark.runs import provenance


def git(folder, *arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=e"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_commit_is_that_of_the_code_and_dirt_is_seen(tmp_path):
    git(tmp_path, "init", "-q")
    source = tmp_path / "provenance.py"
    source.write_text("1")
    assert provenance._git_state(tmp_path) == (None, None), "not tracked: somebody else's checkout"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "m")
    commit, dirty = provenance._git_state(tmp_path)
    assert len(commit) == 40
    assert dirty is False
    source.write_text("2")
    assert provenance._git_state(tmp_path) == (commit, True)


def test_versions_are_recorded(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/bench", "train", "--tag", "a b"])
    found = provenance.collect()
    assert set(found["versions"]) == {"python", *provenance.PACKAGES}
    assert provenance.command_line() == "bench train --tag 'a b'"


def test_a_call_as_a_module_is_written_as_the_command(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/benchmark/cli.py", "train"])
    assert provenance.command_line() == "bench train"


def test_a_job_of_slurm_is_named_as_its_log_is(monkeypatch):
    for name in ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"):
        monkeypatch.delenv(name, raising=False)
    assert provenance.describe_job() == {}
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    assert provenance.describe_job() == {"slurm_job": "12"}
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "10")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    assert provenance.describe_job() == {"slurm_job": "10_2"}
    assert provenance.collect()["slurm_job"] == "10_2"
