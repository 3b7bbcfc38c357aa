import multiprocessing
import pickle

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.base import Dataset, ImageSource
from disentanglement_bench.benchmark.datasets.files import sharing

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)


def build(source, labels=None):
    notes = ("a note",)
    return Dataset("toy", "1", ("a", "b"), (2, 3), source, {"name": "toy"}, notes, labels)


def first_image(detached, queue):
    queue.put(sharing.attach(detached).source.images([3]))


@pytest.mark.parametrize("kind", ["bits", "uint8", "templates"])
def test_arrays_in_memory_travel_by_file(kind, tmp_path):
    if kind == "bits":
        source = ImageSource(kind, np.packbits(PIXELS.reshape(6, -1) > 127, axis=1), (8, 8, 1))
    elif kind == "uint8":
        source = ImageSource(kind, PIXELS, (8, 8, 1))
    else:
        palette = np.linspace(0, 255, 6, dtype=np.float32).reshape(3, 2, 1)
        source = ImageSource(kind, PIXELS[:4].reshape(2, 2, 8, 8), (8, 8, 1), palette)
    labels = np.array([[0, 1], [1, 2]] * 3, np.int32)
    original = build(source, labels)
    parcel = pickle.dumps(sharing.detach(original, tmp_path))
    assert len(parcel) < 2000
    again = sharing.attach(pickle.loads(parcel))
    everything = np.arange(6)
    np.testing.assert_array_equal(again.source.images(everything), source.images(everything))
    np.testing.assert_array_equal(again.factors(everything), labels)
    assert isinstance(again.source.array, np.memmap)
    assert not again.source.array.flags.writeable
    for key in ("name", "version", "factor_names", "factor_sizes", "identity", "notes"):
        assert getattr(again, key) == getattr(original, key)


def test_two_detached_sets_do_not_share_a_file(tmp_path):
    one = sharing.detach(build(ImageSource("uint8", PIXELS, (8, 8, 1))), tmp_path)
    other = sharing.detach(build(ImageSource("uint8", 255 - PIXELS, (8, 8, 1))), tmp_path)
    np.testing.assert_array_equal(sharing.attach(one).source.images([2]), PIXELS[[2]])
    np.testing.assert_array_equal(sharing.attach(other).source.images([2]), 255 - PIXELS[[2]])


def test_a_map_is_opened_again_where_it_lies(tmp_path):
    np.save(tmp_path / "big.npy", np.concatenate((PIXELS, 255 - PIXELS)))
    part = np.load(tmp_path / "big.npy", mmap_mode="r")[6:]
    empty = tmp_path / "empty"
    detached = sharing.detach(build(ImageSource("memmap", part, (8, 8, 1))), empty)
    assert not empty.exists()
    np.testing.assert_array_equal(sharing.attach(detached).source.images(range(6)), 255 - PIXELS)


def test_a_map_with_gaps_is_copied(tmp_path):
    np.save(tmp_path / "big.npy", np.repeat(PIXELS, 2, axis=0))
    part = np.load(tmp_path / "big.npy", mmap_mode="r")[::2]
    detached = sharing.detach(build(ImageSource("memmap", part, (8, 8, 1))), tmp_path / "copies")
    np.testing.assert_array_equal(sharing.attach(detached).source.images(range(6)), PIXELS)


def test_another_process_sees_the_images(tmp_path):
    detached = sharing.detach(build(ImageSource("uint8", PIXELS, (8, 8, 1))), tmp_path)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    worker = context.Process(target=first_image, args=(detached, queue))
    worker.start()
    seen = queue.get(timeout=60)
    worker.join()
    np.testing.assert_array_equal(seen, PIXELS[[3]])
