import fcntl
import hashlib
import itertools
import json
import resource
import socket

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files import storage
from disentanglement_bench.benchmark.datasets.genuine import download
from disentanglement_bench.benchmark.datasets.genuine.releases import Release
from disentanglement_bench.benchmark.errors import BenchError

CONTENT = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture(autouse=True)
def online(monkeypatch):
    monkeypatch.delenv("BENCH_OFFLINE", raising=False)


@pytest.fixture
def fetch(server, tmp_path):
    """Download `CONTENT` from the local server into the folder of the test."""
    server.content = CONTENT

    def run(folder=tmp_path, **changes):
        known = {
            "bytes": len(CONTENT),
            "sha256": hashlib.sha256(CONTENT).hexdigest(),
            "md5": hashlib.md5(CONTENT).hexdigest(),
        } | changes.pop("known", {})
        release = Release(
            "toy", "data.npz", server.url, stand_in="sprites", refused=("real.npz",), **known
        )
        return download.fetch(release, folder, **({"pause": 0, "timeout": 20} | changes))

    return run


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_arrives_with_its_hashes_recorded(fetch, tmp_path):
    steps = []
    path = fetch(report=lambda *step: steps.append(step))
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["data.npz", "data.npz.json"]
    recorded = json.loads((tmp_path / "data.npz.json").read_text())
    assert recorded["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_the_folder_is_made(fetch, tmp_path):
    assert fetch(tmp_path / "a" / "b").read_bytes() == CONTENT


def test_a_cut_connection_is_taken_up_where_it_ended(fetch, server):
    server.cut_after = [1_000_000, 500_000]
    assert fetch().read_bytes() == CONTENT
    asked = [request.get("Range") for request in server.requests]
    assert asked == [None, "bytes=1000000-", "bytes=1500000-"]
    assert server.requests[1]["If-Range"] == '"first"'


def test_a_later_call_goes_on_too(fetch, server, tmp_path):
    server.cut_after = [1_000_000]
    with pytest.raises(download.DownloadError, match="ended after 1000000 of 3000000 bytes"):
        fetch(attempts=0)
    assert names(tmp_path) == ["data.npz.part", "data.npz.part.json"]
    assert fetch().read_bytes() == CONTENT
    assert server.requests[-1]["Range"] == "bytes=1000000-"
    assert names(tmp_path) == ["data.npz", "data.npz.json"]


def test_without_ranges_the_file_is_sent_again(fetch, server):
    server.ranges = False
    server.cut_after = [1_000_000]
    assert fetch().read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_without_a_validator_nothing_is_resumed(fetch, server):
    server.etag = None
    server.cut_after = [1_000_000]
    assert fetch().read_bytes() == CONTENT
    assert server.requests[1].get("Range") is None


def test_a_weak_validator_carries_no_resume(fetch, server):
    server.etag = 'W/"first"'
    server.cut_after = [1_000_000]
    assert fetch().read_bytes() == CONTENT
    assert server.requests[1].get("Range") is None


def test_a_file_changed_on_the_server_is_begun_again(fetch, server):
    server.content = bytes(len(CONTENT))
    server.cut_after = [1_000_000]
    with pytest.raises(download.DownloadError):
        fetch(attempts=0)
    server.content, server.etag = CONTENT, '"second"'
    assert fetch().read_bytes() == CONTENT


def test_a_part_that_was_complete_already_is_published(fetch, server, tmp_path):
    (tmp_path / "data.npz.part").write_bytes(CONTENT)
    note = {"url": server.url, "validator": server.etag}
    (tmp_path / "data.npz.part.json").write_text(json.dumps(note))
    assert fetch().read_bytes() == CONTENT
    assert server.requests[0]["Range"] == "bytes=3000000-"


def test_a_part_longer_than_the_file_is_begun_again(fetch, server, tmp_path):
    (tmp_path / "data.npz.part").write_bytes(CONTENT + b"more")
    note = {"url": server.url, "validator": server.etag}
    (tmp_path / "data.npz.part.json").write_text(json.dumps(note))
    assert fetch().read_bytes() == CONTENT


def test_a_part_from_another_address_is_not_mixed_in(fetch, server, tmp_path):
    (tmp_path / "data.npz.part").write_bytes(b"x" * 1000)
    note = {"url": "http://example.invalid/", "validator": server.etag}
    (tmp_path / "data.npz.part.json").write_text(json.dumps(note))
    assert fetch().read_bytes() == CONTENT
    assert server.requests[0].get("Range") is None


def test_a_wrong_checksum_is_set_aside(fetch, server, tmp_path):
    with pytest.raises(BenchError, match=rf"\(expected sha256 {'0' * 64}, got .*\.bad") as caught:
        fetch(known={"sha256": "0" * 64})
    assert caught.value.exit_code == 1
    assert names(tmp_path) == ["data.npz.bad"]
    assert (tmp_path / "data.npz.bad").read_bytes() == CONTENT


def test_a_file_of_another_length_is_set_aside(fetch, server, tmp_path):
    server.content = CONTENT[:2_000_000]
    with pytest.raises(BenchError, match="expected bytes 3000000, got 2000000"):
        fetch()
    assert names(tmp_path) == ["data.npz.bad"]


def test_a_busy_server_is_asked_again(fetch, server):
    server.status = [503, 500]
    assert fetch().read_bytes() == CONTENT


def test_a_refusal_is_final_and_tells_the_way_by_hand(fetch, server, tmp_path):
    server.status = [404]
    with pytest.raises(download.DownloadError, match="answered 404") as caught:
        fetch()
    assert len(server.requests) == 1
    message = str(caught.value)
    for part in (server.url, str(tmp_path / "data.npz"), "sha256", "re-rendered `sprites`"):
        assert part in message
    assert "\n" not in message
    assert names(tmp_path) == []


def test_without_a_network_the_exit_code_is_3(fetch, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(BenchError, match=r"cannot download .*refused") as caught:
        fetch(url=f"http://127.0.0.1:{port}/data.npz")
    assert caught.value.exit_code == 3
    assert names(tmp_path) == []


def test_offline_opens_no_socket(fetch, server, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    opened = []
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: opened.append(a))
    with pytest.raises(BenchError, match="BENCH_OFFLINE is set") as caught:
        fetch()
    assert caught.value.exit_code == 3
    assert (opened, server.requests, names(tmp_path)) == ([], [], [])


def test_a_full_disk_is_seen_before_the_download(fetch, tmp_path, monkeypatch):
    class Usage:
        free = 10_000

    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(BenchError, match=r"toy needs 3 MB in .* 10 kB are free"):
        fetch()
    assert names(tmp_path) == []


def test_a_second_download_of_the_same_file_is_refused(fetch, tmp_path):
    with (tmp_path / "data.npz.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BenchError, match="another process is downloading"):
            fetch()


def test_the_corrupted_release_is_refused(fetch, server):
    with pytest.raises(BenchError, match="corrupted release and is refused"):
        fetch(url=server.url.replace("data.npz", "real.npz"))
    assert server.requests == []


def test_an_address_that_is_none_is_refused(fetch):
    with pytest.raises(BenchError, match="'nowhere' is not an address"):
        fetch(url="nowhere")


def test_a_server_that_drips_is_given_up(fetch, server, tmp_path):
    seconds = itertools.count(step=100)
    server.silent_after = 5
    with pytest.raises(download.DownloadError, match=r"fewer than 1000 bytes a second") as caught:
        fetch(attempts=2, clock=lambda: next(seconds))
    assert caught.value.exit_code == 3
    assert len(server.requests) == 2
    assert (tmp_path / "data.npz.part").stat().st_size == 10


def test_an_answer_without_end_is_stopped_at_the_known_size(fetch, server, tmp_path):
    server.endless = True
    with pytest.raises(BenchError, match=r"sends more than the 3000000 bytes of the published"):
        fetch()
    assert names(tmp_path) == []
    assert len(server.requests) == 1


def test_an_answer_that_announces_too_much_is_refused_unread(fetch, server, tmp_path):
    server.content = CONTENT + b"more"
    with pytest.raises(BenchError, match=r"sends more than the 3000000 bytes"):
        fetch(known={"bytes": None, "at_most": 3_000_000})
    assert names(tmp_path) == []


def test_a_disk_that_fills_up_is_one_clear_line_and_the_rest_is_fetched_later(fetch, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(BenchError, match=r"cannot write .*data\.npz\.part: File too large"):
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "data.npz.part").stat().st_size == 1_000_000
    assert fetch().read_bytes() == CONTENT
