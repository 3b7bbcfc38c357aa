import zipfile

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files import arrays
from disentanglement_bench.benchmark.datasets.files.npz import NpzFile
from disentanglement_bench.benchmark.errors import BenchError

ARRAY = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("rows", [1, 2, 5, 100])
def test_blocks_make_the_array(tmp_path, save, rows, monkeypatch):
    monkeypatch.setattr(arrays, "BLOCK_BYTES", rows * ARRAY[0].nbytes)
    save(tmp_path / "a.npz", x=ARRAY)
    with NpzFile(tmp_path / "a.npz", "toy") as archive:
        pieces = list(archive.blocks("x"))
    assert [len(piece) for piece in pieces[:-1]] == [rows] * (len(pieces) - 1)
    np.testing.assert_array_equal(np.concatenate(pieces), ARRAY)


def test_a_stored_member_is_mapped_where_it_lies(tmp_path):
    np.savez(tmp_path / "a.npz", first=np.arange(1000), x=ARRAY, last=np.arange(7))
    with NpzFile(tmp_path / "a.npz", "toy") as archive:
        assert archive.member("x").stored
        mapped = archive.map("x")
    np.testing.assert_array_equal(mapped, ARRAY)
    assert not mapped.flags.writeable


def test_an_archive_of_a_plain_zip_program_is_mapped_too(tmp_path):
    np.save(tmp_path / "x.npy", ARRAY)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.write(tmp_path / "x.npy", "x.npy")
    with NpzFile(tmp_path / "a.npz", "toy") as archive:
        np.testing.assert_array_equal(archive.map("x"), ARRAY)


def test_scalars_strings_and_empty_arrays_are_read(tmp_path):
    np.savez(
        tmp_path / "a.npz", one=np.array(3), names=np.array(["a", "bc"]), none=np.empty((0, 2))
    )
    with NpzFile(tmp_path / "a.npz", "toy") as archive:
        assert archive.array("one") == 3
        assert archive.array("names").tolist() == ["a", "bc"]
        assert archive.array("none").shape == (0, 2)


def test_damage_within_a_stored_member_is_found(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.zeros((100, 100), np.uint8))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] = 1
    path.write_bytes(content)
    with (
        NpzFile(path, "toy") as archive,
        pytest.raises(BenchError, match=r"toy: .* is damaged or cut short .*CRC"),
    ):
        list(archive.blocks("x"))


def test_what_is_no_archive_is_one_clear_line(tmp_path):
    (tmp_path / "a.npz").write_text("<html>not found</html>")
    with pytest.raises(BenchError, match="damaged or cut short"):
        NpzFile(tmp_path / "a.npz", "toy")


def consume(blocks):
    for _ in blocks:
        raise ValueError("mine")


def test_a_consumer_s_own_error_is_passed_on(tmp_path):
    np.savez(tmp_path / "a.npz", x=ARRAY)
    with NpzFile(tmp_path / "a.npz", "toy") as archive, pytest.raises(ValueError, match="mine"):
        consume(archive.blocks("x"))
