import functools
import hashlib

import numpy as np
import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.commands.data import command
from disentanglement_bench.benchmark.commands.list import command as list_command
from disentanglement_bench.benchmark.datasets.genuine import dsprites, releases
from disentanglement_bench.benchmark.datasets.genuine.releases import Release

SIZES = (2, 2, 2, 2, 2)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    monkeypatch.delenv("BENCH_OFFLINE", raising=False)
    return tmp_path


@pytest.fixture
def bench():
    def run(*arguments):
        return CliRunner().invoke(command, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def tiny_dsprites(folder, monkeypatch):
    """A tiny file in dSprites' place: few classes, a checksum of its own."""
    source = folder / "elsewhere.npz"
    images = np.random.default_rng(0).integers(0, 2, (32, 64, 64), dtype=np.uint8)
    classes = np.stack(np.unravel_index(np.arange(32), SIZES), axis=1)
    classes = np.column_stack((np.zeros(32, np.int64), classes))
    np.savez_compressed(source, imgs=images, latents_classes=classes)
    digest = hashlib.md5(source.read_bytes()).hexdigest()
    release = Release("dsprites", "tiny.npz", "http://example.invalid/", md5=digest)
    monkeypatch.setitem(releases.RELEASES, "dsprites", release)
    loader = functools.partial(dsprites.load, release=release, sizes=SIZES)
    monkeypatch.setattr(dsprites, "load", loader)
    return source


def test_every_command_shows_an_example(bench):
    for arguments in ([], ["list"], ["get"], ["verify"], ["add"], ["remove"], ["path"]):
        done = bench(*arguments, "--help")
        assert done.exit_code == 0
        assert "Example:" in done.output
        assert "bench data" in done.output


def test_list_shows_what_there_is(bench, folder):
    (folder / releases.RELEASES["shapes3d"].filename).write_bytes(b"x")
    text = bench("list").output
    rows = {line.split("│")[1].strip(): line for line in text.splitlines() if "│" in line}
    assert "46,080 of 64×64×1" in rows["sprites-small"]
    assert "re-rendered" in rows["sprites-small"]
    assert "no: bench data get dsprites" in rows["dsprites"]
    assert "yes" in rows["shapes3d"]
    assert text == CliRunner().invoke(list_command, ["datasets"]).output


def test_path_prints_the_folder(bench, folder):
    assert bench("path").output == f"{folder}\n"
    assert bench("path", "--data-dir", folder / "x").output == f"{folder / 'x'}\n"


def test_get_offline_ends_with_3(bench, monkeypatch):
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    done = bench("get", "dsprites")
    assert done.exception.exit_code == 3
    assert "re-rendered `sprites`" in str(done.exception)


def test_get_of_a_rendered_set_needs_no_network(bench, monkeypatch):
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    done = bench("get", "rooms3d")
    assert done.exit_code == 0
    assert "nothing to download" in done.output


def test_get_of_an_unknown_name(bench):
    done = bench("get", "dsprite")
    assert done.exception.exit_code == 2
    assert "did you mean 'dsprites'" in str(done.exception)


def test_one_address_serves_one_name(bench):
    done = bench("get", "dsprites", "shapes3d", "--url", "http://example.invalid")
    assert done.exit_code == 2
    assert "--url goes with one NAME" in done.output


def test_get_then_verify(bench, folder, tiny_dsprites, serve):
    serve.content = tiny_dsprites.read_bytes()
    done = bench("get", "dsprites", "--url", serve.url)
    assert done.exit_code == 0, done.exception
    assert f"saved {folder / 'tiny.npz'}" in done.output
    assert "ready, 32 images" in done.output
    again = bench("get", "dsprites", "--url", serve.url)
    assert "already at" in again.output
    assert serve.requests == 1
    done = bench("verify")
    assert done.exit_code == 0
    assert "dsprites: ok, the published file" in done.output


def test_verify_finds_a_damaged_file_and_goes_on(bench, folder, tiny_dsprites):
    content = bytearray(tiny_dsprites.read_bytes())
    content[100] ^= 1
    (folder / "tiny.npz").write_bytes(content)
    done = bench("verify", "dsprites", "sprites")
    assert "dsprites: FAILED, " in done.output
    assert "sprites: ok" in done.output
    assert done.exception.exit_code == 1
    assert "1 of 2 data sets failed: dsprites" in str(done.exception)


def test_verify_without_files_says_so(bench):
    done = bench("verify")
    assert done.exit_code == 0
    assert "no data files to verify" in done.output


def test_add_then_list_and_verify(bench, folder):
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
    np.savez(folder / "faces.npz", images=images, factor_sizes=[2, 3], factor_names=["a", "b"])
    done = bench("add", "faces", folder / "faces.npz")
    assert done.exit_code == 0, done.exception
    assert "added 6 images" in done.output
    assert "(a 2, b 3)" in done.output
    assert "added from faces.npz" in bench("list").output
    assert "faces: ok, unchanged since it was added" in bench("verify").output


def test_a_removed_set_is_gone(bench, folder):
    images = np.full((4, 8, 8), 200, np.uint8)
    np.savez(folder / "faces.npz", images=images, factor_sizes=[2, 2])
    bench("add", "faces", folder / "faces.npz")
    done = bench("remove", "faces", "sprites")
    assert done.exit_code == 0, done.exception
    assert "kB removed" in done.output or "bytes removed" in done.output
    assert "sprites: no files" in done.output
    assert bench("remove", "faces").exception.exit_code == 2


def test_add_refuses_a_built_in_name(bench, folder):
    np.savez(folder / "x.npz", images=np.zeros((4, 8, 8), np.uint8), factor_sizes=[2, 2])
    done = bench("add", "sprites", folder / "x.npz")
    assert done.exception.exit_code == 2
    assert "built-in" in str(done.exception)


@pytest.fixture
def serve():
    """A local web server that answers every request with `content`."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from types import SimpleNamespace

    state = SimpleNamespace(content=b"", requests=0, url=None)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.requests += 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(state.content)))
            self.end_headers()
            self.wfile.write(state.content)

        def log_message(self, *_):
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}/file.npz"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()
