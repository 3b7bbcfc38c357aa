import os

import numpy as np

from disentanglement_bench.evaluation import METRICS, write_representation
from disentanglement_bench.evaluation.scoring import file_scores
from disentanglement_bench.evaluation.scoring.file_scores import Options, score_file

MIG = [METRICS["mig"], METRICS["sap_continuous"]]


def write(path):
    factors = np.random.default_rng(0).integers(0, 3, (60, 2))
    write_representation(path, factors * 1.0, factors)


def test_a_full_disk_is_blamed_on_the_score_file_once(tmp_path, monkeypatch):
    write(tmp_path / "a.h5")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    outcome = score_file(tmp_path / "a.h5", MIG, Options(()))
    assert outcome.problems == (
        f"cannot write {tmp_path / 'a.scores' / 'mig.json'}: No space left on device",
    )


def test_whatever_reading_raises_is_one_line(tmp_path, monkeypatch):
    write(tmp_path / "a.h5")

    def fail(path):
        raise KeyError("\x1b[31m" * 10_000)

    monkeypatch.setattr(file_scores, "read_representation", fail)
    (problem,) = score_file(tmp_path / "a.h5", MIG, Options(())).problems
    assert "KeyError" in problem
    assert "\x1b" not in problem
    assert len(problem) < 500


def test_left_over_temporary_files_are_swept(tmp_path):
    write(tmp_path / "a.h5")
    left = tmp_path / "a.scores" / ".mig.json.99999.0123456789ab.tmp"
    left.parent.mkdir()
    left.touch()
    os.utime(left, (0, 0))
    assert score_file(tmp_path / "a.h5", MIG, Options(())).computed == 2
    assert not left.exists()


def test_a_score_that_another_call_writes_meanwhile_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    write(path)
    attempt = file_scores._attempt

    def attempt_twice(*given):
        monkeypatch.setattr(file_scores, "_attempt", attempt)
        assert score_file(path, MIG[:1], Options(())).computed == 1
        return attempt(*given)

    monkeypatch.setattr(file_scores, "_attempt", attempt_twice)
    outcome = score_file(path, MIG, Options(()))
    assert (outcome.computed, outcome.kept) == (1, 1)
    assert score_file(path, MIG, Options((), force=True)).computed == 2


def test_what_another_call_has_scored_is_not_opened(tmp_path, monkeypatch):
    write(tmp_path / "a.h5")
    first = score_file(tmp_path / "a.h5", MIG, Options(()))
    monkeypatch.setattr(file_scores, "read_representation", None)
    second = score_file(tmp_path / "a.h5", MIG, Options(()))
    assert (first.computed, second.computed, second.kept) == (2, 0, 2)
    assert second.problems == ()
