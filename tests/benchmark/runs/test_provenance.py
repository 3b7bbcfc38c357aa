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
