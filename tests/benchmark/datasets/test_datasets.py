import math
import subprocess
import sys

import numpy as np
import pytest

from disentanglement_bench.benchmark import datasets
from disentanglement_bench.benchmark.datasets.genuine.releases import RELEASES
from disentanglement_bench.benchmark.datasets.own import added
from disentanglement_bench.benchmark.errors import BenchError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    return tmp_path


def test_importing_the_package_loads_no_numpy():
    code = (
        "import sys, disentanglement_bench.benchmark.datasets\n"
        "print([m for m in ('numpy', 'h5py') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_built_in_names_come_first_and_the_default_is_one():
    built_in = ["sprites-small", "sprites", "rooms3d", "dsprites", "shapes3d", "mpi3d_real"]
    assert datasets.list_names()[:6] == built_in
    assert datasets.DEFAULT in built_in


@pytest.mark.parametrize("name", ["sprites-small", "rooms3d"])
def test_descriptions_are_what_is_loaded(name):
    known, loaded = datasets.describe(name), datasets.load_dataset(name)
    assert loaded.name == name
    assert known.present
    assert known.size == len(loaded)
    assert known.image_shape == loaded.image_shape
    assert known.factor_names == loaded.factor_names
    assert known.factor_sizes == loaded.factor_sizes
    assert known.factor_kinds == loaded.factor_kinds


def test_every_description_counts_its_grid():
    for name in datasets.list_names():
        known = datasets.describe(name)
        assert known.size == math.prod(known.factor_sizes)
        assert len(known.factor_names) == len(known.factor_sizes) == len(known.factor_kinds)
        assert {*known.factor_kinds} <= {"nominal", "ordinal", "periodic"}


@pytest.mark.parametrize("name", list(RELEASES))
def test_a_genuine_set_is_never_replaced_in_silence(name, folder):
    known = datasets.describe(name)
    assert not known.present
    assert known.path == folder / RELEASES[name].filename
    with pytest.raises(BenchError, match=f"bench data get {name}"):
        datasets.load_dataset(name)


def test_images_are_counted_without_loading(folder, monkeypatch):
    monkeypatch.setattr("disentanglement_bench.benchmark.datasets.rendered.sprites.render", None)
    assert datasets.count_images("sprites") == 737_280
    assert datasets.count_images("shapes3d") is None
    (folder / RELEASES["shapes3d"].filename).write_bytes(b"x")
    assert datasets.count_images("shapes3d") == 480_000
    np.savez(folder / "mine.npz", images=np.full((4, 8, 8), 200, np.uint8), factor_sizes=[2, 2])
    added.add("mine", folder / "mine.npz", folder)
    assert datasets.count_images("mine") == 4
    with pytest.raises(BenchError, match="unknown data set"):
        datasets.count_images("nothing")


def test_a_full_grid_is_known_without_loading(folder, monkeypatch):
    monkeypatch.setattr("disentanglement_bench.benchmark.datasets.rendered.sprites.render", None)
    assert datasets.grid_sizes("sprites") == (3, 6, 40, 32, 32)
    assert datasets.grid_sizes("shapes3d") == (10, 10, 10, 8, 4, 15)
    images = np.full((4, 8, 8), 200, np.uint8)
    np.savez(folder / "grid.npz", images=images, factor_sizes=[2, 2])
    np.savez(folder / "some.npz", images=images, factors=[[0, 0], [0, 1], [1, 1], [1, 0]])
    for name, sizes in (("grid", (2, 2)), ("some", None)):
        added.add(name, folder / f"{name}.npz", folder)
        assert datasets.grid_sizes(name) == datasets.load_dataset(name).grid_sizes == sizes
    (added.home_of("grid", folder) / "dataset.json").write_text("{}")
    with pytest.raises(BenchError, match="is damaged or from another version"):
        datasets.grid_sizes("grid")


def test_an_explicit_folder_wins(tmp_path):
    assert datasets.describe("dsprites", tmp_path / "x").path.parent == tmp_path / "x"


def test_an_unknown_name_gets_a_suggestion():
    calls = (datasets.load_dataset, datasets.describe, datasets.count_images, datasets.grid_sizes)
    for call in calls:
        with pytest.raises(BenchError, match="unknown data set 'dsprite'; did you mean 'dsprites'"):
            call("dsprite")


def test_an_added_set_is_known_by_its_name(folder):
    images = np.full((4, 8, 8), 200, np.uint8)
    np.savez(folder / "mine.npz", images=images, factor_sizes=[2, 2])
    added.add("mine", folder / "mine.npz", folder)
    assert datasets.list_names()[-1] == "mine"
    known = datasets.describe("mine")
    assert (known.origin, known.size, known.image_shape) == ("added", 4, (8, 8, 1))
    assert datasets.load_dataset("mine").identity["kind"] == "added"


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(BenchError, match="named by text, not 3"):
        datasets.load_dataset(3)
