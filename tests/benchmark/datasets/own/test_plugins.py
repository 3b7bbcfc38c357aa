import json
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import pytest

from disentanglement_bench.benchmark import datasets
from disentanglement_bench.benchmark.datasets.own import plugins
from disentanglement_bench.benchmark.errors import BenchError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)

MODULE = """
import numpy as np

class Squares:
    factor_names = ("size", "place")
    factor_sizes = (2, 3)
    notes = ("made for a test",)

    def images(self, index):
        size, place = np.unravel_index(index, self.factor_sizes)
        row = np.arange(8)
        wide = row[None] < 3 + size[:, None]
        return (wide[:, :, None] & (row == 2 * place[:, None])[:, None, :]).astype(np.uint8) * 255

def broken():
    raise RuntimeError("no such disk")

def leaving():
    raise SystemExit(0)

def shadowing():
    from disentanglement_bench.benchmark.datasets.rendered.sprites import SpritesGrid, render
    from disentanglement_bench.benchmark.datasets.base import Dataset, ImageSource
    images = ImageSource("bits", render(SpritesGrid((0,), (0,), (0,), (0, 1), (0,))), (64, 64, 1))
    return Dataset("sprites", "1", ("x",), (2,), images, {})

class Raising:
    factor_names = ("a", "b")

    @property
    def factor_sizes(self):
        raise RuntimeError("no disk")

class Counted:
    factor_names = ("a",)
    factors = np.zeros((4, 1), int)

    def images(self, index):
        raise RuntimeError("not asked for")

number = 3
"""


def toy(**changes):
    known = {"images": IMAGES, "factor_names": ("a", "b"), "factor_sizes": (2, 3)} | changes
    return SimpleNamespace(**{key: value for key, value in known.items() if value is not None})


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's in the current folder."""
    (tmp_path / "my_toy_sets.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != ""])
    yield "my_toy_sets"
    sys.modules.pop("my_toy_sets", None)


def test_a_class_in_the_current_folder(module, tmp_path):
    loaded = datasets.load_dataset(f"{module}:Squares")
    assert sys.path[-1] == str(tmp_path)
    assert loaded.name == "Squares"
    assert len(loaded) == 6
    assert loaded.notes == ("made for a test",)
    assert loaded.source.images([5])[0, :, :, 0].sum() == 255 * 4
    assert loaded.identity["source"] == f"{module}:Squares"


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("broken", "could not be made: RuntimeError: no such disk"),
        ("leaving", "could not be made: SystemExit: 0"),
        ("Nothing", "module 'my_toy_sets': unknown data set 'Nothing'"),
        ("number", "expected factor_names, factor_sizes and images, factor_names is missing"),
        ("shadowing", "'sprites' is the name of a built-in data set"),
    ],
)
def test_what_is_wrong_with_a_users_object_is_one_line(module, attribute, message):
    with pytest.raises(BenchError, match=message) as caught:
        datasets.load_dataset(f"{module}:{attribute}")
    assert "\n" not in str(caught.value)


def test_a_file_is_named_by_its_path_and_stored_by_its_stem(module, tmp_path):
    by_path = datasets.load_dataset(f"{tmp_path}/{module}.py:Squares")
    assert by_path.identity == datasets.load_dataset(f"{module}:Squares").identity


def test_images_are_counted_without_being_made(module):
    assert datasets.count_images(f"{module}:Squares") == 6
    assert datasets.count_images(f"{module}.py:Counted") == 4
    assert datasets.count_images(f"{module}:number") is None
    assert datasets.count_images(f"{module}:Raising") is None


def test_a_full_grid_is_known_without_making_images(module):
    assert datasets.grid_sizes(f"{module}:Squares") == (2, 3)
    assert datasets.grid_sizes(f"{module}.py:Counted") is None
    with pytest.raises(BenchError, match="factor_names is missing"):
        datasets.grid_sizes(f"{module}:number")


def test_a_property_that_raises_is_one_line(module):
    with pytest.raises(BenchError, match=r"my_toy_sets:Raising': RuntimeError: no disk"):
        datasets.load_dataset(f"{module}:Raising")


def test_a_factor_that_cannot_be_told_is_declared():
    made = plugins.from_object(toy(unidentifiable_factors=["b"]), "toy", "m:toy")
    assert made.unidentifiable_factors == ("b",)


def test_a_missing_module_is_one_line():
    with pytest.raises(BenchError, match=r"cannot import .* No module named 'no_such_module'"):
        datasets.load_dataset("no_such_module:X")


def test_arrays_maps_and_flags(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    expected = IMAGES[..., None]
    for images, kind in ((IMAGES, "uint8"), (mapped, "uint8"), (IMAGES > 127, "bits")):
        made = plugins.from_object(toy(images=images), "toy", "m:toy")
        assert made.source.kind == kind
        wanted = (expected > 127) * 255 if kind == "bits" else expected
        np.testing.assert_array_equal(made.source.images(range(6)), wanted)


def test_other_forms_of_images_are_brought_to_bytes():
    colour = np.repeat(IMAGES[..., None], 3, axis=3)
    forms = {
        "first": (colour.transpose(0, 3, 1, 2), colour),
        "float": (IMAGES / np.float32(255), IMAGES[..., None]),
        "method": (lambda index: IMAGES[index, None] / 255, IMAGES[..., None]),
        "bool-first": (colour.transpose(0, 3, 1, 2) > 9, (colour > 9) * np.uint8(255)),
    }
    for images, wanted in forms.values():
        made = plugins.from_object(toy(images=images), "toy", "m:toy")
        np.testing.assert_array_equal(made.images(range(6)), wanted)


def test_identity_follows_the_content():
    one = plugins.from_object(toy(), "toy", "m:toy").identity
    same = plugins.from_object(toy(images=IMAGES.copy()), "toy", "m:toy").identity
    other = plugins.from_object(toy(images=IMAGES ^ 1), "toy", "m:toy").identity
    assert one == same
    assert one["sha256_of_images"] != other["sha256_of_images"]


def test_own_name_version_and_labels():
    labels = np.array([[0, 1], [1, 0], [0, 2], [1, 1], [0, 0], [1, 2]])
    kinds = ["ordinal", "periodic"]
    given = toy(factors=labels, name="mine", version=3, factor_kinds=kinds)
    made = plugins.from_object(given, "toy", "m:toy")
    assert (made.name, made.version, made.factor_kinds) == ("mine", "3", tuple(kinds))
    np.testing.assert_array_equal(made.factors(range(6)), labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "images is missing"),
        ({"images": IMAGES.astype(float)}, "must lie between 0 and 1"),
        ({"images": IMAGES.tolist()}, "to be a NumPy array, got list"),
        ({"images": IMAGES[:5]}, "make 6 images, got 5"),
        ({"images": lambda index: IMAGES[:1]}, r"uint8 of shape \(6, 8, 8\), got .* \(1, 8, 8\)"),
        ({"images": lambda index: 1 / 0}, "ZeroDivisionError"),
        ({"name": "a/b"}, "letters, digits"),
        ({"factor_names": ("a",)}, "expected 2 different factor_names"),
        ({"factors": np.zeros((6, 2))}, "continuous factors"),
        ({"factor_kinds": ("ordinal",)}, "expected 2 factor_kinds"),
    ],
)
def test_objects_that_do_not_follow_the_protocol(changes, message):
    with pytest.raises(BenchError, match=message):
        plugins.from_object(toy(**changes), "toy", "m:toy")


@pytest.fixture
def installed(module, monkeypatch):
    entries = [
        EntryPoint("squares", f"{module}:Squares", plugins.GROUP),
        EntryPoint("sprites", f"{module}:Squares", plugins.GROUP),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries)


def test_an_entry_point_goes_by_its_name(installed):
    assert "squares" in datasets.list_names()
    assert datasets.describe("squares").origin == "plugin"
    assert datasets.load_dataset("squares").name == "squares"


def test_names_that_differ_in_case_alone_are_one_set(installed, folder_with_squares):
    assert "squares" not in datasets.list_names(folder_with_squares)
    assert datasets.describe("Squares", folder_with_squares).origin == "added"


@pytest.fixture
def folder_with_squares(tmp_path):
    """A data folder with an added set whose name differs from the plugin's in case."""
    home = tmp_path / "added" / "Squares"
    home.mkdir(parents=True)
    record = {"format_version": "1", "file": "x", "source": {}, "image_shape": [8, 8, 1]}
    record |= {"count": 4, "factor_names": ["a"], "factor_sizes": [4], "labelled": False}
    (home / "dataset.json").write_text(json.dumps(record))
    return tmp_path


def test_an_entry_point_does_not_shadow_a_built_in_set(installed):
    assert datasets.list_names().count("sprites") == 1
    assert datasets.describe("sprites").origin == "re-rendered"
