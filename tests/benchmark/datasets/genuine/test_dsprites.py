import hashlib

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.files import arrays
from disentanglement_bench.benchmark.datasets.genuine import dsprites
from disentanglement_bench.benchmark.datasets.genuine.releases import RELEASES, Release
from disentanglement_bench.benchmark.errors import BenchError


@pytest.fixture
def release():
    return Release("dsprites", "tiny.npz", "http://example.invalid/tiny.npz", stand_in="sprites")


def test_images_are_packed_in_order(tmp_path, dsprites_file, release):
    made = dsprites_file(tmp_path / "tiny.npz")
    loaded = dsprites.load(tmp_path, release, made.sizes)
    np.testing.assert_array_equal(
        loaded.source.images(range(len(loaded)))[..., 0], made.images * 255
    )
    np.testing.assert_array_equal(loaded.factors(range(len(loaded))), made.labels)
    assert loaded.source.kind == "bits"


def read(made):
    return np.concatenate(list(dsprites.read(made.path, made.sizes)))


def test_several_blocks_make_the_same_images(tmp_path, dsprites_file, monkeypatch):
    made = dsprites_file(tmp_path / "tiny.npz")
    whole = read(made)
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 7 * 64 * 64)
    np.testing.assert_array_equal(read(made), whole)


def test_the_pickled_metadata_is_never_loaded(tmp_path, dsprites_file, release):
    made = dsprites_file(tmp_path / "tiny.npz")
    dsprites.load(tmp_path, release, made.sizes)
    assert not made.trap.exists()
    with np.load(made.path, allow_pickle=True) as archive:
        archive["metadata"].tolist()
    assert made.trap.exists(), "the trap does not work, so the line above proves nothing"


def test_the_file_is_unpacked_once_and_the_copy_is_enough(tmp_path, dsprites_file, release):
    made = dsprites_file(tmp_path / "tiny.npz")
    steps = []
    first = dsprites.load(tmp_path, release, made.sizes, lambda *step: steps.append(step))
    assert steps == [(48, 48)]
    made.path.unlink()
    again = dsprites.load(tmp_path, release, made.sizes, lambda *step: steps.append(step))
    assert steps == [(48, 48)]
    assert again.identity == first.identity
    np.testing.assert_array_equal(again.source.array, first.source.array)


def test_identity_holds_the_hash_of_the_file(tmp_path, dsprites_file, release):
    made = dsprites_file(tmp_path / "tiny.npz")
    identity = dsprites.load(tmp_path, release, made.sizes).identity
    content = made.path.read_bytes()
    assert identity["sha256"] == hashlib.sha256(content).hexdigest()
    assert identity["md5"] == hashlib.md5(content).hexdigest()
    assert identity["bytes"] == len(content)
    assert identity["kind"] == "genuine"


def test_another_file_is_not_the_published_one(tmp_path, dsprites_file):
    made = dsprites_file(tmp_path / "tiny.npz")
    strict = Release("dsprites", "tiny.npz", "http://example.invalid", md5="0" * 32)
    with pytest.raises(BenchError, match=r"is not the published file \(expected md5 0{32}, got"):
        dsprites.load(tmp_path, strict, made.sizes)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(BenchError) as caught:
        dsprites.load(tmp_path)
    message = str(caught.value)
    for part in (
        str(tmp_path / RELEASES["dsprites"].filename),
        "bench data get dsprites",
        RELEASES["dsprites"].url,
        "md5 7da33b31b13a06f4b04a70402ce90c2e",
        "re-rendered `sprites`",
    ):
        assert part in message
    assert "\n" not in message
    assert caught.value.exit_code == 3


def with_first_pixel(images, value):
    images = images.copy()
    images[5, 0, 0] = value
    return images


def test_wrong_content_is_one_clear_line(tmp_path, dsprites_file):
    made = dsprites_file(tmp_path / "good.npz")
    classes = np.column_stack((np.zeros(48, np.int64), made.labels))
    swapped = classes[::-1].copy()
    coloured = classes.copy()
    coloured[:, 0] = 1
    cases = [
        ({"imgs": None}, r"no array 'imgs'; expected imgs, latents_classes, found metadata"),
        ({"latents_classes": None}, "no array 'latents_classes'"),
        ({"imgs": made.images[:40]}, r"uint8 of shape \(48, 64, 64\), got .* \(40, 64, 64\)"),
        ({"imgs": made.images[:, :32]}, r"got uint8 of shape \(48, 32, 64\)"),
        ({"imgs": made.images.astype(float)}, "got float64"),
        ({"imgs": with_first_pixel(made.images, 2)}, "expected pixels of 0 and 1 in .*, got 2"),
        ({"latents_classes": classes.astype(np.int32)}, "got int32"),
        ({"latents_classes": swapped}, r"image 0 in .* to be \[0, 0, 0, 0, 0, 0\], got"),
        ({"latents_classes": coloured}, "got .1, 0, 0, 0, 0, 0."),
        ({"imgs": made.images.astype(object)}, "'imgs' in .* is pickled"),
    ]
    for number, (changes, message) in enumerate(cases):
        path = tmp_path / f"bad-{number}.npz"
        dsprites_file(path, **changes)
        with pytest.raises(BenchError, match=message) as caught:
            list(dsprites.read(path, made.sizes))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_file_cut_short_is_reported(tmp_path, dsprites_file, keep):
    made = dsprites_file(tmp_path / "tiny.npz")
    content = made.path.read_bytes()
    made.path.write_bytes(content[: keep if keep > 1 else int(keep * len(content))])
    with pytest.raises(BenchError, match="damaged or cut short"):
        read(made)


def test_a_flipped_bit_is_reported(tmp_path, dsprites_file):
    made = dsprites_file(tmp_path / "tiny.npz")
    content = bytearray(made.path.read_bytes())
    content[len(content) // 2] ^= 0x10
    made.path.write_bytes(content)
    with pytest.raises(BenchError, match=r"damaged or cut short|pixels of 0 and 1"):
        read(made)
