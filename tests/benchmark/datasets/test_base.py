import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.base import Dataset, ImageSource
from disentanglement_bench.benchmark.datasets.files.mapped import map_npy


def dataset(source, sizes=(2, 3), **more):
    return Dataset("toy", "1", ("a", "b"), sizes, source, {"name": "toy"}, **more)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 2, (6, 8, 8, 3), dtype=np.uint8)


def test_bits_give_black_and_white_in_order(pixels):
    source = ImageSource("bits", np.packbits(pixels.reshape(6, -1), axis=1), (8, 8, 3))
    images = source.images([4, 0, 4])
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, pixels[[4, 0, 4]] * 255)


def test_bytes_come_as_they_are(pixels, tmp_path):
    np.save(tmp_path / "images.npy", pixels)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    for array in (pixels, mapped, map_npy(tmp_path / "images.npy")):
        images = ImageSource("uint8", array, (8, 8, 3)).images(np.array([5, 1]))
        np.testing.assert_array_equal(images, pixels[[5, 1]])
        assert type(images) is np.ndarray


def test_templates_follow_the_formula():
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 256, (3, 4, 8, 8), dtype=np.uint8)
    palette = rng.uniform(0, 255, (2, 4, 3)).astype(np.float32)
    source = ImageSource("templates", weights, (8, 8, 3), palette)
    assert len(source) == 6
    for i, image in enumerate(source.images(range(6))):
        expected = np.zeros((8, 8, 3))
        for m in range(4):
            expected += weights[i % 3, m][..., None] / 255 * palette[i // 3, m].astype(float)
        # A sum that lies on a half may round either way in single precision.
        assert np.abs(image - np.clip(expected, 0, 255)).max() <= 0.5 + 1e-3


def test_templates_clip_at_white():
    weights = np.full((1, 2, 8, 8), 255, np.uint8)
    palette = np.full((2, 2, 3), 200, np.float32)
    assert (ImageSource("templates", weights, (8, 8, 3), palette).images([1]) == 255).all()


@pytest.mark.parametrize("index", [[-1], [6], [0, 99]])
def test_an_index_outside_is_refused(pixels, index):
    source = ImageSource("uint8", pixels, (8, 8, 3))
    with pytest.raises(IndexError, match=r"expected 0 … 5"):
        source.images(index)
    with pytest.raises(IndexError, match=r"expected 0 … 5"):
        dataset(source).factors(index)


def test_the_last_factor_varies_fastest(pixels):
    factors = dataset(ImageSource("uint8", pixels, (8, 8, 3))).factors(range(6))
    assert factors.dtype == np.int32
    assert factors.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]


def test_labels_take_the_place_of_the_grid(pixels):
    labels = np.array([[0, 2], [1, 1], [0, 0], [1, 2]], np.int32)
    toy = dataset(ImageSource("uint8", pixels[:4], (8, 8, 3)), labels=labels)
    assert len(toy) == 4
    assert toy.factors([3, 1]).tolist() == [[1, 2], [1, 1]]


@pytest.mark.parametrize(
    ("kind", "array", "message"),
    [
        ("png", np.zeros((2, 8, 8, 1), np.uint8), "expected a kind"),
        ("uint8", np.zeros((2, 8, 8, 1)), "expected uint8"),
        ("uint8", np.zeros((2, 8, 8), np.uint8), "does not hold"),
        ("bits", np.zeros((2, 9), np.uint8), "does not hold"),
        ("templates", np.zeros((2, 5, 8, 8), np.uint8), "does not hold"),
    ],
)
def test_a_source_that_does_not_fit_is_refused(kind, array, message):
    with pytest.raises(ValueError, match=message):
        ImageSource(kind, array, (8, 8, 1))


def test_a_data_set_counts_its_images(pixels):
    source = ImageSource("uint8", pixels, (8, 8, 3))
    with pytest.raises(ValueError, match="6 images, but the factors describe 8"):
        dataset(source, sizes=(2, 4))
    with pytest.raises(ValueError, match="2 factor names for 1"):
        dataset(source, sizes=(6,))


def test_a_sample_is_drawn_without_replacement_and_again(pixels):
    toy = dataset(ImageSource("uint8", pixels, (8, 8, 3)))
    index = toy.sample_index(6, seed=1)
    assert sorted(index) == list(range(6))
    np.testing.assert_array_equal(toy.sample_index(6, seed=1), index)
    np.testing.assert_array_equal(toy.images(index), pixels[index])
    with pytest.raises(ValueError, match="toy has 6 images, 7 were asked for"):
        toy.sample_index(7)


def test_only_a_factor_there_is_can_be_unidentifiable(pixels):
    source = ImageSource("uint8", pixels, (8, 8, 3))
    assert dataset(source, unidentifiable_factors=("b",)).unidentifiable_factors == ("b",)
    with pytest.raises(ValueError, match=r"no factor is named .'hue'."):
        dataset(source, unidentifiable_factors=("hue",))


def test_kinds_are_those_of_classes(pixels):
    source = ImageSource("uint8", pixels, (8, 8, 3))
    assert dataset(source).factor_kinds == ("", "")
    assert dataset(source, factor_kinds=["nominal", ""]).factor_kinds == ("nominal", "")
    for kinds in (("nominal",), ("nominal", "continuous"), ("round", "")):
        with pytest.raises(ValueError, match="expected factor_kinds to be nominal, ordinal"):
            dataset(source, factor_kinds=kinds)


def test_shared_images_follow_from_the_identity_alone(pixels):
    small = dataset(ImageSource("uint8", pixels, (8, 8, 3)))
    assert small.shared_index().tolist() == list(range(6))
    images = np.zeros((5000, 8, 8, 1), np.uint8)
    one, other = (
        Dataset(name, "1", ("a",), (5000,), ImageSource("uint8", images, (8, 8, 1)), {})
        for name in ("one", "other")
    )
    index = one.shared_index()
    assert (len(set(index)), index.dtype) == (1000, np.int64)
    assert (np.diff(index) > 0).all()
    np.testing.assert_array_equal(index, one.shared_index())
    assert len(set(index) & set(other.shared_index())) < 300


def test_shared_images_of_the_default_set_never_change():
    from disentanglement_bench.benchmark.datasets import load_dataset

    index = load_dataset("sprites-small").shared_index()
    assert index[:5].tolist() == [44, 48, 168, 188, 219]


def test_the_evaluation_sample_is_what_training_sees():
    torch = pytest.importorskip("torch")
    from disentanglement_bench.models.training.images import Images

    rng = np.random.default_rng(2)
    sources = (
        ImageSource("bits", rng.integers(0, 256, (6, 32), dtype=np.uint8), (16, 16, 1)),
        ImageSource("uint8", rng.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8), (16, 16, 3)),
        ImageSource(
            "templates",
            rng.integers(0, 256, (3, 2, 16, 16), dtype=np.uint8),
            (16, 16, 3),
            rng.uniform(0, 255, (2, 2, 3)).astype(np.float32),
        ),
    )
    for source in sources:
        toy = dataset(source)
        sample = toy.evaluation_sample(seed=3, image_size=4, count=5)
        assert sample.index.tolist() == toy.evaluation_index(3, 5).tolist()
        np.testing.assert_array_equal(sample.factors, toy.factors(sample.index))
        trained = Images(source, torch.device("cpu"), side=4)(torch.from_numpy(sample.index))
        np.testing.assert_allclose(sample.images, trained.permute(0, 2, 3, 1), atol=1e-6)
