import json
import multiprocessing
import os

import pytest

from disentanglement_bench.benchmark.runs import claims
from disentanglement_bench.benchmark.runs.claims import (
    Claim,
    ClaimLost,
    Observer,
    acquire,
    current_claim,
)


def someone_elses(folder, number=1, host="elsewhere", pid=1, started="1", count="1"):
    """A claim as another machine would leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"host": host, "pid": pid, "started": started, "token": "t"}
    (folder / f"claim-{number}").write_text(json.dumps(content))
    (folder / f"claim-{number}.t").write_text(count)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_claim_excludes_others_until_it_is_released(tmp_path):
    claim = acquire(tmp_path / "run")
    assert isinstance(claim, Claim)
    assert acquire(tmp_path / "run") is None
    claim.check()
    claim.release()
    assert list((tmp_path / "run").iterdir()) == []
    with acquire(tmp_path / "run") as again:
        assert again.number == 1


def test_a_claim_of_a_process_that_is_gone_is_dead_at_once(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=os._exit, args=(0,))
    process.start()
    process.join()
    someone_elses(tmp_path, host=claims._host(), pid=process.pid, started="1")
    with acquire(tmp_path) as claim:
        assert claim.number == 2


def test_a_reused_process_id_does_not_keep_a_claim_alive(tmp_path):
    someone_elses(tmp_path, host=claims._host(), pid=os.getpid(), started="another time")
    with acquire(tmp_path) as claim:
        assert claim.number == 2


def test_another_hosts_claim_dies_by_standing_still(tmp_path):
    someone_elses(tmp_path)
    clock = Clock()
    observer = Observer(clock, stale_seconds=100)
    assert observer.look(tmp_path) == (True, None)
    clock.now = 99
    assert observer.look(tmp_path) == (True, None)
    (tmp_path / "claim-1.t").write_text("2")
    clock.now = 101
    assert observer.look(tmp_path) == (True, None), "it still counts"
    clock.now = 202
    assert observer.look(tmp_path) == (False, 1)
    assert acquire(tmp_path) is None, "only an observation makes it dead"
    with acquire(tmp_path, dead=1) as claim:
        assert claim.number == 2


def test_only_the_observed_claim_is_dead(tmp_path):
    someone_elses(tmp_path, number=2)
    assert acquire(tmp_path, dead=1) is None


def test_an_owner_taken_for_dead_notices_and_leaves_the_new_claim_alone(tmp_path):
    sleeper = acquire(tmp_path)
    someone_elses(tmp_path, number=2)
    with pytest.raises(ClaimLost, match="taken this run over"):
        sleeper.check()
    sleeper.release()
    assert current_claim(tmp_path)["number"] == 2


def test_an_owner_whose_number_was_given_out_again_notices(tmp_path):
    sleeper = acquire(tmp_path)
    for file in tmp_path.iterdir():
        file.unlink()
    other = acquire(tmp_path)
    sleeper._beat()
    with pytest.raises(ClaimLost):
        sleeper.check()
    other.check()
    sleeper.release()
    other.check()
    other.release()


def test_a_claim_still_being_written_counts_as_alive(tmp_path):
    (tmp_path / "claim-1").write_text("")
    clock = Clock()
    observer = Observer(clock, stale_seconds=10)
    assert observer.look(tmp_path) == (True, None)
    clock.now = 11
    assert observer.look(tmp_path) == (False, 1)


def test_the_owner_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
    with acquire(tmp_path):
        first = current_claim(tmp_path)["count"]
        deadline = claims.time.monotonic() + 30
        while current_claim(tmp_path)["count"] == first:
            assert claims.time.monotonic() < deadline


def _race(folder, start, results):
    start.wait()
    results.put(acquire(folder, dead=1) is not None)
    start.wait()


def test_exactly_one_takes_a_dead_claim_over(tmp_path):
    someone_elses(tmp_path)
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(6), context.Queue()
    racers = [
        context.Process(target=_race, args=(tmp_path, start, results), daemon=True)
        for _ in range(6)
    ]
    for racer in racers:
        racer.start()
    won = [results.get(timeout=30) for _ in racers]
    assert won.count(True) == 1
    for racer in racers:
        racer.join()
