import functools
import multiprocessing
import os
import pickle
import tempfile

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.base import Dataset, ImageSource
from disentanglement_bench.benchmark.datasets.files import mapped, storage
from disentanglement_bench.benchmark.datasets.files.mapped import MappedArray, map_npy, share
from disentanglement_bench.benchmark.errors import BenchError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)


def build(array):
    source = ImageSource("uint8", array, (8, 8, 1))
    return Dataset("toy", "1", ("a", "b"), (2, 3), source, {"name": "toy"}, ("a note",))


def send_back(dataset, connection):
    array = dataset.source.array
    connection.send((dataset.images([3]), type(array).__name__, array.flags.writeable))
    connection.close()


@pytest.fixture
def ask_another_process(own_module):
    return functools.partial(ask_process, own_module.send_back)


def ask_process(send_back, dataset):
    """Images, kind of array and whether it can be written, as a process that is started sees it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    worker = context.Process(target=send_back, args=(dataset, theirs))
    worker.start()
    theirs.close()
    assert ours.poll(60)
    answer = ours.recv()
    worker.join()
    return answer


def test_a_file_that_has_no_name_any_more_reaches_another_process(tmp_path, ask_another_process):
    np.save(tmp_path / "images.npy", PIXELS)
    dataset = build(map_npy(tmp_path / "images.npy"))
    (tmp_path / "images.npy").unlink()
    seen, kind, writeable = ask_another_process(dataset)
    np.testing.assert_array_equal(seen, PIXELS[[3]])
    assert (kind, writeable) == ("MappedArray", False)


def test_an_array_in_memory_is_shared_without_leaving_a_file(
    tmp_path, monkeypatch, ask_another_process
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    array = share(PIXELS, "toy")
    assert isinstance(array, MappedArray)
    assert list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(array, PIXELS)
    np.testing.assert_array_equal(ask_another_process(build(array))[0], PIXELS[[3]])
    assert share(array, "toy") is array


def test_an_ordinary_pickle_holds_the_values(tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    array = map_npy(tmp_path / "images.npy")
    for values, wanted in ((array, PIXELS), (array[2:], PIXELS[2:])):
        again = pickle.loads(pickle.dumps(values))
        assert type(again) is np.ndarray
        np.testing.assert_array_equal(again, wanted)


def test_a_part_of_a_map_is_mapped_where_it_lies(tmp_path):
    np.save(tmp_path / "big.npy", np.concatenate((PIXELS, 255 - PIXELS)))
    part = np.load(tmp_path / "big.npy", mmap_mode="r")[6:]
    array = share(part, "toy")
    assert array._file.name == str(tmp_path / "big.npy")
    np.testing.assert_array_equal(array, 255 - PIXELS)


@pytest.mark.parametrize("mode", ["r", "c"])
def test_a_map_with_gaps_or_changes_in_memory_is_copied(tmp_path, mode):
    np.save(tmp_path / "big.npy", np.repeat(PIXELS, 2, axis=0))
    part = np.load(tmp_path / "big.npy", mmap_mode=mode)
    if mode == "c":
        part[0] ^= 255
    else:
        part = part[::2]
    np.testing.assert_array_equal(share(part, "toy"), part)


def test_a_full_temporary_folder_is_one_clear_line(monkeypatch):
    class Usage:
        free = 100

    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(BenchError, match=r"toy needs 384 bytes in .* 100 bytes are free; .*TMPDIR"):
        share(PIXELS, "toy")


def test_descriptors_are_closed_with_their_arrays(tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        mapped.map_npy(tmp_path / "images.npy")
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before
