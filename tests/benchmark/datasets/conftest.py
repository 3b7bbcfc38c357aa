"""Tiny files in exactly the formats of the genuine ones, and a small local web server."""

import contextlib
import itertools
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"


class _Trap:
    """Unpickling it makes a folder, which gives away that it was unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def reference_file():
    """Path of a reference file; the test is skipped where there is none."""

    def find(name):
        if not (REFERENCE / name).is_file():
            pytest.skip(f"no {REFERENCE / name}")
        return REFERENCE / name

    return find


@pytest.fixture
def grid_labels():
    """Classes of a full grid, last factor fastest."""

    def make(sizes):
        return np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)

    return make


@pytest.fixture
def dsprites_file(tmp_path, grid_labels):
    """Write a file in dSprites' format; its pickled metadata is a trap in `trap`."""

    def make(path, sizes=(2, 2, 3, 2, 2), **changes):
        labels = grid_labels(sizes)
        count = len(labels)
        images = np.random.default_rng(0).integers(0, 2, (count, 64, 64), dtype=np.uint8)
        trap = tmp_path / "unpickled"
        arrays = {
            "metadata": np.array(_Trap(trap), dtype=object),
            "imgs": images,
            "latents_classes": np.column_stack((np.zeros(count, np.int64), labels)),
            "latents_values": np.column_stack((np.ones(count), labels.astype(float))),
        }
        arrays |= changes
        np.savez_compressed(path, **{k: v for k, v in arrays.items() if v is not None})
        return SimpleNamespace(path=path, images=images, labels=labels, trap=trap, sizes=sizes)

    return make


@pytest.fixture
def shapes3d_file(grid_labels):
    """Write a file in Shapes3D's format, with gzip chunks that run across images."""

    def make(path, values, **changes):
        labels = grid_labels([len(v) for v in values])
        images = np.random.default_rng(1).integers(0, 256, (len(labels), 64, 64, 3), np.uint8)
        arrays = {
            "images": images,
            "labels": np.stack([np.take(v, c) for v, c in zip(values, labels.T, strict=True)], 1),
        }
        arrays |= changes
        with h5py.File(path, "w") as archive:
            for key, array in arrays.items():
                if array is None:
                    continue
                chunks = (max(1, len(array) // 3), 8, 16, 1) if array.ndim == 4 else None
                compression = "gzip" if chunks else None
                archive.create_dataset(key, data=array, chunks=chunks, compression=compression)
        return SimpleNamespace(path=path, images=arrays["images"], labels=labels)

    return make


@pytest.fixture
def photographs():
    """Smooth images whose last factor moves them a little, as MPI3D's do."""

    def make(sizes=(3, 2, 2, 4, 4)):
        rng = np.random.default_rng(2)
        kinds = int(np.prod(sizes[:-2]))
        row, column = np.mgrid[0:64, 0:64] / 64
        images = np.empty((kinds, sizes[-2], sizes[-1], 64, 64, 3))
        for kind, (base, slope) in enumerate(rng.uniform(30, 150, (kinds, 2, 3))):
            for one in range(sizes[-2]):
                for other in range(sizes[-1]):
                    ramp = np.roll(row + 0.02 * other, one, axis=0) + column
                    images[kind, one, other] = base + 0.3 * slope * ramp[..., None]
        return images.clip(0, 255).astype(np.uint8).reshape(-1, 64, 64, 3)

    return make


class _Server:
    """Serves `content` at every address, with the faults that a test asks for."""

    def __init__(self):
        self.content = b""
        self.ranges = True
        self.etag = '"first"'
        self.cut_after = []
        self.status = []
        self.silent_after = None
        self.closing = threading.Event()
        self.endless = False
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._httpd.server_port}/data.npz"

    def answer(self, request):
        self.requests.append(dict(request.headers))
        if self.status:
            request.send_error(self.status.pop(0))
            return
        start, asked = 0, request.headers.get("Range")
        fresh = request.headers.get("If-Range") in (None, self.etag)
        if self.ranges and asked and fresh:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(self.content):
                request.send_response(416)
                request.send_header("Content-Range", f"bytes */{len(self.content)}")
                request.send_header("Content-Length", "0")
                request.end_headers()
                return
            request.send_response(206)
            last = len(self.content) - 1
            request.send_header("Content-Range", f"bytes {start}-{last}/{len(self.content)}")
        else:
            request.send_response(200)
        if self.etag:
            request.send_header("ETag", self.etag)
        if not self.endless:
            request.send_header("Content-Length", str(len(self.content) - start))
        request.end_headers()
        body = self.content[start:]
        body = body[: self.cut_after.pop(0)] if self.cut_after else body
        # Whoever asked may have gone away.
        with contextlib.suppress(ConnectionError):
            for piece in itertools.repeat(body) if self.endless else [body[: self.silent_after]]:
                request.wfile.write(piece)
        if self.silent_after is not None:
            self.closing.wait()

    def close(self):
        self.closing.set()
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()


@pytest.fixture
def server():
    """A local web server; see `_Server` for what it can get wrong."""
    running = _Server()
    yield running
    running.close()
