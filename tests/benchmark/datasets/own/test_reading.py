import h5py
import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.own import added
from disentanglement_bench.benchmark.errors import BenchError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 16, 16), dtype=np.uint8)


def save(path, sizes=(2, 3)):
    np.savez(path, images=IMAGES, factor_sizes=sizes)
    return path


def test_a_file_is_read_in_a_process_of_its_own(tmp_path):
    steps = []
    added.add("mine", save(tmp_path / "m.npz"), tmp_path, lambda *step: steps.append(step))
    assert steps == [(6, 6)]
    np.testing.assert_array_equal(added.load("mine", tmp_path).images(range(6))[..., 0], IMAGES)
    with pytest.raises(BenchError, match=r"^bad: \S*bad.npz: factor_sizes \(2, 2\) make 4 images"):
        added.add("bad", save(tmp_path / "bad.npz", (2, 2)), tmp_path)


def add_or_complain(name, path, folder):
    """Add a file; the message where it is refused."""
    try:
        added.add(name, path, folder)
    except BenchError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_changed_bytes_are_one_line_each(tmp_path, ending):
    path = tmp_path / f"good{ending}"
    if ending == ".npz":
        save(path)
    else:
        with h5py.File(path, "w") as archive:
            archive.create_dataset("images", data=IMAGES, chunks=(2, 8, 8), compression="gzip")
            archive["factors"] = np.stack(np.unravel_index(np.arange(6), (2, 3)), axis=1)
            archive["factor_names"] = ["size", "hue"]
    good = path.read_bytes()
    draw = np.random.default_rng(0)
    for number in range(60):
        content = bytearray(good)
        for place in draw.integers(0, len(content), draw.integers(1, 9)):
            content[place] = draw.integers(256)
        bad = tmp_path / f"bad{ending}"
        bad.write_bytes(content[: draw.integers(1, len(content) + 1)] if number % 3 else content)
        message = add_or_complain(f"bad{number}", bad, tmp_path)
        assert message.isprintable()
        assert len(message) < 1500
