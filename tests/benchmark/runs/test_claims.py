import errno
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
    current_owner,
)
from disentanglement_bench.benchmark.runs.host import host_name


def someone_elses(folder, name="claim-1", token="t", host="elsewhere", pid=1, started="1"):
    """A claim as another machine would leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"host": host, "pid": pid, "started": started, "token": token}
    (folder / name).write_text(json.dumps(content))
    (folder / f"{name}.{token}").write_text("1")


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
    with acquire(tmp_path / "run"):
        assert (tmp_path / "run/claim-1").exists()


def test_a_claim_of_a_process_that_is_gone_is_dead_at_once(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=os._exit, args=(0,))
    process.start()
    process.join()
    someone_elses(tmp_path, host=host_name(), pid=process.pid, started="1")
    with acquire(tmp_path) as claim:
        assert current_owner(tmp_path).token == claim.token
    assert list(tmp_path.iterdir()) == []


def test_a_reused_process_id_does_not_keep_a_claim_alive(tmp_path):
    someone_elses(tmp_path, host=host_name(), pid=os.getpid(), started="another time")
    with acquire(tmp_path) as claim:
        assert current_owner(tmp_path).token == claim.token
    assert list(tmp_path.iterdir()) == []


def test_another_hosts_claim_dies_by_standing_still(tmp_path):
    someone_elses(tmp_path)
    clock = Clock()
    observer = Observer(clock, stale_seconds=100)
    assert observer.observe(tmp_path) == (True, None)
    clock.now = 99
    assert observer.observe(tmp_path) == (True, None)
    (tmp_path / "claim-1.t").write_text("2")
    clock.now = 101
    assert observer.observe(tmp_path) == (True, None), "it still counts"
    clock.now = 202
    assert observer.observe(tmp_path) == (False, "t")
    assert acquire(tmp_path) is None, "only an observation makes it dead"
    with acquire(tmp_path, dead="t") as claim:
        assert current_owner(tmp_path).token == claim.token


def test_only_the_observed_claim_is_dead(tmp_path):
    someone_elses(tmp_path, token="another")
    assert acquire(tmp_path, dead="t") is None


def test_a_live_claim_is_not_taken_for_a_dead_one_that_had_its_name(tmp_path):
    clock = Clock()
    observer = Observer(clock, stale_seconds=100)
    someone_elses(tmp_path)
    assert observer.observe(tmp_path) == (True, None)
    for file in tmp_path.iterdir():
        file.unlink()
    someone_elses(tmp_path, token="later")
    clock.now = 101
    assert observer.observe(tmp_path) == (True, None)


def test_a_claim_made_on_one_that_was_released_meanwhile_is_given_back(tmp_path, monkeypatch):
    someone_elses(tmp_path)
    create = claims._create

    def renumber_and_create(path, token):
        """Between reading and claiming, the dead claim goes and a live one takes its name."""
        monkeypatch.setattr(claims, "_create", create)
        for file in tmp_path.iterdir():
            file.unlink()
        someone_elses(tmp_path, token="later")
        return create(path, token)

    monkeypatch.setattr(claims, "_create", renumber_and_create)
    assert acquire(tmp_path, dead="t") is None
    assert current_owner(tmp_path).token == "later"
    assert {file.name for file in tmp_path.iterdir()} == {"claim-1", "claim-1.later"}


def test_an_owner_taken_for_dead_notices_and_leaves_the_new_claim_alone(tmp_path):
    sleeper = acquire(tmp_path)
    someone_elses(tmp_path, f"claim-after-{sleeper.token}")
    with pytest.raises(ClaimLost, match="taken this run over"):
        sleeper.check()
    sleeper.release()
    assert current_owner(tmp_path).token == "t"


def test_an_owner_whose_name_was_given_out_again_notices(tmp_path):
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
    assert list(tmp_path.iterdir()) == []


def test_a_claim_that_is_released_meanwhile_is_not_cleared_as_a_leftover(tmp_path, monkeypatch):
    owner, read = acquire(tmp_path), claims._read_chain

    def release_and_read(folder):
        """Between listing what is there and reading the claims, their owner gives them up."""
        monkeypatch.setattr(claims, "_read_chain", read)
        owner.release()
        return read(folder)

    monkeypatch.setattr(claims, "_read_chain", release_and_read)
    with acquire(tmp_path) as claim:
        claim.check()
        assert acquire(tmp_path) is None


def test_an_owner_notices_a_follower_that_ends_while_it_asks(tmp_path, monkeypatch):
    sleeper, read = acquire(tmp_path), claims._read_owner
    someone_elses(tmp_path, f"claim-after-{sleeper.token}")

    def read_and_end(path):
        """After the first claim was read, its follower publishes and removes all claims."""
        owner = read(path)
        for file in tmp_path.iterdir():
            file.unlink()
        return owner

    monkeypatch.setattr(claims, "_read_owner", read_and_end)
    with pytest.raises(ClaimLost):
        sleeper.check()
    sleeper.release()


def test_an_owner_taken_for_dead_stays_lost_when_its_claim_cannot_be_removed(tmp_path, monkeypatch):
    sleeper = acquire(tmp_path)
    follower, remove = acquire(tmp_path, dead=sleeper.token), claims._remove_claim

    def fail(path, token):
        if token == sleeper.token:
            raise PermissionError(errno.EACCES, "Permission denied")
        remove(path, token)

    monkeypatch.setattr(claims, "_remove_claim", fail)
    follower.release()
    with pytest.raises(ClaimLost):
        sleeper.check()
    sleeper.release()


def test_a_claim_that_cannot_be_read_again_is_given_back(tmp_path, monkeypatch):
    def fail(self):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(claims, "RETRY_PAUSES", ())
    with monkeypatch.context() as patch:
        patch.setattr(Claim, "_is_last", fail)
        with pytest.raises(OSError, match="Input/output"):
            acquire(tmp_path)
    assert list(tmp_path.iterdir()) == []


def trouble(monkeypatch, number, times):
    """Let reading claims fail a number of times."""
    read, left = claims._read_owner, [times]

    def read_badly(path):
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(number, "no luck")
        return read(path)

    monkeypatch.setattr(claims, "RETRY_PAUSES", (0, 0))
    monkeypatch.setattr(claims, "_read_owner", read_badly)


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO])
def test_passing_trouble_of_a_file_system_is_waited_for(number, tmp_path, monkeypatch):
    with acquire(tmp_path) as claim:
        trouble(monkeypatch, number, 2)
        claim.check()


def test_an_owner_who_cannot_tell_gives_up_without_failing(tmp_path, monkeypatch):
    with acquire(tmp_path) as claim:
        trouble(monkeypatch, errno.EIO, 3)
        with pytest.raises(ClaimLost, match="cannot tell whether this process still owns"):
            claim.check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["[1]", "7", '{"token": [1]}', '{"token": "../../x"}', None])
def test_what_only_has_the_name_of_a_claim_holds_nothing_up(content, tmp_path):
    if content is None:
        (tmp_path / "claim-1").mkdir()
    else:
        (tmp_path / "claim-1").write_text(content)
    assert Observer().observe(tmp_path)[0] is False
    with acquire(tmp_path) as claim:
        claim.check()
    assert not list(tmp_path.glob("claim-after-*"))


def test_a_claim_that_cannot_be_written_is_removed(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(claims.json, "dump", full)
    with pytest.raises(OSError, match="No space left"):
        acquire(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_earlier_claims_left_is_cleared(tmp_path):
    for name in ("claim-2", "claim-2.t", "claim-after-gone"):
        (tmp_path / name).write_text("{}")
    with acquire(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_claim_still_being_written_counts_as_alive(tmp_path):
    (tmp_path / "claim-1").write_text("")
    clock = Clock()
    observer = Observer(clock, stale_seconds=10)
    assert observer.observe(tmp_path) == (True, None)
    clock.now = 11
    claimed, dead = observer.observe(tmp_path)
    assert not claimed
    with acquire(tmp_path, dead) as claim:
        claim.check()


def test_the_owner_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
    with acquire(tmp_path):
        (counted,) = tmp_path.glob("claim-1.*")
        inode, size = counted.stat().st_ino, counted.stat().st_size
        first = current_owner(tmp_path).count
        deadline = claims.time.monotonic() + 30
        while current_owner(tmp_path).count == first:
            assert claims.time.monotonic() < deadline
        # In place and of one length, so that a full disk does not stop it.
        assert (counted.stat().st_ino, counted.stat().st_size) == (inode, size)


def _race(folder, start, results):
    start.wait()
    results.put(acquire(folder, dead="t") is not None)
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
